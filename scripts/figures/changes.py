"""Pictures of changes of level."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.detection.changes_records import change_points, cusum
from scripts.figures.recordings import SHARED

DAY = 288
"""Samples, one every five minutes."""


def changes_temperature() -> Figure:
    """A machine's temperature until it fails: its levels, and alarms beside what its engineers marked."""
    path = SHARED / "industrial/process_nab/machine_temperature_system_failure.csv"
    x = np.loadtxt(path, delimiter=",", skiprows=1, usecols=1)
    signal = Rows(x, 1 / 300, "1", {})
    levels = change_points(signal=signal, points=2000, penalty=5_000.0, least=43_200.0)
    alarms = cusum(signal=signal, mean=None, std=None, reference=5 * 86_400.0, drift=3.0, threshold=200.0)
    marked = [(7.382, 9.347), (12.858, 14.823), (55.712, 57.677), (66.736, 68.701)]
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    days = np.arange(len(x)) / DAY
    axes.plot(days, x, lw=0.5, color="0.6")
    edges = np.concatenate([[0], levels["time"] / 86_400, [days[-1]]])
    first = float(np.median(x[: int(edges[1] * DAY)]))
    axes.stairs(np.concatenate([[first], levels["level"]]), edges, baseline=None, color="C0", lw=1.6)
    for begin, end in marked:
        axes.axvspan(begin, end, color="C1", alpha=0.3, lw=0)
    axes.plot(alarms["onset"] / 86_400, np.full(len(alarms["onset"]), 118.0), "|", color="C3", ms=10)
    axes.set(xlabel="time (days)", ylabel="temperature", xlim=(0, days[-1]))
    return figure
