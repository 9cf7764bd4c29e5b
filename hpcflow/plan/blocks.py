"""What block b of a stage is: whole tiles, or whole records. Integers in, integers out.

records   |----r0----|--r1--|-------r2-------|
tiles     |t0 |t1 |t2|t3 |t4|t5 |t6 |t7 |t8  |     counted over all records
blocks    |  b0  |  b1  |  b2  |  b3  |  b4  |     two tiles each
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TileGrid:
    """The tiles of all records in one count.

    Attributes
    ----------
    tile : ndarray of int64, shape (records,)
        Source samples per tile; 0 where a record has none to compute.
    first : ndarray of int64, shape (records + 1,)
        Number of the first tile of each record.
    per_block : int
        Tiles per block.
    """

    tile: np.ndarray
    first: np.ndarray
    per_block: int

    @classmethod
    def make(cls, size: np.ndarray, tile: np.ndarray, per_block: int) -> TileGrid:
        """Lay tiles over records of these sizes.

        >>> TileGrid.make(np.array([10, 4, 0, 16]), np.array([4, 4, 4, 4]), 2).first
        array([0, 3, 4, 4, 8])
        """
        count = np.where(tile > 0, -(-size // np.maximum(tile, 1)), 0)
        return cls(tile, np.concatenate([[0], np.cumsum(count)]).astype(np.int64), per_block)

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return int(-(-self.first[-1] // self.per_block))

    def tiles_of(self, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
        """(record, first tile, last tile + 1), tiles counted within the record, of blocks [start, stop)."""
        low, high = start * self.per_block, min(stop * self.per_block, int(self.first[-1]))
        if low >= high:
            return
        record = int(np.searchsorted(self.first, low, side="right")) - 1
        while low < high:
            end = min(high, int(self.first[record + 1]))
            if end > low:
                base = int(self.first[record])
                yield record, low - base, end - base
            low = max(low, end)
            record += 1


def owned_rows(tile: int, hop: int, up: int, rows: int, start: int, stop: int) -> tuple[int, int]:
    """Rows that tiles [start, stop) of a record own: those that stand in them.

    Row k stands at source sample ``k * hop / up``.

    >>> owned_rows(tile=100, hop=30, up=1, rows=20, start=1, stop=2)   # rows at 120, 150, 180
    (4, 7)
    >>> owned_rows(tile=10, hop=15, up=8, rows=20, start=1, stop=2)   # rows at 11.25, 13.125, ... 18.75
    (6, 11)
    """
    return min(rows, -(-start * tile * up // hop)), min(rows, -(-stop * tile * up // hop))


@dataclass(frozen=True)
class Bundles:
    """Whole records bundled into blocks of about equal size.

    Attributes
    ----------
    edges : ndarray of int64, shape (blocks + 1,)
        Block b holds records [edges[b], edges[b + 1]).
    """

    edges: np.ndarray

    @classmethod
    def make(cls, size: np.ndarray, per_block: int) -> Bundles:
        """Cut where the running size crosses a multiple of `per_block`; each record counts at least 1.

        >>> Bundles.make(np.array([3, 3, 3, 9, 1, 1]), 6).edges
        array([0, 2, 4, 6])
        """
        if not len(size):
            return cls(np.zeros(1, np.int64))
        before = np.cumsum(np.maximum(size, 1)) - np.maximum(size, 1)
        group = before // per_block
        cuts = np.flatnonzero(np.diff(group)) + 1
        return cls(np.concatenate([[0], cuts, [len(size)]]).astype(np.int64))

    @property
    def blocks(self) -> int:
        """How many blocks there are."""
        return len(self.edges) - 1

    def records_of(self, block: int) -> range:
        """Records of one block."""
        return range(int(self.edges[block]), int(self.edges[block + 1]))
