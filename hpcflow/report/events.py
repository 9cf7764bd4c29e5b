"""Events: how many each record has, and what they are like over time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.plan.model import FieldPlan
from hpcflow.report import figure as fig
from hpcflow.report.generic import MOST_FIELDS, MOST_RECORDS, NAMED, label
from hpcflow.report.parts import Cell, Note, Part, Picture, Pictures, Section, Table
from hpcflow.report.source import Source, Step
from hpcflow.report.text import MISSING, clean, count, number, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_DOTS = 1500
"""Events of a record that a picture shows."""


def found(source: Source, step: Step) -> Section:
    """A table of counts and medians, and each quantity of the records that have most events over time."""
    fields = [f for f in step.plan.fields if not f.dims and not f.flags]
    when = next((f for f in fields if f.units == "s"), None)
    shown = [f for f in fields if f is not when][:MOST_FIELDS]
    rows: list[tuple[Cell | str, ...]] = []
    for record, name in enumerate(step.ids[:MOST_RECORDS]):
        aside = source.set_aside.get(name, "")
        note = f"set aside: {aside}" if aside else ""
        medians = [_median(step.rows(f.name, record)) for f in shown]
        between = [_median(np.diff(step.rows(when.name, record)))] if when else []
        rows.append(
            (Cell(short(step.labels[record], 96), note=note), f"{step.size(record):,}", *between, *medians)
        )
    head = ("Record", "Events", *(["from one to the next, s"] if when else []), *(label(f) for f in shown))
    parts: list[Part] = [
        Table(head, tuple(rows), tuple(range(1, len(head))), caption="Events of each record, and medians.")
    ]
    if len(step.ids) > MOST_RECORDS:
        parts.append(Note(f"{MOST_RECORDS} of {count(len(step.ids), 'record')} are listed."))
    busiest = sorted((r for r in range(len(step.ids)) if step.size(r)), key=lambda r: -step.size(r))[:NAMED]
    if busiest:
        parts.append(Pictures(tuple(_over_time(step, busiest, f, when) for f in shown)))
    return Section(f"step-{step.name}", f"{step.name}: {step.plan.kernel.replace('_', ' ')}", tuple(parts))


def _median(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    return number(float(np.median(known)), 4) if len(known) else MISSING


def _over_time(step: Step, records: list[int], field: FieldPlan, when: FieldPlan | None) -> Picture:
    """A quantity of each event where it happened, for a few records."""

    def draw(figure: Figure) -> None:
        axes = figure.add_subplot()
        for record, colour in zip(records, fig.SERIES, strict=False):
            y = step.rows(field.name, record).astype(float)
            x = step.rows(when.name, record).astype(float) if when else np.arange(float(len(y)))
            every = math.ceil(len(y) / MOST_DOTS)
            name = short(step.labels[record], 30) + (f" (every {every}th)" if every > 1 else "")
            axes.plot(x[::every], y[::every], "o", color=colour, markersize=2.5, label=name)
        axes.set_xlabel("s" if when else step.plan.axis)
        axes.set_ylabel(label(field))
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=1, handlelength=1.2, borderaxespad=0.2)

    says = (field.long_name or field.name.replace("_", " ")).rstrip(".")
    alt = f"{says} of the events of {count(len(records), 'record')} over time"
    return fig.picture(draw, clean(alt), says[0].upper() + says[1:] + ".", size=(fig.NARROW, 250))
