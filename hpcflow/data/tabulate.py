"""From what a scan found to the record table: statuses, facts in SI, and a place for each record. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from hpcflow.data.files import record_id
from hpcflow.data.readers.base import ScannedRecord
from hpcflow.data.variables import variables_of
from hpcflow.plan.layout import Layout, layout_for, place
from hpcflow.plan.records import ASIDE, DUPLICATE, OK, REPLACED, Fact, RecordTable

RATE = "sampling_rate"
"""The fact that is also the table's `rate`."""

MISSING, INDEX, HEADER, DEFAULT = range(4)
"""Indices into `hpcflow.plan.records.ORIGINS`."""


class Found(NamedTuple):
    """One record of the scan, or one file that gave none."""

    path: str
    checksum: str
    record: ScannedRecord | None
    reason: str = ""
    """Why the file is set aside, where `record` is None."""


@dataclass(frozen=True)
class Given:
    """What the workflow says of a dataset's records, in SI.

    Attributes
    ----------
    options
        The dataset's `variables` and `facts`, as readers get them.
    index
        Facts of the index: name to (units, one value per record; None where it says nothing).
    defaults
        Fact to (value, units).
    """

    options: Mapping[str, Any] = field(default_factory=dict)
    index: Mapping[str, tuple[str, Sequence[float | str | None]]] = field(default_factory=dict)
    defaults: Mapping[str, tuple[float | str, str]] = field(default_factory=dict)


def checksum(file_sha256: str, channel: str, reader: str, version: int, options: Mapping[str, Any]) -> str:
    """sha256 of everything that decides a record's samples.

    That is the file's bytes, the channel, the reader with its version, and the `variables` section. Facts do
    not count: another index changes no sample.
    """
    what = [file_sha256, channel, reader, version, options.get("variables") or {}]
    text = json.dumps(what, sort_keys=True, separators=(",", ":"), default=list)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def tabulate(
    found: Sequence[Found],
    given: Given,
    *,
    copies: Mapping[int, int] | None = None,
    previous: RecordTable | None = None,
    layout: Layout | None = None,
) -> tuple[RecordTable, tuple[str, ...]]:
    """Make the record table.

    Rows of `previous` stay where they are, forever: an unchanged record (same id and checksum) keeps its row
    and place, also when its file had gone and came back. A record that changed or went is `replaced`, and a
    changed one has a new row at the end. New rows lie behind all old ones, from a shard boundary on, in the
    order of `found`.

    A record is set aside where its file could not be read, or where a variable's units are unknown or of
    another dimension than in most records. It takes no room. A copy is a `duplicate`, with room of its own in
    case the record that counts should go.

    Parameters
    ----------
    found : sequence of Found
    given : Given
    copies : mapping of int to int, optional
        Record to the record it is a copy of, as indices into `found`.
    previous : RecordTable, optional
        The table of the store that exists.
    layout : Layout, optional
        Of the store that exists; by default chosen from the size of `previous`, or for a new dataset of no
        effect, since its first record starts at 0.

    Returns
    -------
    table : RecordTable
    warnings : tuple of str
    """
    count = len(found)
    warnings: list[str] = []
    status, reason = _statuses(found, copies or {})
    variables = variables_of([one.record for one in found], given.options, status, reason, previous, warnings)
    size = np.fromiter(
        (0 if s == ASIDE or f.record is None else f.record.size for f, s in zip(found, status, strict=True)),
        np.int64,
        count,
    )
    facts = _facts(found, given, warnings)
    rate = facts[RATE].values if RATE in facts else np.full(count, math.nan)
    table = RecordTable(
        ids=_texts([record_id(f.path, f.record.channel if f.record else "") for f in found]),
        start=np.zeros(count, np.int64),
        size=size,
        rate=np.asarray(rate, np.float64),
        status=status,
        reason=reason,
        checksum=_texts([f.checksum for f in found]),
        path=_texts([f.path for f in found]),
        channel=_texts([f.record.channel if f.record else "" for f in found]),
        variables=variables,
        facts=facts,
    )
    for copy, original in (copies or {}).items():
        if status[copy] == DUPLICATE:
            reason[copy] = f"a copy of {table.ids[original]}"
    if previous is None or not len(previous):
        starts = place(size.tolist(), 0, layout or Layout())
        return _with(table, start=starts), tuple(warnings)
    return _continue(table, previous, layout or layout_for(previous.samples)), tuple(warnings)


def _texts(values: Sequence[str]) -> np.ndarray:
    column = np.empty(len(values), object)
    column[:] = values
    return column


def _with(table: RecordTable, **columns: Any) -> RecordTable:
    from dataclasses import replace

    return replace(table, **columns)


def _statuses(found: Sequence[Found], copies: Mapping[int, int]) -> tuple[np.ndarray, np.ndarray]:
    status = np.full(len(found), OK, np.int8)
    reason = _texts([one.reason for one in found])
    for number, one in enumerate(found):
        if one.record is None:
            status[number] = ASIDE
        elif one.record.size == 0:
            status[number], reason[number] = ASIDE, "holds no samples: leave the file out"
    for copy, original in copies.items():
        if status[copy] == OK and status[original] == OK:
            status[copy] = DUPLICATE
    return status, reason


Stated = dict[str, tuple[list[int], list[Any]]]
"""What headers say of one fact: by units ("text" for texts), the records and their values."""


