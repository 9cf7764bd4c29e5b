"""The table of facts that a user keeps beside the recordings: ``records: index.csv``."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import translate
from pathlib import Path
from typing import Any

from hpcflow.data.readers.columns import split_units
from hpcflow.data.readers.csv import MISSING, decode
from hpcflow.data.readers.guard import regular_file
from hpcflow.data.readers.select import variable_name
from hpcflow.errors import DataError, Problem, WorkflowError

MAX_BYTES = 1 << 28
"""A table of facts larger than this is something else."""

MOST_PROBLEMS = 100
"""Problems listed before the rest is only counted."""


@dataclass(frozen=True)
class IndexFact:
    """A column of facts."""

    name: str
    units: str
    """SI units of its numbers; "text" for texts."""


@dataclass(frozen=True)
class IndexRow:
    """One row: which records it speaks of, and what it says."""

    line: int
    file: str
    """A path or a glob; without a slash it speaks of files of that name in any folder."""
    channel: str | None
    values: tuple[float | str | None, ...]
    """One per fact, in SI; None where the cell is empty."""


@dataclass(frozen=True)
class Index:
    """A table of facts, read and checked."""

    file: str
    facts: tuple[IndexFact, ...] = ()
    rows: tuple[IndexRow, ...] = ()
    folder: str = ""
    """Where it lies relative to the workflow: paths may be given from there too."""


@dataclass
class _Reading:
    """The problems found so far."""

    file: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, line: int, column: int, where: str, rule: str, value: str, remedy: str) -> None:
        self.problems.append(Problem(self.file, line, column, where, rule, value, remedy))

    def stop_if_any(self) -> None:
        if not self.problems:
            return
        shown = self.problems[:MOST_PROBLEMS]
        if len(self.problems) > len(shown):
            rest = len(self.problems) - len(shown)
            shown.append(Problem(self.file, 0, 0, "", f"{rest} more problems", "", "correct the first ones"))
        raise WorkflowError(shown)


def read_index(
    path: Path, *, shown: str, folder: str = "", dimensions: Mapping[str, str] | None = None
) -> Index:
    """Read a table of facts, and report everything that is wrong with it at once.

    Columns: `file`, optionally `channel`, then facts. A fact of numbers has its units in its header
    (``speed [rpm]``, ``load [1]``); one without units is a text, and needs ``[text]`` only if all its
    values look like numbers. Cells may be empty. Commas, semicolons or tabs separate cells; a decimal comma
    is read where the comma does not separate. Lines that begin with # are left out.

    Parameters
    ----------
    path : Path
    shown : str
        What messages call it.
    folder : str
        Its folder relative to the workflow's, with slashes.
    dimensions : mapping, optional
        Physical dimension of facts whose dimension is known.

    Raises
    ------
    WorkflowError
        With every problem: file, line, column, rule, value, remedy.
    """
    reading = _Reading(shown)
    rows = _cells(path, reading)
    reading.stop_if_any()
    if not rows:
        reading.add(1, 1, "", "must hold a header and rows", "nothing", "begin it with file,speed [rpm]")
        reading.stop_if_any()
    line, header = rows[0]
    names = [variable_name(_title(cell)) if cell.strip() else "" for cell in header]
    if "file" not in names:
        shown_header = ", ".join(cell.strip() for cell in header)[:80]
        reading.add(line, 1, "", "must have a column called file", shown_header, "begin the header with file")
    for number, name in enumerate(names, 1):
        if name and names.index(name) != number - 1:
            reading.add(line, number, name, "must not have two columns of one name", name, "rename one")
        if not name and any(len(row) >= number and row[number - 1].strip() for _, row in rows[1:]):
            reading.add(line, number, "", "must name each column", f"no name for column {number}", "name it")
    reading.stop_if_any()
    body = []
    for line, row in rows[1:]:
        if len(row) > len(header) and not any(cell.strip() for cell in row[len(header) :]):
            row = row[: len(header)]
        if len(row) != len(header):
            reading.add(
                line,
                min(len(row), len(header)) + 1,
                "",
                "must have one cell per column",
                f"{len(row)} cells under {len(header)} columns",
                "add the missing separators, or put a cell that holds the separator in quotes",
            )
            continue
        body.append((line, [cell.strip() for cell in row]))
    columns = [number for number, name in enumerate(names) if name not in ("file", "channel", "")]
    read = [_fact(header[n], names[n], n, body, reading, dimensions or {}) for n in columns]
    at_file = names.index("file")
    at_channel = names.index("channel") if "channel" in names else None
    found: list[IndexRow] = []
    seen: dict[tuple[str, str | None], int] = {}
    for place, (line, row) in enumerate(body):
        file = row[at_file].replace("\\", "/")
        channel = (row[at_channel] or None) if at_channel is not None else None
        if not file:
            reading.add(
                line, at_file + 1, "file", "must name a file", "an empty cell", "write its name, or *"
            )
            continue
        key = (file.removeprefix("./"), channel)
        if key in seen:
            what = file if channel is None else f"{file}, channel {channel}"
            reading.add(
                line, at_file + 1, "file", "must speak of each record once",
                f"{what} is in line {seen[key]} too", "delete one of the two rows",
            )  # fmt: skip
        seen.setdefault(key, line)
        found.append(IndexRow(line, key[0], channel, tuple(values[place] for _, values in read)))
    reading.stop_if_any()
    return Index(shown, tuple(fact for fact, _ in read), tuple(found), folder)


def _title(header: str) -> str:
    """A column's name without its units, known or not."""
    title, bracket, _ = header.partition("[")
    return title if bracket else split_units(header)[0]


