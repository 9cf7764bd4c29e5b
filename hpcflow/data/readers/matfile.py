"""The structure of a MATLAB 5 file, checked before SciPy reads it.

SciPy looks types up by the numbers in the file; a number that does not exist ends the whole process with a
segmentation fault (SciPy 1.17.1: 2 of 700 randomly damaged files did, `tests/data/test_readers_damage.py`).

Source: MathWorks, "MAT-File Format" (R2024b), "Level 5 MAT-File Format".
"""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from hpcflow.errors import DataError

HEADER = 128
"""Bytes of the file header."""

MATRIX, COMPRESSED = 14, 15
"""Types of a file's elements (miMATRIX, miCOMPRESSED)."""

COMPLEX = 0x800
"""Bit of an array's flags that says it has an imaginary part."""

DEFLATE = 1032
"""Largest ratio that zlib's deflate reaches."""

DEEPEST = 64
"""Matrices within matrices that are followed."""

_NUMERIC = frozenset((1, 2, 3, 4, 5, 6, 7, 9, 12, 13))
_TEXT = _NUMERIC | {16, 17, 18}
_CELL, _STRUCT, _OBJECT, _CHAR, _SPARSE, _FUNCTION, _OPAQUE = 1, 2, 3, 4, 5, 16, 17
_NUMBERS = range(6, 16)
_SAVED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}

AGAIN = "it was cut short or damaged, copy it again from its source"


@dataclass(frozen=True)
class Element:
    """Where one variable lies in a file."""

    name: str
    place: int
    """First byte behind its tag."""
    length: int
    compressed: bool
    imaginary: bool
    order: str
    """Byte order, ``<`` or ``>``."""
    size: int
    """Bytes of the matrix, decompressed."""


def walk(path: Path) -> dict[str, Element]:
    """Find the variables of a file by their lengths, without reading the arrays.

    This finds a truncated file in a few seeks, though each compressed variable would only fail when read.

    Returns
    -------
    dict of str to Element

    Raises
    ------
    DataError
        If an element ends behind the end of the file, or the file holds none.
    """
    size = path.stat().st_size
    found: dict[str, Element] = {}
    with path.open("rb") as file:
        order = "<" if file.read(HEADER)[126:128] == b"IM" else ">"
        place = HEADER
        while place < size:
            file.seek(place)
            tag = file.read(8)
            if len(tag) < 8:
                raise DataError(f"ends after {size} bytes within a variable: {AGAIN}")
            kind, length = struct.unpack(f"{order}II", tag)
            if kind not in (MATRIX, COMPRESSED):
                raise DataError(f"is damaged at byte {place} (no variable begins there): {AGAIN}")
            end = place + 8 + length
            if end > size:
                raise DataError(f"ends after {size} bytes; its header promises {end} or more: {AGAIN}")
            head = file.read(min(length, 512))
            whole = length
            if kind == COMPRESSED:
                head = zlib.decompressobj().decompress(head, 512)
                whole = struct.unpack_from(f"{order}I", head, 4)[0] if len(head) >= 8 else 0
                head = head[8:]
            name, imaginary = _name_and_kind(head, order)
            packed = kind == COMPRESSED
            found.setdefault(name, Element(name, place + 8, length, packed, imaginary, order, whole))
            place = end
    if not found:
        raise DataError(f"holds no variables: {AGAIN}")
    return found


def _name_and_kind(head: bytes, order: str) -> tuple[str, bool]:
    """Name of a matrix, and whether it is complex, from its first bytes."""
    parts = list(islice(_parts(memoryview(head), order), 3))
    if len(parts) < 3:
        raise DataError(f"is damaged (a variable without a name): {AGAIN}")
    flags, _, name = parts
    return bytes(name[1]).decode("latin-1"), bool(_flags(flags[1], order) & COMPLEX)


def single(path: Path, element: Element) -> io.BytesIO:
    """A file that holds one variable alone, decompressed and checked.

    Raises
    ------
    DataError
        If its structure is not what the format says.
    zlib.error
        If it does not decompress to what was compressed (zlib keeps a checksum).
    """
    with path.open("rb") as file:
        header = file.read(HEADER)
    body = _body(path, element)
    return io.BytesIO(b"".join((header, struct.pack(f"{element.order}II", MATRIX, len(body)), body)))


def real_array(path: Path, element: Element) -> np.ndarray | None:
    """An array of real numbers as SciPy would give it, of which there is one copy in memory; read-only.

    Returns
    -------
    ndarray or None
        In the type in which it is saved, which may be narrower than its class. None where the variable is no
        full array of real numbers.

    Raises
    ------
    DataError, zlib.error
        As `single`.
    """
    body = _body(path, element)
    parts = list(islice(_parts(body, element.order), 5))
    flags = _flags(parts[0][1], element.order)
    if flags & 0xFF not in _NUMBERS or flags & COMPLEX or len(parts) != 4 or parts[3][0] not in _SAVED:
        return None
    shape = np.frombuffer(parts[1][1], f"{element.order}i4")
    saved = np.frombuffer(parts[3][1], f"{element.order}{_SAVED[parts[3][0]]}")
    if saved.size != math.prod(map(int, shape)):
        raise DataError(f"is damaged in {element.name} (values and shape differ): {AGAIN}")
    return saved.reshape(shape, order="F")


