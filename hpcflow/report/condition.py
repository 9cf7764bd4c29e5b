"""Condition indicators over time."""

from __future__ import annotations

import numpy as np

from hpcflow.report import figure as fig
from hpcflow.report.generic import MOST_RECORDS, label, maps, over_time
from hpcflow.report.parts import Cell, Note, Part, Pictures, Section, Table
from hpcflow.report.source import Source, Step
from hpcflow.report.text import MISSING, count, number, short

DRAWN = ("rms", "kurtosis", "crest_factor", "peak")
"""Indicators with a picture of their own."""


def indicators(source: Source, step: Step) -> Section:
    """A table of medians, each with its course as a small line, and the main indicators over time."""
    fields = [f for f in step.plan.fields if not f.dims]
    rows: list[tuple[Cell | str, ...]] = []
    for record, name in enumerate(step.ids[:MOST_RECORDS]):
        if name in source.set_aside:
            continue
        cells = []
        for field in fields:
            values = step.rows(field.name, record).astype(float)
            known = values[np.isfinite(values)]
            text = number(float(np.median(known))) if len(known) else MISSING
            cells.append(Cell(text, spark=tuple(fig.thin(values, 48)) if len(known) > 2 else ()))
        rows.append((Cell(short(step.labels[record], 96), note=_frames(step, record)), *cells))
    parts: list[Part] = [
        Table(
            ("Record", *(label(f) for f in fields)),
            tuple(rows),
            numbers=tuple(range(1, len(fields) + 1)),
            caption="Median over the frames of each record; the small line is its course from start to end.",
        )
    ]
    if len(step.ids) > MOST_RECORDS:
        parts.append(Note(f"{MOST_RECORDS} of {count(len(step.ids), 'record')} are listed."))
    chosen = [f for f in fields if f.name in DRAWN]
    drawn = [over_time(source, step, f, limits=(3.0,) if f.name == "kurtosis" else ()) for f in chosen]
    bands = [m for f in step.plan.fields if len(f.dims) == 1 for m in maps(source, step, f)]
    parts.append(Pictures((*(p for p in drawn if p is not None), *bands)))
    return Section(
        f"step-{step.name}",
        "Condition indicators",
        tuple(parts),
        lead="How strong and how impulsive the vibration is, frame by frame. Kurtosis is 3 for Gaussian "
        "noise (dashed) and rises with impacts.",
    )


def _frames(step: Step, record: int) -> str:
    window = step.plan.params.get("window")
    frames = count(step.size(record), "frame")
    return f"{frames} of {number(window)} s" if isinstance(window, float) else frames
