"""Compiled loops of rolling order statistics: sixteen stretches of a record side by side, windows sorted.

A step takes the oldest sample out of the sorted window and puts the newest one in, place by place and
without a branch: with T the window without the oldest, place i holds the newest clipped to
[T(i - 1), T(i)]. That is n short steps for sixteen results, and exact.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import load, maximum, minimum, select, splat, store

LANES = 16


@inlined
def _slide(x: np.ndarray, t: int, n: int, window: np.ndarray) -> None:
    """Move the sorted windows on by one sample, to those that begin at time t."""
    old, new = load(x, t - 16, 16), load(x, t + 16 * (n - 1), 16)
    here, before = load(window, 0, 16), splat(x, -np.inf, 16)
    for i in range(0, 16 * n, 16):
        after = load(window, i + 16, 16)
        kept = select(here < old, here, after)
        store(window, i, maximum(before, minimum(kept, new)))
        here, before = after, kept


@compiled
def order_statistic(x: np.ndarray, n: int, k: int, share: float, window: np.ndarray, out: np.ndarray) -> None:
    """Value at place ``k + share`` of the sorted samples of each window.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape ((steps + n - 1) * 16,)
        Sample t of lane l at ``16 * t + l``; no NaN, no negative zero.
    n : int
        Samples of a window.
    k, share : int, float
        Place from 0, and how far towards the next one.
    window : ndarray of the type of `x`, shape ((n + 1) * 16,)
        The first n samples of each lane, sorted, and infinity. Left as that of the last window.
    out : ndarray of the type of `x`, shape (steps * 16,)
        Laid out as `x`.
    """
    part = splat(x, share, 16)
    for t in range(0, len(out), 16):
        if t > 0:
            _slide(x, t, n, window)
        a = load(window, 16 * k, 16)
        if share > 0:
            b = load(window, 16 * k + 16, 16)
            a = select(a < b, a + (b - a) * part, a)
        store(out, t, a)


@compiled
def medians_and_deviations(
    x: np.ndarray, n: int, window: np.ndarray, median: np.ndarray, deviation: np.ndarray
) -> None:
    """Median of each window of an odd number of samples, and the median distance from it.

    With w sorted and m = w[h] in the middle, the h + 1 samples nearest to m are neighbours in w: i below m
    and h - i above it, for some i. So the median distance is the least, over i, of the larger of
    ``m - w[h - i]`` and ``w[2 h - i] - m``: exact, and without sorting distances.

    Parameters
    ----------
    x, n, window
        As for `order_statistic`.
    median, deviation : ndarray of the type of `x`, shape (steps * 16,)
        Laid out as `x`.
    """
    h = n // 2
    for t in range(0, len(median), 16):
        if t > 0:
            _slide(x, t, n, window)
        m = load(window, 16 * h, 16)
        least = load(window, 32 * h, 16) - m
        for i in range(16, 16 * h + 16, 16):
            below, above = m - load(window, 16 * h - i, 16), load(window, 32 * h - i, 16) - m
            least = minimum(least, maximum(below, above))
        store(median, t, m)
        store(deviation, t, least)


@compiled
def ranks(x: np.ndarray, n: int, place: int, out: np.ndarray) -> None:
    """Rank of one sample among its window, as a share; equal ones share the mean of their ranks.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (rows + n + 15,)
        Samples; what lies beyond rows + n - 1 of them is read, not used.
    n, place : int
        Samples of a window, and which of them is ranked.
    out : ndarray of the type of `x`, shape (rows rounded up to 8,)
        Row i is of ``x[i : i + n]``.
    """
    none, half, one = splat(x, 0.0, 8), splat(x, 0.5, 8), splat(x, 1.0, 8)
    for i in range(0, len(out), 8):
        ranked, below = load(x, i + place, 8), half
        for j in range(i, i + n):
            other = load(x, j, 8)
            below = below + select(other < ranked, one, select(ranked < other, none, half))
        store(out, i, below / splat(x, n, 8))
