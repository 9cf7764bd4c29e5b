"""Compiled loops of short-time Fourier transforms: eight segments at a time, a lane for each.

A real segment of n samples is transformed as n / 2 complex points, even samples real and odd ones
imaginary, so that a segment's bits depend on nothing but the segment: neither on its lane nor on the one
beside it. With Z the transform of these points and w = exp(-2 pi i / n),
``2 X[k] = Z[k] + conj Z[-k] - i w**k (Z[k] - conj Z[-k])``; bins k and n / 2 - k come from the same two
points. Lanes are turned into rows eight numbers at a time, as they are written; where that does not come
out even, bins in the middle are written twice.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import broadcast, fma, load, sqrt, store, transpose
from hpcflow_kernels.spectral.transform_loops import mean_of, transform


@inlined
def points_of(
    x: np.ndarray, at: np.ndarray, mean: np.ndarray, window: np.ndarray, re: np.ndarray, im: np.ndarray
) -> None:
    """Eight segments, less their means and weighted, as complex points: a lane for each."""
    for j in range(0, len(window), 8):
        w = load(window, j, 8)
        columns = transpose(
            (
                (load(x, at[0] + j, 8) - broadcast(mean, 0, 8)) * w,
                (load(x, at[1] + j, 8) - broadcast(mean, 1, 8)) * w,
                (load(x, at[2] + j, 8) - broadcast(mean, 2, 8)) * w,
                (load(x, at[3] + j, 8) - broadcast(mean, 3, 8)) * w,
                (load(x, at[4] + j, 8) - broadcast(mean, 4, 8)) * w,
                (load(x, at[5] + j, 8) - broadcast(mean, 5, 8)) * w,
                (load(x, at[6] + j, 8) - broadcast(mean, 6, 8)) * w,
                (load(x, at[7] + j, 8) - broadcast(mean, 7, 8)) * w,
            )
        )
        for k in range(4):
            store(re, 4 * j + 8 * k, columns[2 * k])
            store(im, 4 * j + 8 * k, columns[2 * k + 1])


@inlined
def bins_of(  # type: ignore[no-untyped-def]
    re: np.ndarray, im: np.ndarray, place: np.ndarray, turn: np.ndarray, k: int
):
    """Twice the bins k and n / 2 - k of eight segments: real and imaginary part of one, of the other."""
    p, q = 8 * place[k], 8 * place[len(place) - 1 - k]
    ar, ai, br, bi = load(re, p, 8), load(im, p, 8), load(re, q, 8), load(im, q, 8)
    wr, wi = broadcast(turn, 2 * k, 8), broadcast(turn, 2 * k + 1, 8)
    er, ei, dr, di = ar + br, ai - bi, ar - br, ai + bi
    pr, pi = fma(wi, dr, wr * di), fma(-wr, dr, wi * di)
    return er + pr, ei + pi, er - pr, pi - ei


@inlined
def _starts(
    x: np.ndarray, first: int, live: int, step: int, n: int, detrend: bool, at: np.ndarray, mean: np.ndarray
) -> None:
    """Where eight segments begin, and their means; lanes beyond the last live one repeat it."""
    wide = np.zeros(0, np.float64)
    for s in range(8):
        at[s] = first + min(s, live - 1) * step
        mean[s] = mean_of(x, at[s], n, wide) if detrend else 0.0


@inlined
def segments_transform(
    x: np.ndarray,
    at: np.ndarray,
    mean: np.ndarray,
    window: np.ndarray,
    twiddle: np.ndarray,
    re: np.ndarray,
    im: np.ndarray,
) -> None:
    """Eight weighted segments as complex points, transformed in place."""
    points_of(x, at, mean, window, re, im)
    transform(re, im, len(window) // 2, twiddle)


@compiled
def spectra(
    x: np.ndarray,
    step: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    detrend: bool,
    out: np.ndarray,
) -> None:
    """Transforms of segments that begin `step` samples apart.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        As long as the segments need.
    step : int
    window : ndarray of the type of `x`, shape (n,)
        Half the weights; n is a fast length, at least 32.
    twiddle : ndarray of the type of `x`, shape (n,)
        Factors of the stages of n / 2 points.
    place : ndarray of int64, shape (n / 2 + 1,)
        Where a bin of n / 2 points stands after the last stage; the first one again at the end.
    turn : ndarray of the type of `x`, shape (n / 2 + 16,)
        Real and imaginary parts of ``exp(-2 pi i k / n)`` for k = 0 .. n / 4 + 7.
    detrend : bool
        Whether each segment's mean is taken off.
    out : ndarray of the type of `x`, shape (segments * (n + 2),)
        Gets n / 2 + 1 complex numbers for each segment.
    """
    n, half = len(window), len(window) // 2
    row = n + 2
    segments = len(out) // row
    re, im = np.empty(8 * half, x.dtype), np.empty(8 * half, x.dtype)
    at, mean, to = np.zeros(8, np.int64), np.zeros(8, x.dtype), np.zeros(8, np.int64)
    for batch in range(0, segments, 8):
        live = min(8, segments - batch)
        _starts(x, batch * step, live, step, n, detrend, at, mean)
        for s in range(8):
            to[s] = (batch + min(s, live - 1)) * row
        segments_transform(x, at, mean, window, twiddle, re, im)
        for k in range(0, half // 2, 4):
            ar, ai, zr, zi = bins_of(re, im, place, turn, k)
            br, bi, yr, yi = bins_of(re, im, place, turn, k + 1)
            cr, ci, xr, xi = bins_of(re, im, place, turn, k + 2)
            dr, di, wr, wi = bins_of(re, im, place, turn, k + 3)
            low = transpose((ar, ai, br, bi, cr, ci, dr, di))
            high = transpose((wr, wi, xr, xi, yr, yi, zr, zi))
            for s in range(8):
                store(out, to[s] + 2 * k, low[s])
                store(out, to[s] + n - 2 * k - 6, high[s])
        middle = 8 * place[half // 2]
        for s in range(live):
            out[to[s] + half] = 2 * re[middle + s]
            out[to[s] + half + 1] = -2 * im[middle + s]


@inlined
def _sizes(  # type: ignore[no-untyped-def]
    re: np.ndarray, im: np.ndarray, place: np.ndarray, turn: np.ndarray, k: int, root: bool
):
    """Squares, or moduli, of twice the bins k and n / 2 - k of eight segments."""
    ar, ai, br, bi = bins_of(re, im, place, turn, k)
    low, high = fma(ar, ar, ai * ai), fma(br, br, bi * bi)
    return (sqrt(low), sqrt(high)) if root else (low, high)


@compiled
def powers(
    x: np.ndarray,
    step: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    detrend: bool,
    root: bool,
    ends: float,
    out: np.ndarray,
) -> None:
    """Squares or moduli of what `spectra` gives, without storing it.

    Parameters
    ----------
    x, step, window, twiddle, place, turn, detrend
        As for `spectra`.
    root : bool
        Whether the modulus is wanted, not its square.
    ends : float
        Factor of the first and the last bin, which have no negative twin.
    out : ndarray of the type of `x`, shape (segments * (n / 2 + 1),)
        Gets n / 2 + 1 numbers for each segment; with `detrend` they are all NaN where the segment holds a
        sample that is not finite.
    """
    n, half = len(window), len(window) // 2
    row = half + 1
    segments = len(out) // row
    re, im = np.empty(8 * half, x.dtype), np.empty(8 * half, x.dtype)
    at, mean, to = np.zeros(8, np.int64), np.zeros(8, x.dtype), np.zeros(8, np.int64)
    for batch in range(0, segments, 8):
        live = min(8, segments - batch)
        _starts(x, batch * step, live, step, n, detrend, at, mean)
        for s in range(8):
            to[s] = (batch + min(s, live - 1)) * row
        segments_transform(x, at, mean, window, twiddle, re, im)
        for k in range(0, half // 2, 8):
            a, i = _sizes(re, im, place, turn, k, root)
            b, j = _sizes(re, im, place, turn, k + 1, root)
            c, m = _sizes(re, im, place, turn, k + 2, root)
            d, o = _sizes(re, im, place, turn, k + 3, root)
            e, p = _sizes(re, im, place, turn, k + 4, root)
            f, q = _sizes(re, im, place, turn, k + 5, root)
            g, r = _sizes(re, im, place, turn, k + 6, root)
            h, t = _sizes(re, im, place, turn, k + 7, root)
            low, high = transpose((a, b, c, d, e, f, g, h)), transpose((t, r, q, p, o, m, j, i))
            for s in range(8):
                store(out, to[s] + k, low[s])
                store(out, to[s] + half - k - 7, high[s])
        middle = 8 * place[half // 2]
        for s in range(live):
            square = 4 * (re[middle + s] ** 2 + im[middle + s] ** 2)
            out[to[s] + half // 2] = np.sqrt(square) if root else square
            out[to[s]] *= ends
            out[to[s] + half] *= ends
            if detrend and not np.isfinite(mean[s]):
                out[to[s] : to[s] + row] = np.nan
