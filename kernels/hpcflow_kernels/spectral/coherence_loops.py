"""Compiled loops of cross spectra: of two signals eight segments at a time, of many eight signals at a time.

Transforms are those of `spectral_stft_loops`. Two signals have a lane for each segment, and the sums over
lanes are taken at the end. Many signals have a lane for each signal: the spectra of some segments are laid
side by side, and for each bin the products of every signal with eight others are summed over them in
registers.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.finite import all_finite
from hpcflow_kernels.simd import broadcast, convert, fma, load, store, total
from hpcflow_kernels.spectral.stft_loops import bins_of, segments_transform
from hpcflow_kernels.spectral.transform_loops import mean_of

BATCHES = 64
"""Batches of segments whose products are added in the signals' own type before they go on in float64."""


PANELS = 16
"""The same, of panels of many signals."""


@compiled
def whole_segments(x: np.ndarray, n: int, step: int, whole: np.ndarray) -> None:
    """Set ``whole[i]`` to False where the segment of n samples at ``i * step`` has one that is not finite."""
    if all_finite(x):
        return
    for i in range(len(whole)):
        if not all_finite(x[i * step : i * step + n]):
            whole[i] = False


@inlined
def _add(sums: np.ndarray, size: int, k: int, xr, xi, yr, yi) -> None:  # type: ignore[no-untyped-def]
    """Add the powers of x and y and ``conj(x) y`` at bin k."""
    i = 8 * k
    store(sums, i, fma(xr, xr, fma(xi, xi, load(sums, i, 8))))
    i += size
    store(sums, i, fma(yr, yr, fma(yi, yi, load(sums, i, 8))))
    i += size
    store(sums, i, fma(xr, yr, fma(xi, yi, load(sums, i, 8))))
    i += size
    store(sums, i, fma(xr, yi, fma(-xi, yr, load(sums, i, 8))))


