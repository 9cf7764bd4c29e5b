"""Where records lie on the `sample` axis: chunks to read, shards to write, sizes from one rule."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

CHUNK = 2**18
"""Samples of a chunk, the unit of reading: 1 MiB of float32, 2 MiB of float64."""

SHARD = 2**24
"""Largest shard in samples, the unit of writing and one file: 64 MiB of float32, 128 MiB of float64."""

SHARDS = 64
"""Shards that a dataset is cut into before shards grow: enough for that many writers at once."""


@dataclass(frozen=True)
class Layout:
    """Chunk and shard of a `sample` axis, in samples; fixed for the life of a store.

    Attributes
    ----------
    chunk : int
        Records of at least this length start on a multiple of it; shorter ones never cross one.
    shard : int
        A multiple of `chunk`; each batch of new records starts on a multiple of it.
    """

    chunk: int = CHUNK
    shard: int = SHARD

    def __post_init__(self) -> None:
        if self.chunk < 1 or self.shard % self.chunk:
            raise ValueError(f"a shard ({self.shard}) must be a whole number of chunks ({self.chunk})")


def layout_for(samples: int) -> Layout:
    """Choose chunk and shard for a new dataset from its number of samples alone.

    The chunk is always `CHUNK`. The shard is the power of two that cuts the samples into at most `SHARDS`
    pieces, no smaller than a chunk and no larger than `SHARD`: a dataset of up to a thousand million samples
    makes at most 64 files per variable, and a larger one makes files of 2**24 samples.

    >>> layout_for(1_400_000)
    Layout(chunk=262144, shard=262144)
    >>> layout_for(100_000_000)
    Layout(chunk=262144, shard=2097152)
    >>> layout_for(10**12).shard == SHARD
    True
    """
    shard = CHUNK
    while shard < SHARD and shard * SHARDS < samples:
        shard *= 2
    return Layout(CHUNK, shard)


def place(sizes: Iterable[int], begin: int, layout: Layout) -> np.ndarray:
    """First samples of records of these sizes, laid down in order as one batch.

    The batch starts on the first shard boundary at or after `begin`. A record of at least one chunk starts on
    a chunk boundary. A shorter one follows the record before it, or starts the next chunk if it would cross
    into it. A record without samples takes no room.

    Parameters
    ----------
    sizes : iterable of int
        Samples per record.
    begin : int
        First free sample; 0 for a new dataset.
    layout : Layout

    Returns
    -------
    ndarray of int64, shape (records,)

    Examples
    --------
    >>> place([3, 4, 2, 12, 1], 0, Layout(chunk=8, shard=16)).tolist()
    [0, 3, 8, 16, 28]
    """
    chunk = layout.chunk
    cursor = -(-begin // layout.shard) * layout.shard
    starts = []
    for size in sizes:
        offset = cursor % chunk
        if offset and size and offset + size > chunk:
            cursor += chunk - offset
        starts.append(cursor)
        cursor += size
    return np.asarray(starts, np.int64)
