"""Activities: the session table, each activity, and the power curve."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.report import figure as fig
from hpcflow.report.generic import anything
from hpcflow.report.parts import Card, Cell, Note, Part, Picture, Section, Table, Tiles
from hpcflow.report.source import Source, Step
from hpcflow.report.sport_names import Sessions
from hpcflow.report.sport_pictures import pictures
from hpcflow.report.text import MISSING, clock, count, number, percent, quantity, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_CARDS, MOST_ROWS = 24, 300
"""Activities with pictures, and activities in the table."""

MARKS = {1: "1 s", 5: "5 s", 15: "15 s", 60: "1 min", 300: "5 min", 1200: "20 min", 3600: "1 h", 10800: "3 h"}
"""Durations that are labelled and tabulated."""


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
        drawn = pictures(clean_step, record, table.title(i))
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
            drawn = pictures(step, record, name)
            parts.append(
                Card(
                    f"{step.name}-{record}",
                    short(name, 80),
                    pictures=tuple(p for p in drawn if p is not None),
                )
            )
    return Section(f"step-{step.name}", "Activities over time", tuple(parts))