def _body(path: Path, element: Element) -> memoryview:
    """A variable's matrix, decompressed and checked."""
    with path.open("rb") as file:
        file.seek(element.place)
        content = memoryview(file.read(element.length))
    if element.compressed:
        if element.size > DEFLATE * element.length:
            raise DataError(f"is damaged in {element.name} (it claims more than it can hold): {AGAIN}")
        # Told its size, zlib makes one buffer and not many that are joined.
        content = memoryview(zlib.decompress(content, bufsize=element.size + 8))
        kind, content = next(_parts(content, element.order), (0, memoryview(b"")))
        if kind != MATRIX:
            raise DataError(f"is damaged in {element.name} (it is no matrix): {AGAIN}")
    _check(content, element.order, element.name, 0)
    return content


def _parts(content: memoryview, order: str) -> Iterator[tuple[int, memoryview]]:
    """(type, bytes) of the parts of an element."""
    at, size = 0, len(content)
    while at + 8 <= size:
        kind, length = struct.unpack_from(f"{order}II", content, at)
        if kind >> 16:
            length = kind >> 16
            if length > 4:
                raise DataError(f"is damaged (a small part of {length} bytes): {AGAIN}")
            yield kind & 0xFFFF, content[at + 4 : at + 4 + length]
            at += 8
            continue
        if length > size - at - 8:
            raise DataError(f"is damaged (a part is longer than the whole): {AGAIN}")
        yield kind, content[at + 8 : at + 8 + length]
        at += 8 + (length if kind == MATRIX else -(-length // 8) * 8)


def _flags(part: memoryview, order: str) -> int:
    if len(part) < 4:
        raise DataError(f"is damaged (an array without flags): {AGAIN}")
    return int(struct.unpack_from(f"{order}I", part)[0])


def _check(body: memoryview, order: str, name: str, depth: int) -> None:
    """Make sure that a matrix has the parts that its class needs, of types that SciPy knows."""
    wrong = DataError(f"is damaged in {name} (its parts are not those of an array): {AGAIN}")
    if not len(body):
        return
    if depth > DEEPEST:
        raise DataError(f"nests {name} more than {DEEPEST} deep: {AGAIN}")
    parts = list(_parts(body, order))
    kinds = [kind for kind, _ in parts]
    if not parts or kinds[0] != 6 or len(parts[0][1]) != 8:
        raise wrong
    flags = _flags(parts[0][1], order)
    kind = flags & 0xFF
    if kind == _OPAQUE:
        if not set(kinds[1:]) <= {1, 5, MATRIX}:
            raise wrong
        _check_within(parts[1:], order, name, depth)
        return
    # Some writers give lengths as unsigned and names as UTF-8; SciPy reads both.
    if (
        len(parts) < 3
        or kinds[1] not in (5, 6)
        or kinds[2] not in (1, 16)
        or len(parts[1][1]) % 4
        or not 8 <= len(parts[1][1]) <= 128
    ):
        raise wrong
    count = 1
    for length in struct.unpack(f"{order}{len(parts[1][1]) // 4}i", parts[1][1]):
        count *= max(length, 0) if length >= 0 else -1
    rest = parts[3:]
    if count < 0:
        raise wrong
    if kind in _NUMBERS:
        known = len(rest) == (2 if flags & COMPLEX else 1) and {part for part, _ in rest} <= _NUMERIC
    elif kind == _CHAR:
        known = len(rest) == 1 and rest[0][0] in _TEXT
    elif kind == _SPARSE:
        known = [part for part, _ in rest[:2]] == [5, 5] and {part for part, _ in rest[2:]} <= _NUMERIC
    elif kind == _CELL:
        known = len(rest) == count and all(part == MATRIX for part, _ in rest)
    elif kind in (_STRUCT, _OBJECT):
        known = _is_struct(rest[1:] if kind == _OBJECT else rest, count, order)
    else:
        known = kind == _FUNCTION and [part for part, _ in rest] == [MATRIX]
    if not known:
        raise wrong
    _check_within(rest, order, name, depth)


def _is_struct(rest: list[tuple[int, memoryview]], count: int, order: str) -> bool:
    """Length of a field name, the names, and a matrix for each field of each element."""
    if [part for part, _ in rest[:2]] != [5, 1] or len(rest[0][1]) != 4:
        return False
    (length,) = struct.unpack(f"{order}i", rest[0][1])
    if length <= 0 or len(rest[1][1]) % length:
        return False
    fields = len(rest[1][1]) // length
    return len(rest) - 2 == fields * count and all(part == MATRIX for part, _ in rest[2:])


def _check_within(parts: list[tuple[int, memoryview]], order: str, name: str, depth: int) -> None:
    for kind, content in parts:
        if kind == MATRIX:
            _check(content, order, name, depth + 1)