@compiled
def pair_sums(
    x: np.ndarray,
    y: np.ndarray,
    starts: np.ndarray,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    detrend: bool,
    sums: np.ndarray,
) -> None:
    """Sums over segments of the powers of two signals and of their product.

    Parameters
    ----------
    x, y : ndarray of float32 or float64, shape (samples,)
        Of one type.
    starts : ndarray of int64, shape (segments,)
        First sample of each segment.
    window, twiddle, place, turn, detrend
        As for `spectral_stft_loops.spectra`.
    sums : ndarray of float64, shape (4, n / 2 + 1)
        Gets the sums of ``|X|**2``, ``|Y|**2``, and real and imaginary part of ``conj(X) Y``.
    """
    n, half = len(window), len(window) // 2
    size = 8 * (half + 1)
    re, im = np.empty(8 * half, x.dtype), np.empty(8 * half, x.dtype)
    re2, im2 = np.empty(8 * half, x.dtype), np.empty(8 * half, x.dtype)
    lanes, wide = np.zeros(4 * size, x.dtype), np.zeros(8, np.float64)
    at, mean, mean2 = np.zeros(8, np.int64), np.zeros(8, x.dtype), np.zeros(8, x.dtype)
    sums[:] = 0.0
    for batch in range(0, len(starts), 8):
        live = min(8, len(starts) - batch)
        for s in range(8):
            at[s] = starts[batch + min(s, live - 1)]
            mean[s] = mean_of(x, at[s], n, wide) if detrend else 0.0
            mean2[s] = mean_of(y, at[s], n, wide) if detrend else 0.0
        segments_transform(x, at, mean, window, twiddle, re, im)
        segments_transform(y, at, mean2, window, twiddle, re2, im2)
        for s in range(live, 8):
            for p in range(s, 8 * half, 8):
                re[p] = im[p] = re2[p] = im2[p] = 0.0
        for k in range(half // 2):
            ar, ai, br, bi = bins_of(re, im, place, turn, k)
            cr, ci, dr, di = bins_of(re2, im2, place, turn, k)
            _add(lanes, size, k, ar, ai, cr, ci)
            _add(lanes, size, half - k, br, bi, dr, di)
        ar, ai, br, bi = bins_of(re, im, place, turn, half // 2)
        cr, ci, dr, di = bins_of(re2, im2, place, turn, half // 2)
        _add(lanes, size, half // 2, ar, ai, cr, ci)
        if (batch // 8) % BATCHES == BATCHES - 1 or batch + 8 >= len(starts):
            for q in range(4):
                for k in range(half + 1):
                    i = q * size + 8 * k
                    sums[q, k] += total(convert(load(lanes, i, 8), wide))
                    store(lanes, i, load(lanes, i, 8) - load(lanes, i, 8))


@inlined
def _products(
    panel: np.ndarray,
    first: int,
    stride: int,
    segments: int,
    one: int,
    other: int,
    sums: np.ndarray,
    to: int,
    row: int,
) -> None:
    """Products of four signals with eight, added over segments to four rows of `sums`."""
    ar, ai = load(sums, to, 8), load(sums, to + 8, 8)
    br, bi = load(sums, to + row, 8), load(sums, to + row + 8, 8)
    cr, ci = load(sums, to + 2 * row, 8), load(sums, to + 2 * row + 8, 8)
    dr, di = load(sums, to + 3 * row, 8), load(sums, to + 3 * row + 8, 8)
    for s in range(segments):
        i = first + s * stride
        yr, yi = load(panel, i + other, 8), load(panel, i + other + 8, 8)
        i += one
        xr, xi = broadcast(panel, i, 8), broadcast(panel, i + 8, 8)
        ar, ai = fma(xr, yr, fma(xi, yi, ar)), fma(xr, yi, fma(-xi, yr, ai))
        xr, xi = broadcast(panel, i + 1, 8), broadcast(panel, i + 9, 8)
        br, bi = fma(xr, yr, fma(xi, yi, br)), fma(xr, yi, fma(-xi, yr, bi))
        xr, xi = broadcast(panel, i + 2, 8), broadcast(panel, i + 10, 8)
        cr, ci = fma(xr, yr, fma(xi, yi, cr)), fma(xr, yi, fma(-xi, yr, ci))
        xr, xi = broadcast(panel, i + 3, 8), broadcast(panel, i + 11, 8)
        dr, di = fma(xr, yr, fma(xi, yi, dr)), fma(xr, yi, fma(-xi, yr, di))
    store(sums, to, ar)
    store(sums, to + 8, ai)
    store(sums, to + row, br)
    store(sums, to + row + 8, bi)
    store(sums, to + 2 * row, cr)
    store(sums, to + 2 * row + 8, ci)
    store(sums, to + 3 * row, dr)
    store(sums, to + 3 * row + 8, di)


@compiled
def matrix_sums(
    x: np.ndarray,
    signals: int,
    starts: np.ndarray,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    detrend: bool,
    together: int,
    sums: np.ndarray,
) -> None:
    """Sums over segments of the products of all pairs of signals.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (signals * samples,)
        One signal after the other.
    signals : int
    starts : ndarray of int64, shape (segments,)
        First sample of each segment.
    window, twiddle, place, turn, detrend
        As for `spectral_stft_loops.spectra`.
    together : int
        Segments whose spectra are laid side by side.
    sums : ndarray of float64, shape ((n / 2 + 1) * blocks * 8 * blocks * 16,)
        With blocks of eight signals: for bin k, signal i and block b, at
        ``((8 * blocks * k + i) * blocks + b) * 16``, gets the real parts of ``sum conj(X_i) X_j`` for the
        eight signals j of block b, then the imaginary parts; only for blocks from that of i on. Signals
        beyond the last one repeat it.
    """
    n, half = len(window), len(window) // 2
    blocks, length = (signals + 7) // 8, len(x) // signals
    row = 16 * blocks
    stride = (half + 1) * row
    panel, narrow = np.empty(together * stride, x.dtype), np.zeros(len(sums), x.dtype)
    re, im = np.empty(8 * half, x.dtype), np.empty(8 * half, x.dtype)
    at, mean = np.zeros(8, np.int64), np.zeros(8, x.dtype)
    sums[:] = 0.0
    for batch in range(0, len(starts), together):
        segments = min(together, len(starts) - batch)
        for s in range(segments):
            for block in range(blocks):
                for lane in range(8):
                    at[lane] = min(8 * block + lane, signals - 1) * length + starts[batch + s]
                    mean[lane] = mean_of(x, at[lane], n, sums) if detrend else 0.0
                segments_transform(x, at, mean, window, twiddle, re, im)
                to = s * stride + 16 * block
                for k in range(half // 2 + 1):
                    ar, ai, br, bi = bins_of(re, im, place, turn, k)
                    store(panel, to + k * row, ar)
                    store(panel, to + k * row + 8, ai)
                    store(panel, to + (half - k) * row, br)
                    store(panel, to + (half - k) * row + 8, bi)
        for k in range(half + 1):
            for block in range(blocks):
                for other in range(block, blocks):
                    for i in range(0, 8, 4):
                        to = ((8 * (blocks * k + block) + i) * blocks + other) * 16
                        one, two = 16 * block + i, 16 * other
                        _products(panel, k * row, stride, segments, one, two, narrow, to, row)
        if (batch // together) % PANELS == PANELS - 1 or batch + together >= len(starts):
            for i in range(len(sums)):
                sums[i] += narrow[i]
                narrow[i] = 0.0


TILE = 16
"""Bins that are read together when sums by bin become rows by pair: a cache line of float32."""


@inlined
def _at(blocks: int, k: int, i: int, j: int) -> int:
    """Where `matrix_sums` left the real part for bin k and signals i <= j; the imaginary one is 8 further."""
    return ((8 * blocks * k + i) * blocks + j // 8) * 16 + j % 8


@compiled
def coherences(sums: np.ndarray, out: np.ndarray) -> None:
    """Squared coherence of all pairs from what `matrix_sums` left; `out`: shape (signals, signals, bins)."""
    signals, bins = out.shape[0], out.shape[2]
    blocks = (signals + 7) // 8
    power = np.empty((signals, TILE), np.float64)
    for first in range(0, bins, TILE):
        stop = min(first + TILE, bins)
        for i in range(signals):
            for k in range(first, stop):
                power[i, k - first] = sums[_at(blocks, k, i, i)]
        for i in range(signals):
            for j in range(i, signals):
                for k in range(first, stop):
                    at = _at(blocks, k, i, j)
                    re, im = sums[at], sums[at + 8] if j != i else 0.0
                    value = (re * re + im * im) / power[i, k - first] / power[j, k - first]
                    out[i, j, k] = value
                    out[j, i, k] = value


@compiled
def cross_spectra(sums: np.ndarray, scale: np.ndarray, out: np.ndarray) -> None:
    """Products of all pairs times a factor for each bin; `out` is complex, shape (signals, signals, bins)."""
    signals, bins = out.shape[0], out.shape[2]
    blocks = (signals + 7) // 8
    for first in range(0, bins, TILE):
        for i in range(signals):
            for j in range(i, signals):
                for k in range(first, min(first + TILE, bins)):
                    at = _at(blocks, k, i, j)
                    re, im = sums[at] * scale[k], sums[at + 8] * scale[k] if j != i else 0.0
                    out[i, j, k] = complex(re, im)
                    out[j, i, k] = complex(re, -im)
