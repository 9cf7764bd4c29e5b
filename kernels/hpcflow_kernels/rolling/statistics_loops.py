"""Compiled loops of rolling statistics: windows grow fourfold, pass by pass over a block in cache.

From the results of all windows of m samples come those of 4 m samples, from w[i], w[i + m], w[i + 2 m] and
w[i + 3 m], so a window of n samples takes log4(n) passes without a branch. Extremes may overlap, so their
last passes reach n; sums and spreads are put together from the digits of n. Each result is a tree over its
own samples and nothing else: no rounding is carried along the record, one missing sample harms its own
windows only, and cutting the record elsewhere changes no bit.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import broadcast, fma, load, maximum, minimum, splat, sqrt, store, total

BLOCK = 1024
"""Results of one block: work arrays of 4 KiB of float32, more only where windows are longer."""


@inlined
def _take(x: np.ndarray, start: int, count: int, room: int, work: np.ndarray) -> None:
    """Copy `count` samples and fill up with the last one, so that whole vectors can be read."""
    for i in range(0, count - 7, 8):
        store(work, i, load(x, start + i, 8))
    for i in range(count // 8 * 8, count):
        work[i] = x[start + i]
    for i in range(count, room):
        work[i] = work[count - 1]


@compiled
def extremes(x: np.ndarray, n: int, largest: bool, out: np.ndarray) -> bool:
    """Largest or smallest value of each window, exactly; False where a sample is not finite.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Results are right where no sample is NaN.
    n : int
        Samples of a window, from 1 to `samples`.
    largest : bool
        Largest values, else smallest.
    out : ndarray of the type of `x`, shape (samples - n + 1,)
        Value i is that of ``x[i : i + n]``.
    """
    block = max(BLOCK, (2 * n + 7) // 8 * 8)
    work = np.empty(block + n + 16, x.dtype)
    odd = splat(x, 0.0, 8)
    for start in range(0, len(out), block):
        rows = min(block, len(out) - start)
        valid = rows + n - 1
        _take(x, start, valid, valid + 16, work)
        for i in range(0, valid, 8):
            odd = odd + (load(work, i, 8) - load(work, i, 8))
        m = 1
        while 4 * m <= n:
            valid -= 3 * m
            if largest:
                for i in range(0, valid, 8):
                    a = maximum(load(work, i, 8), load(work, i + m, 8))
                    b = maximum(load(work, i + 2 * m, 8), load(work, i + 3 * m, 8))
                    store(work, i, maximum(a, b))
            else:
                for i in range(0, valid, 8):
                    a = minimum(load(work, i, 8), load(work, i + m, 8))
                    b = minimum(load(work, i + 2 * m, 8), load(work, i + 3 * m, 8))
                    store(work, i, minimum(a, b))
            m *= 4
        while m < n:
            by = min(m, n - m)
            valid -= by
            if largest:
                for i in range(0, valid, 8):
                    store(work, i, maximum(load(work, i, 8), load(work, i + by, 8)))
            else:
                for i in range(0, valid, 8):
                    store(work, i, minimum(load(work, i, 8), load(work, i + by, 8)))
            m += by
        for i in range(0, rows - 7, 8):
            store(out, start + i, load(work, i, 8))
        for i in range(rows // 8 * 8, rows):
            out[start + i] = work[i]
    return np.isfinite(total(odd))  # type: ignore[no-any-return]


@inlined
def _parts(n: int, room: int, parts: np.ndarray) -> int:
    """Cut a window of n samples into windows of 1, 4, 16, ... samples, one after another.

    Part p is read ``parts[p, 0]`` places after a window's first sample in the rows of work, `room` long, of
    which row l holds windows of 4**l samples; ``parts[p, 1]`` is its length. Returns their number.
    """
    count, offset, level, m = 0, 0, 0, 1
    while m <= n:
        for _ in range(n // m % 4):
            parts[count, 0], parts[count, 1] = level * room + offset, m
            offset += m
            count += 1
        level, m = level + 1, 4 * m
    return count


@compiled
def means(x: np.ndarray, n: int, out: np.ndarray) -> None:
    """Mean of each window, a sum of quarters of quarters: error below 2 log2(n) + 2 roundings.

    Parameters
    ----------
    x, n, out
        As for `extremes`; NaN may occur and harms the windows it lies in.
    """
    block = max(BLOCK, (2 * n + 7) // 8 * 8)
    room = block + n + 16
    parts = np.zeros((96, 2), np.int64)
    count = _parts(n, room, parts)
    levels = parts[count - 1, 0] // room + 1
    spare = levels * room
    work = np.zeros(spare + room, x.dtype)
    scale = splat(x, 1.0 / n, 8)
    for start in range(0, len(out), block):
        rows = min(block, len(out) - start)
        valid = rows + n - 1
        _take(x, start, valid, valid + 16, work)
        m = 1
        for at in range(room, levels * room, room):
            valid -= 3 * m
            below = at - room
            for i in range(below, below + valid, 8):
                a = load(work, i, 8) + load(work, i + m, 8)
                b = load(work, i + 2 * m, 8) + load(work, i + 3 * m, 8)
                store(work, i + room, a + b)
            m *= 4
        p, done = 1, parts[0, 0]
        while p + 3 < count:  # three parts at a time go on top of the first one, in a row of their own
            b, c, d = parts[p, 0], parts[p + 1, 0], parts[p + 2, 0]
            for i in range(0, rows, 8):
                more = load(work, c + i, 8) + load(work, d + i, 8)
                store(work, spare + i, (load(work, done + i, 8) + load(work, b + i, 8)) + more)
            p, done = p + 3, spare
        parts_left = count - p
        b, c = parts[p, 0], parts[p + 1, 0]
        d = parts[p + 2, 0]
        for i in range(0, rows, 8):
            added = load(work, done + i, 8)
            if parts_left == 1:
                added = added + load(work, b + i, 8)
            elif parts_left == 2:
                added = added + (load(work, b + i, 8) + load(work, c + i, 8))
            elif parts_left == 3:
                more = load(work, c + i, 8) + load(work, d + i, 8)
                added = (added + load(work, b + i, 8)) + more
            if i + 8 <= rows:
                store(out, start + i, added * scale)
            else:
                store(work, spare + i, added * scale)
                out[start + i : start + rows] = work[spare + i : spare + rows]


@compiled
def spreads(x: np.ndarray, n: int, ddof: int, out: np.ndarray) -> None:
    """Standard deviation of each window, from sums of squared distances merged side by side.

    Two windows side by side, of a and b samples with means p and q, have together the sum
    ``s + t + (q - p)**2 a b / (a + b)``, where nothing cancels: Chan, Golub and LeVeque, Updating formulae
    and a pairwise algorithm for computing sample variances, COMPSTAT (1982), equation 2.1. Four of one
    length are merged at once, about the mean of their means.

    Parameters
    ----------
    x, n, out
        As for `means`.
    ddof : int
        The sum is divided by ``n - ddof``.
    """
    block = max(BLOCK, (2 * n + 7) // 8 * 8)
    room = block + n + 16
    parts = np.zeros((96, 2), np.int64)
    count = _parts(n, room, parts)
    levels = parts[count - 1, 0] // room + 1
    mean, square = np.zeros(levels * room, x.dtype), np.zeros(levels * room, x.dtype)
    last, shares, weights = np.empty(8, x.dtype), np.empty(96, x.dtype), np.empty(96, x.dtype)
    have = parts[0, 1]
    for p in range(1, count):
        share = parts[p, 1] / (have + parts[p, 1])
        shares[p], weights[p] = share, have * share
        have += parts[p, 1]
    quarter, below_all = splat(x, 0.25, 8), splat(x, 1.0 / (n - ddof), 8)
    for start in range(0, len(out), block):
        rows = min(block, len(out) - start)
        valid = rows + n - 1
        _take(x, start, valid, valid + 16, mean)
        m = 1
        for at in range(room, levels * room, room):
            valid -= 3 * m
            weight = splat(x, m, 8)
            for i in range(at - room, at - room + valid, 8):
                a, b = load(mean, i, 8), load(mean, i + m, 8)
                c, d = load(mean, i + 2 * m, 8), load(mean, i + 3 * m, 8)
                middle = ((a + b) + (c + d)) * quarter
                a, b, c, d = a - middle, b - middle, c - middle, d - middle
                apart = fma(a, a, b * b) + fma(c, c, d * d)
                if m == 1:
                    store(square, i + room, apart)
                else:
                    inner = load(square, i, 8) + load(square, i + m, 8)
                    inner = inner + (load(square, i + 2 * m, 8) + load(square, i + 3 * m, 8))
                    store(square, i + room, fma(apart, weight, inner))
                store(mean, i + room, middle)
            m *= 4
        for i in range(0, rows, 8):
            middle, apart = load(mean, parts[0, 0] + i, 8), load(square, parts[0, 0] + i, 8)
            for p in range(1, count):
                k = parts[p, 0] + i
                distance = load(mean, k, 8) - middle
                apart = apart + load(square, k, 8)
                apart = fma(distance * distance, broadcast(weights, p, 8), apart)
                middle = fma(distance, broadcast(shares, p, 8), middle)
            spread = sqrt(apart * below_all)
            if i + 8 <= rows:
                store(out, start + i, spread)
            else:
                store(last, 0, spread)
                out[start + i : start + rows] = last[: rows - i]