def _facts(found: Sequence[Found], given: Given, warnings: list[str]) -> dict[str, Fact]:
    headers: dict[str, Stated] = {}
    for number, one in enumerate(found):
        if one.record is None:
            continue
        for name, quantity in one.record.facts.items():
            value = quantity.value
            units = "text" if isinstance(value, str) else quantity.units or "1"
            _note(headers, name, units, number, value)
        if one.record.rate is not None:
            _note(headers, RATE, "Hz", number, one.record.rate)
    asked = given.options.get("facts") or {}
    names = dict.fromkeys((*given.index, *given.defaults, *asked, *sorted(headers)))
    return {
        name: _fact(
            name, found, given, headers.get(name, {}), (asked.get(name) or {}).get("dimension"), warnings
        )
        for name in names
    }


def _note(headers: dict[str, Stated], name: str, units: str, number: int, value: float | str) -> None:
    stated = headers.get(name)
    if stated is None:
        stated = headers[name] = {}
    group = stated.get(units)
    if group is None:
        group = stated[units] = ([], [])
    group[0].append(number)
    group[1].append(value)


def _fact(
    name: str,
    found: Sequence[Found],
    given: Given,
    header: Stated,
    dimension: str | None,
    warnings: list[str],
) -> Fact:
    """One fact by precedence: index, then header, then default. Its units are those of the first source."""
    count = len(found)
    groups = [
        (_convert(units, "frequency" if name == RATE else dimension), numbers, said)
        for units, (numbers, said) in header.items()
    ]
    known = sorted((numbers[0], factors[2]) for factors, numbers, _ in groups if factors is not None)
    if name in given.index:
        units = given.index[name][0]
    elif known:
        units = known[0][1]
    else:
        units = given.defaults[name][1] if name in given.defaults else "1"
    text = units == "text"
    values = _texts([""] * count) if text else np.full(count, math.nan)
    origin = np.zeros(count, np.int8)
    if name in given.defaults:
        value, own = given.defaults[name]
        if own == units or text:
            values[:], origin[:] = _as_text(value) if text else value, DEFAULT
        else:
            warnings.append(
                f"the default of {name} is in {own} where the records have {units}: "
                f"not used; state it in {units}"
            )
    misfits: list[int] = []
    for factors, numbers, said in groups:
        if factors is None or (factors[2] != units and not text):
            misfits.extend(numbers)
            continue
        if text:
            values[numbers] = [_as_text(value) for value in said]
        else:
            values[numbers] = np.asarray(said, np.float64) * factors[0] + factors[1]
        origin[numbers] = HEADER
    if name in given.index:
        numbers = [number for number, value in enumerate(given.index[name][1]) if value is not None]
        values[numbers] = [given.index[name][1][number] for number in numbers]
        origin[numbers] = INDEX
    lost = sorted(number for number in misfits if origin[number] == MISSING)
    if lost:
        example = found[lost[0]].path
        warnings.append(
            f"{name} of {len(lost)} records is not in {units} as elsewhere, as in {example}: "
            "left missing there; state it in the index"
        )
    if name == RATE:
        # A rate that is no positive number would stop every kernel; NaN says irregular or unknown.
        values[~(values > 0)] = math.nan
    return Fact(name, values, units, origin)


def _as_text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"


def _convert(units: str, dimension: str | None) -> tuple[float, float, str] | None:
    """Factor, offset and SI units; None for units that cannot be converted."""
    from hpcflow.units import UnitError, convert

    if units == "text":
        return 1.0, 0.0, "text"
    try:
        return convert(units, None if dimension == "text" else dimension)
    except UnitError:
        return None


def _continue(table: RecordTable, previous: RecordTable, layout: Layout) -> RecordTable:
    """Rows of the table that was, each in its place, and the new ones behind them."""
    rows = {
        key: number
        for number, key in enumerate(
            zip(previous.ids, previous.checksum, previous.size.tolist(), strict=True)
        )
    }
    old = len(previous)
    target = np.empty(len(table), np.int64)
    new: list[int] = []
    for number, key in enumerate(zip(table.ids, table.checksum, table.size.tolist(), strict=True)):
        row = rows.get(key)
        if row is None:
            target[number] = old + len(new)
            new.append(number)
        else:
            target[number] = row
    total = old + len(new)
    free = np.ones(total, bool)
    free[target] = False
    gone = np.flatnonzero(free).tolist()
    live = set(table.ids)
    why = ["" if previous.status[row] == REPLACED else _gone(previous.ids[row] in live) for row in gone]

    def merge(mine: np.ndarray, before: np.ndarray | None, fill: Any) -> np.ndarray:
        column = np.full(total, fill, mine.dtype)
        if before is not None:
            column[:old] = before
        column[target] = mine
        return column

    status = merge(table.status, None, REPLACED)
    reason = merge(table.reason, previous.reason, "")
    for row, text in zip(gone, why, strict=True):
        reason[row] = text or reason[row]
    begin = previous.samples
    start = np.empty(total, np.int64)
    start[:old] = previous.start
    start[old:] = place(table.size[new].tolist(), begin, layout)
    facts = {}
    for name, fact in table.facts.items():
        before = previous.facts.get(name)
        same = before is not None and before.units == fact.units
        facts[name] = Fact(
            name,
            merge(
                fact.values,
                before.values if before and same else None,
                "" if fact.units == "text" else math.nan,
            ),
            fact.units,
            merge(fact.origin, before.origin if before and same else None, 0),
        )
    return RecordTable(
        ids=merge(table.ids, previous.ids, ""),
        start=start,
        size=merge(table.size, previous.size, 0),
        rate=merge(table.rate, previous.rate, math.nan),
        status=status,
        reason=reason,
        checksum=merge(table.checksum, previous.checksum, ""),
        path=merge(table.path, previous.path, ""),
        channel=merge(table.channel, previous.channel, ""),
        variables=table.variables,
        facts=facts,
    )


def _gone(changed: bool) -> str:
    return (
        "its file changed; the new content is a record of its own"
        if changed
        else "its file is no longer there"
    )