def _cells(path: Path, reading: _Reading) -> list[tuple[int, list[str]]]:
    """Rows with their line numbers, without blank lines and comments."""
    try:
        if regular_file(path).st_size > MAX_BYTES:
            raise DataError("is larger than 256 MiB, which no table of facts is")
        text, _ = decode(path.read_bytes())
    except DataError as error:
        rule, _, remedy = str(error).partition(": ")
        reading.add(0, 0, "", f"must be a text table of facts, and {rule}", "", remedy or "check the path")
        return []
    except OSError as error:
        reading.add(0, 0, "", "must be readable", str(error.strerror), "ask its owner for read permission")
        return []
    head = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    delimiter = max((",", ";", "\t"), key=lambda sign: head.count(sign))
    rows = []
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    last = 0
    try:
        for row in lines:
            line, last = last + 1, lines.line_num
            if any(cell.strip() for cell in row) and not row[0].lstrip().startswith("#"):
                rows.append((line, row))
    except csv.Error as error:
        reading.add(
            last + 1, 1, "", "must be a well-formed table", str(error), "close the quotes that are open"
        )
    return rows


def _fact(
    header: str,
    name: str,
    column: int,
    body: Sequence[tuple[int, list[str]]],
    reading: _Reading,
    dimensions: Mapping[str, str],
) -> tuple[IndexFact, list[float | str | None]]:
    """One column of facts in SI."""
    _, bracket, rest = header.strip().partition("[")
    units: str | None = rest.rstrip("] ").strip() if bracket else split_units(header)[1]
    filled = [row[column] for _, row in body if row[column] not in MISSING]
    if units is None:
        if filled and all(_number(cell) is not None for cell in filled):
            reading.add(
                body[0][0] - 1 if body else 1, column + 1, name, "must state the units of its numbers",
                header.strip(),
                f"write {_title(header).strip()} [rpm], [1] for plain numbers, or [text] for names of digits",
            )  # fmt: skip
        units = "text"
    if units == "text":
        return IndexFact(name, "text"), [row[column] if row[column] else None for _, row in body]
    factor, offset, si_units = _si(units, name, column, body, reading, dimensions)
    values: list[float | str | None] = []
    for line, row in body:
        cell = row[column]
        number = None if cell in MISSING else _number(cell)
        if number is None and cell not in MISSING:
            reading.add(
                line, column + 1, name, f"must be a number in {units}", repr(cell[:40]),
                "write a plain number, or leave the cell empty where the value is not known",
            )  # fmt: skip
        value = None if number is None else number * factor + offset
        if name == "sampling_rate" and value is not None and value <= 0:
            reading.add(line, column + 1, name, "must be above 0", cell[:40], "write samples per second")
        values.append(value)
    return IndexFact(name, si_units), values


def _si(
    units: str,
    name: str,
    column: int,
    body: Sequence[tuple[int, list[str]]],
    reading: _Reading,
    dimensions: Mapping[str, str],
) -> tuple[float, float, str]:
    from hpcflow.units import UnitError, convert

    known = "frequency" if name == "sampling_rate" else dimensions.get(name)
    try:
        return convert(units, None if known == "text" else known)
    except UnitError as error:
        line = body[0][0] - 1 if body else 1
        reading.add(line, column + 1, name, error.rule, error.value, error.remedy)
        return 1.0, 0.0, "1"


def _number(cell: str) -> float | None:
    text = cell.strip()
    if text.count(",") == 1 and "." not in text:
        text = text.replace(",", ".")
    if "_" in text:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


