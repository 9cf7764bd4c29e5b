"""Activities: the session table, the power curve, and each activity over time."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.report import figure as fig
from hpcflow.report.generic import anything
from hpcflow.report.parts import Card, Cell, Note, Part, Picture, Section, Table, Tiles
from hpcflow.report.source import Source, Step
from hpcflow.report.text import MISSING, clean, clock, count, number, percent, quantity, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CARDS, MOST_ROWS = 24, 300
"""Activities with pictures, and activities in the table."""

BESIDE = 640
"""Width of an overview that has the track beside it."""

CHANNELS = (
    ("power", "power, W", 1.0, fig.BLUE),
    ("heart_rate", "heart rate, /min", 1.0, fig.RED),
    ("speed", "speed, km/h", 3.6, fig.GREEN),
    ("altitude", "altitude, m", 1.0, fig.MUTED),
)
"""Panels of the overview: field, label, factor, colour."""

MARKS = {1: "1 s", 5: "5 s", 15: "15 s", 60: "1 min", 300: "5 min", 1200: "20 min", 3600: "1 h", 10800: "3 h"}
"""Durations that are labelled and tabulated."""


class Sessions:
    """The columns of a session summary by name."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self._columns = {
            f.name: step.values(f.name).astype(float) for f in step.plan.fields if not f.dims and not f.flags
        }

    def get(self, name: str, record: int) -> float:
        """A value; NaN where it is missing."""
        column = self._columns.get(name)
        return float(column[record]) if column is not None else math.nan

    def time(self, record: int) -> float:
        """Timer time, or what stands for it."""
        found = [self.get(n, record) for n in ("timer_time", "recorded_time", "elapsed_time")]
        return next((v for v in found if math.isfinite(v)), math.nan)

    def sport(self, record: int) -> str:
        """The sport; "" where nothing says it."""
        return str(self.step.fact("sport", record) or "").replace("_", " ")

    def title(self, record: int) -> str:
        """What people call an activity: sport and day; else the file's name."""
        day = self.day(record)
        sport = self.sport(record)
        name = short(self.step.ids[record].rpartition("/")[2], 60)
        if not sport:
            return name
        return f"{sport[0].upper()}{sport[1:]}, {day}" if day else f"{sport[0].upper()}{sport[1:]}, {name}"

    def day(self, record: int) -> str:
        """The day it began; "" where unknown."""
        text = self.step.fact("start_time", record)
        try:
            start = datetime.fromisoformat(str(text).replace("Z", "+00:00"))
        except ValueError:
            return ""
        return f"{start.day} {start:%B %Y}"

    def pace(self, record: int) -> str:
        """Average speed as this sport says it."""
        speed = self.get("average_speed", record)
        if not math.isfinite(speed) or speed <= 0:
            return MISSING
        sport = self.sport(record)
        if "run" in sport:
            return f"{clock(1000 / speed)} /km"
        if "swim" in sport:
            return f"{clock(100 / speed)} /100 m"
        return f"{speed * 3.6:.1f} km/h"


def sessions(source: Source, step: Step) -> Section:
    """Session table, totals, and a card with the overview of each activity."""
    table = Sessions(step)
    used = [i for i, name in enumerate(step.ids) if name not in source.set_aside]
    order = sorted(used, key=lambda i: str(step.fact("start_time", i) or ""), reverse=True)
    parts: list[Part] = []
    totals = next(source.with_kernel("totals", step.plan.dataset), None)
    if totals is not None:
        parts.append(_totals(totals))
    parts.append(_table(table, order[:MOST_ROWS], step))
    if len(order) > MOST_ROWS:
        parts.append(
            Note(f"{MOST_ROWS} of {count(len(order), 'activity', 'activities')} are listed, newest first.")
        )
    clean_step = next(source.with_kernel("clean_activity", step.plan.dataset), None)
    if len(order) > MOST_CARDS:
        parts.append(Note(f"Pictures are shown for the newest {MOST_CARDS} of {len(order):,} activities."))
    parts += [_card(table, clean_step, step, i) for i in order[:MOST_CARDS]]
    parts.append(_everything(table, order[:MOST_ROWS], step))
    distance = float(np.nansum([table.get("distance", i) for i in used]))
    seconds = float(np.nansum([table.time(i) for i in used]))
    headline = count(len(used), "activity", "activities")
    if distance > 0:
        headline += f", {number(distance / 1000)} km"
    if seconds > 0:
        headline += f" in {_hours(seconds)}"
    return Section(
        anchor=f"step-{step.name}",
        title="Activities",
        headline=headline,
        lead=f"{MISSING} stands where a device did not measure, never a zero. Averages of power, heart rate "
        "and speed are over timer time; pauses do not count.",
        parts=tuple(parts),
    )


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _totals(step: Step) -> Tiles:
    value = {f.name: float(step.values(f.name)) for f in step.plan.fields if not f.dims}
    items = [
        (number(value.get("activities"), 4), "activities"),
        (quantity(_scaled(value, "distance", 1e-3), "km"), "distance"),
        (
            _hours(value["timer_time"]) if math.isfinite(value.get("timer_time", math.nan)) else MISSING,
            "timer time",
        ),
        (quantity(value.get("ascent"), "m", 4), "ascent"),
        (quantity(_scaled(value, "work", 1e-6), "MJ"), "work"),
        (number(value.get("training_load")), "training load"),
    ]
    return Tiles(tuple((text, name) for text, name in items if text != MISSING))


