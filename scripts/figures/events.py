"""Pictures of events."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.detection.events import bursts, find_peaks
from hpcflow_kernels.rolling.statistics import rolling_std
from scripts.figures.recordings import SHARED


def _electrocardiogram() -> tuple[np.ndarray, float]:
    """Lead MLII in mV and its rate in Hz: record 100 of the MIT-BIH Arrhythmia Database, 30 minutes."""
    packed = np.fromfile(SHARED / "physio/ecg_mitdb/100.dat", np.uint8).reshape(-1, 3).astype(np.int32)
    first = packed[:, 0] | (packed[:, 1] & 15) << 8  # format 212: two channels of 12 bits in three bytes
    counts = np.where(first > 2047, first - 4096, first)
    return ((counts - 1024) / 200).astype(np.float32), 360.0


def _muscle() -> tuple[np.ndarray, float]:
    """Surface electromyogram in counts about zero and its rate in Hz; four bursts (BioSPPy's example)."""
    x = np.loadtxt(SHARED / "physio/emg/emg_1.txt")
    return (x - np.median(x)).astype(np.float32), 1000.0


def peaks_electrocardiogram() -> Figure:
    """Beats of an electrocardiogram by their prominence."""
    x, rate = _electrocardiogram()
    part = x[: round(10 * rate)]
    place, found = find_peaks(part, prominence=0.6, distance=0.25 * rate)
    figure = Figure(figsize=(7, 2.6))
    axes = figure.subplots()
    axes.plot(np.arange(len(part)) / rate, part, lw=0.8)
    axes.vlines(place / rate, part[place] - found["prominences"], part[place], color="C1", lw=1)
    axes.plot(place / rate, part[place], "o", color="C1", ms=4)
    axes.set(xlabel="time (s)", ylabel="mV", xlim=(0, 10))
    return figure


def bursts_muscle() -> Figure:
    """Activity of a muscle: bursts of the running standard deviation, with hysteresis."""
    x, rate = _muscle()
    level = rolling_std(x, 100)
    usual = float(np.nanmedian(level))
    found = bursts(level, 3 * usual, 2 * usual, least=200, merge=200)
    figure = Figure(figsize=(7, 2.8))
    axes = figure.subplots()
    time = np.arange(len(x)) / rate
    axes.plot(time, x, lw=0.3, color="0.7")
    axes.plot(time, level, lw=0.9)
    for start, stop in zip(found.start, found.stop, strict=True):
        axes.axvspan(start / rate, stop / rate, color="C1", alpha=0.3, lw=0)
    axes.axhline(3 * usual, lw=0.7, ls=":", color="black")
    axes.set(xlabel="time (s)", ylabel="counts", xlim=(0, time[-1]))
    return figure
