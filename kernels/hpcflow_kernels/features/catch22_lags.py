"""Compiled loops of catch22: the features that look at products of samples some lag apart."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import inlined
from hpcflow_kernels.simd import load, splat, total

NEAR = 64
"""Lags at which the steps' autocorrelation is summed directly; beyond, it is transformed."""

AMI_LAGS = 40
"""Longest lag of the automutual information."""


@inlined
def _add_lags(r: np.ndarray, n: int, first: int, ac: np.ndarray) -> None:
    """Sums of products at lags first .. first + 15, four at a time; r is 0 from n to n + 16."""
    for lag in range(first, first + 16, 4):
        a = b = c = d = splat(r, 0.0, 8)
        i = 0
        while i + 8 <= n - lag:
            here = load(r, i, 8)
            a, b = a + here * load(r, i + lag, 8), b + here * load(r, i + lag + 1, 8)
            c, d = c + here * load(r, i + lag + 2, 8), d + here * load(r, i + lag + 3, 8)
            i += 8
        p, q, s, t = total(a), total(b), total(c), total(d)
        while i < n - lag:
            p, q = p + r[i] * r[i + lag], q + r[i] * r[i + lag + 1]
            s, t = s + r[i] * r[i + lag + 2], t + r[i] * r[i + lag + 3]
            i += 1
        ac[lag], ac[lag + 1], ac[lag + 2], ac[lag + 3] = p, q, s, t


@inlined
def steps_zero(z: np.ndarray) -> int:
    """First lag at which the autocorrelation of the steps is not positive; -1 where it is not near.

    Steps are without their mean.
    """
    n = len(z) - 1
    slope = (z[n] - z[0]) / n
    r, ac = np.zeros(n + 16), np.empty(NEAR)
    for i in range(n):
        r[i] = (z[i + 1] - z[i]) - slope
    for first in range(0, NEAR, 16):
        _add_lags(r, n, first, ac)
        for lag in range(first, first + 16):
            if lag >= n or not ac[lag] > 0:
                return min(lag, n)
    return -1


@inlined
def near_periodicity(s: np.ndarray, n: int) -> float:
    """As `periodicity`, from the window itself, 0 from n to n + 16; -1 where no peak is near."""
    ac = np.zeros(NEAR)
    for first in range(0, NEAR, 16):
        _add_lags(s, n, first, ac)
        found = periodicity(ac, n, first + 16)
        if found > 0 or first + 16 >= -(-n // 3) + 1:
            return found
    return -1.0


@inlined
def first_zero(ac: np.ndarray, most: int) -> int:
    """First lag at which an autocorrelation is not positive, at most `most`."""
    lag = 0
    while lag < most and ac[lag] > 0:
        lag += 1
    return lag


@inlined
def timescales(z: np.ndarray, ac: np.ndarray) -> tuple[float, float, float]:
    """Lag at which the autocorrelation falls to 1/e, its first minimum, and that of the information.

    The information is that of Gaussian variables, ``-log(1 - r**2) / 2``, at lags up to 40 or half of the
    window; r is the correlation of the two parts of the window, with means and spreads of their own.
    """
    n = len(z)
    scale, fallen, least = 1 / ac[0], float(n), float(n)
    level = 1 / np.e
    for i in range(n - 2):
        if ac[i + 1] * scale < level:
            here = ac[i] * scale
            fallen = i + (level - here) / (ac[i + 1] * scale - here)
            break
    for i in range(1, n - 1):
        if ac[i] < ac[i - 1] and ac[i] < ac[i + 1]:
            least = float(i)
            break
    lags = min(AMI_LAGS, (n + 1) // 2)
    if lags < 3:
        return fallen, least, float(lags)
    first = later = squares = 0.0
    for i in range(n):
        first += z[i]
        squares += z[i] * z[i]
    later, before, after = first, squares, squares
    information = np.empty(lags)
    for lag in range(1, lags + 1):
        front, back, m = z[lag - 1], z[n - lag], n - lag
        first, before = first - back, before - back * back
        later, after = later - front, after - front * front
        both = ac[lag] - first * later / m
        r = both / np.sqrt((before - first * first / m) * (after - later * later / m))
        information[lag - 1] = -0.5 * np.log(max(1.0 - r * r, 0.0))
    found = float(lags)
    for i in range(1, lags - 1):
        if information[i] < information[i - 1] and information[i] < information[i + 1]:
            found = float(i)
            break
    return fallen, least, found


@inlined
def periodicity(ac: np.ndarray, n: int, known: int) -> float:
    """First peak of the autocorrelation of a window without trend that stands 0.01 above the trough before.

    Wang, Wirth and Wang, Structure-based statistical features and multivariate time series clustering, ICDM
    (2007). Of the autocorrelation the first `known` lags are there. Lags count from 1 and are told less
    one, as in the C code; 0 where there is no such peak.
    """
    lags = min(-(-n // 3), known - 1)
    trough = np.nan
    for i in range(1, lags - 1):
        a, b, c = ac[i] / (n - i), ac[i + 1] / (n - i - 1), ac[i + 2] / (n - i - 2)
        if b - a < 0 and c - b > 0:
            trough = b
        elif b - a > 0 and c - b < 0 and b >= 0 and b - trough >= 0.01:
            return float(i)
    return 0.0
