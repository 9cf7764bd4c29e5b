"""Parquet files through pyarrow; only the row groups that hold the asked rows are read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.readers.arrays import FileReader
from hpcflow.data.readers.base import Quantity
from hpcflow.data.readers.columns import iso, split_units, unique
from hpcflow.data.readers.contents import Array
from hpcflow.data.readers.kinds import signal_dtype
from hpcflow.data.readers.timeaxis import STRETCH, is_time_name, units_of_name
from hpcflow.errors import DataError


class ParquetContents:
    """Columns by their names without units; header values are the schema's metadata, and constant columns.

    Units come from a field's metadata (`units` or `unit`) or from its name.
    """

    def __init__(self, file: Any) -> None:
        self._file = file
        schema = file.schema_arrow
        split = [split_units(field.name) for field in schema]
        names = unique([name for name, _ in split])
        self._columns = {name: number for number, name in enumerate(names)}
        self.arrays: dict[str, Array] = {}
        self.time: str | None = None
        for name, (_, units), field in zip(names, split, schema, strict=True):
            stated = {key.lower(): text for key, text in (field.metadata or {}).items()}
            own = stated.get(b"units") or stated.get(b"unit")
            units = own.decode("utf-8", "replace") if own else units
            if units is None and is_time_name(name):
                units = units_of_name(name)
            self.arrays[name] = _array(name, field.type, units)
            if self.time is None and is_time_name(name) and self.arrays[name].dtype:
                self.time = name
        self._notes = _notes(schema.metadata)
        self._start = self._start_time()
        stamped: list[str] = ["start_time"] if self._start and "start_time" not in self._notes else []
        self.values: Sequence[str] = (*(n for n in self._notes if n not in names), *stamped, *names)

    def _start_time(self) -> str | None:
        if self.time is None or self.arrays[self.time].dtype != "datetime64[ns]" or not self.size(self.time):
            return None
        zoned = self._file.schema_arrow.field(self._columns[self.time]).type.tz is not None
        return iso(self.load([self.time], 0, 1)[self.time][0], zoned)

    def size(self, name: str) -> int:
        """Rows of the table."""
        return int(self._file.metadata.num_rows)

    def value(self, name: str) -> Quantity | None:
        """Metadata of the schema, or the value of a column that is the same in every row."""
        if name not in self._columns:
            return Quantity(self._start) if name == "start_time" and self._start else self._notes[name]
        import pyarrow.compute

        column = self._read([name], 0, None).column(0)
        distinct = pyarrow.compute.unique(column)
        raw = distinct[0].as_py() if len(distinct) == 1 else None
        if isinstance(raw, str):
            return Quantity(raw[:1000])
        return Quantity(float(raw), self.arrays[name].units) if isinstance(raw, bool | int | float) else None

    def _read(self, names: Sequence[str], start: int, stop: int | None) -> Any:
        """Rows [start, stop) of some columns, from the row groups that hold them."""
        rows = self.size("")
        stop = rows if stop is None else min(stop, rows)
        groups: list[int] = []
        begin = place = 0
        for number in range(self._file.metadata.num_row_groups):
            end = place + self._file.metadata.row_group(number).num_rows
            if end > start and place < stop:
                begin = place if not groups else begin
                groups.append(number)
            place = end
        fields = [self._file.schema_arrow.field(self._columns[name]).name for name in names]
        table = self._file.read_row_groups(groups, columns=fields)
        return table.slice(start - begin, stop - start)

    def load(self, names: Sequence[str], start: int, stop: int | None) -> dict[str, np.ndarray]:
        """Slices of columns; a missing value is NaN."""
        table = self._read(names, start, stop)
        found = {}
        for name in names:
            column = table.column(self._file.schema_arrow.field(self._columns[name]).name)
            dtype = self.arrays[name].dtype
            if dtype == "datetime64[ns]":
                found[name] = column.to_numpy().astype("datetime64[ns]")
            elif column.null_count:
                found[name] = column.cast("float64").to_numpy()
            else:
                found[name] = column.to_numpy()
        return found

    def stretches(self, name: str) -> Iterator[tuple[int, int]]:
        """Whole row groups, as many as make a stretch."""
        begin = place = 0
        for rows in self._group_rows():
            place += rows
            if place - begin >= STRETCH:
                yield begin, place
                begin = place
        if place > begin:
            yield begin, place

    def held(self, names: Sequence[str]) -> tuple[int, float]:
        """Row groups at both ends of a stretch, encoded and decoded; its samples decoded, and as given."""
        each = sum(8 + np.dtype(self.arrays[name].dtype).itemsize for name in names)
        sizes = [self._group_bytes(number, names) for number in range(self._file.metadata.num_row_groups)]
        return max(map(sum, zip(sizes, [*sizes[1:], 0], strict=True)), default=0), float(each + 8)

    def _group_bytes(self, number: int, names: Sequence[str]) -> int:
        """Of some columns of a row group: as they lie in the file, decompressed, and as arrays."""
        group = self._file.metadata.row_group(number)
        fields = {self._file.schema_arrow.field(self._columns[name]).name for name in names}
        size = sum(np.dtype(self.arrays[name].dtype).itemsize for name in names) * int(group.num_rows)
        for column in map(group.column, range(group.num_columns)):
            if column.path_in_schema in fields:
                size += int(column.total_compressed_size) + int(column.total_uncompressed_size)
        return size

    def _group_rows(self) -> list[int]:
        about = self._file.metadata
        return [int(about.row_group(number).num_rows) for number in range(about.num_row_groups)]

    def verify(self, names: Sequence[str]) -> None:
        """Read the last row of each column, which finds damage in the last row group."""
        rows = self.size("")
        if rows:
            self._read(list(names), rows - 1, rows)


def _array(name: str, kind: Any, units: str | None) -> Array:
    import pyarrow

    if pyarrow.types.is_timestamp(kind):
        return Array(name, "datetime64[ns]", None, "holds dates")
    if pyarrow.types.is_floating(kind) or pyarrow.types.is_integer(kind) or pyarrow.types.is_boolean(kind):
        dtype = (
            "float32" if pyarrow.types.is_boolean(kind) else signal_dtype(np.dtype(kind.to_pandas_dtype()))
        )
        return Array(name, dtype, units)
    if pyarrow.types.is_decimal(kind):
        return Array(name, "float64", units)
    return Array(name, "", units, f"holds no numbers ({kind})")


def _notes(metadata: Any) -> dict[str, Quantity]:
    """Header values of the schema's metadata; what libraries keep there for themselves is left out."""
    found = {}
    for key, raw in (metadata or {}).items():
        name = key.decode("utf-8", "replace")
        if name in ("pandas", "ARROW:schema", "geo") or len(raw) > 10_000:
            continue
        text = raw.decode("utf-8", "replace").strip()
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        header, units = split_units(name)
        if isinstance(value, int | float):
            found[header] = Quantity(float(value), units)
        elif isinstance(value, str) and value:
            found[header] = Quantity(value)
    return found


@contextmanager
def open_parquet(path: Path, patterns: Sequence[str]) -> Iterator[ParquetContents]:
    """Open a Parquet file."""
    import pyarrow.parquet

    with path.open("rb") as raw:
        if raw.read(4) != b"PAR1":
            raise DataError("is not a Parquet file (its first bytes say otherwise): check what it is")
    with pyarrow.parquet.ParquetFile(path) as file:
        yield ParquetContents(file)


READER = FileReader("parquet", 1, (".parquet", ".pq"), "a Parquet file", open_parquet, True)
"""The reader `parquet`."""
