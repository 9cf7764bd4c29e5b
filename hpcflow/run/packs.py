"""Pack files: pieces of output rows on their way from blocks into shards, one file per worker.

A piece is a header (JSON) and raw rows, or one chunk as it will stand in its shard. Receipts name the extent
of a pack that is valid; whatever lies outside is the torn tail of a killed worker and is never read.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.errors import StoreError

_HEAD = struct.Struct("<4sI")
_MAGIC = b"HLP1"


@dataclass(frozen=True)
class Piece:
    """Rows [start, start + len(rows)) of a field of a step; or one encoded chunk of that many rows.

    Attributes
    ----------
    rows : ndarray
        The rows, or of an encoded chunk its bytes (uint8): none where all its values are fill.
    chunk : int
        Rows of the encoded chunk, 0 where `rows` are rows.
    """

    step: str
    field: str
    start: int
    rows: np.ndarray
    chunk: int = 0


@dataclass(frozen=True)
class PlacedPiece:
    """A piece on disk."""

    step: str
    field: str
    start: int
    shape: tuple[int, ...]
    dtype: str
    crc: int
    pack: Path
    offset: int
    chunk: int = 0

    @property
    def stop(self) -> int:
        """One past the last row."""
        return self.start + (self.chunk or self.shape[0])

    def read(self) -> np.ndarray:
        """The rows.

        Raises
        ------
        StoreError
            If the bytes are not those that were written.
        """
        size = int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize
        with open(self.pack, "rb") as file:
            file.seek(self.offset)
            raw = file.read(size)
        if len(raw) != size or zlib.crc32(raw) != self.crc:
            raise StoreError(
                f"{self.pack.name} is damaged at byte {self.offset}: its checksum does not match"
            )
        return np.frombuffer(raw, self.dtype).reshape(self.shape)


def pack_parts(piece: Piece) -> tuple[bytes, memoryview]:
    """A piece as it stands in a pack: its header, and its rows without a copy where they are contiguous."""
    rows = np.ascontiguousarray(piece.rows)
    raw = rows.reshape(-1).view(np.uint8).data
    header = json.dumps(
        {
            "step": piece.step,
            "field": piece.field,
            "start": piece.start,
            "shape": rows.shape,
            "dtype": rows.dtype.str,
            "crc": zlib.crc32(raw),
            **({"chunk": piece.chunk} if piece.chunk else {}),
        }
    ).encode()
    return _HEAD.pack(_MAGIC, len(header)) + header, raw


def append_parts(pack: Path, groups: Iterable[Iterable[bytes | memoryview]]) -> list[tuple[int, int]]:
    """Append groups of parts to a pack, durably; returns the extent (offset, length) of each group."""
    pack.parent.mkdir(parents=True, exist_ok=True)
    extents = []
    with open(pack, "ab") as file:
        for parts in groups:
            start = file.tell()
            for part in parts:
                file.write(part)
            extents.append((start, file.tell() - start))
        file.flush()
        os.fsync(file.fileno())
    return extents


def extents_of(receipt: Mapping[str, Any]) -> Iterator[tuple[str, int, int]]:
    """(pack, offset, length) of what a receipt says its blocks left: of one worker, or of each rank."""
    if "pack" in receipt:
        yield tuple(receipt["pack"])
    yield from map(tuple, receipt.get("packs", ()))


def scan_pack(pack: Path, extents: Iterable[tuple[int, int]]) -> Iterator[PlacedPiece]:
    """Pieces in the valid extents (offset, length) of a pack, without reading their rows."""
    with open(pack, "rb") as file:
        for offset, length in extents:
            end = offset + length
            while offset < end:
                file.seek(offset)
                magic, size = _HEAD.unpack(file.read(_HEAD.size))
                if magic != _MAGIC:
                    raise StoreError(f"{pack.name} is damaged at byte {offset}: no piece starts there")
                header = json.loads(file.read(size))
                data = offset + _HEAD.size + size
                yield PlacedPiece(
                    header["step"],
                    header["field"],
                    header["start"],
                    tuple(header["shape"]),
                    header["dtype"],
                    header["crc"],
                    pack,
                    data,
                    header.get("chunk", 0),
                )
                offset = data + int(np.prod(header["shape"])) * np.dtype(header["dtype"]).itemsize


def joined(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces of one field that follow one another as one, so that packs stay small for many short records."""
    runs: dict[tuple[str, str], list[list[Piece]]] = {}
    for piece in pieces:
        parts = runs.setdefault((piece.step, piece.field), [])
        if parts and parts[-1][-1].start + len(parts[-1][-1].rows) == piece.start:
            parts[-1].append(piece)
        else:
            parts.append([piece])
    return [
        Piece(
            step, field, run[0].start, run[0].rows if len(run) == 1 else np.concatenate([p.rows for p in run])
        )
        for (step, field), parts in runs.items()
        for run in parts
    ]
