"""Zarr stores that others made: arrays whose last dimension is time, read where they lie.

Each position of the leading dimensions is a record (``acceleration[3]``). Records follow one another on a
`sample` axis that exists only in our heads: sample ``r * length + i`` is sample i of record r.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcflow.data.packing import Packing, packing_of, unpacked
from hpcflow.data.readers.registry import to_si
from hpcflow.data.store import Regions
from hpcflow.errors import DataError, WorkflowError
from hpcflow.plan.records import Fact, RecordTable, Variable
from hpcflow.units import UnitError, parse_literal

if TYPE_CHECKING:
    from hpcflow.workflow.model import DatasetSpec, WorkflowSpec

SAMPLED = 1 << 16
"""Bytes at each end of a chunk file that its checksum covers: cheap on terabytes, blind to an edit in place
that leaves size and both ends alone."""

RATE_ATTRIBUTES = ("sampling_rate", "sampling_frequency", "sample_rate", "fs")


@dataclass(frozen=True)
class _Stored:
    """How a variable lies in a foreign store, and what makes its numbers SI."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    packing: Packing


class ForeignRegions(Regions):
    """Reads a foreign store by the samples of the imagined axis, in SI units."""

    def __init__(self, store: Path) -> None:
        super().__init__(store)
        self._stored: dict[str, _Stored] = {}

    def read(self, name: str, start: int, stop: int) -> np.ndarray:
        """Samples [start, stop) of a variable; they lie within one record."""
        if name not in self._stored:
            self._stored[name] = self._look(name)
        stored = self._stored[name]
        position, low, high = _place(stored.shape, start, stop)
        direct = self._direct(name)
        if direct:
            raw = direct.read((*position, low), (*(i + 1 for i in position), high)).reshape(-1)
        else:
            raw = self._through_zarr(name, (*position, slice(low, high)))
        if stored.packing == (1.0, 0.0):
            return raw.astype(stored.dtype, copy=False)
        return unpacked(raw, stored.packing, stored.dtype)

    def ahead(self, name: str, start: int, stop: int) -> None:
        """Have the disk begin with samples of one record that will be read next."""
        direct = self._direct(name)
        if direct:
            position, low, high = _place(direct.meta.shape, start, stop)
            direct.ahead((*position, low), (*(i + 1 for i in position), high))

    def _look(self, name: str) -> _Stored:
        direct = self._direct(name)
        attrs, shape, dtype = (
            (direct.meta.attrs, direct.meta.shape, direct.meta.dtype) if direct else self._asked(name)
        )
        factor, offset, _ = to_si(_units(attrs), name, None)
        scale, shift = packing_of(attrs) or (1.0, 0.0)
        packing = (factor * scale, factor * shift + offset)
        return _Stored(tuple(shape), np.dtype(stored_dtype(dtype)), packing)

    def _asked(self, name: str) -> tuple[Mapping[str, Any], tuple[int, ...], np.dtype[Any]]:
        array = self._group[name]
        return array.attrs, array.shape, array.dtype


def _place(shape: tuple[int, ...], start: int, stop: int) -> tuple[tuple[int, ...], int, int]:
    """Samples [start, stop) of the imagined axis: the record's position, first and last + 1 within it."""
    lead, length = shape[:-1], shape[-1]
    record, low = divmod(start, length)
    position = tuple(int(i) for i in np.unravel_index(record, lead)) if lead else ()
    return position, low, low + stop - start


def open_regions(store: Path) -> Regions:
    """A reader for a store, ours or another's."""
    metadata = store / "zarr.json"
    ours = metadata.is_file() and "hpcflow_kind" in metadata.read_text()
    return Regions(store) if ours else ForeignRegions(store)


def stored_dtype(dtype: np.dtype[Any]) -> str:
    """float64 stays, everything else is computed as float32 (integers beyond 16 bits as float64)."""
    wide = dtype == np.float64 or (dtype.kind in "iu" and dtype.itemsize > 2)
    return "float64" if wide else "float32"


def scan_zarr(spec: WorkflowSpec, dataset: DatasetSpec, store: Path) -> tuple[RecordTable, tuple[str, ...]]:
    """The record table of a foreign store, from its metadata.

    Raises
    ------
    WorkflowError
        If it is no Zarr store, or none of its arrays can be a signal.
    """
    import zarr

    place = f"datasets.{dataset.name}.zarr"

    def refuse(rule: str, value: str, remedy: str) -> WorkflowError:
        return WorkflowError([spec.problem(place, rule, value, remedy)])

    try:
        group = zarr.open_group(store, mode="r")
    except Exception as error:
        what = (
            "is a file" if store.is_file() else "holds no Zarr group" if store.is_dir() else "does not exist"
        )
        raise refuse("a Zarr group must lie here", f"{store} {what}", "correct the path") from error
    arrays = {name: array for name, array in sorted(group.arrays()) if _is_signal(name, array)}
    if dataset.variables:
        unknown = [name for name in dataset.variables if name not in arrays]
        if unknown:
            raise refuse(
                "every variable must be a numeric array", ", ".join(unknown), f"it holds {', '.join(arrays)}"
            )
        arrays = {name: arrays[name] for name in dataset.variables}
    shapes = {array.shape for array in arrays.values()}
    if len(shapes) != 1:
        shown = "; ".join(f"{name} {array.shape}" for name, array in arrays.items()) or "no numeric array"
        raise refuse("all signals must have one shape", shown, "name those to read in `variables:`")
    shape = shapes.pop()
    records, length = math.prod(shape[:-1]), shape[-1]
    names = _record_names(group, next(iter(arrays.values())), next(iter(arrays)))
    try:
        variables = tuple(
            Variable(name, to_si(_units(a.attrs), name, None)[2], stored_dtype(np.dtype(a.dtype)))
            for name, a in arrays.items()
        )
    except DataError as error:
        raise refuse("units must be known", str(error), "correct the array's `units`") from error
    facts, rate = _facts(spec, dataset, group, arrays, records)
    sums = _checksum(store, arrays)
    table = RecordTable(
        ids=np.array(names, object),
        start=np.arange(records, dtype=np.int64) * length,
        size=np.full(records, length, np.int64),
        rate=np.full(records, rate),
        status=np.zeros(records, np.int8),
        reason=np.array([""] * records, object),
        checksum=np.array([f"{sums}#{i}" for i in range(records)], object),
        path=np.array([dataset.zarr] * records, object),
        channel=np.array(names, object),
        variables=variables,
        facts=facts,
    )
    return table, ()


