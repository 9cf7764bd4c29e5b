"""Compiled loops of rolling means and spreads: windows double, up to 32 samples within registers.

The sums of two neighbouring windows of m samples give that of one of 2 m: up to 32 samples by sliding
vectors, beyond by reading rows of a work array at whole vectors. Beside each goes the sum of the rest, n
modulo 2 m samples, which a window ends with, built up from the same sums; a window of n samples is both.
Each result is a tree over its own samples and nothing else: no rounding is carried along the record, one
missing sample harms its own windows only, and cutting the record elsewhere changes no bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import broadcast, fma, load, slide, splat, sqrt, store

BLOCK = 2048
"""Results of one block: rows of 8 KiB of float32, more only where windows are longer."""

LAG = 64
"""Places in front of a row; the loops over samples write a result up to so much behind what they read."""


@inlined
def _aligned(work: np.ndarray) -> np.ndarray:
    """The array from its first place at a whole cache line on."""
    return work[-(work.ctypes.data // work.itemsize) % 16 :]


@inlined
def _padded(x: np.ndarray, start: int, count: int, room: int, out: np.ndarray) -> None:
    """Copy `count` samples and go on with the last one, so that whole vectors can be read."""
    out[:count] = x[start : start + count]
    out[count:room] = x[start + count - 1]


@inlined
def _sums_of_32(x: np.ndarray, at: int, count: int, n: int, work: np.ndarray, room: int) -> None:
    """Sums of 32 samples at each place from `at` on, and those of n modulo 32 in the next row of `work`."""
    odd, two, four, eight, sixteen = n & 1 > 0, n & 2 > 0, n & 4 > 0, n & 8 > 0, n & 16 > 0
    none = splat(x, 0.0, 16)
    x0 = load(x, at, 16)
    s2 = s4 = s8 = s16 = r2 = r4 = r8 = none
    for i in range(0, count + LAG, 16):
        x1 = load(x, at + i + 16, 16)
        t2 = x0 + slide(x0, x1, 1)
        t4 = s2 + slide(s2, t2, 2)
        t8 = s4 + slide(s4, t4, 4)
        t16 = s8 + slide(s8, t8, 8)
        store(work, i, s16 + t16)
        q2 = none
        if odd:
            q2 = x0
            if two:
                q2 = t2 + slide(x0, x1, 2)
        elif two:
            q2 = t2
        q4, q8, q16 = r2, r4, r8
        if four:
            q4 = t4 + slide(r2, q2, 4)
        if eight:
            q8 = t8 + slide(r4, q4, 8)
        if sixteen:
            q16 = t16 + q8
        store(work, room + 16 + i, q16)
        x0, s2, s4, s8, s16, r2, r4, r8 = x1, t2, t4, t8, t16, q2, q4, q8


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
    room = (block + 2 * n) // 16 * 16 + 3 * LAG
    work = _aligned(np.empty(2 * room + 16, x.dtype))
    padded = np.empty(block + n + 4 * LAG, x.dtype)
    scale = splat(x, 1.0 / n, 16)
    s, r = LAG, room + LAG
    for start in range(0, len(out), block):
        rows = min(block, len(out) - start)
        valid = rows + n - 1
        whole = (valid + 15) // 16 * 16
        if start + whole + LAG + 32 <= len(x):
            _sums_of_32(x, start, whole, n, work, room)
        else:
            _padded(x, start, valid, whole + LAG + 32, padded)
            _sums_of_32(padded, 0, whole, n, work, room)
        m = 32
        while 4 * m <= n:
            first, second = n & m > 0, n & (2 * m) > 0
            shortest = n % (4 * m) if first or second else 4 * m
            for i in range(0, rows + n - shortest, 16):
                a, b = load(work, s + i, 16), load(work, s + m + i, 16)
                c, d = load(work, s + 2 * m + i, 16), load(work, s + 3 * m + i, 16)
                low = a + b
                store(work, s + i, low + (c + d))
                if first:
                    if second:
                        store(work, r + i, low + (c + load(work, r + 3 * m + i, 16)))
                    else:
                        store(work, r + i, a + load(work, r + m + i, 16))
                elif second:
                    store(work, r + i, low + load(work, r + 2 * m + i, 16))
            m *= 4
        for i in range(0, rows, 16):
            if n < 32:
                total = load(work, r + i, 16)
            elif n < 2 * m:
                total = load(work, s + i, 16) + load(work, r + m + i, 16)
            else:
                total = load(work, s + i, 16) + load(work, s + m + i, 16)
                if n & m:
                    total = total + (load(work, s + 2 * m + i, 16) + load(work, r + 3 * m + i, 16))
                else:
                    total = total + load(work, r + 2 * m + i, 16)
            if i + 16 <= rows:
                store(out, start + i, total * scale)
            else:
                store(padded, 0, total * scale)
                out[start + i : start + rows] = padded[: rows - i]


@inlined
def _spreads_of_32(
    x: np.ndarray,
    at: int,
    count: int,
    n: int,
    share: np.ndarray,
    weight: np.ndarray,
    sums: np.ndarray,
    squares: np.ndarray,
    room: int,
) -> None:
    """As `_sums_of_32`, and twice the sums of squared distances from the mean."""
    odd, two, four, eight, sixteen = n & 1 > 0, n & 2 > 0, n & 4 > 0, n & 8 > 0, n & 16 > 0
    none = splat(x, 0.0, 8)
    w4, w8, w16, w32 = splat(x, 1 / 2, 8), splat(x, 1 / 4, 8), splat(x, 1 / 8, 8), splat(x, 1 / 16, 8)
    c2, c4 = broadcast(share, 1, 8), broadcast(share, 2, 8)
    c8, c16 = broadcast(share, 3, 8), broadcast(share, 4, 8)
    v2, v4 = broadcast(weight, 1, 8), broadcast(weight, 2, 8)
    v8, v16 = broadcast(weight, 3, 8), broadcast(weight, 4, 8)
    x0 = load(x, at, 8)
    s2 = s4 = s8 = s16 = z16 = r2 = r4 = r8 = o8 = none
    p2 = p4 = p8 = p16 = y16 = q2 = q4 = q8 = m8 = none
    for i in range(0, count + LAG, 8):
        x1 = load(x, at + i + 8, 8)
        far = slide(x0, x1, 1)
        t2, d = x0 + far, far - x0
        u2 = d * d
        far = slide(s2, t2, 2)
        t4, d = s2 + far, far - s2
        u4 = fma(d * w4, d, p2 + slide(p2, u2, 2))
        far = slide(s4, t4, 4)
        t8, d = s4 + far, far - s4
        u8 = fma(d * w8, d, p4 + slide(p4, u4, 4))
        t16, d = s8 + t8, t8 - s8
        u16 = fma(d * w16, d, p8 + u8)
        d = t16 - z16
        store(sums, i + 24, z16 + t16)
        store(squares, i + 24, fma(d * w32, d, y16 + u16))
        a2, b2 = none, none
        if odd:
            a2 = x0
            if two:
                far = slide(x0, x1, 2)
                d = fma(t2, c2, far)
                a2, b2 = t2 + far, fma(d * v2, d, u2)
        elif two:
            a2, b2 = t2, u2
        a4, b4, a8, b8, a16, b16 = r2, q2, r4, q4, o8, m8
        if four:
            far = slide(r2, a2, 4)
            d = fma(t4, c4, far)
            a4, b4 = t4 + far, fma(d * v4, d, u4 + slide(q2, b2, 4))
        if eight:
            d = fma(t8, c8, a4)
            a8, b8 = t8 + a4, fma(d * v8, d, u8 + b4)
        if sixteen:
            d = fma(s16, c16, a8)
            a16, b16 = s16 + a8, fma(d * v16, d, p16 + b8)
        store(sums, room + 32 + i, a16)
        store(squares, room + 32 + i, b16)
        x0, s2, s4, s8, z16, s16, r2, r4, o8, r8 = x1, t2, t4, t8, s16, t16, a2, a4, r8, a8
        p2, p4, p8, y16, p16, q2, q4, m8, q8 = u2, u4, u8, p16, u16, b2, b4, q8, b8


@inlined
def _merged(s: Any, p: Any, r: Any, q: Any, share: Any, weight: Any) -> tuple[Any, Any]:
    """Sums and squares of two neighbouring windows together."""
    d = fma(s, share, r)
    return s + r, fma(d * weight, d, p + q)


@compiled
def spreads(x: np.ndarray, n: int, ddof: int, out: np.ndarray) -> None:
    """Standard deviation of each window, from sums of squared distances merged side by side.

    Two windows side by side, of a and b samples with sums s and r and squared distances p and q, have
    together ``p + q + (r - s b / a)**2 a / (b (a + b))``, where nothing cancels: Chan, Golub and LeVeque,
    Updating formulae and a pairwise algorithm for computing sample variances, COMPSTAT (1982), equation
    2.1. As a is a power of two, ``b / a`` is exact.

    Parameters
    ----------
    x, n, out
        As for `means`.
    ddof : int
        The sum is divided by ``n - ddof``.
    """
    block = max(BLOCK, (3 * n + 15) // 16 * 16)
    room = (block + 2 * n) // 16 * 16 + 3 * LAG
    work = _aligned(np.empty(4 * room + 16, x.dtype))
    sums, squares = work[: 2 * room], work[2 * room : 4 * room]
    padded = np.empty(block + n + 4 * LAG, x.dtype)
    share, weight = np.zeros(64, x.dtype), np.zeros(64, x.dtype)
    for level in range(63):
        before = 1 << level
        if before > n:
            break
        after = n % before
        if after > 0:
            share[level] = -after / before
            weight[level] = 2 * before / (after * (before + after))
    scale = splat(x, 0.5 / (n - ddof), 16)
    s, r = LAG, room + LAG
    for start in range(0, len(out), block):
        rows = min(block, len(out) - start)
        valid = rows + n - 1
        whole = (valid + 15) // 16 * 16
        if start + whole + LAG + 32 <= len(x):
            _spreads_of_32(x, start, whole, n, share, weight, sums, squares, room)
        else:
            _padded(x, start, valid, whole + LAG + 32, padded)
            _spreads_of_32(padded, 0, whole, n, share, weight, sums, squares, room)
        m, level = 32, 5
        while 2 * m <= n:
            first = n & m > 0
            shortest = n % (2 * m) if first else 2 * m
            one, w = splat(x, -1.0, 16), splat(x, 1 / m, 16)
            c, v = broadcast(share, level, 16), broadcast(weight, level, 16)
            for i in range(0, rows + n - shortest, 16):
                a, p = load(sums, s + i, 16), load(squares, s + i, 16)
                b, q = load(sums, s + m + i, 16), load(squares, s + m + i, 16)
                t, u = _merged(a, p, b, q, one, w)
                store(sums, s + i, t)
                store(squares, s + i, u)
                if first:
                    b, q = load(sums, r + m + i, 16), load(squares, r + m + i, 16)
                    t, u = _merged(a, p, b, q, c, v)
                    store(sums, r + i, t)
                    store(squares, r + i, u)
            m, level = 2 * m, level + 1
        c, v = broadcast(share, level, 16), broadcast(weight, level, 16)
        for i in range(0, rows, 16):
            if n < 32:
                u = load(squares, r + i, 16)
            else:
                a, p = load(sums, s + i, 16), load(squares, s + i, 16)
                b, q = load(sums, r + m + i, 16), load(squares, r + m + i, 16)
                t, u = _merged(a, p, b, q, c, v)
            u = sqrt(u * scale)
            if i + 16 <= rows:
                store(out, start + i, u)
            else:
                store(padded, 0, u)
                out[start + i : start + rows] = padded[: rows - i]
