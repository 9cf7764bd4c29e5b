"""Compiled loops of fluctuation analysis: how spread grows with the length of a stretch."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import inlined
from hpcflow_kernels.simd import fma, load, maximum, minimum, splat, store

FEWEST = 6
"""Fewest lengths on either side of the break of two lines."""

LANES = 8
"""Windows that are taken together, a lane for each, so that nothing runs across lanes."""

SHORT = 16
"""Longest stretches whose sums are taken directly: differences of running sums would lose digits there."""


@inlined
def _lines(
    y: np.ndarray, sums: np.ndarray, weighted: np.ndarray, ramp: np.ndarray, t: int, lines: np.ndarray
) -> None:
    """Level at the start and slope of the best line through each stretch of t samples, for each lane."""
    centre, scale = (t - 1) / 2.0, 12.0 / (t * (np.float64(t) * t - 1))
    share, steep = splat(y, 1.0 / t, LANES), splat(y, scale, LANES)
    back = splat(y, -centre, LANES)
    for j in range(len(y) // LANES // t):
        start = j * t
        if t <= SHORT:
            mass = moment = splat(y, 0.0, LANES)
            for i in range(t):
                value = load(y, LANES * (start + i), LANES)
                mass, moment = mass + value, fma(splat(y, ramp[i] - centre, LANES), value, moment)
        else:
            first, last = LANES * start, LANES * (start + t)
            mass = load(sums, last, LANES) - load(sums, first, LANES)
            moment = load(weighted, last, LANES) - load(weighted, first, LANES)
            moment = fma(splat(y, -(start + centre), LANES), mass, moment)
        slope = moment * steep
        store(lines, 2 * LANES * j, fma(back, slope, mass * share))
        store(lines, 2 * LANES * j + LANES, -slope)


@inlined
def _ranges(y: np.ndarray, ramp: np.ndarray, t: int, lines: np.ndarray, out: np.ndarray) -> None:
    """Sum over stretches of the squared range about the line; the last sample goes with the first."""
    added = splat(y, 0.0, LANES)
    for j in range(len(y) // LANES // t):
        at, down = LANES * j * t, load(lines, 2 * LANES * j + LANES, LANES)
        low = high = load(y, at, LANES)
        bottom = top = fma(down, splat(y, ramp[t - 1], LANES), load(y, at + LANES * (t - 1), LANES))
        i = 1
        while i + 1 < t:
            one = fma(down, splat(y, ramp[i], LANES), load(y, at + LANES * i, LANES))
            two = fma(down, splat(y, ramp[i + 1], LANES), load(y, at + LANES * (i + 1), LANES))
            low, high = minimum(low, one), maximum(high, one)
            bottom, top = minimum(bottom, two), maximum(top, two)
            i += 2
        width = maximum(high, top) - minimum(low, bottom)
        added = fma(width, width, added)
    store(out, 0, added)


@inlined
def _squares(y: np.ndarray, ramp: np.ndarray, t: int, lines: np.ndarray, out: np.ndarray) -> None:
    """Sum over stretches of squared distances from the line."""
    one = two = splat(y, 0.0, LANES)
    for j in range(len(y) // LANES // t):
        at, base = LANES * j * t, load(lines, 2 * LANES * j, LANES)
        down = load(lines, 2 * LANES * j + LANES, LANES)
        i = t % 2
        if i:
            away = load(y, at, LANES) - base
            one = fma(away, away, one)
        while i < t:
            away = fma(down, splat(y, ramp[i], LANES), load(y, at + LANES * i, LANES) - base)
            one = fma(away, away, one)
            away = fma(down, splat(y, ramp[i + 1], LANES), load(y, at + LANES * (i + 1), LANES) - base)
            two = fma(away, away, two)
            i += 2
    store(out, 0, one + two)


@inlined
def _running(y: np.ndarray, sums: np.ndarray, weighted: np.ndarray, m: int) -> None:
    """Running sums of the lanes in place, and those of the result and of its product with its place."""
    added = first = second = splat(y, 0.0, LANES)
    store(sums, 0, first)
    store(weighted, 0, second)
    for i in range(m):
        added = added + load(y, LANES * i, LANES)
        store(y, LANES * i, added)
        first, second = first + added, fma(splat(y, float(i), LANES), added, second)
        store(sums, LANES * (i + 1), first)
        store(weighted, LANES * (i + 1), second)


@inlined
def fluctuations(z: np.ndarray, n: int, lengths: np.ndarray, ramp: np.ndarray, out: np.ndarray) -> None:
    """Logarithms of the spread about lines in stretches of the running sum.

    Parameters
    ----------
    z : ndarray of float64, shape (windows, at least n)
        Eight windows at most.
    n : int
        Samples of a window.
    lengths : ndarray of int64, shape (k,)
        Samples of a stretch, at least 5, rising.
    ramp : ndarray of float64, shape (at least n,)
        0, 1, 2, ...
    out : ndarray of float64, shape (8, 2, k)
        Gets, for each window, the root mean square of the range of stretches of the sum, and the root mean
        square distance from the lines in stretches of the sum of every second sample; natural logarithms.
    """
    result = np.empty(LANES)
    for kind in range(2):
        m = n // (kind + 1)
        y, sums = np.zeros(LANES * m), np.empty(LANES * (m + 1))
        weighted, lines = np.empty(LANES * (m + 1)), np.empty(2 * LANES * (m // 5))
        for lane in range(len(z)):
            for i in range(m):
                y[LANES * i + lane] = z[lane, i * (kind + 1)]
        _running(y, sums, weighted, m)
        for k in range(len(lengths)):
            t = lengths[k]
            count = m // t
            _lines(y, sums, weighted, ramp, t, lines)
            if kind == 0:
                _ranges(y, ramp, t, lines, result)
            else:
                _squares(y, ramp, t, lines, result)
            for lane in range(LANES):
                out[lane, kind, k] = 0.5 * np.log(result[lane] / (count if kind == 0 else count * t))


@inlined
def _misfit(a: np.ndarray, start: int, stop: int) -> float:
    """Root of the sum of squared distances from the best line, from running sums of x, y, xx, xy, yy."""
    m = stop - start
    x, y = a[0, stop] - a[0, start], a[1, stop] - a[1, start]
    xx = a[2, stop] - a[2, start] - x * x / m
    xy = a[3, stop] - a[3, start] - x * y / m
    yy = a[4, stop] - a[4, start] - y * y / m
    return np.sqrt(max(yy - xy * xy / xx, 0.0))  # type: ignore[no-any-return]


@inlined
def breaking_point(logs: np.ndarray, values: np.ndarray) -> float:
    """Share of lengths up to the break of the two lines that fit best."""
    n = len(logs)
    level, middle = 0.0, 0.0
    for i in range(n):
        level, middle = level + values[i] / n, middle + logs[i] / n
    a = np.zeros((5, n + 1))
    for i in range(n):
        x, y = logs[i] - middle, values[i] - level
        a[0, i + 1], a[1, i + 1] = a[0, i] + x, a[1, i] + y
        a[2, i + 1], a[3, i + 1], a[4, i + 1] = a[2, i] + x * x, a[3, i] + x * y, a[4, i] + y * y
    best, place = np.nan, FEWEST
    for i in range(FEWEST, n - FEWEST + 1):
        misfit = _misfit(a, 0, i) + _misfit(a, i - 1, n)
        if i == FEWEST or misfit < best:
            best, place = misfit, i
    return place / n
