"""Makes the file of a shard as bytes: those that zarr-python writes for the same values."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np

from hpcflow.data.arraymeta import ArrayMeta
from hpcflow.data.chain import checksum
from hpcflow.data.shards import MISSING


def chunk_parts(meta: ArrayMeta, rows: np.ndarray) -> list[bytes | memoryview]:
    """One inner chunk, encoded, in parts to be written one after another; none where all values are fill.

    Parameters
    ----------
    rows : ndarray, shape (n, ...)
        At most a chunk's rows; what is missing becomes fill.
    """
    values = np.asarray(rows, meta.dtype, order="C")
    if values.shape != meta.chunk:
        padded = np.full(meta.chunk, meta.fill, meta.dtype)
        padded[: len(values)] = values
        values = padded
    return [] if only_fill(values, meta.fill) else list(meta.chain.encode(values))


def file_bytes(
    meta: ArrayMeta,
    count: int,
    rows: Callable[[int, int], np.ndarray],
    ready: Callable[[int], bytes | None] | None = None,
) -> bytes | None:
    """One file of an array: byte for byte what zarr-python writes for the same values.

    Parameters
    ----------
    meta : ArrayMeta
        Cut along the first axis only.
    count : int
        Rows, at most what a file holds; what is missing of the last chunk becomes fill, chunks beyond it, and
        chunks that are nothing but fill, are not written.
    rows : callable
        Given the first row and one past the last, those rows. It is asked for one chunk after another, so
        that what makes them need not hold all of them.
    ready : callable, optional
        Given a chunk's first row, the chunk if it has been encoded already (no bytes: all fill), else None.

    Returns
    -------
    bytes or None
        None where nothing is left to write: such a file does not exist.
    """
    step = meta.chunk[0] if meta.chunk else 1
    index = np.full((meta.chunks, 2), MISSING, "<u8")
    begin = 16 * meta.chunks + 4 if meta.sharded and meta.index_first else 0
    file = io.BytesIO()
    file.seek(begin)
    for number, first in enumerate(range(0, count, step)):
        made = ready(first) if ready is not None else None
        parts = [made] if made is not None else chunk_parts(meta, rows(first, min(first + step, count)))
        offset = file.tell()
        file.writelines(parts)
        if file.tell() > offset:
            index[number] = offset, file.tell() - offset
    if file.tell() == begin:
        return None
    if meta.sharded:
        raw = index.reshape(-1).view(np.uint8)
        if meta.index_first:
            file.seek(0)
        file.writelines((raw.data, checksum(raw)))
    return file.getvalue()


def only_fill(values: np.ndarray, fill: np.generic) -> bool:
    """Whether all values are the fill value: NaN equals NaN, and 0.0 is not -0.0."""
    if not values.size:
        return True
    flat = values.reshape(-1)
    if values.dtype.kind != "f":
        return bool(flat[0] == fill and (flat == fill).all())
    if np.isnan(fill):
        return bool(np.isnan(flat[0]) and np.isnan(flat).all())
    if fill == 0:
        bits = flat.view(f"u{values.dtype.itemsize}")
        return bool((bits == np.asarray(fill).view(bits.dtype)).all())
    return bool(flat[0] == fill and (flat == fill).all())
