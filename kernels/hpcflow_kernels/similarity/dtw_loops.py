"""Compiled loops of dynamic time warping: many pairs of series at a time, down a band.

A cell waits for the one to its left, two operations of four cycles each. Four registers of pairs side by side
keep the processor busy meanwhile: 64 pairs of float32 with AVX-512, else 32, and half as many of float64. The
last row of the band stays in cache.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import WIDEST, any_lane, fma, load, maximum, minimum, splat, store, total, transpose

HALF = WIDEST // 2
SIDE, HALF_SIDE = 4 * WIDEST, 4 * HALF
"""Pairs of float32 and of float64 that are compared side by side: four registers."""


@inlined
def _side(series: np.ndarray) -> int:
    """Pairs of this type."""
    return SIDE if series.itemsize == 4 else HALF_SIDE


@inlined
def _room(size: int, like: np.ndarray) -> np.ndarray:
    """An array that begins with a cache line: no vector read from it lies in two."""
    room = np.empty(size + 16, like.dtype)
    skipped = -(room.ctypes.data // room.itemsize) % 16
    return room[skipped : skipped + size]


@compiled
def weave(series: np.ndarray, order: np.ndarray, out: np.ndarray) -> None:
    """Sample j of series ``order[k]`` to place ``side j + k``; where `order` is short, its last one again.

    Parameters
    ----------
    series : ndarray, shape (count, samples)
    order : ndarray of int64, shape (up to side,)
    out : ndarray of the type of `series`, shape (side * samples,)
        With `SIDE` of float32 or `HALF_SIDE` of float64 side by side.
    """
    side = _side(series)
    n, last, flat = series.shape[1], len(order) - 1, series.reshape(-1)
    for k in range(0, side, 8):
        p0, p1 = n * order[min(k, last)], n * order[min(k + 1, last)]
        p2, p3 = n * order[min(k + 2, last)], n * order[min(k + 3, last)]
        p4, p5 = n * order[min(k + 4, last)], n * order[min(k + 5, last)]
        p6, p7 = n * order[min(k + 6, last)], n * order[min(k + 7, last)]
        for j in range(0, n - 7, 8):
            rows = (
                load(flat, p0 + j, 8),
                load(flat, p1 + j, 8),
                load(flat, p2 + j, 8),
                load(flat, p3 + j, 8),
                load(flat, p4 + j, 8),
                load(flat, p5 + j, 8),
                load(flat, p6 + j, 8),
                load(flat, p7 + j, 8),
            )
            columns = transpose(rows)
            for q in range(8):
                store(out, side * (j + q) + k, columns[q])
    for k in range(side):
        for j in range(n // 8 * 8, n):
            out[side * j + k] = series[order[min(k, last)], j]


@inlined
def _row_of_float32(a: np.ndarray, at: int, b: np.ndarray, low: int, high: int, work: np.ndarray) -> None:
    """Cells of one row from `low` to `high`, in place of those of the row above."""
    never = splat(a, np.inf, WIDEST)
    x0, x1 = load(a, at, WIDEST), load(a, at + WIDEST, WIDEST)
    x2, x3 = load(a, at + 2 * WIDEST, WIDEST), load(a, at + 3 * WIDEST, WIDEST)
    at = SIDE * low
    d0, d1 = load(work, at, WIDEST), load(work, at + WIDEST, WIDEST)
    d2, d3 = load(work, at + 2 * WIDEST, WIDEST), load(work, at + 3 * WIDEST, WIDEST)
    l0, l1, l2, l3 = never, never, never, never
    for at in range(SIDE * low, SIDE * high, SIDE):
        below = at + SIDE
        e0, e1 = x0 - load(b, at, WIDEST), x1 - load(b, at + WIDEST, WIDEST)
        e2, e3 = x2 - load(b, at + 2 * WIDEST, WIDEST), x3 - load(b, at + 3 * WIDEST, WIDEST)
        u0, u1 = load(work, below, WIDEST), load(work, below + WIDEST, WIDEST)
        u2, u3 = load(work, below + 2 * WIDEST, WIDEST), load(work, below + 3 * WIDEST, WIDEST)
        l0 = fma(e0, e0, minimum(minimum(d0, u0), l0))
        l1 = fma(e1, e1, minimum(minimum(d1, u1), l1))
        l2 = fma(e2, e2, minimum(minimum(d2, u2), l2))
        l3 = fma(e3, e3, minimum(minimum(d3, u3), l3))
        store(work, below, l0)
        store(work, below + WIDEST, l1)
        store(work, below + 2 * WIDEST, l2)
        store(work, below + 3 * WIDEST, l3)
        d0, d1, d2, d3 = u0, u1, u2, u3


@inlined
def _row_of_float64(a: np.ndarray, at: int, b: np.ndarray, low: int, high: int, work: np.ndarray) -> None:
    """As `_row_of_float32`."""
    never = splat(a, np.inf, HALF)
    x0, x1 = load(a, at, HALF), load(a, at + HALF, HALF)
    x2, x3 = load(a, at + 2 * HALF, HALF), load(a, at + 3 * HALF, HALF)
    at = HALF_SIDE * low
    d0, d1 = load(work, at, HALF), load(work, at + HALF, HALF)
    d2, d3 = load(work, at + 2 * HALF, HALF), load(work, at + 3 * HALF, HALF)
    l0, l1, l2, l3 = never, never, never, never
    for at in range(HALF_SIDE * low, HALF_SIDE * high, HALF_SIDE):
        below = at + HALF_SIDE
        e0, e1 = x0 - load(b, at, HALF), x1 - load(b, at + HALF, HALF)
        e2, e3 = x2 - load(b, at + 2 * HALF, HALF), x3 - load(b, at + 3 * HALF, HALF)
        u0, u1 = load(work, below, HALF), load(work, below + HALF, HALF)
        u2, u3 = load(work, below + 2 * HALF, HALF), load(work, below + 3 * HALF, HALF)
        l0 = fma(e0, e0, minimum(minimum(d0, u0), l0))
        l1 = fma(e1, e1, minimum(minimum(d1, u1), l1))
        l2 = fma(e2, e2, minimum(minimum(d2, u2), l2))
        l3 = fma(e3, e3, minimum(minimum(d3, u3), l3))
        store(work, below, l0)
        store(work, below + HALF, l1)
        store(work, below + 2 * HALF, l2)
        store(work, below + 3 * HALF, l3)
        d0, d1, d2, d3 = u0, u1, u2, u3


@compiled
def banded(
    a: np.ndarray, b: np.ndarray, left: int, right: int, limit: float, work: np.ndarray, out: np.ndarray
) -> bool:
    """Squared distances of pairs side by side; False, and `out` as it was, where all exceed a limit.

    Parameters
    ----------
    a, b : ndarray of float32 or float64, shape (side * samples,), (side * others,)
        One side and the other, as `weave` makes them.
    left, right : int
        Sample i may be matched with samples from ``i - left`` to ``i + right``.
    limit : float
        Given up when no cell of a row is below it; infinity: never.
    work : ndarray of the type of `a`, shape (side * (others + 1),)
    out : ndarray of the type of `a`, shape (side,)
    """
    side = _side(a)
    n, m = len(a) // side, len(b) // side
    never = splat(a, np.inf, 16)
    for k in range(0, len(work), 16):
        store(work, k, never)
    for k in range(0, side, 16):
        store(work, k, splat(a, 0.0, 16))
    for i in range(n):
        low, high = max(0, i - left), min(m, i + right + 1)
        if side == SIDE:
            _row_of_float32(a, SIDE * i, b, low, high, work)
        else:
            _row_of_float64(a, HALF_SIDE * i, b, low, high, work)
        if i == 0:
            for k in range(0, side, 16):
                store(work, k, never)
        if i % 16 == 15 and np.isfinite(limit):
            least = never
            for k in range(side * (low + 1), side * (high + 1), 16):
                least = minimum(load(work, k, 16), least)
            if not any_lane(least < splat(a, limit, 16)):
                return False
    for k in range(side):
        out[k] = work[side * m + k]
    return True


@compiled
def all_pairs(x: np.ndarray, y: np.ndarray, half: bool, left: int, right: int, out: np.ndarray) -> None:
    """Squared distances of all series of x from all of y, or where j > i only.

    Parameters
    ----------
    x, y : ndarray of float32 or float64, shape (count, samples), (others, samples of theirs)
    half : bool
        Leave the rest of `out` as it is.
    left, right : int
        As for `banded`.
    out : ndarray of the type of `x`, shape (count, others)
    """
    side = _side(x)
    n, m = x.shape[1], y.shape[1]
    a, b, work = _room(side * n, x), _room(side * m, x), _room(side * (m + 1), x)
    ours, theirs, found = np.empty(side, np.int64), np.empty(side, np.int64), np.empty(side, x.dtype)
    count, pairs = 0, len(x) * (len(x) - 1) // 2 if half else len(x) * len(y)
    i, j = 0, 1 if half else 0
    for pair in range(pairs):
        ours[count], theirs[count] = i, j
        count += 1
        j += 1
        if j == len(y):
            i += 1
            j = i + 1 if half else 0
        if count == side or pair == pairs - 1:
            weave(x, ours[:count], a)
            weave(y, theirs[:count], b)
            banded(a, b, left, right, np.inf, work, found)
            for k in range(count):
                out[ours[k], theirs[k]] = found[k]
            count = 0


@compiled
def _outside(b: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """Squared distance of a series from the belt between `low` and `high`, without its two ends."""
    last, at = len(b) - 1, 1
    zero = splat(b, 0.0, 16)
    far = zero
    while at + 16 <= last:
        x = load(b, at, 16)
        over = maximum(maximum(x - load(high, at, 16), load(low, at, 16) - x), zero)
        far = fma(over, over, far)
        at += 16
    rest = 0.0
    for k in range(at, last):
        over = max(b[k] - high[k], low[k] - b[k], 0.0)
        rest += over * over
    return total(far) + rest  # type: ignore[no-any-return]


@compiled
def nearest(
    a: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    series: np.ndarray,
    lows: np.ndarray,
    highs: np.ndarray,
    window: int,
    part: np.ndarray,
    out: np.ndarray,
) -> int:
    """The series nearest to one, and its squared distance in ``out[0]``; all have the same length.

    Series are taken in the order of a lower bound of their distance: their ends, which are always matched
    with each other, and how far one leaves the belt that the other's samples within the window make (the
    larger of both ways). What the bound excludes is never computed.

    Parameters
    ----------
    a, low, high : ndarray of float32 or float64, shape (samples,)
        The one series and its belt.
    series, lows, highs : ndarray of the type of `a`, shape (count, samples)
        Among which the nearest is looked for, and their belts.
    window : int
        Largest distance in time of matched samples.
    part : ndarray of bool, shape (count,)
        Series that take part.
    out : ndarray of float64, shape (2,)
        Squared distance, and how many series it was computed for.

    Returns
    -------
    int
        Index of the series; -1 where none takes part.
    """
    side = _side(series)
    count, n = series.shape
    bounds = np.empty(count, np.float64)
    ends = 1 if n > 1 else 0
    for k in range(count):
        first, last = a[0] - series[k, 0], ends * (a[n - 1] - series[k, n - 1])
        inside = max(_outside(series[k], low, high), _outside(a, lows[k], highs[k]))
        # A bound is a sum of rounded terms, as the distance is: neither may pass the other by rounding.
        bounds[k] = (float(first * first) + float(last * last) + inside) * (1 - 4 * n * np.finfo(a.dtype).eps)
        if not part[k]:
            bounds[k] = np.inf
    order = np.argsort(bounds, kind="mergesort")
    one, woven, work = _room(side * n, a), _room(side * n, a), _room(side * (n + 1), a)
    weave(a.reshape(1, n), np.zeros(1, np.int64), one)
    found = np.empty(side, a.dtype)
    best, index, done = np.inf, -1, 0
    for start in range(0, count, side):
        some = order[start : min(start + side, count)]
        if not bounds[some[0]] < best:
            break
        weave(series, some, woven)
        done += len(some)
        if banded(one, woven, window, window, best, work, found):
            for k in range(len(some)):
                if part[some[k]] and found[k] < best:
                    best, index = found[k], some[k]
    out[0], out[1] = best, done
    return index
