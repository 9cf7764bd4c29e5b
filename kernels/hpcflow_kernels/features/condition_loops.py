"""Compiled loops of condition indicators: two passes over a frame, the second one from cache."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import convert, extract, fma, load, maximum, minimum, splat, total

LOW, HIGH, MEAN, SECOND, THIRD, FOURTH = range(6)
"""Columns of `frame_moments`."""


@inlined
def _extremes_and_mean(x: np.ndarray, wide: np.ndarray) -> tuple[float, float, float]:
    """Smallest, largest and mean value of at least 16 samples; the mean is NaN where one is not finite."""
    low = high = load(x, 0, 8)
    first = splat(wide, x[0], 8)
    a = b = first - first
    i = 0
    while i + 16 <= len(x):
        p, q = load(x, i, 8), load(x, i + 8, 8)
        low, high = minimum(low, minimum(p, q)), maximum(high, maximum(p, q))
        a, b = a + (convert(p, wide) - first), b + (convert(q, wide) - first)
        i += 16
    least, most, added = extract(low, 0), extract(high, 0), total(a + b)
    for lane in range(1, 8):
        least, most = min(least, extract(low, lane)), max(most, extract(high, lane))
    while i < len(x):
        least, most = min(least, x[i]), max(most, x[i])
        added += np.float64(x[i]) - np.float64(x[0])
        i += 1
    return least, most, np.float64(x[0]) + added / len(x)


@inlined
def _central(x: np.ndarray, mean: float, wide: np.ndarray) -> tuple[float, float, float]:
    """Sums of the second, third and fourth power of the distance from the mean."""
    middle = splat(wide, mean, 8)
    a2 = middle - middle
    a3 = a4 = b2 = b3 = b4 = a2
    i = 0
    while i + 16 <= len(x):
        p, q = convert(load(x, i, 8), wide) - middle, convert(load(x, i + 8, 8), wide) - middle
        pp, qq = p * p, q * q
        a2, b2 = a2 + pp, b2 + qq
        a3, b3 = fma(pp, p, a3), fma(qq, q, b3)
        a4, b4 = fma(pp, pp, a4), fma(qq, qq, b4)
        i += 16
    second, third, fourth = total(a2 + b2), total(a3 + b3), total(a4 + b4)
    while i < len(x):
        p1 = np.float64(x[i]) - mean
        second, third, fourth = second + p1**2, third + p1**3, fourth + p1**4
        i += 1
    return second, third, fourth


@compiled
def frame_moments(x: np.ndarray, frame: int, hop: int, out: np.ndarray) -> None:
    """Extremes, mean and central moments of frames.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    frame, hop : int
        Samples of a frame, and from one to the next.
    out : ndarray of float64, shape (frames, 6)
        Gets smallest, largest and mean value, second, third and fourth central moment; NaN throughout for
        a frame with a sample that is not finite. Sums run in float64.
    """
    wide = np.empty(8)
    for row in range(len(out)):
        part = x[row * hop : row * hop + frame]
        if frame >= 16:
            low, high, mean = _extremes_and_mean(part, wide)
        else:
            low, high, mean = part[0], part[0], np.float64(0)
            for sample in part:
                low, high, mean = min(low, sample), max(high, sample), mean + (sample - part[0])
            mean = part[0] + mean / frame
        if not np.isfinite(mean):
            out[row] = np.nan
            continue
        second, third, fourth = _central(part, mean, wide)
        out[row, 0], out[row, 1], out[row, 2] = low, high, mean
        out[row, 3], out[row, 4], out[row, 5] = second / frame, third / frame, fourth / frame