def _is_signal(name: str, array: Any) -> bool:
    dims = (
        array.metadata.dimension_names
        if array.metadata.zarr_format == 3
        else array.attrs.get("_ARRAY_DIMENSIONS")
    )
    coordinate = dims is not None and tuple(dims) == (name,)
    return bool(array.ndim and np.dtype(array.dtype).kind in "fiu" and not coordinate)


def _units(attrs: Mapping[str, Any]) -> str | None:
    units = attrs.get("units")
    return str(units) if units else None


def _dims(array: Any) -> tuple[str, ...]:
    if array.metadata.zarr_format == 3 and array.metadata.dimension_names:
        return tuple(map(str, array.metadata.dimension_names))
    return tuple(map(str, array.attrs.get("_ARRAY_DIMENSIONS", ())))


def _record_names(group: Any, array: Any, name: str) -> list[str]:
    """Labels of the leading dimension where the store has them, else positions."""
    lead = array.shape[:-1]
    if not lead:
        return [name]
    dims = _dims(array)
    if len(lead) == 1 and dims and dims[0] in group:
        labels = [str(v) for v in np.asarray(group[dims[0]][:]).tolist()]
        if len(set(labels)) == len(labels):
            return labels
    return [",".join(map(str, np.unravel_index(i, lead))) for i in range(math.prod(lead))]


def _facts(
    spec: WorkflowSpec, dataset: DatasetSpec, group: Any, arrays: Mapping[str, Any], records: int
) -> tuple[dict[str, Fact], float]:
    facts: dict[str, Fact] = {}
    rate = _header_rate(group, arrays)
    origin = np.full(records, 2 if rate is not None else 0, np.int8)
    for name, literal in dataset.defaults.items():
        try:
            value, units = parse_literal(literal, "frequency" if name == "sampling_rate" else None)
        except UnitError as error:
            where = f"datasets.{dataset.name}.defaults.{name}"
            raise WorkflowError([spec.problem(where, error.rule, error.value, error.remedy)]) from error
        if name == "sampling_rate":
            if rate is None:
                rate, origin = float(value), np.full(records, 3, np.int8)
            continue
        kind: Any = object if units == "text" else np.float64
        facts[name] = Fact(name, np.array([value] * records, kind), units, np.full(records, 3, np.int8))
    value = math.nan if rate is None else rate
    facts["sampling_rate"] = Fact("sampling_rate", np.full(records, value), "s-1", origin)
    return facts, value


def _header_rate(group: Any, arrays: Mapping[str, Any]) -> float | None:
    """Samples per second from attributes (Hz), or from a `time` coordinate in seconds."""
    for attrs in (*(a.attrs for a in arrays.values()), group.attrs):
        for key in RATE_ATTRIBUTES:
            value = attrs.get(key)
            if isinstance(value, int | float) and value > 0:
                return float(value)
    dims = _dims(next(iter(arrays.values())))
    if dims and dims[-1] in group:
        time = group[dims[-1]]
        if (
            np.dtype(time.dtype).kind == "f"
            and time.shape[0] > 1
            and time.attrs.get("units", "s") in ("s", "seconds")
        ):
            ends = float(time[0]), float(time[-1])
            if ends[1] > ends[0]:
                return float(round((time.shape[0] - 1) / (ends[1] - ends[0]), 9))
    return None


def _checksum(store: Path, arrays: Mapping[str, Any]) -> str:
    """sha256 over metadata and, of every chunk file, its name, size and both ends."""
    sha = hashlib.sha256()
    for name in arrays:
        for folder, folders, files in os.walk(store / name):
            folders.sort()
            for file in sorted(files):
                path = Path(folder) / file
                size = path.stat().st_size
                sha.update(f"{path.relative_to(store).as_posix()}:{size}:".encode())
                with open(path, "rb") as opened:
                    sha.update(opened.read(SAMPLED))
                    if size > SAMPLED:
                        opened.seek(max(SAMPLED, size - SAMPLED))
                        sha.update(opened.read(SAMPLED))
    return sha.hexdigest()
