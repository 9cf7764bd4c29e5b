"""Compiled transforms of catch22: powers and autocorrelations of eight windows, a lane for each."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import broadcast, fma, load, splat, store, transpose
from hpcflow_kernels.spectral.stft_loops import bins_of, segments_transform
from hpcflow_kernels.spectral.transform_loops import transform


@inlined
def _powers(
    re: np.ndarray,
    im: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    power: np.ndarray,
    to_re: np.ndarray,
    to_im: np.ndarray,
) -> None:
    """Squared magnitudes of bins; those of every second one, and complex points whose inverse is even.

    A real spectrum P has the points ``P[k] + P[-k] + i conj(w)**k (P[k] - P[-k])``, twice over.
    """
    half = len(place) - 1
    for k in range(half // 2 + 1):
        ar, ai, br, bi = bins_of(re, im, place, turn, k)
        low, high = fma(ar, ar, ai * ai), fma(br, br, bi * bi)
        if k % 2 == 0:
            store(power, 4 * k, low)
            store(power, 4 * (half - k), high)
        both, apart = low + high, low - high
        wr, wi = broadcast(turn, 2 * k, 8), broadcast(turn, 2 * k + 1, 8)
        store(to_re, 8 * k, fma(wi, apart, both))
        store(to_im, 8 * k, wr * apart)
        if k > 0:
            store(to_re, 8 * (half - k), fma(-wi, apart, both))
            store(to_im, 8 * (half - k), wr * apart)


@compiled
def correlations(
    rows: np.ndarray,
    n: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    ac: np.ndarray,
    halved: np.ndarray,
) -> None:
    """Sums of products of eight windows at lags 0 .. n - 1, and the powers of every second bin.

    Parameters
    ----------
    rows : ndarray of float64, shape (8, points or more)
        Contiguous; 0 from n to points.
    n : int
        Samples of a window, at most half the points.
    window, twiddle, place, turn
        As for `hpcflow_kernels.spectral.stft_loops.spectra`, for segments of so many points; weights are a
        half.
    ac : ndarray of float64, shape (8, n + 7 or more)
        Contiguous.
    halved : ndarray of float64, shape (8, points / 4 + 8 or more)
        Contiguous; gets points / 4 + 1 powers.
    """
    points, half, wide = len(window), len(window) // 2, rows.shape[1]
    apart = 8 * half + 136  # not a whole number of pages, which would fall into the same lines of a cache
    work = np.empty(5 * apart)
    re, im, power = work[: 8 * half], work[apart : apart + 8 * half], work[4 * apart :]
    zr, zi = work[2 * apart : 2 * apart + 8 * half], work[3 * apart : 3 * apart + 8 * half]
    at, none = np.arange(8) * wide, np.zeros(8)
    segments_transform(rows.reshape(-1), at, none, window, twiddle, re, im)
    _powers(re, im, place, turn, power, zr, zi)
    transform(zi, zr, half, twiddle)  # parts exchanged: backwards
    flat, scale = ac.reshape(-1), splat(work, 1.0 / points, 8)
    for j in range(0, n, 8):
        a, b, c, d = 8 * place[j // 2], 8 * place[j // 2 + 1], 8 * place[j // 2 + 2], 8 * place[j // 2 + 3]
        lanes = transpose(
            (
                load(zr, a, 8) * scale,
                load(zi, a, 8) * scale,
                load(zr, b, 8) * scale,
                load(zi, b, 8) * scale,
                load(zr, c, 8) * scale,
                load(zi, c, 8) * scale,
                load(zr, d, 8) * scale,
                load(zi, d, 8) * scale,
            )
        )
        for s in range(8):
            store(flat, s * ac.shape[1] + j, lanes[s])
    flat = halved.reshape(-1)
    for j in range(0, half // 2 + 1, 8):
        p = 8 * j
        lanes = transpose(
            (
                load(power, p, 8),
                load(power, p + 8, 8),
                load(power, p + 16, 8),
                load(power, p + 24, 8),
                load(power, p + 32, 8),
                load(power, p + 40, 8),
                load(power, p + 48, 8),
                load(power, p + 56, 8),
            )
        )
        for s in range(8):
            store(flat, s * halved.shape[1] + j, lanes[s])
