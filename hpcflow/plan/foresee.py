"""What a plan already knows will come out empty, told before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import repeat

import numpy as np

from hpcflow.plan import axes as ax
from hpcflow.plan.model import StepPlan
from hpcflow.plan.records import RecordTable
from hpcflow_kernels import get


def foreseen(
    steps: Iterable[StepPlan], tables: Mapping[str, RecordTable], places: Mapping[str, ax.RowAxis]
) -> list[str]:
    """Sentences on records that a step will say nothing of.

    Parameters
    ----------
    steps
        In the order of the plan.
    tables
        The record table of each dataset.
    places
        Row axes of datasets and steps, by name.
    """
    told: list[str] = []
    for step in steps:
        told += [*_unfit(step, tables, places), *_too_short(step, tables, places), *_unsaid(step, tables)]
    return told


def _unfit(step: StepPlan, tables: Mapping[str, RecordTable], places: Mapping[str, ax.RowAxis]) -> list[str]:
    """Of records whose sampling rate a map or window step cannot use."""
    contract = get(step.kernel)
    if contract.geometry is None:
        return []
    table, source = tables[step.dataset], places[ax.source_of(step.dataset, step.inputs)]
    geometry = ax.step_geometry(contract, step.params, source.rate)
    found: dict[str, list[int]] = {}
    live = ax.live(table)
    for row in np.flatnonzero((geometry.hop == 0) & (source.size > 0)).tolist():
        rate = float(source.rate[row])
        why = ax.problems_at(contract, step.params, rate) if np.isfinite(rate) else ()
        found.setdefault("; ".join(why) or _no_rate(table, int(live[row])), []).append(int(live[row]))
    return [
        f"step {step.name}: {_how_many(table, records, len(live))} left out: {text}"
        for text, records in found.items()
    ]


def _no_rate(table: RecordTable, record: int) -> str:
    fault = time_fault(table, record)
    return f"no sampling rate: {fault}" if fault else "no sampling rate is known"


def time_fault(table: RecordTable, record: int) -> str:
    """Why a record has no rate though it has time stamps; "" where that is not so."""
    fact = table.facts.get("time_axis")
    return str(fact.values[record]) if fact is not None and fact.origin[record] else ""


def _too_short(
    step: StepPlan, tables: Mapping[str, RecordTable], places: Mapping[str, ax.RowAxis]
) -> list[str]:
    """Of records that are shorter than one frame of a window step."""
    contract = get(step.kernel)
    if contract.geometry is None:
        return []
    table, source = tables[step.dataset], places[ax.source_of(step.dataset, step.inputs)]
    frame = ax.step_geometry(contract, step.params, source.rate).frame
    runs = np.flatnonzero((frame > 0) & (source.size > 0))
    short = runs[source.size[runs] < frame[runs]]
    if not len(short):
        return []
    longest = short[np.argmax(source.size[short] / source.rate[short])]
    wanted, has = (float(n[longest] / source.rate[longest]) for n in (frame, source.size))
    who, them = _how_many(table, ax.live(table)[short], len(runs)), "it" if len(short) == 1 else "them"
    return [
        f"step {step.name}: {who} shorter than one window, so nothing comes of {them} "
        f"(window {wanted:.4g} s, the longest such record {has:.4g} s)"
    ]


def _unsaid(step: StepPlan, tables: Mapping[str, RecordTable]) -> list[str]:
    """Of records whose facts keep a kernel from an answer."""
    contract = get(step.kernel)
    if contract.doubt is None:
        return []
    table = tables[step.dataset]
    facts = {i.port: i.field for i in step.inputs if i.kind == "fact"}
    found: dict[str, list[int]] = {}
    told: dict[tuple[object, ...], str] = {}
    live = ax.live(table).tolist()
    columns = [_values(table, name, live) for name in facts.values()]
    for record, key in zip(live, zip(*columns, strict=True) if columns else repeat(()), strict=False):
        if key not in told:
            told[key] = contract.doubt(dict(zip(facts, key, strict=True)))
        if told[key]:
            found.setdefault(told[key], []).append(record)
    return [
        f"step {step.name}: {_how_many(table, records, len(live))} without an answer: {text}"
        for text, records in found.items()
    ]


def _values(table: RecordTable, name: str | None, records: Sequence[int]) -> list[str | float | None]:
    """A fact of each record, None where missing: by column, since there may be a million records."""
    fact = table.facts.get(name or "")
    if fact is None:
        return [None] * len(records)
    kind = str if fact.units == "text" else float
    known = zip(fact.values[records].tolist(), fact.origin[records].tolist(), strict=True)
    return [kind(value) if origin else None for value, origin in known]


def _how_many(table: RecordTable, records: Sequence[int] | np.ndarray, total: int) -> str:
    """Who is meant, as a sentence begins: "1 of 3 records (a.csv) is", "all 3 records are"."""
    count = len(records)
    verb = "is" if count == 1 else "are"
    if count == total:
        return f"its one record {verb}" if total == 1 else f"all {total} records {verb}"
    named = ", ".join(str(table.ids[record]) for record in records[:3])
    return f"{count} of {total} records ({named}{', …' if count > 3 else ''}) {verb}"
