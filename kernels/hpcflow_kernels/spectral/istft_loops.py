"""Compiled loop of the inverse short-time Fourier transform: eight segments at a time, a lane for each.

The steps of `hpcflow_kernels.spectral.stft_loops` backwards. With X the bins of n real samples and
w = exp(-2 pi i / n), the n / 2 complex points are
``2 Z[k] = X[k] + conj X[-k] + i conj(w)**k (X[k] - conj X[-k])``; a forward transform with real and
imaginary parts exchanged gives even samples in one and odd samples in the other.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import broadcast, fma, load, store, transpose
from hpcflow_kernels.spectral.transform_loops import transform


@inlined
def _store_points(ar, ai, br, bi, turn: np.ndarray, k: int, re: np.ndarray, im: np.ndarray) -> None:  # type: ignore[no-untyped-def]
    """Twice the points k and n / 2 - k from these two bins of eight segments."""
    wr, wi = broadcast(turn, 2 * k, 8), broadcast(turn, 2 * k + 1, 8)
    er, ei, dr, di = ar + br, ai - bi, ar - br, ai + bi
    pr, pi = fma(di, wi, dr * wr), fma(-dr, wi, di * wr)
    low, high = 8 * k, len(re) - 8 - 8 * k
    store(re, low, er - pi)
    store(im, low, ei + pr)
    store(re, high, er + pi)
    store(im, high, pr - ei)


@inlined
def _eight_rows(z: np.ndarray, of: np.ndarray, k: int):  # type: ignore[no-untyped-def]
    """Bins k to k + 3 of eight segments: real and imaginary parts in turns, a lane for each segment."""
    return transpose(
        (
            load(z, of[0] + 2 * k, 8),
            load(z, of[1] + 2 * k, 8),
            load(z, of[2] + 2 * k, 8),
            load(z, of[3] + 2 * k, 8),
            load(z, of[4] + 2 * k, 8),
            load(z, of[5] + 2 * k, 8),
            load(z, of[6] + 2 * k, 8),
            load(z, of[7] + 2 * k, 8),
        )
    )


@inlined
def _points_of(
    z: np.ndarray, of: np.ndarray, half: int, turn: np.ndarray, re: np.ndarray, im: np.ndarray
) -> None:
    """Twice the complex points of eight segments; the imaginary parts of the outer bins are not looked at."""
    for k in range(0, half // 2, 4):
        ar, ai, br, bi, cr, ci, dr, di = _eight_rows(z, of, k)
        wr, wi, xr, xi, yr, yi, zr, zi = _eight_rows(z, of, half - k - 3)
        _store_points(ar, ai, zr, zi, turn, k, re, im)
        _store_points(br, bi, yr, yi, turn, k + 1, re, im)
        _store_points(cr, ci, xr, xi, turn, k + 2, re, im)
        _store_points(dr, di, wr, wi, turn, k + 3, re, im)
    for s in range(8):
        first, last, middle = z[of[s]], z[of[s] + 2 * half], of[s] + half
        re[s], im[s] = first + last, first - last
        re[4 * half + s], im[4 * half + s] = 2 * z[middle], -2 * z[middle + 1]


@compiled
def overlap_add(
    z: np.ndarray,
    step: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    out: np.ndarray,
) -> None:
    """Add the weighted inverse transforms of segments that begin `step` samples apart to `out`.

    Every sample gets its segments in their order, whatever else is computed.

    Parameters
    ----------
    z : ndarray of float32 or float64, shape (segments * (n + 2),)
        n / 2 + 1 complex numbers of each segment.
    step : int
    window : ndarray of the type of `z`, shape (n,)
        The weights over n; n is a power of two, at least 32.
    twiddle, place, turn
        As for `hpcflow_kernels.spectral.stft_loops.spectra`.
    out : ndarray of the type of `z`, shape (n + (segments - 1) * step,)
    """
    n, half = len(window), len(window) // 2
    row = n + 2
    segments = len(z) // row
    re, im = np.empty(8 * half + 8, z.dtype), np.empty(8 * half + 8, z.dtype)
    rows, of = np.empty(8 * n, z.dtype), np.zeros(8, np.int64)
    for batch in range(0, segments, 8):
        live = min(8, segments - batch)
        for s in range(8):
            of[s] = (batch + min(s, live - 1)) * row
        _points_of(z, of, half, turn, re, im)
        transform(im, re, half, twiddle)
        for j in range(0, half, 4):
            a, b, c, d = 8 * place[j], 8 * place[j + 1], 8 * place[j + 2], 8 * place[j + 3]
            lanes = transpose(
                (
                    load(re, a, 8),
                    load(im, a, 8),
                    load(re, b, 8),
                    load(im, b, 8),
                    load(re, c, 8),
                    load(im, c, 8),
                    load(re, d, 8),
                    load(im, d, 8),
                )
            )
            for s in range(8):
                store(rows, s * n + 2 * j, lanes[s])
        for s in range(live):
            to = (batch + s) * step
            for i in range(0, n, 8):
                store(out, to + i, fma(load(rows, s * n + i, 8), load(window, i, 8), load(out, to + i, 8)))
