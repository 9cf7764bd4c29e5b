"""HDF5 files through h5py; only the asked stretch of samples is read."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.readers.arrays import FileReader
from hpcflow.data.readers.base import Quantity
from hpcflow.data.readers.contents import Array
from hpcflow.data.readers.kinds import given_bytes, sample_dtype
from hpcflow.data.readers.timeaxis import STRETCH, stretched
from hpcflow.errors import DataError

MOST_OBJECTS = 100_000
"""A file with more objects than this is no recording."""

MOST_COLUMNS = 4096
"""A two-dimensional dataset with more columns than this is not offered column by column."""

DEFLATE = 1032
"""Largest ratio that zlib's deflate reaches; an array that claims more is damage, or was never filled."""

LARGE = 1 << 26
"""Bytes up to which a claim is believed without looking."""

DECODING = 3
"""Times the bytes of a chunk taken to decode it: as in the file, and a buffer that grows by doubling."""

UNITS = ("units", "unit", "Units", "Unit", "UNITS")
"""Attributes that state a dataset's units."""


class HdfContents:
    """Datasets by their path (``group/name``), columns of two-dimensional ones as ``group/name.1``.

    Header values are scalar datasets, by their path, and attributes as ``group/name@attribute``
    (``@attribute`` for the file's own).
    """

    time: str | None = None

    def __init__(self, file: Any, joiner: str = "/") -> None:
        self._file = file
        self._joiner = joiner
        self._sources: dict[str, tuple[str, int, int | None]] = {}
        self._scalars: dict[str, tuple[str, str | None]] = {}
        self._sizes: dict[str, int] = {}
        self.arrays: dict[str, Array] = {}
        self._walk()
        self.values: Sequence[str] = tuple(self._scalars)

    def _walk(self) -> None:
        import h5py

        found: list[tuple[str, Any]] = []

        def visit(name: str, item: Any) -> object:
            found.append((name, item))
            return True if len(found) > MOST_OBJECTS else None

        if self._file.visititems(visit):
            raise DataError(f"holds more than {MOST_OBJECTS} objects: it is no recording, leave it out")
        self._attributes("", self._file)
        for name, item in found:
            if name.startswith("#"):
                continue
            self._attributes(name, item)
            if isinstance(item, h5py.Dataset):
                self._dataset(name, item)

    def _attributes(self, name: str, item: Any) -> None:
        for key in item.attrs:
            self._scalars[f"{self._name(name)}@{key}"] = (name, key)

    def _name(self, path: str) -> str:
        return path.replace("/", self._joiner)

    def _dataset(self, path: str, item: Any) -> None:
        name, shape = self._name(path), item.shape
        if shape is None or "MATLAB_empty" in item.attrs:
            return
        if item.size == 1 or _is_text(item):
            self._scalars[name] = (path, None)
            return
        fault = _fault(item)
        units = next((_text(item.attrs[key]) for key in UNITS if key in item.attrs), None)
        dtype = "" if fault else sample_dtype(item.dtype)
        long = [axis for axis, length in enumerate(shape) if length > 1]
        axis = max(long or [0], key=lambda which: (shape[which], -which))
        if len(long) <= 1 or fault:
            self.arrays[name] = Array(name, dtype, units, fault)
            self._sizes[name] = 0 if fault else int(shape[axis])
            self._sources[name] = (path, axis, None)
            return
        columns = int(item.size // shape[axis])
        if len(shape) > 2 or columns > MOST_COLUMNS:
            shown = " x ".join(str(length) for length in shape)
            self.arrays[name] = Array(name, "", units, f"has the shape {shown}")
            self._sizes[name] = 0
            return
        for column in range(columns):
            key = f"{name}.{column + 1}"
            self.arrays[key] = Array(key, dtype, units)
            self._sizes[key] = int(shape[axis])
            self._sources[key] = (path, axis, column)

    def size(self, name: str) -> int:
        """Samples of an array."""
        return self._sizes[name]

    def value(self, name: str) -> Quantity | None:
        """A scalar dataset or an attribute."""
        path, attribute = self._scalars[name]
        item = self._file[path] if path else self._file
        if attribute is not None:
            return quantity(item.attrs[attribute])
        if _fault(item) and not _is_text(item):
            return None
        units = next((_text(item.attrs[key]) for key in UNITS if key in item.attrs), None)
        raw = item[()]
        if _matlab_class(item) == "char":
            return quantity("".join(chr(int(code)) for code in np.ravel(raw)[:1000]))
        return quantity(raw, units)

    def load(self, names: Sequence[str], start: int, stop: int | None) -> dict[str, np.ndarray]:
        """Slices of datasets."""
        found = {}
        for name in names:
            path, axis, column = self._sources[name]
            item = self._file[path]
            where: list[Any] = [0 if column is None else column] * len(item.shape)
            where[axis] = slice(start, stop)
            found[name] = np.asarray(item[tuple(where)])
        return {
            name: values.astype(values.dtype.newbyteorder("="), copy=False) for name, values in found.items()
        }

    def stretches(self, name: str) -> Iterator[tuple[int, int]]:
        """Whole chunks, as many as make a stretch."""
        path, axis, _ = self._sources[name]
        chunks = self._file[path].chunks
        chunk = int(chunks[axis]) if chunks else STRETCH
        return stretched(self._sizes[name], -(-STRETCH // chunk) * chunk)

    def held(self, names: Sequence[str]) -> tuple[int, float]:
        """A chunk as it lies in the file and decoded; samples as they are stored and as they are given."""
        held, each = 0, 0
        for name in names:
            item = self._file[self._sources[name][0]]
            if item.chunks:
                held = max(held, DECODING * math.prod(item.chunks) * item.dtype.itemsize)
            each += item.dtype.itemsize + given_bytes(item.dtype, self.arrays[name].dtype)
        return held, float(each)

    def verify(self, names: Sequence[str]) -> None:
        """Read the last sample of each array, which finds files that end early."""
        for name in names:
            self.load([name], self._sizes[name] - 1, None)


def quantity(raw: Any, units: str | None = None) -> Quantity | None:
    """A scalar of a file as a header value; None where it is neither one real number nor a text."""
    if isinstance(raw, np.ndarray):
        if raw.size != 1:
            return None
        raw = raw.reshape(-1)[0]
    if isinstance(raw, np.generic):
        raw = raw.item()
    if isinstance(raw, bytes):
        raw = raw.decode("utf-8", "replace")
    if isinstance(raw, str):
        text = "".join(letter if letter.isprintable() else " " for letter in raw).strip()
        return Quantity(text[:1000]) if text else None
    if isinstance(raw, bool | int | float):
        return Quantity(float(raw), units)
    return None


def _text(raw: Any) -> str | None:
    found = quantity(raw)
    return found.value if found is not None and isinstance(found.value, str) else None


def _matlab_class(item: Any) -> str:
    return _text(item.attrs["MATLAB_class"]) or "" if "MATLAB_class" in item.attrs else ""


def _is_text(item: Any) -> bool:
    import h5py

    return _matlab_class(item) == "char" or (
        item.shape == () and h5py.check_string_dtype(item.dtype) is not None
    )


def _fault(item: Any) -> str:
    """Why a dataset cannot be a signal; "" if it can."""
    if item.is_virtual or item.external:
        return "lies in other files, so that this one may stay the same while its samples change"
    if item.dtype.kind == "c" or (item.dtype.names and set(item.dtype.names) == {"real", "imag"}):
        return "holds complex numbers"
    if item.dtype.kind not in "iufb" or _matlab_class(item) in ("char", "cell"):
        return "holds no numbers"
    if item.size == 0:
        return "holds no samples"
    claimed = item.size * item.dtype.itemsize
    if claimed > LARGE and claimed > DEFLATE * os.fstat(item.file.id.get_vfd_handle()).st_size:
        return "claims more values than the file can hold"
    return ""


@contextmanager
def open_hdf5(path: Path, patterns: Sequence[str]) -> Iterator[HdfContents]:
    """Open an HDF5 file; without a lock, which parallel file systems often refuse."""
    import h5py

    with path.open("rb"):
        pass  # says plainly what the library would call no HDF5 file: that it may not be read
    if not h5py.is_hdf5(path):
        raise DataError("is not an HDF5 file, or its first bytes are damaged: check what it is")
    with h5py.File(path, "r", locking=False) as file:
        yield HdfContents(file)


READER = FileReader("hdf5", 1, (".h5", ".hdf5", ".hdf", ".he5", ".nc"), "an HDF5 file", open_hdf5, True)
"""The reader `hdf5`."""
