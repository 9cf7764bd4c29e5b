"""Look through a dataset's files and tabulate their records: the first thing that planning does with data."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcflow.data.files import ScanCache, expand
from hpcflow.data.index import assign, read_index
from hpcflow.data.packing import STORED
from hpcflow.data.readers.base import Quantity, Reader, ScannedRecord, ScannedVariable
from hpcflow.data.readers.registry import get_reader, to_si
from hpcflow.data.readers.select import check_patterns
from hpcflow.data.tabulate import Found, Given, checksum, tabulate
from hpcflow.errors import DataError, HpcflowError, Problem, WorkflowError
from hpcflow.plan.layout import Layout, layout_for
from hpcflow.plan.records import ASIDE, RecordTable, stored_bytes

if TYPE_CHECKING:
    from hpcflow.workflow.model import DatasetSpec

MOST_WORKERS = 8
"""Threads that read files at once; more only wait for each other."""

MOST_VARIABLES = 256
"""Without `variables:`, more names than this over all files mean that names differ from file to file."""

UNKNOWN = 24
"""Bytes per sample of a record where its reader does not say what it takes."""

Locate = Callable[[str, str, str, str], Problem]
"""``problem(path, rule, value, remedy)`` as `WorkflowSpec.problem`."""


@dataclass(frozen=True)
class ScanResult:
    """What a scan found.

    Attributes
    ----------
    records : RecordTable
        Every record, also those set aside; see `hpcflow.data.tabulate.tabulate`.
    aside : tuple of (path or record, reason)
        Files that gave no record.
    warnings : tuple of str
    layout : Layout
        Chunk and shard of the dataset's `sample` axis.
    read_bytes : int
        Most bytes that reading one shard's part of a record takes.
    """

    records: RecordTable
    aside: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    layout: Layout
    read_bytes: int = 0


def scan_dataset(
    spec: DatasetSpec,
    *,
    folder: Path,
    cache: Path | None = None,
    previous: RecordTable | None = None,
    layout: Layout | None = None,
    workers: int | None = None,
    problem: Locate | None = None,
) -> ScanResult:
    """Find a dataset's files, read their headers and make the record table.

    The same files give the same table on any machine: it holds no absolute path, time or host.

    Parameters
    ----------
    spec : DatasetSpec
        With `files` and `reader`.
    folder : Path
        The workflow's.
    cache : Path, optional
        A file that remembers checksums and headers of unchanged files; it may be deleted at any time.
    previous : RecordTable, optional
        The table of the store that exists: its rows keep their places.
    layout : Layout, optional
        Chunk and shard of the store that exists.
    workers : int, optional
        Threads; by default as many as processors, at most `MOST_WORKERS`.
    problem : callable, optional
        Makes a `Problem` that points into the workflow file.

    Raises
    ------
    WorkflowError
        No file matches, a malformed pattern, or a wrong table of facts: every problem of them at once.
    RequestError
        An unknown reader.
    """
    at = f"datasets.{spec.name}"
    locate = problem or (lambda path, rule, value, remedy: Problem("", 0, 0, path, rule, value, remedy))
    reader = get_reader(spec.reader or "")
    problems = [
        locate(f"{at}.{path}", "must be a well-formed pattern", pattern, why)
        for path, pattern, why in check_patterns(spec.options)
    ]
    files, unmatched = expand(spec.files, folder)
    files = [file for file in files if spec.records is None or not _same(folder, file, spec.records)]
    if not files:
        shown = "; ".join(f"{pattern}: {why}" for pattern, why in unmatched) or ", ".join(spec.files)
        problems.append(
            locate(
                f"{at}.files",
                "must match at least one file",
                shown,
                f"paths start from {folder}; correct them",
            )
        )
    index = None
    try:
        if spec.records is not None:
            dimensions = {name: fact.dimension for name, fact in spec.facts.items() if fact.dimension}
            place = os.path.dirname(spec.records)
            index = read_index(
                folder / spec.records, shown=spec.records, folder="" if os.path.isabs(place) else place,
                dimensions=dimensions,
            )  # fmt: skip
    except WorkflowError as error:
        problems.extend(error.problems)
    defaults = _defaults(spec, locate, problems)
    if problems:
        raise WorkflowError(problems)
    warnings = [f"datasets.{spec.name}.files: {pattern}: {why}" for pattern, why in unmatched]
    found = _scan_files(files, folder, reader, spec.options, cache, workers)
    stated: dict[str, tuple[str, Sequence[float | str | None]]] = {}
    if index is not None:
        said = assign(index, [f.path for f in found], [f.record.channel if f.record else "" for f in found])
        stated = {fact.name: (fact.units, said.values[fact.name]) for fact in index.facts}
        warnings.extend(said.warnings)
    copies = _copies(found, reader) if spec.duplicates == "once" else {}
    given = Given(_options(spec), stated, defaults)
    table, more = tabulate(found, given, copies=copies, previous=previous, layout=layout)
    warnings.extend(more)
    if not spec.variables and len(table.variables) > MOST_VARIABLES:
        warnings.append(
            f"datasets.{spec.name}: {len(table.variables)} variables, since names differ from file to file: "
            "name what to read in `variables:`"
        )
    unreadable = {f.path: f.reason for f in found if f.record is None}
    rows = zip(table.ids, table.status, table.reason, strict=True)
    unfit = {str(record): str(reason) for record, status, reason in rows if status == ASIDE}
    aside = tuple((unfit | unreadable).items())
    layout = layout or layout_for(table.samples)
    return ScanResult(
        table, aside, tuple(warnings), layout, _read_bytes(found, table, layout, reader, spec.options)
    )


def _read_bytes(
    found: Sequence[Found], table: RecordTable, layout: Layout, reader: Reader, options: Mapping[str, Any]
) -> int:
    """Most bytes that ingest takes to read from a record, its samples as they are stored included."""
    slices = getattr(reader, "slices", False)
    stored = sum(stored_bytes(variable) for variable in table.variables)
    most, copied = 0.0, dict[tuple[ScannedVariable, ...], int]()
    for record in (one.record for one in found if one.record is not None):
        stretch = min(record.size, layout.shard) if slices else record.size
        if record.held is None:
            most = max(most, record.size * max(3 * stored, UNKNOWN))
        else:
            if record.variables not in copied:
                copied[record.variables] = _copied(record, table, options)
            most = max(most, record.held + stretch * (record.per_sample + copied[record.variables]))
    return math.ceil(most)


def _copied(record: ScannedRecord, table: RecordTable, options: Mapping[str, Any]) -> int:
    """Bytes per sample of the arrays that storing makes: of what is scaled, of another type, or missing."""
    asked, given = options.get("variables") or {}, {one.name: one for one in record.variables}
    total = 0
    for variable in table.variables:
        one = given.get(variable.name)
        if one is not None and one.dtype == (STORED if variable.packing else variable.dtype):
            entry = asked.get(variable.name) or {}
            if variable.packing or _plain(one, entry):
                continue
        total += stored_bytes(variable)
    return total


def _plain(variable: ScannedVariable, entry: Mapping[str, Any]) -> bool:
    """Whether samples are stored as they are given."""
    try:
        factor, offset, _ = to_si(variable.units or entry.get("units"), variable.name, entry.get("dimension"))
    except DataError:
        return False  # such a record is set aside
    return (factor, offset) == (1.0, 0.0)


def _same(folder: Path, file: str, records: str) -> bool:
    return os.path.normpath(folder / file) == os.path.normpath(folder / records)


def _options(spec: DatasetSpec) -> dict[str, Any]:
    """What tabulation needs beyond the reader's options."""
    options = spec.options
    for name, variable in spec.variables.items():
        options["variables"][name]["long_name"] = variable.long_name
    return options


