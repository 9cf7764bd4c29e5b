"""Compiled loop of the kurtogram: mean power and mean squared power of many bands in one pass."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled
from hpcflow_kernels.simd import extract, fma, load, rotate, splat

CHUNK = 2048
"""Values of which sums run in the type of the samples; between chunks they run in float64."""


@compiled
def power_moments(x: np.ndarray, length: int, skip: int, out: np.ndarray) -> None:
    """Means of ``|c|**2`` and ``|c|**4`` over rows of complex values.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (rows * 2 * length,)
        Real and imaginary parts in turns.
    length, skip : int
        Complex values of a row, and how many to leave out at either end.
    out : ndarray of float64, shape (rows, 2)
    """
    zero = splat(x, 0.0, 8)
    for row in range(len(out)):
        start, stop = 2 * (row * length + skip), 2 * ((row + 1) * length - skip)
        second, fourth = 0.0, 0.0
        i = start
        while i + 8 <= stop:
            end = min(i + CHUNK, stop)
            powers = squares = zero
            while i + 8 <= end:
                v = load(x, i, 8)
                v = v * v
                v = v + rotate(v, 1)  # |c|**2 in lanes 0, 2, 4 and 6
                powers, squares = powers + v, fma(v, v, squares)
                i += 8
            second += np.float64(extract(powers, 0) + extract(powers, 2))
            second += np.float64(extract(powers, 4) + extract(powers, 6))
            fourth += np.float64(extract(squares, 0) + extract(squares, 2))
            fourth += np.float64(extract(squares, 4) + extract(squares, 6))
        while i < stop:
            power = np.float64(x[i]) ** 2 + np.float64(x[i + 1]) ** 2
            second, fourth = second + power, fourth + power**2
            i += 2
        out[row, 0], out[row, 1] = second / (length - 2 * skip), fourth / (length - 2 * skip)
