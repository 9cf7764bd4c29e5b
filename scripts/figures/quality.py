"""Pictures of the quality of recordings."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.quality.defects import clipped, flat_lines, gaps, spikes
from scripts.figures.recordings import SHARED


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