@dataclass(frozen=True)
class Assigned:
    """What the table says of each record."""

    values: Mapping[str, list[float | str | None]]
    """By fact; None where it says nothing."""
    warnings: tuple[str, ...]
    """Rows that speak of no record."""


def assign(index: Index, paths: Sequence[str], channels: Sequence[str]) -> Assigned:
    """Find each record's facts.

    Of the rows that speak of a record and fill a cell, the most particular counts: one that names the file
    before a glob, and then one that names the channel before one that does not.

    Parameters
    ----------
    paths, channels : sequence of str, one per record
        Relative to the workflow's folder.

    Raises
    ------
    WorkflowError
        If two equally particular rows say different things of one record.
    """
    finder = _Finder(index)
    values: dict[str, list[float | str | None]] = {fact.name: [None] * len(paths) for fact in index.facts}
    columns = [values[fact.name] for fact in index.facts]
    problems: dict[tuple[int, int, str], Problem] = {}
    used: set[int] = set()
    for record, (path, channel) in enumerate(zip(paths, channels, strict=True)):
        rows = [
            (2 * exact + (row.channel is not None), row)
            for exact, row in finder.rows(path)
            if row.channel is None or row.channel == channel
        ]
        used.update(row.line for _, row in rows)
        for number, column in enumerate(columns):
            best = max((rank for rank, row in rows if row.values[number] is not None), default=-1)
            said = [row for rank, row in rows if rank == best and row.values[number] is not None]
            if not said:
                continue
            column[record] = said[0].values[number]
            other = next((row for row in said if row.values[number] != said[0].values[number]), None)
            if other is not None:
                name = index.facts[number].name
                problems[said[0].line, other.line, name] = Problem(
                    index.file, other.line, 1, name, f"must not contradict line {said[0].line}",
                    f"two values for {path}", "name the file in one of the two rows, or delete it",
                )  # fmt: skip
    if problems:
        reading = _Reading(index.file, list(problems.values()))
        reading.stop_if_any()
    return Assigned(values, tuple(_unused(index, used, paths, channels)))


def _unused(index: Index, used: set[int], paths: Sequence[str], channels: Sequence[str]) -> list[str]:
    from difflib import get_close_matches

    unused = [row for row in index.rows if row.line not in used]
    warnings = []
    for row in unused[:MOST_PROBLEMS]:
        what = row.file if row.channel is None else f"{row.file}, channel {row.channel}"
        near: list[str] = []
        if len(unused) <= MOST_PROBLEMS and len(paths) <= 100_000:
            names = {path.rpartition("/")[2] if "/" not in row.file else path for path in paths}
            near = get_close_matches(row.file, names, n=2)
            if row.channel is not None and row.file in near:
                near = sorted({f"channel {name}" for name in set(channels) if name})[:8]
        hint = f"; there is {' and '.join(near)}" if near else ""
        warnings.append(f"{index.file}:{row.line}: no record is {what}{hint}")
    if len(unused) > MOST_PROBLEMS:
        warnings.append(f"{index.file}: {len(unused) - MOST_PROBLEMS} more rows speak of no record")
    return warnings


class _Finder:
    """Rows by file, so that a million records need no million comparisons per row."""

    def __init__(self, index: Index) -> None:
        self._exact: dict[str, list[IndexRow]] = {}
        self._globs: list[tuple[Callable[[str], Any], bool, IndexRow]] = []
        self._memo: dict[str, list[tuple[bool, IndexRow]]] = {}
        import re

        for row in index.rows:
            names = {row.file}
            if index.folder and "/" in row.file:
                names.add(os.path.normpath(f"{index.folder}/{row.file}"))
            if any(sign in row.file for sign in "*?["):
                whole = "/" in row.file
                expression = "|".join(f"(?:{translate(name)})" for name in sorted(names))
                self._globs.append((re.compile(expression).match, whole, row))
            for name in names:
                self._exact.setdefault(name, []).append(row)

    def rows(self, path: str) -> list[tuple[bool, IndexRow]]:
        """(whether the file is named, row) of all rows that speak of a file."""
        if path not in self._memo:
            base = path.rpartition("/")[2]
            named = self._exact.get(path, []) + (self._exact.get(base, []) if base != path else [])
            found = {row.line: (True, row) for row in named}
            for fits, whole, row in self._globs:
                if row.line not in found and fits(path if whole else base):
                    found[row.line] = (False, row)
            self._memo[path] = list(found.values())
        return self._memo[path]
