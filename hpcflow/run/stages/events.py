"""Events of all records as one table: each block left its own at places of their own, here the ranks close.

places   |r0 . . . . . . |r1 . . . . |r2 . . . . . |     one for each sample, whose events nobody knew before
pieces   |3 events|       |1|         |0|
rows     |r0 r0 r0 r1|                                   row_start 0 3 4, row_size 3 1 0
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from hpcflow.plan.axes import RowAxis
from hpcflow.run.packs import PlacedPiece


def close_ranks(pieces: Iterable[PlacedPiece]) -> list[PlacedPiece]:
    """The pieces of one field, in order of their places, as rows that follow one another from 0."""
    moved, row = [], 0
    for piece in sorted(pieces, key=lambda piece: piece.start):
        moved.append(replace(piece, start=row))
        row += piece.shape[0]
    return moved


def found_axis(places: RowAxis, pieces: Mapping[str, Sequence[PlacedPiece]]) -> RowAxis:
    """The rows that each record has, from the pieces of every field before their ranks close.

    A piece may hold rows of one record only, which a place more than samples ensures.
    """
    one = next(iter(pieces.values()), ())
    size = np.zeros(len(places), np.int64)
    starts = np.fromiter((p.start for p in one), np.int64, count=len(one))
    rows = np.fromiter((p.shape[0] for p in one), np.int64, count=len(one))
    np.add.at(size, np.searchsorted(places.start, starts, side="right") - 1, rows)
    return RowAxis(np.cumsum(size) - size, size, places.rate)
