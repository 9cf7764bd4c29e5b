"""MATLAB files: version 5 to 7 through SciPy, version 7.3 through h5py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.readers.arrays import FileReader
from hpcflow.data.readers.base import Quantity
from hpcflow.data.readers.contents import Array, Contents
from hpcflow.data.readers.hdf5 import DEFLATE, MOST_COLUMNS, HdfContents, quantity
from hpcflow.data.readers.kinds import given_bytes, sample_dtype
from hpcflow.data.readers.matfile import AGAIN, HEADER, Element, real_array, single, walk
from hpcflow.data.readers.timeaxis import stretched
from hpcflow.errors import DataError

DEEPEST = 16
"""Structs within structs that are looked into."""

MOST_ELEMENTS = 1000
"""Elements of a struct array or a cell array that are looked into."""

AS_OBJECTS = 4
"""Times the bytes of a struct or cell that SciPy takes to read it."""

_NUMBERS = {
    "int8": "i1",
    "uint8": "u1",
    "int16": "i2",
    "uint16": "u2",
    "int32": "i4",
    "uint32": "u4",
    "int64": "i8",
    "uint64": "u8",
    "single": "f4",
    "double": "f8",
    "logical": "u1",
}


class MatContents:
    """Variables by name, fields of a struct as ``name.field``, elements and columns as ``name.1``."""

    time: str | None = None

    def __init__(self, path: Path, patterns: Sequence[str]) -> None:
        from scipy.io import whosmat

        self._path = path
        self._elements = walk(path)
        self._loaded: dict[str, np.ndarray] = {}
        self._shapes: dict[str, tuple[str, tuple[int, ...], int | None]] = {}
        self._scalars: dict[str, Any] = {}
        self._types: dict[str, np.dtype[Any]] = {}
        self._opened: set[str] = set()
        self.arrays: dict[str, Array] = {}
        size = path.stat().st_size
        for name, shape, kind in whosmat(path):
            dtype = _NUMBERS.get(kind)
            count = _count(shape)
            if dtype is not None and count * np.dtype(dtype).itemsize > size * DEFLATE:
                raise DataError(
                    f"claims {count} values in {name}, more than its {size} bytes can hold: it is damaged, "
                    "copy it again from its source"
                )
            if name in self._elements and self._elements[name].imaginary:
                self.arrays[name] = Array(name, "", None, "holds complex numbers")
            elif dtype is not None:
                self._number(name, shape, np.dtype(dtype), name)
            elif kind == "char":
                self._scalars[name] = None
            elif kind in ("struct", "cell") and _may_lie_within(name, patterns):
                self._opened.add(name)
                self._inside(name, _load(path, self._elements.get(name)))
            else:
                self.arrays[name] = Array(name, "", None, f"is a {kind}")
        self.values: Sequence[str] = tuple(self._scalars)

    def _number(self, name: str, shape: Sequence[int], dtype: np.dtype[Any], source: str) -> None:
        count = _count(shape)
        if count == 1:
            self._scalars[name] = None
            return
        if count == 0 or dtype.kind not in "iufb":
            fault = "holds no samples" if count == 0 else "holds complex numbers"
            self.arrays[name] = Array(name, "", None, fault)
            return
        self._types[source] = dtype
        long = [axis for axis, length in enumerate(shape) if length > 1]
        axis = max(long, key=lambda which: (shape[which], -which))
        if len(long) == 1:
            self.arrays[name] = Array(name, sample_dtype(dtype))
            self._shapes[name] = (source, (int(shape[axis]),), None)
            return
        columns = count // int(shape[axis])
        if len(shape) > 2 or columns > MOST_COLUMNS:
            shown = " x ".join(str(length) for length in shape)
            self.arrays[name] = Array(name, "", None, f"has the shape {shown}")
            return
        for column in range(columns):
            key = f"{name}.{column + 1}"
            self.arrays[key] = Array(key, sample_dtype(dtype))
            self._shapes[key] = (source, (int(shape[0]), int(shape[1])), column)

    def _inside(self, name: str, value: Any, depth: int = 0) -> None:
        """Take in what a loaded struct or cell holds."""
        if depth > DEEPEST:
            return
        fields = getattr(value, "_fieldnames", None)
        if fields is not None:
            for field in fields:
                self._inside(f"{name}.{field}", getattr(value, field), depth + 1)
        elif isinstance(value, np.ndarray) and value.dtype == object:
            for number, element in enumerate(value.ravel(order="F")[:MOST_ELEMENTS], 1):
                self._inside(name if value.size == 1 else f"{name}.{number}", element, depth + 1)
        elif isinstance(value, np.ndarray) and value.dtype.kind in "iufbc":
            self._loaded[name] = value
            self._number(name, value.shape, value.dtype, name)
            if value.size == 1:
                self._scalars[name] = value
        elif isinstance(value, np.ndarray) and value.dtype.kind == "U":
            self._scalars[name] = value
        else:
            self.arrays[name] = Array(name, "", None, "holds no numbers")

    def _array(self, name: str) -> np.ndarray:
        if name not in self._loaded:
            element = self._elements.get(name)
            value = None if element is None else real_array(self._path, element)
            value = _load(self._path, element) if value is None else value
            if not isinstance(value, np.ndarray) or value.dtype.kind not in "iufb":
                raise DataError(
                    f"has {name}, which holds complex numbers or none: select an array of real ones"
                )
            self._loaded[name] = value
        return self._loaded[name]

    def size(self, name: str) -> int:
        """Samples of an array."""
        return max(self._shapes[name][1])

    def value(self, name: str) -> Quantity | None:
        """A scalar or a text."""
        raw = self._scalars[name]
        return quantity(_load(self._path, self._elements.get(name)) if raw is None else raw)

    def load(self, names: Sequence[str], start: int, stop: int | None) -> dict[str, np.ndarray]:
        """Slices of arrays; SciPy reads an array as a whole."""
        found = {}
        for name in names:
            source, shape, column = self._shapes[name]
            values = self._array(source)
            if values.size != _count(shape):
                raise DataError(f"has {name} of another size than it claims: it is damaged, copy it again")
            if column is not None:
                values = values[:, column] if shape[0] >= shape[1] else values[column]
            values = values.reshape(-1)[start:stop]
            found[name] = values.astype(values.dtype.newbyteorder("="), copy=False)
        return found

    def stretches(self, name: str) -> Iterator[tuple[int, int]]:
        """Parts of an array that is in memory."""
        return stretched(self.size(name))

    def held(self, names: Sequence[str]) -> tuple[int, float]:
        """The arrays, what they are decompressed from, and the structs and cells that are open."""
        held = sum(AS_OBJECTS * self._elements[name].size for name in self._opened)
        packed = each = 0
        sources = {self._shapes[name][0] for name in names}
        for element in (self._elements[source] for source in sources if source in self._elements):
            held += element.size
            packed = max(packed, element.length if element.compressed else 0)
        for name in names:
            source, shape, _ = self._shapes[name]
            kind = self._types[source]
            narrow = source in self._elements and self._elements[source].size < _count(shape) * kind.itemsize
            each += 8 if narrow else given_bytes(kind, self.arrays[name].dtype)
        return held + packed, float(each)

    def verify(self, names: Sequence[str]) -> None:
        """Nothing: the file's extents were walked when it was opened."""


