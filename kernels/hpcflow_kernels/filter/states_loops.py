"""Compiled loops for the states that recursive filters end in, when the outputs are not wanted.

A state is a sum over samples, each weighted by what so many samples of nothing make of its impulse. Over a
block that is a sum without a recursion; what the block before left moves on by one matrix per block. So eight
states take eight multiply-adds a sample that wait for nothing, where sections take twenty that wait for
one another.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.filter.zero_phase_loops import BLOCK, gather
from hpcflow_kernels.simd import broadcast, fma, load, store


@inlined
def _weighted(
    weights: np.ndarray, wide: int, first: int, step: int, block: np.ndarray, count: int, sums: np.ndarray
) -> None:
    """Sums over the times of a block, four states at once; time t has the weights ``first + t * step``."""
    for s in range(0, wide, 4):
        w = first * wide + s
        a = load(block, 0, 8)
        a = a - a
        b = c = d = a
        for t in range(count):
            x = load(block, 8 * t, 8)
            a = fma(broadcast(weights, w, 8), x, a)
            b = fma(broadcast(weights, w + 1, 8), x, b)
            c = fma(broadcast(weights, w + 2, 8), x, c)
            d = fma(broadcast(weights, w + 3, 8), x, d)
            w += step * wide
        store(sums, 8 * s, a)
        store(sums, 8 * s + 8, b)
        store(sums, 8 * s + 16, c)
        store(sums, 8 * s + 24, d)


@inlined
def _move(advance: np.ndarray, wide: int, states: np.ndarray, sums: np.ndarray) -> None:
    """States one block later: `sums`, and what the matrix makes of the states before."""
    for s in range(wide):
        total = load(sums, 8 * s, 8)
        for k in range(2 * wide):  # what rounding took from the matrix comes first
            total = fma(broadcast(advance, 2 * s * wide + k, 8), load(states, 8 * (k % wide), 8), total)
        store(sums, 8 * s, total)
    for s in range(wide):
        store(states, 8 * s, load(sums, 8 * s, 8))


@compiled
def end_forward(
    weights: np.ndarray,
    advance: np.ndarray,
    x: np.ndarray,
    origin: int,
    length: int,
    padding: int,
    kind: int,
    states: np.ndarray,
) -> None:
    """States at the ends of eight lanes that begin at rest.

    Parameters
    ----------
    weights : ndarray, shape (BLOCK * wide,)
        Row k: the states that an impulse leaves after k samples of nothing; `wide` is a multiple of four.
    advance : ndarray, shape (wide * 2 * wide,)
        What a block of nothing makes of states: of each row first what rounding took from it, then the row.
    x, origin, length, padding, kind
        As for `hpcflow_kernels.filter.zero_phase_loops.forward`.
    states : ndarray, shape (wide * 8,)
        Results, eight lanes of each state side by side.
    """
    wide = len(weights) // BLOCK
    block, sums = np.empty(8 * BLOCK, weights.dtype), np.empty(8 * wide, weights.dtype)
    states[:] = 0.0
    t = 0
    while t < length:
        count = (length - t) % BLOCK  # a part of a block comes first, when there is nothing to move on
        if count == 0:
            count = BLOCK
        gather(x, origin + t, length, count, padding, kind, block)
        _weighted(weights, wide, count - 1, -1, block, count, sums)
        _move(advance, wide, states, sums)
        t += count


@compiled
def end_backward(weights: np.ndarray, advance: np.ndarray, lanes: np.ndarray, states: np.ndarray) -> None:
    """States at the beginnings of eight lanes, side by side in `lanes`, filtered backwards from rest."""
    wide = len(weights) // BLOCK
    sums = np.empty(8 * wide, weights.dtype)
    states[:] = 0.0
    t = len(lanes) // 8
    while t > 0:
        count = t % BLOCK
        if count == 0:
            count = BLOCK
        _weighted(weights, wide, 0, 1, lanes[8 * (t - count) : 8 * t], count, sums)
        _move(advance, wide, states, sums)
        t -= count
