"""Activities, drawn: their course over time, and the shape of their track."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.report import figure as fig
from hpcflow.report.parts import Picture
from hpcflow.report.source import Step
from hpcflow.report.text import clean, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BESIDE = 640
"""Width of an overview that has the track beside it."""

CHANNELS = (
    ("power", "power, W", 1.0, fig.BLUE),
    ("heart_rate", "heart rate, /min", 1.0, fig.RED),
    ("speed", "speed, km/h", 3.6, fig.GREEN),
    ("altitude", "altitude, m", 1.0, fig.MUTED),
)
"""Panels of the overview: field, label, factor, colour."""


def pictures(step: Step, record: int, title: str) -> list[Picture | None]:
    """Course and track, None for what was not recorded."""
    route = _route(step, record, title)
    return [_overview(step, record, title, fig.WIDE if route is None else BESIDE), route]


def _overview(step: Step, record: int, title: str, width: int) -> Picture | None:
    """Power, heart rate, speed and altitude over time; pauses and gaps shaded."""
    panels = []
    for name, text, factor, colour in CHANNELS:
        if name in step:
            y = step.rows(name, record).astype(float) * factor
            if np.isfinite(y).any() and not (name in ("speed", "power") and not np.nanmax(np.abs(y)) > 0):
                panels.append((text, y, colour))
    if not panels:
        return None
    off = away(step, record)

    def draw(figure: Figure) -> None:
        narrow = fig.is_narrow(figure)
        grid = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (text, y, colour) in zip(grid, panels, strict=True):
            x, mean, low, high = fig.binned(y, 170 if narrow else 420)
            axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)
            axes.plot(x, mean, color=colour, linewidth=1.1)
            if text.startswith("altitude"):
                axes.fill_between(x, np.nanmin(low), mean, color=colour, alpha=0.18, linewidth=0)
            else:
                axes.set_ylim(bottom=0 if not text.startswith("heart") else None)
            for start, stop in off:
                axes.axvspan(start, stop, color=fig.SHADE, linewidth=0)
            axes.set_title(text, fontsize=10.5, pad=3)
            axes.locator_params(axis="y", nbins=3)
            axes.set_xlim(0, max(1, len(y)))
        _time_axis(grid[-1], len(panels[0][1]), 4 if narrow else 8)

    height = 24 + 92 * len(panels)
    names = ", ".join(text.split(",")[0] for text, _, _ in panels)
    caption = "Line: mean; band: smallest to largest value" + (
        "; shaded: paused or not recorded." if off else "."
    )
    return fig.picture(
        draw,
        f"{clean(title)}: {names} over elapsed time",
        caption,
        size=(width, height),
        narrow=(fig.NARROW, height),
    )


def away(step: Step, record: int) -> list[tuple[int, int]]:
    """Stretches of seconds that are paused or missing, those too short to see left out."""
    if "gap" not in step:
        return []
    gap = np.nan_to_num(step.rows("gap", record).astype(float), nan=2)
    marks = np.concatenate(([0], (gap >= 2).astype(np.int8), [0]))
    edges = np.flatnonzero(np.diff(marks))
    least = max(2, len(gap) // 600)
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= least]


def _time_axis(axes: Axes, seconds: int, most: int) -> None:
    steps = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200)
    step = next((s for s in steps if seconds / s <= most), 86400)
    ticks = np.arange(0, seconds + 1, step)
    axes.set_xticks(ticks, [f"{t // 3600}:{t % 3600 // 60:02d}" for t in ticks])
    axes.set_xlabel("elapsed time, h:min")


def _route(step: Step, record: int, title: str) -> Picture | None:
    """The track as a shape, north up, without a map."""
    if "latitude" not in step or "longitude" not in step:
        return None
    latitude = step.rows("latitude", record).astype(float)
    longitude = step.rows("longitude", record).astype(float)
    known = np.isfinite(latitude) & np.isfinite(longitude)
    if known.sum() < 30:
        return None
    stretch = max(1, len(latitude) // 1500)
    middle = math.radians(float(latitude[known].mean()))
    y = (latitude - latitude[known].min()) * 111.32
    x = (longitude - longitude[known].min()) * 111.32 * math.cos(middle)
    across, up = float(np.nanmax(x)), float(np.nanmax(y))
    if max(across, up) < 0.05:
        return None
    first, last = np.flatnonzero(known)[[0, -1]]
    bar = _round_length(max(across, up) / 3)

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(x[::stretch], y[::stretch], color=fig.BLUE, linewidth=1.6)
        axes.plot([x[first]], [y[first]], marker="o", color=fig.GREEN, markersize=7)
        axes.plot([x[last]], [y[last]], marker="s", color=fig.RED, markersize=5)
        axes.set_aspect("equal", adjustable="datalim")
        fig.bare(axes)
        low = -0.12 * max(up, 0.35 * across)
        axes.plot([0, bar], [low, low], color=fig.MUTED, linewidth=2)
        axes.text(0, low, _length(bar) + " ", ha="right", va="center", fontsize=10, color=fig.MUTED)

    caption = "Track, north up. Circle: start; square: end."
    return fig.picture(draw, f"{clean(title)}: shape of the track", caption, size=(fig.NARROW, 230))


def _round_length(kilometres: float) -> float:
    size = 10.0 ** math.floor(math.log10(kilometres))
    return max(size * k for k in (1, 2, 5) if size * k <= kilometres)


def _length(kilometres: float) -> str:
    return f"{number(kilometres)} km" if kilometres >= 1 else f"{number(kilometres * 1000)} m"
