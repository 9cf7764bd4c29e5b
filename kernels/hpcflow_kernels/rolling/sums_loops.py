"""Compiled loops of rolling means and spreads: windows double, one digit of their length after another.

A window of n samples grows from its first ones: for each further binary digit of n, from the highest to the
lowest, two windows side by side become one of twice the length, and where the digit is one, the next sample
joins them. All windows of a block take a step together, in a work array in cache, where a window's neighbour
is a load from some places further. Each result is a tree over its own samples and nothing else: no rounding
is carried along the record, one missing sample harms its own windows only, and cutting the record elsewhere
changes no bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import announce, fma, load, splat, sqrt, store

BLOCK = 2048
"""Results of one block: work arrays of 8 KiB of float32, more only where windows are longer."""

BEYOND = 80
"""Places behind a block's samples that loops over whole vectors reach; no result depends on them."""


@inlined
def _aligned(work: np.ndarray) -> np.ndarray:
    """The array from its first place at a whole cache line on."""
    return work[-(work.ctypes.data // work.itemsize) % 16 :]


@inlined
def _first_digits(n: int) -> tuple[int, int]:
    """The length that the highest two digits make, 2 or 3 (1 where n is), and how many digits are left."""
    left = 0
    while n >> left > 3:
        left += 1
    return n >> left, left


@compiled
def _means(x: np.ndarray, at: int, n: int, sums: np.ndarray, out: np.ndarray) -> None:
    """Means of the windows that begin at place `at` and after."""
    rows, scale = len(out), x.dtype.type(1.0 / n)
    scales = splat(x, scale, 16)
    m, left = _first_digits(n)
    for i in range(0, rows + n - m, 16):
        s = load(x, at + i, 16)
        if m > 1:
            s = s + load(x, at + i + 1, 16)
        if m > 2:
            s = s + load(x, at + i + 2, 16)
        store(sums, i, s)
        announce(out, i)  # the last step would wait for memory: 1.2 times the time of a long record
    while left > 0:
        left -= 1
        odd, after = n >> left & 1, 2 * m
        for i in range(0, rows + n - after - odd, 16):
            s = load(sums, i, 16) + load(sums, i + m, 16)
            if odd:
                s = s + load(x, at + i + after, 16)
            if left > 0 or i + 16 > rows:
                store(sums, i, s)
            else:
                store(out, i, s * scales)
        m = after + odd
    for i in range(0 if n < 4 else rows // 16 * 16, rows):
        out[i] = sums[i] * scale


@inlined
def _with_next(s: Any, p: Any, x: Any, m: Any, weight: Any) -> tuple[Any, Any]:
    """Sums and squares of windows of m samples, and of the sample that follows."""
    d = fma(x, m, -s)
    return s + x, fma(d * weight, d, p)


@compiled
def _spreads(
    x: np.ndarray, at: int, n: int, ddof: int, sums: np.ndarray, squares: np.ndarray, out: np.ndarray
) -> None:
    """Standard deviations of the windows that begin at place `at` and after."""
    rows, scale = len(out), x.dtype.type(0.5 / (n - ddof))
    scales = splat(x, scale, 16)
    two, third = splat(x, 2.0, 16), splat(x, 1 / 3, 16)
    m, left = _first_digits(n)
    for i in range(0, rows + n - m, 16):
        a, b = load(x, at + i, 16), load(x, at + i + 1, 16)
        s, d = a + b, b - a
        p = d * d
        if m > 2:
            s, p = _with_next(s, p, load(x, at + i + 2, 16), two, third)
        store(sums, i, s)
        store(squares, i, p)
    while left > 0:
        left -= 1
        odd, after = n >> left & 1, 2 * m
        w = splat(x, 1 / m, 16)
        many, v = splat(x, 1.0 * after, 16), splat(x, 1 / (m * (after + 1.0)), 16)
        for i in range(0, rows + n - after - odd, 16):
            a, b = load(sums, i, 16), load(sums, i + m, 16)
            s, d = a + b, b - a
            p = fma(d * w, d, load(squares, i, 16) + load(squares, i + m, 16))
            if odd:
                s, p = _with_next(s, p, load(x, at + i + after, 16), many, v)
            if left > 0 or i + 16 > rows:
                store(sums, i, s)
                store(squares, i, p)
            else:
                store(out, i, sqrt(p * scales))
        m = after + odd
    for i in range(0 if n < 4 else rows // 16 * 16, rows):
        out[i] = np.sqrt(squares[i] * scale)


@inlined
def _padded(x: np.ndarray, start: int, out: np.ndarray) -> None:
    """Copy the rest of the samples and go on with the last one, so that whole vectors can be read."""
    count = len(x) - start
    out[:count] = x[start:]
    out[count : count + BEYOND] = x[len(x) - 1]


@compiled
def means(x: np.ndarray, n: int, out: np.ndarray) -> None:
    """Mean of each window, a sum of halves of halves: error below 2 log2(n) + 2 roundings.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        NaN harms the windows it lies in.
    n : int
        Samples of a window, from 1 to `samples`.
    out : ndarray of the type of `x`, shape (samples - n + 1,)
        Value i is that of ``x[i : i + n]``.
    """
    block = max(BLOCK, (3 * n + 15) // 16 * 16)
    sums = _aligned(np.zeros(block + n + BEYOND, x.dtype))
    padded = np.empty(block + n + 2 * BEYOND, x.dtype)
    for start in range(0, len(out), block):
        rows = min(block, len(out) - start)
        if start + rows + n + BEYOND <= len(x):
            _means(x, start, n, sums, out[start : start + rows])
        else:
            _padded(x, start, padded)
            _means(padded, 0, n, sums, out[start : start + rows])


@compiled
def spreads(x: np.ndarray, n: int, ddof: int, out: np.ndarray) -> None:
    """Standard deviation of each window, from sums of squared distances merged side by side.

    Two windows side by side, of a and b samples with sums s and r and squared distances p and q, have
    together ``p + q + (a r / b - s)**2 b / (a (a + b))``, where nothing cancels: Chan, Golub and LeVeque,
    Updating formulae and a pairwise algorithm for computing sample variances, COMPSTAT (1982), equation
    2.1. As b is a or one, ``a / b`` is exact.

    Parameters
    ----------
    x, out
        As for `means`.
    n : int
        Samples of a window, from 2 to `samples`.
    ddof : int
        The sum is divided by ``n - ddof``.
    """
    block = max(BLOCK, (3 * n + 15) // 16 * 16)
    room = block + (n + 15) // 16 * 16 + BEYOND
    work = _aligned(np.zeros(2 * room + 16, x.dtype))
    sums, squares = work[:room], work[room:]
    padded = np.empty(block + n + 2 * BEYOND, x.dtype)
    for start in range(0, len(out), block):
        rows = min(block, len(out) - start)
        if start + rows + n + BEYOND <= len(x):
            _spreads(x, start, n, ddof, sums, squares, out[start : start + rows])
        else:
            _padded(x, start, padded)
            _spreads(padded, 0, n, ddof, sums, squares, out[start : start + rows])
