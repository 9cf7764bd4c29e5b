"""Pictures of matrix profiles and templates."""

from __future__ import annotations

import csv

import numpy as np
from matplotlib.figure import Figure
from scipy.signal import decimate

from hpcflow_kernels.similarity.motifs import discords
from hpcflow_kernels.similarity.profile import matrix_profile
from hpcflow_kernels.similarity.templates import template_distance
from scripts.figures.recordings import SHARED, bearing


def _ecg() -> np.ndarray:
    """Lead MLII in mV of record 100 of the MIT-BIH arrhythmia database, 360 Hz, in format 212."""
    raw = np.fromfile(SHARED / "physio" / "ecg_mitdb" / "100.dat", np.uint8).reshape(-1, 3).astype(np.int32)
    first = raw[:, 0] | (raw[:, 1] & 15) << 8
    return ((np.where(first > 2047, first - 4096, first) - 1024) / 200).astype(np.float32)


def profile_ecg() -> Figure:
    """Five minutes of an electrocardiogram with one ventricular beat, which is unlike all others."""
    start, rate, m = 492_792, 360.0, 360
    x = _ecg()[start : start + 108_000]
    profile = matrix_profile(x, m)
    odd = discords(profile, m, 2)
    low, high = 53_904 - 6 * 360, 53_904 + 8 * 360
    time = (start + np.arange(low, high)) / rate
    figure = Figure(figsize=(7, 3.6))
    above, below = figure.subplots(2, sharex=True)
    above.plot(time, x[low:high], lw=0.7)
    first = int(odd.start[0])
    above.plot((start + np.arange(first, first + m)) / rate, x[first : first + m], lw=1.2, color="C3")
    above.axvline(546_792 / rate, lw=0.8, ls=":", color="0.3")
    above.set(ylabel="MLII (mV)")
    below.plot(time, profile.distance[low:high], lw=0.9)
    below.plot((start + first) / rate, odd.distance[0], "v", color="C3")
    below.set(xlabel="time (s)", ylabel="distance of the\nmost like second", xlim=(time[0], time[-1]))
    return figure


def template_strides() -> Figure:
    """Strides of the right foot found by the mean stride of the left one."""
    folder, rate = SHARED / "sport" / "imu_gait", 204.8
    table = np.loadtxt(folder / "gaitmap_imu_sample.csv.gz", delimiter=",", skiprows=2, usecols=(9, 10))
    left, right = table[:, 0], table[:, 1].astype(np.float32)
    with (folder / "gaitmap_stride_borders_sample.csv").open() as file:
        strides = [(row["foot"], int(row["start"]), int(row["end"])) for row in csv.DictReader(file)]
    grid = np.arange(len(left))
    cycles = [np.interp(np.linspace(a, b - 1, 24), grid, left) for foot, a, b in strides if foot == "left"]
    template = np.mean(cycles, axis=0)
    found = template_distance(right, rate=rate, template=template.tolist(), window=1.075, overlap=0.99)
    distance = found["distance"]
    time, own = grid / rate, [a / rate for foot, a, _ in strides if foot == "right"]
    figure = Figure(figsize=(7, 3.6))
    above, below = figure.subplots(2, sharex=True)
    above.plot(time, right, lw=0.6)
    for axes in (above, below):
        for at in own:
            axes.axvline(at, lw=0.6, color="C1", alpha=0.7)
    above.set(ylabel="rotation, right foot (°/s)")
    below.plot(np.arange(len(distance)) * 2 / rate, distance, lw=0.9)
    below.axhline(0.3, lw=0.6, ls=":", color="0.3")
    below.set(xlabel="time (s)", ylabel="distance from the\nleft foot's stride", xlim=(0, 14), ylim=(0, None))
    return figure


def join_bearing() -> Figure:
    """How far stretches of three bearings lie from an earlier recording of a healthy one."""
    healthy, rate = bearing(97)
    healthy = decimate(healthy, 4).astype(np.float32)
    rate /= 4
    m, half = 120, len(healthy) // 2
    known = healthy[:half]
    figure = Figure(figsize=(7, 2.8))
    axes = figure.subplots()
    recordings = (
        ("healthy, later", healthy[half:]),
        ("outer race", bearing(130)[0]),
        ("inner race", bearing(105)[0]),
    )
    for k, (label, x) in enumerate(recordings):
        distance = matrix_profile(x[:12_000], m, known).distance
        axes.plot(np.arange(len(distance)) / rate, distance, lw=0.6, color=f"C{k}", label=label)
    axes.set(
        xlabel="time (s)", ylabel="distance of the most like\nstretch of a healthy bearing", xlim=(0, 0.5)
    )
    axes.legend(frameon=False, ncols=3)
    return figure
