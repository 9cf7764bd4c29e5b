"""Dynamic time warping on a GPU: a block of threads for each pair of series, the band by its anti-diagonals.

Cells of one anti-diagonal depend on the two before it alone, so that threads share them out. A cell is known
by its diagonal, j - i: those of one anti-diagonal are all odd or all even, and find what they need one to
the left and right, and in their own place. So one line, as long as the band is wide, holds all of it, and no
thread writes what another one reads before they have met.
"""

from __future__ import annotations

import numpy as np
from numba import cuda


@cuda.jit(device=True)
def _smaller(a: float, b: float) -> float:
    """`min`, which Numba 0.68 does not compile for a GPU."""
    return a if a < b else b


@cuda.jit(device=True)
def _larger(a: float, b: float) -> float:
    return a if a > b else b


@cuda.jit(device=True)
def _walk(a: np.ndarray, b: np.ndarray, left: int, right: int, line: np.ndarray) -> None:
    """Leave the squared distance of a and b in place ``len(b) - len(a) + left + 1`` of `line`."""
    n, m, width = len(a), len(b), left + right + 1
    for k in range(cuda.threadIdx.x, width + 2, cuda.blockDim.x):
        line[k] = 0.0 if k == left + 1 else np.inf  # what comes before the first cell, and beside the band
    cuda.syncthreads()
    for d in range(n + m - 1):
        low = _larger(_larger(0, d - m + 1), (d - right + 1) // 2)
        high = _smaller(_smaller(n - 1, d), (d + left) // 2)
        for i in range(low + cuda.threadIdx.x, high + 1, cuda.blockDim.x):
            at = d - 2 * i + left + 1
            apart = a[i] - b[d - i]
            line[at] = _smaller(_smaller(line[at], line[at + 1]), line[at - 1]) + apart * apart
        cuda.syncthreads()


@cuda.jit
def pairs_in_shared_memory(
    x: np.ndarray, y: np.ndarray, half: bool, left: int, right: int, out: np.ndarray
) -> None:
    """Squared distances of all series of x from all of y, or where j > i only.

    Launched with ``left + right + 3`` values of shared memory for each block; any number of blocks.

    Parameters
    ----------
    x, y : device array of float32 or float64, shape (count, samples), (others, samples of theirs)
    half : bool
        Leave the rest of `out` as it is.
    left, right : int
        Sample i may be matched with samples from ``i - left`` to ``i + right``.
    out : device array of the type of `x`, shape (count, others)
    """
    line = cuda.shared.array(0, x.dtype)
    for pair in range(cuda.blockIdx.x, len(x) * len(y), cuda.gridDim.x):
        i, j = pair // len(y), pair % len(y)
        if not half or j > i:
            _walk(x[i], y[j], left, right, line)
            if cuda.threadIdx.x == 0:
                out[i, j] = line[y.shape[1] - x.shape[1] + left + 1]
            cuda.syncthreads()


@cuda.jit
def pairs_in_global_memory(
    x: np.ndarray, y: np.ndarray, half: bool, left: int, right: int, lines: np.ndarray, out: np.ndarray
) -> None:
    """As `pairs_in_shared_memory`, for wider bands: `lines` holds ``left + right + 3`` values a block."""
    for pair in range(cuda.blockIdx.x, len(x) * len(y), cuda.gridDim.x):
        i, j = pair // len(y), pair % len(y)
        if not half or j > i:
            _walk(x[i], y[j], left, right, lines[cuda.blockIdx.x])
            if cuda.threadIdx.x == 0:
                out[i, j] = lines[cuda.blockIdx.x, y.shape[1] - x.shape[1] + left + 1]
            cuda.syncthreads()