def _scaled(value: dict[str, float], name: str, factor: float) -> float:
    return value.get(name, math.nan) * factor


def _table(table: Sessions, order: list[int], step: Step) -> Table:
    head = (
        "Activity",
        "Distance",
        "Time",
        "Speed",
        "Heart rate",
        "Power",
        "Normalised",
        "Intensity",
        "Load",
        "Ascent",
    )
    rows = []
    for place, i in enumerate(order):
        anchor = f"{step.name}-{i}" if place < MOST_CARDS else ""
        rows.append(
            (
                Cell(table.title(i), link=anchor, note=short(step.ids[i].rpartition("/")[2], 60)),
                quantity(table.get("distance", i) / 1000, "km"),
                clock(table.time(i)),
                table.pace(i),
                Cell(
                    number(table.get("average_heart_rate", i)), note=_most(table.get("max_heart_rate", i), "")
                ),
                Cell(
                    quantity(table.get("average_power", i), "W"), note=_most(table.get("max_power", i), " W")
                ),
                quantity(table.get("normalized_power", i), "W"),
                _two(table.get("intensity_factor", i)),
                number(table.get("training_load", i)),
                quantity(table.get("ascent", i), "m"),
            )
        )
    return Table(head, tuple(rows), numbers=tuple(range(1, len(head))))


def _most(value: float, unit: str) -> str:
    return f"max {number(value)}{unit}" if math.isfinite(value) else ""