def _defaults(
    spec: DatasetSpec, locate: Locate, problems: list[Problem]
) -> dict[str, tuple[float | str, str]]:
    from hpcflow.units import UnitError, parse_literal

    found = {}
    for name, literal in spec.defaults.items():
        fact = spec.facts.get(name)
        dimension = "frequency" if name == "sampling_rate" else fact.dimension if fact else None
        try:
            found[name] = parse_literal(literal, dimension)
        except UnitError as error:
            where = f"datasets.{spec.name}.defaults.{name}"
            problems.append(locate(where, error.rule, error.value, error.remedy))
    return found


def _scan_files(
    files: Sequence[str],
    folder: Path,
    reader: Reader,
    options: Mapping[str, Any],
    cache: Path | None,
    workers: int | None,
) -> list[Found]:
    known = ScanCache(cache, folder)
    key = json.dumps([reader.name, reader.version, options], sort_keys=True, default=list)

    def scan(file: str) -> list[Found]:
        return _scan_file(file, folder, reader, options, known, key)

    count = workers or min(MOST_WORKERS, os.cpu_count() or 1)
    if count == 1 or len(files) == 1:
        groups = [scan(file) for file in files]
    else:
        with ThreadPoolExecutor(count, thread_name_prefix="scan") as pool:
            groups = list(pool.map(scan, files))
    known.save()
    return [found for group in groups for found in group]