def _count(shape: Sequence[int]) -> int:
    count = 1
    for length in shape:
        count *= int(length)
    return count


def _load(path: Path, element: Element | None) -> Any:
    from scipy.io import loadmat

    if element is None:
        raise DataError(f"lists a variable that it does not hold: {AGAIN}")
    found = loadmat(single(path, element), squeeze_me=False, struct_as_record=False)
    if element.name not in found:
        raise DataError(f"lists {element.name} but does not hold it: {AGAIN}")
    return found[element.name]


def _may_lie_within(name: str, patterns: Sequence[str]) -> bool:
    """Whether a pattern may match a field of this variable; with no patterns, any may."""
    inside = f"{name}."
    literals = [re.split(r"[*?\[{]", pattern, maxsplit=1)[0] for pattern in patterns]
    return not patterns or any(inside.startswith(text) or text.startswith(inside) for text in literals)


@contextmanager
def open_matlab(path: Path, patterns: Sequence[str]) -> Iterator[Contents]:
    """Open a MATLAB file of any version from 5 on."""
    with path.open("rb") as file:
        head = file.read(HEADER)
    if head[:10] == b"MATLAB 7.3" or head[:8] == b"\x89HDF\r\n\x1a\n":
        import h5py

        with h5py.File(path, "r", locking=False) as hdf:
            yield HdfContents(hdf, joiner=".")
        return
    if len(head) < HEADER or head[126:128] not in (b"IM", b"MI") or 0 in head[:4]:
        raise DataError(
            "is not a MATLAB file of version 5 or later (its header says otherwise): check what it is, "
            "or save it again in MATLAB with `save -v7.3`"
        )
    yield MatContents(path, patterns)


READER = FileReader("matlab", 1, (".mat",), "a MATLAB file", open_matlab)
"""The reader `matlab`."""