def _two(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else MISSING


def _everything(table: Sessions, order: list[int], step: Step) -> Table:
    """Every quantity of every activity, with what it rests on."""
    few = order[:8]
    rows: list[tuple[Cell | str, ...]] = []
    for field in [f for f in step.plan.fields if not f.dims]:
        cells = [
            clock(table.get(field.name, i))
            if field.units == "s"
            else quantity(table.get(field.name, i), field.units, 4)
            for i in few
        ]
        rows.append((Cell(field.name.replace("_", " "), note=field.long_name), *cells))
    return Table(
        ("Quantity", *(table.title(i) for i in few)),
        tuple(rows),
        numbers=tuple(range(1, len(few) + 1)),
        caption="Every quantity, and the time it rests on"
        + (" (newest eight)" if len(order) > len(few) else ""),
        folded=True,
    )


def _card(table: Sessions, clean_step: Step | None, step: Step, i: int) -> Card:
    get = table.get
    facts = [
        ("Distance", quantity(get("distance", i) / 1000, "km", 4)),
        ("Timer time", clock(table.time(i))),
        ("Moving", clock(get("moving_time", i))),
        ("Average", table.pace(i)),
        ("Ascent", quantity(get("ascent", i), "m")),
        ("Heart rate", _pair(get("average_heart_rate", i), get("max_heart_rate", i), "")),
        ("Power", _pair(get("average_power", i), get("max_power", i), " W")),
        ("Normalised power", quantity(get("normalized_power", i), "W")),
        ("Intensity", _two(get("intensity_factor", i))),
        ("Training load", number(get("training_load", i))),
        ("Work", quantity(get("work", i) / 1000, "kJ")),
        ("Cadence", _pair(get("average_cadence", i), get("max_cadence", i), "")),
    ]
    coverage = get("power_coverage", i)
    if math.isfinite(coverage) and 0 < coverage < 0.995:
        facts.append(("Seconds with power", percent(coverage)))
    drawn: list[Picture | None] = []
    if clean_step is not None and step.ids[i] in clean_step.ids:
        record = clean_step.ids.index(step.ids[i])
        drawn = _pictures(clean_step, record, table.title(i))
    device = str(step.fact("device", i) or "")
    name = step.ids[i].rpartition("/")[2]
    return Card(
        anchor=f"{step.name}-{i}",
        title=table.title(i),
        lead=short(name, 80) + (f", recorded by {short(device, 60)}" if device else ""),
        facts=tuple((name, value) for name, value in facts if value != MISSING),
        pictures=tuple(p for p in drawn if p is not None),
    )


def _pair(mean: float, most: float, unit: str) -> str:
    if not math.isfinite(mean):
        return MISSING
    return f"{number(mean)}{unit}" + (f", max {number(most)}" if math.isfinite(most) else "")


def _pictures(step: Step, record: int, title: str) -> list[Picture | None]:
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
    away = _away(step, record)

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
            for start, stop in away:
                axes.axvspan(start, stop, color=fig.SHADE, linewidth=0)
            axes.set_title(text, fontsize=10.5, pad=3)
            axes.locator_params(axis="y", nbins=3)
            axes.set_xlim(0, max(1, len(y)))
        _time_axis(grid[-1], len(panels[0][1]), 4 if narrow else 8)

    height = 24 + 92 * len(panels)
    names = ", ".join(text.split(",")[0] for text, _, _ in panels)
    caption = "Line: mean; band: smallest to largest value" + (
        "; shaded: paused or not recorded." if away else "."
    )
    return fig.picture(
        draw,
        f"{clean(title)}: {names} over elapsed time",
        caption,
        size=(width, height),
        narrow=(fig.NARROW, height),
    )


def _away(step: Step, record: int) -> list[tuple[int, int]]:
    """Stretches of seconds that are paused or missing, those too short to see left out."""
    if "gap" not in step:
        return []
    gap = np.nan_to_num(step.rows("gap", record).astype(float), nan=2)
    off = np.concatenate(([0], (gap >= 2).astype(np.int8), [0]))
    edges = np.flatnonzero(np.diff(off))
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


def power_curve(source: Source, step: Step) -> Section | None:
    """Mean-maximal power of every activity and the best over all."""
    duration = np.asarray(step.data["duration"].values, float)
    curves = step.values("mean_maximal_power").astype(float)
    lines = [(i, curves[i]) for i in range(len(curves)) if np.isfinite(curves[i]).any()]
    if not lines:
        return Section(
            f"step-{step.name}",
            "Power curve",
            (Note("No activity holds power, so there is no curve."),),
        )
    best = np.nanmax(np.stack([y for _, y in lines] + [np.full(len(duration), -np.inf)]), axis=0)
    best = np.where(np.isfinite(best), best, np.nan)
    session = next(source.with_kernel("session_summary", step.plan.dataset), None)
    table = Sessions(session) if session is not None else None

    def name(record: int) -> str:
        if table is None or session is None or step.ids[record] not in session.ids:
            return short(step.ids[record].rpartition("/")[2], 40)
        return table.title(session.ids.index(step.ids[record]))

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for _, y in lines:
            axes.plot(duration, y, color=fig.MUTED, linewidth=0.9, alpha=0.75)
        axes.plot(duration, best, color=fig.BLUE, linewidth=2.6, solid_capstyle="round")
        axes.set_xscale("log")
        last = float(duration[np.isfinite(best)].max())
        axes.set_xlim(duration[0] * 0.9, last * 1.15)
        shown = {s: t for s, t in MARKS.items() if duration[0] <= s <= last}
        if fig.is_narrow(figure):
            shown = {s: t for s, t in shown.items() if s in (1, 5, 60, 300, 1200, 10800)}
        axes.set_xticks(list(shown), list(shown.values()))
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_xlabel("duration")
        axes.set_ylabel("mean power, W")

    rows: list[tuple[Cell | str, ...]] = []
    for seconds, text in MARKS.items():
        at = np.flatnonzero(duration == seconds)
        if len(at) and np.isfinite(best[at[0]]):
            holder = max(lines, key=lambda line: -np.inf if np.isnan(line[1][at[0]]) else line[1][at[0]])[0]
            rows.append((text, f"{best[at[0]]:.0f} W", name(holder)))
    field = step.field("mean_maximal_power")
    caption = (
        f"Thin: each of {count(len(lines), 'activity', 'activities')} with power; thick: the best of all."
    )
    picture = fig.picture(
        draw,
        "Power curve: highest mean power over each duration",
        caption,
        size=(fig.WIDE, 320),
        narrow=(fig.NARROW, 260),
    )
    parts: tuple[Part, ...] = (
        picture,
        Table(("Duration", "Best power", "Activity"), tuple(rows), numbers=(1,)),
    )
    return Section(
        f"step-{step.name}",
        "Power curve",
        parts,
        lead=f"The {field.long_name}." if field is not None else "",
    )


def best_efforts(source: Source, step: Step) -> Section | None:
    """Best efforts where no power curve shows them."""
    return None if any(source.with_kernel("mean_max", step.plan.dataset)) else anything(source, step)


def totals(source: Source, step: Step) -> Section | None:
    """Totals where no session table shows them."""
    return None if any(source.with_kernel("session_summary", step.plan.dataset)) else anything(source, step)


def clean_channels(source: Source, step: Step) -> Section | None:
    """Cleaned channels where no session summary shows them."""
    if any(source.with_kernel("session_summary", step.plan.dataset)):
        return None
    parts: list[Part] = []
    for record, name in enumerate(step.ids[:MOST_CARDS]):
        if name not in source.set_aside:
            drawn = _pictures(step, record, name)
            parts.append(
                Card(
                    f"{step.name}-{record}",
                    short(name, 80),
                    pictures=tuple(p for p in drawn if p is not None),
                )
            )
    return Section(f"step-{step.name}", "Activities over time", tuple(parts))