def _scan_file(
    file: str, folder: Path, reader: Reader, options: Mapping[str, Any], known: ScanCache, key: str
) -> list[Found]:
    try:
        file.encode("utf-8")
    except UnicodeEncodeError:
        shown = os.fsencode(file).decode("utf-8", "backslashreplace")
        return [Found(shown, "", None, "has a name that is not UTF-8: rename it")]
    sha256 = ""
    try:
        sha256 = known.sha256(file)
        remembered = known.scanned(file, key)
        records = None if remembered is None else _from_json(remembered)
        if records is None:
            records = reader.scan(folder / file, options)
            known.remember(file, key, _to_json(records))
        if not records:
            raise DataError("holds no recording: leave it out of `files`")
    except HpcflowError as error:
        return [_aside(file, sha256, reader, options, str(error))]
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        reason = (
            f"made the reader {reader.name} fail ({type(error).__name__}: {text}): report it to its authors"
        )
        return [_aside(file, sha256, reader, options, reason)]
    return [
        Found(file, checksum(sha256, one.channel, reader.name, reader.version, options), one)
        for one in records
    ]


def _aside(file: str, sha256: str, reader: Reader, options: Mapping[str, Any], reason: str) -> Found:
    known = checksum(sha256, "", reader.name, reader.version, options) if sha256 else ""
    return Found(file, known, None, reason)


def _copies(found: Sequence[Found], reader: Reader) -> dict[int, int]:
    """Copies by the reader's own judgement, and files of the very same bytes."""
    present = [number for number, one in enumerate(found) if one.record is not None]
    copies: dict[int, int] = {}
    judge = getattr(reader, "duplicates", None)
    if judge is not None:
        pairs: Mapping[int, int] = judge([found[number].record for number in present])
        copies = {present[copy]: present[original] for copy, original in pairs.items()}
    first: dict[str, int] = {}
    for number in present:
        original = first.setdefault(found[number].checksum, number)
        if original != number and number not in copies:
            copies[number] = copies.get(original, original)
    return {copy: original for copy, original in copies.items() if copy != original}


def _to_json(records: Sequence[ScannedRecord]) -> list[Any]:
    return [
        [
            one.channel,
            one.size,
            one.rate,
            [[v.name, v.dtype, v.units] for v in one.variables],
            {name: [quantity.value, quantity.units] for name, quantity in one.facts.items()},
            one.held,
            one.per_sample,
        ]
        for one in records
    ]


def _from_json(remembered: Any) -> tuple[ScannedRecord, ...] | None:
    """Records as remembered; None where the cache holds something else."""
    try:
        return tuple(
            ScannedRecord(
                channel,
                int(size),
                rate if rate is None else float(rate),
                tuple(ScannedVariable(*variable) for variable in variables),
                {name: Quantity(*quantity) for name, quantity in facts.items()},
                held if held is None else int(held),
                float(per_sample),
            )
            for channel, size, rate, variables, facts, held, per_sample in remembered
        )
    except (TypeError, ValueError, AttributeError):
        return None
