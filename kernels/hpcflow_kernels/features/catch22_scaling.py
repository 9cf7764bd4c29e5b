"""Compiled loops of fluctuation analysis: how spread grows with the length of a stretch."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import inlined
from hpcflow_kernels.simd import extract, fma, load, maximum, minimum, rotate, splat, store, total, transpose

FEWEST = 6
"""Fewest lengths on either side of the break of two lines."""

SHORT = 16
"""Longest stretches that are computed eight at a time, a lane for each, for they fill few vectors.

A multiple of 8."""


@inlined
def _range(y: np.ndarray, start: int, n: int, slope: float, ramp: np.ndarray) -> float:
    """Range of y[start : start + n] less a line; the last vector may overlap the one before."""
    down = splat(ramp, -slope, 8)
    low = high = fma(down, load(ramp, n - 8, 8), load(y, start + n - 8, 8))
    i = 0
    while i + 8 <= n:
        value = fma(down, load(ramp, i, 8), load(y, start + i, 8))
        low, high = minimum(low, value), maximum(high, value)
        i += 8
    low, high = minimum(low, rotate(low, 4)), maximum(high, rotate(high, 4))
    low, high = minimum(low, rotate(low, 2)), maximum(high, rotate(high, 2))
    low, high = minimum(low, rotate(low, 1)), maximum(high, rotate(high, 1))
    return extract(high, 0) - extract(low, 0)  # type: ignore[no-any-return]


@inlined
def _squares(
    y: np.ndarray, start: int, n: int, slope: float, level: float, ramp: np.ndarray, edge: np.ndarray
) -> float:
    """Sum of squared distances of y[start : start + n] from a line; `edge` is eight ones, then zeros."""
    down, base = splat(ramp, -slope, 8), splat(ramp, level, 8)
    added = down - down
    i = 0
    while i + 8 <= n:
        away = fma(down, load(ramp, i, 8), load(y, start + i, 8) - base)
        added = fma(away, away, added)
        i += 8
    away = fma(down, load(ramp, i, 8), load(y, start + i, 8) - base) * load(edge, 8 + i - n, 8)
    return total(fma(away, away, added))  # type: ignore[no-any-return]


@inlined
def _short(y: np.ndarray, n: int, count: int, kind: int, tile: np.ndarray, edge: np.ndarray) -> float:
    """Sum over stretches of n samples of the squared range, or of squares, about lines; a lane for each."""
    centre, spread = (n - 1) / 2.0, n * (np.float64(n) * n - 1) / 12.0
    added = splat(y, 0.0, 8)
    for j in range(0, count, 8):
        for part in range(0, n, 8):
            at = j * n + part
            rows = transpose(
                (
                    load(y, at, 8),
                    load(y, at + n, 8),
                    load(y, at + 2 * n, 8),
                    load(y, at + 3 * n, 8),
                    load(y, at + 4 * n, 8),
                    load(y, at + 5 * n, 8),
                    load(y, at + 6 * n, 8),
                    load(y, at + 7 * n, 8),
                )
            )
            for k in range(8):
                store(tile, 8 * (part + k), rows[k])
        mass = weighted = splat(y, 0.0, 8)
        for k in range(n):
            value = load(tile, 8 * k, 8)
            mass, weighted = mass + value, fma(splat(y, k - centre, 8), value, weighted)
        slope = -weighted * splat(y, 1 / spread, 8)
        base = mass * splat(y, 1.0 / n, 8)
        low = high = fma(slope, splat(y, -centre, 8), load(tile, 0, 8) - base)
        square = low * low
        for k in range(1, n):
            away = fma(slope, splat(y, k - centre, 8), load(tile, 8 * k, 8) - base)
            low, high, square = minimum(low, away), maximum(high, away), fma(away, away, square)
        if kind == 0:
            square = (high - low) * (high - low)
        added = fma(square, load(edge, max(8 - count + j, 0), 8), added)
    return total(added)  # type: ignore[no-any-return]


@inlined
def fluctuations(z: np.ndarray, lengths: np.ndarray, ramp: np.ndarray, out: np.ndarray) -> None:
    """Logarithms of the spread about lines in stretches of the running sum.

    Parameters
    ----------
    z : ndarray of float64, shape (n,)
    lengths : ndarray of int64, shape (k,)
        Samples of a stretch, at least 5, rising.
    ramp : ndarray of float64, shape (n + 8,)
        0, 1, 2, ...
    out : ndarray of float64, shape (2, k)
        Gets the root mean square of the range of stretches of the sum, and the root mean square distance from
        the lines in stretches of the sum of every second sample; natural logarithms.
    """
    n = len(z)
    tile, edge = np.empty(8 * SHORT), np.zeros(16)
    edge[:8] = 1
    for kind in range(2):
        m = n // (kind + 1)
        y, sums, weighted = np.zeros(m + 10 * SHORT), np.empty(m + 1), np.empty(m + 1)
        added = first = second = 0.0
        sums[0] = weighted[0] = 0.0
        for i in range(m):
            added += z[i * (kind + 1)]
            y[i] = added
            first, second = first + added, second + i * added
            sums[i + 1], weighted[i + 1] = first, second
        for k in range(len(lengths)):
            t = lengths[k]
            centre, scale = (t - 1) / 2.0, 12.0 / (t * (np.float64(t) * t - 1))
            count, result = m // t, 0.0
            if t <= SHORT:
                result = _short(y, t, count, kind, tile, edge)
                out[kind, k] = 0.5 * np.log(result / (count if kind == 0 else count * t))
                continue
            for j in range(count):
                start = j * t
                mass = sums[start + t] - sums[start]
                slope = (weighted[start + t] - weighted[start] - (start + centre) * mass) * scale
                if kind == 0:
                    width = _range(y, start, t, slope, ramp)
                    result += width * width
                else:
                    result += _squares(y, start, t, slope, mass / t - slope * centre, ramp, edge)
            out[kind, k] = 0.5 * np.log(result / (count if kind == 0 else count * t))


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
