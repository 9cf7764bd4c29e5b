"""A block encodes the chunks whose rows it holds all: packs are small, and `assemble` copies bytes.

rows    |------- block b -------|      of a step, one after another
chunks  |     |     |     |     |
pieces  |--|     |enc. |enc. |--|      the ends go as rows: the blocks beside hold their rest
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from hpcflow.data.encode import encode_chunk
from hpcflow.data.template import field_spec
from hpcflow.plan.model import Cut
from hpcflow.run.packs import Piece
from hpcflow_kernels import Pattern


def with_chunks(cut: Cut, pieces: Iterable[Piece]) -> list[Piece]:
    """The same rows, with every chunk that one piece holds whole as an encoded chunk.

    A chunk's bytes depend on its values alone, so shards have the same bytes whichever blocks encoded them.
    States of a reduction stay as they are, and so do events, whose place is not known yet.
    """
    placed = {step.name for step in cut.steps if step.pattern not in (Pattern.REDUCE, Pattern.EVENTS)}
    return [part for piece in pieces for part in (_parts(cut, piece) if piece.step in placed else (piece,))]


def _parts(cut: Cut, piece: Piece) -> Iterator[Piece]:
    step = cut.step(piece.step)
    spec = field_spec(step, next(f for f in step.fields if f.name == piece.field))
    stop, size = piece.start + len(piece.rows), spec.chunk
    begin = -(-piece.start // size) * size
    end = stop if stop == step.rows else stop // size * size
    if begin >= end:
        yield piece
        return
    # The ends are copies: as views they would keep all rows of the block until they are committed.
    if piece.start < begin:
        yield Piece(piece.step, piece.field, piece.start, piece.rows[: begin - piece.start].copy())
    for first in range(begin, end, size):
        last = min(first + size, end)
        encoded = encode_chunk(spec, piece.rows[first - piece.start : last - piece.start])
        yield Piece(piece.step, piece.field, first, np.frombuffer(encoded, np.uint8), last - first)
    if end < stop:
        yield Piece(piece.step, piece.field, end, piece.rows[end - piece.start :].copy())
