"""Compiled loops of rolling extremes: windows grow fourfold, pass by pass over a block in cache.

From the results of all windows of m samples come those of 4 m samples, from w[i], w[i + m], w[i + 2 m] and
w[i + 3 m], so a window of n samples takes log4(n) passes without a branch; the last ones overlap, so that
they reach n.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import load, maximum, minimum, splat, store, total

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
