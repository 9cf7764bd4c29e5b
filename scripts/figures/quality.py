"""Pictures of the quality of recordings."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.quality.channels import window_lags
from hpcflow_kernels.quality.defects import clipped, flat_lines, gaps, spikes
from scripts.figures.recordings import SHARED, infrasound


def quality_temperature() -> Figure:
    """What the rules find in a temperature that was limited, hung, spiked and lost samples by hand."""
    path = SHARED / "industrial/process_nab/machine_temperature_system_failure.csv"
    x = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1)[4500:6500]
    x = np.minimum(x, np.quantile(x, 0.97))
    x[700:850] = x[700]
    x[1300:1400] = np.nan
    x[[300, 1100, 1700]] += np.array([-25, 13, -30])
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    days = np.arange(len(x)) / 288
    axes.plot(days, x, lw=0.6, color="0.4")
    found = {"missing": gaps(x), "flat": flat_lines(x, 50), "clipped": clipped(x, 3)}
    for color, (label, runs) in zip(("C3", "C0", "C1"), found.items(), strict=True):
        for k, (start, length) in enumerate(zip(runs.start, runs.length, strict=True)):
            ends = start / 288, (start + length) / 288
            axes.axvspan(*ends, color=color, alpha=0.4, label=label if k == 0 else None)
    place = spikes(x, 8.0, 7)
    axes.plot(place / 288, x[place], "v", color="C2", ms=6, label="spikes")
    axes.set(xlabel="time (days)", ylabel="temperature", xlim=(0, days[-1]))
    axes.set(ylim=(1.1 * float(np.nanmin(x)) - 0.1 * float(np.nanmax(x)) - 8, None))
    axes.legend(frameon=False, ncols=4, loc="lower right")
    return figure


def lags_infrasound() -> Figure:
    """By how much three elements of an array hear later than the first, window by window."""
    from scipy.signal import butter, sosfiltfilt

    x, rate = infrasound()
    x = sosfiltfilt(butter(4, [0.5, 5], "bandpass", fs=rate, output="sos"), x)
    # degrees north and east of the first element, from the files' headers
    north, east = np.array([0.0, 0.001103, 0.000202, 0.000301]), np.array([0.0, 0.000397, 0.001801, 0.000901])
    along = np.deg2rad(north) * np.cos(np.deg2rad(-41.84))
    along += np.deg2rad(east) * np.cos(np.deg2rad(39.473)) * np.sin(np.deg2rad(-41.84))
    starts = np.arange(380 * 100, 470 * 100, 200)
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    for i in range(1, 4):
        lag, correlation = window_lags(x[0], x[i], starts, 400, 60)
        good = correlation > 0.8
        axes.plot(
            starts[good] / rate + 2, lag[good] / rate, "o", ms=3, color=f"C{i}", label=f"element {i + 1}"
        )
        axes.axhline(-along[i] * 6_371_000 / 370.97, lw=0.8, ls=":", color=f"C{i}")
    axes.set(xlabel="time after 18:00 (s)", ylabel="lag behind element 1 (s)", xlim=(412, 442))
    axes.legend(frameon=False, ncols=3, loc="center right")
    return figure
