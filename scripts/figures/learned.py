"""Pictures of learned features."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.figure import Figure
from scipy.signal import decimate

from hpcflow_kernels.features.catch22 import FEATURES, catch22_windows
from hpcflow_kernels.features.entropy import entropy_windows
from scripts.figures.recordings import bearing

BEARINGS = {97: "healthy", 105: "inner race", 130: "outer race", 222: "ball"}


RATE, WINDOW = 12_000.0, 2048 / 12_000


def _at_12_khz(number: int) -> np.ndarray:
    x, rate = bearing(number)
    x = decimate(x, 4).astype(np.float32) if rate > RATE else x
    return x[: 29 * 2048]


def catch22_bearing() -> Figure:
    """Canonical characteristics of a healthy bearing and of three with faults, in windows of 2048 samples.

    The healthy recording is brought to the 12 kHz of the others.
    """
    rows, edges = [], [0]
    for number in BEARINGS:
        rows.append(catch22_windows(_at_12_khz(number), rate=RATE, window=WINDOW)["features"])
        edges.append(edges[-1] + len(rows[-1]))
    table = np.concatenate(rows)
    middle = np.median(table, axis=0)
    scaled = (table - middle) / np.maximum(np.median(np.abs(table - middle), axis=0), 1e-9)
    figure = Figure(figsize=(7, 4.2))
    axes = figure.subplots()
    picture = axes.imshow(scaled.T, aspect="auto", cmap="RdBu_r", vmin=-4, vmax=4, interpolation="none")
    for edge in edges[1:-1]:
        axes.axvline(edge - 0.5, color="black", lw=1)
    axes.set_yticks(range(len(FEATURES)), FEATURES, fontsize=7)
    axes.set_xticks([(a + b) / 2 for a, b in pairwise(edges)], BEARINGS.values())
    figure.colorbar(picture, ax=axes, label="distance from the median, in median distances")
    return figure


def entropy_bearing() -> Figure:
    """Four entropies of a healthy bearing and of three with faults, a point for each window."""
    measures = {"permutation": 5, "spectral": None, "shannon": None, "sample": 2}
    figure = Figure(figsize=(7, 2.4))
    for axes, (measure, order) in zip(figure.subplots(1, 4), measures.items(), strict=True):
        for place, number in enumerate(BEARINGS):
            x = _at_12_khz(number)
            y = entropy_windows(x, rate=RATE, window=WINDOW, measure=measure, order=order)["entropy"]
            axes.plot(place + np.linspace(-0.3, 0.3, len(y)), y, ".", ms=3)
        axes.set_title(measure, fontsize=9)
        axes.set_xticks(range(len(BEARINGS)), BEARINGS.values(), rotation=60, fontsize=8)
    return figure
