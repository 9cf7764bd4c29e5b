"""Compiled loops of MiniRocket: sums of shifted samples, and how many of them exceed each threshold."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import load, select, splat, store, total

LANES = 16


@inlined
def _taps(padded: np.ndarray, margin: int, dilation: int, n: int, alpha: np.ndarray) -> None:
    """Minus the sum of nine samples a dilation apart, in the order of the authors' code."""
    for i in range(0, n, LANES):
        added = -load(padded, margin + i, LANES)
        for k in range(9):
            if k != 4:
                added = added - load(padded, margin + i + (k - 4) * dilation, LANES)
        store(alpha, i, added)


@inlined
def _add_tripled(a: np.ndarray, padded: np.ndarray, at: int, first: int, stop: int, out: np.ndarray) -> None:
    """``out[i] = a[i] + 3 padded[at + i]`` for first <= i < stop, and somewhat beyond."""
    three = splat(a, 3.0, LANES)
    for i in range(first, stop, LANES):
        store(out, i, load(a, i, LANES) + three * load(padded, at + i, LANES))


@inlined
def _count_four(c: np.ndarray, first: int, stop: int, biases: np.ndarray, at: int, found: np.ndarray) -> None:
    """How many of c[first : stop] exceed each of four thresholds; c is never above one from stop on."""
    zero = splat(found, 0, LANES)
    one = splat(found, 1, LANES)
    p = q = r = s = zero
    b0, b1 = splat(c, biases[at], LANES), splat(c, biases[at + 1], LANES)
    b2, b3 = splat(c, biases[at + 2], LANES), splat(c, biases[at + 3], LANES)
    for i in range(first, stop, LANES):
        here = load(c, i, LANES)
        p, q = p + select(here > b0, one, zero), q + select(here > b1, one, zero)
        r, s = r + select(here > b2, one, zero), s + select(here > b3, one, zero)
    found[0], found[1], found[2], found[3] = total(p), total(q), total(r), total(s)


@inlined
def _count_one(c: np.ndarray, first: int, stop: int, bias: float, found: np.ndarray) -> int:
    zero = splat(found, 0, LANES)
    one = splat(found, 1, LANES)
    p, b = zero, splat(c, bias, LANES)
    for i in range(first, stop, LANES):
        p = p + select(load(c, i, LANES) > b, one, zero)
    return total(p)  # type: ignore[no-any-return]


@inlined
def _padded(row: np.ndarray, margin: int, out: np.ndarray) -> None:
    for i in range(len(row)):
        out[margin + i] = row[i]


@compiled
def transform(
    x: np.ndarray, dilations: np.ndarray, counts: np.ndarray, biases: np.ndarray, out: np.ndarray
) -> None:
    """Share of positive values of every kernel, dilation and bias.

    Parameters
    ----------
    x : ndarray of float32, shape (series, n)
        Finite.
    dilations, counts : ndarray of int64, shape (dilations,)
        Distances of a kernel's nine taps, and biases of each of the 84 kernels.
    biases : ndarray of float32, shape (features,)
        By dilation, then by kernel.
    out : ndarray of float32, shape (series, features)
    """
    n = x.shape[1]
    margin = 4 * dilations.max() + LANES
    padded = np.zeros(n + 2 * margin + 2 * LANES, np.float32)
    alpha, one = np.zeros(n + 2 * LANES, np.float32), np.zeros(n + 2 * LANES, np.float32)
    two, c = np.zeros(n + 2 * LANES, np.float32), np.zeros(n + 2 * LANES, np.float32)
    found = np.zeros(4, np.int32)
    for row in range(len(x)):
        _padded(x[row], margin, padded)
        feature = 0
        for j in range(len(dilations)):
            d, count = dilations[j], counts[j]
            _taps(padded, margin, d, n, alpha)
            kernel = 0
            for a in range(7):
                _add_tripled(alpha, padded, margin + (a - 4) * d, 0, n, one)
                for b in range(a + 1, 8):
                    _add_tripled(one, padded, margin + (b - 4) * d, 0, n, two)
                    for e in range(b + 1, 9):
                        inside = (j + kernel) % 2 == 1
                        first, stop = (4 * d, n - 4 * d) if inside else (0, n)
                        _add_tripled(two, padded, margin + (e - 4) * d, first, stop, c)
                        for i in range(stop, stop + LANES):
                            c[i] = -np.inf
                        k = 0
                        while k + 4 <= count:
                            _count_four(c, first, stop, biases, feature, found)
                            for m in range(4):
                                out[row, feature + m] = found[m] / (stop - first)
                            k, feature = k + 4, feature + 4
                        while k < count:
                            over = _count_one(c, first, stop, biases[feature], found)
                            out[row, feature] = over / (stop - first)
                            k, feature = k + 1, feature + 1
                        kernel += 1


@compiled
def responses(x: np.ndarray, chosen: np.ndarray, dilation: int, out: np.ndarray) -> None:
    """What every kernel makes of a series of its own.

    Parameters
    ----------
    x : ndarray of float32, shape (series, n)
    chosen : ndarray of int64, shape (84,)
        Series of each kernel.
    dilation : int
    out : ndarray of float32, shape (84, n + 32)
        Gets a row for each kernel; what stands from n on has no meaning.
    """
    n = x.shape[1]
    margin = 4 * dilation + LANES
    padded = np.zeros(n + 2 * margin + 2 * LANES, np.float32)
    alpha = np.zeros(n + 2 * LANES, np.float32)
    kernel = 0
    for a in range(7):
        for b in range(a + 1, 8):
            for e in range(b + 1, 9):
                _padded(x[chosen[kernel]], margin, padded)
                _taps(padded, margin, dilation, n, alpha)
                _add_tripled(alpha, padded, margin + (a - 4) * dilation, 0, n, alpha)
                _add_tripled(alpha, padded, margin + (b - 4) * dilation, 0, n, alpha)
                _add_tripled(alpha, padded, margin + (e - 4) * dilation, 0, n, out[kernel])
                kernel += 1
