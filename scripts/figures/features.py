"""Pictures of condition features."""

from __future__ import annotations

import io
import zipfile

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.features.condition import condition_indicators
from hpcflow_kernels.machine.severity import vibration_severity, waveform_factors
from hpcflow_kernels.machine.severity_contracts import ZONES
from scripts.figures.recordings import SHARED

RATE = 25_600.0


def _snapshots() -> dict[int, np.ndarray]:
    """Horizontal acceleration in m/s² of a bearing run to failure, 0.1 s every 10 s, by number (FEMTO-ST)."""
    path = SHARED / "industrial/bearing_pronostia/Bearing1_1_snapshots.zip"
    found = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            if "acc_" in name:
                table = np.loadtxt(io.BytesIO(archive.read(name)), delimiter=",")
                found[int(name.rsplit("acc_", 1)[1].removesuffix(".csv"))] = table[:, 4] * 9.80665
    return dict(sorted(found.items()))


def indicators_to_failure() -> Figure:
    """Indicators of a bearing over its whole life, each over its value in the first fifth."""
    snapshots = _snapshots()
    hours = np.array(list(snapshots)) / 360
    rows = []
    for x in snapshots.values():
        one = condition_indicators(x, rate=RATE, window=0.1) | waveform_factors(x, rate=RATE, window=0.1)
        rows.append({name: float(values[0]) for name, values in one.items() if values.ndim == 1})
    figure = Figure(figsize=(7, 3.2))
    axes = figure.subplots()
    for name in ("rms", "kurtosis", "impulse_factor", "shape_factor"):
        values = np.array([row[name] for row in rows])
        early = np.median(values[hours < hours[-1] / 5])
        axes.plot(hours, values / early, ".-", lw=1, label=name.replace("_", " "))
    axes.set(xlabel="hours of running", ylabel="over its early value", yscale="log", xlim=(0, None))
    axes.legend(frameon=False)
    return figure


def severity_to_failure() -> Figure:
    """RMS velocity of the same bearing in the zones of small machines."""
    snapshots = _snapshots()
    hours = np.array(list(snapshots)) / 360
    asked = {"rate": RATE, "window": 0.1, "low": 40.0}
    found = [vibration_severity(x, machine="class I", **asked) for x in snapshots.values()]
    velocity = [1e3 * float(one["velocity_rms"][0]) for one in found]
    edges = 1e3 * np.array(ZONES["class I"])
    figure = Figure(figsize=(7, 2.8))
    axes = figure.subplots()
    top = 1.2 * max(*velocity, float(edges[-1]))
    colors = ("C2", "C8", "C1", "C3")
    for low, high, name, color in zip((0, *edges), (*edges, top), "ABCD", colors, strict=True):
        axes.axhspan(low, high, color=color, alpha=0.2, lw=0)
        axes.text(0.05, (low + high) / 2, name, va="center")
    axes.plot(hours, velocity, ".-", color="black", lw=1)
    axes.set(xlabel="hours of running", ylabel="rms velocity (mm/s)", ylim=(0, top), xlim=(0, None))
    return figure
