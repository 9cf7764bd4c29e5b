"""The table of correlations of a matrix profile on a GPU: a thread for each diagonal of a strip of its rows.

Threads beside each other go down neighbouring diagonals: what they read lies side by side. What is best for a
stretch is one integer of 64 bits, the correlation above and the place below, which threads raise by an atomic
maximum. So the result depends on no order, neither that of threads nor the number of strips that run at once.
"""

from __future__ import annotations

import numpy as np
from numba import cuda


@cuda.jit(device=True)
def _offer(best: np.ndarray, at: int, key: int) -> None:
    # Keys only rise. One read just before another thread raised it costs an atomic operation, nothing else.
    if key > best[at]:
        cuda.atomic.max(best, at, key)


@cuda.jit
def strips(
    x: np.ndarray,
    y: np.ndarray,
    mean_x: np.ndarray,
    mean_y: np.ndarray,
    rise_x: np.ndarray,
    rise_y: np.ndarray,
    fall_x: np.ndarray,
    fall_y: np.ndarray,
    scale_x: np.ndarray,
    scale_y: np.ndarray,
    m: int,
    first: int,
    diagonals: int,
    strip: int,
    bits: int,
    rows: np.ndarray,
    columns: np.ndarray,
) -> None:
    """Raise keys of rows and columns to those of the largest correlations.

    Launched with a thread for each diagonal and, along the second axis of the grid, a block for each strip.

    Parameters
    ----------
    x, y : device array of float64, shape (samples,)
        Both signals.
    mean_x, mean_y, rise_x, rise_y, fall_x, fall_y, scale_x, scale_y : device array of float64
        One value for each stretch, as `hpcflow_kernels.similarity.profile_loops.Side` and `Steps` have them,
        for both; a scale that is NaN takes a stretch out.
    m : int
        Samples of a stretch.
    first, diagonals : int
        The first diagonal, column less row, and how many there are.
    strip : int
        Rows of a strip; covariances start anew in each.
    bits : int
        Of a place; the rest of a key is the correlation's.
    rows, columns : device array of int64
        Keys, 0 before the first offer; one and the same for one signal. No columns: they are not asked for.
    """
    k = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if k >= diagonals:
        return
    d, start = first + k, cuda.blockIdx.y * strip
    stop = start + strip
    if start < -d:
        start = -d
    if stop > len(rows):
        stop = len(rows)
    if stop > len(scale_y) - d:
        stop = len(scale_y) - d
    if start >= stop:
        return
    covariance = 0.0
    for q in range(m):
        covariance += (x[start + q] - mean_x[start]) * (y[start + d + q] - mean_y[start + d])
    size, last = 1 << (61 - bits), (1 << bits) - 1
    for i in range(start, stop):
        j = i + d
        if i > start:
            covariance += rise_x[i] * fall_y[j] + fall_x[i] * rise_y[j]
        correlation = covariance * scale_x[i] * scale_y[j]
        if correlation > -2:  # not NaN
            key = np.int64((correlation + 2) * size) << bits  # from 1 to 3 of 4: neither 0 nor below it
            _offer(rows, i, key | (last - j))  # of equal ones the first place is the largest key
            if len(columns) > 0:
                _offer(columns, j, key | (last - i))
