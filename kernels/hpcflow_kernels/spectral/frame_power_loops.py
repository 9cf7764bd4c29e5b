"""Compiled loops that sum the powers of frames without storing them: over bands, or over segments.

Frames are transformed eight at a time, a lane for each, as in `spectral_stft_loops`: lanes never meet, so a
frame's bits depend on nothing but its samples.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled
from hpcflow_kernels.simd import broadcast, convert, fma, load, splat, store, total
from hpcflow_kernels.spectral.stft_loops import bins_of, segments_transform
from hpcflow_kernels.spectral.transform_loops import mean_of


@compiled
def panel(
    x: np.ndarray,
    at: np.ndarray,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    ends: float,
    re: np.ndarray,
    im: np.ndarray,
    power: np.ndarray,
) -> None:
    """Powers of eight frames less their means, bin by bin, a lane for each frame.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    at : ndarray of int64, shape (8,)
        First samples of the frames.
    window, twiddle, place, turn
        As for `hpcflow_kernels.spectral.stft_loops.spectra`.
    ends : float
        Factor of the first and the last bin, which have no negative twin.
    re, im, power : ndarray of the type of `x`, shapes (4 n,), (4 n,), (4 n + 8,)
        Work; `power` gets ``|X[k]|**2`` for k = 0 .. n / 2, eight lanes each.
    """
    n, half = len(window), len(window) // 2
    mean, wide, factor = np.zeros(8, x.dtype), np.zeros(0, np.float64), np.full(1, ends, x.dtype)
    for s in range(8):
        mean[s] = mean_of(x, at[s], n, wide)
    segments_transform(x, at, mean, window, twiddle, re, im)
    for k in range(half // 2):
        ar, ai, br, bi = bins_of(re, im, place, turn, k)
        store(power, 8 * k, fma(ar, ar, ai * ai))
        store(power, 8 * (half - k), fma(br, br, bi * bi))
    middle = 8 * place[half // 2]
    cr, ci = load(re, middle, 8), load(im, middle, 8)
    cr, ci = cr + cr, ci + ci
    store(power, 4 * half, fma(cr, cr, ci * ci))
    f = broadcast(factor, 0, 8)
    store(power, 0, load(power, 0, 8) * f)
    store(power, 8 * half, load(power, 8 * half, 8) * f)


@compiled
def band_powers(
    x: np.ndarray,
    step: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    ends: float,
    first: np.ndarray,
    out: np.ndarray,
) -> None:
    """Sums of the powers of frames over bands; frames begin `step` samples apart.

    Parameters
    ----------
    x, window, twiddle, place, turn, ends
        As for `panel`.
    step : int
    first : ndarray of int64, shape (bands + 1,)
        First bin of each band, and the one after the last.
    out : ndarray of float64, shape (frames, bands)
        Gets the sums, added up in float64.
    """
    n = len(window)
    re, im, power = np.empty(4 * n, x.dtype), np.empty(4 * n, x.dtype), np.empty(4 * n + 8, x.dtype)
    at, sums = np.zeros(8, np.int64), np.zeros(8, np.float64)
    for frame in range(0, len(out), 8):
        live = min(8, len(out) - frame)
        for s in range(8):
            at[s] = (frame + min(s, live - 1)) * step
        panel(x, at, window, twiddle, place, turn, ends, re, im, power)
        for band in range(len(first) - 1):
            a = splat(sums, 0.0, 8)
            b = a
            k = first[band]
            while k + 2 <= first[band + 1]:
                a = a + convert(load(power, 8 * k, 8), sums)
                b = b + convert(load(power, 8 * k + 8, 8), sums)
                k += 2
            if k < first[band + 1]:
                a = a + convert(load(power, 8 * k, 8), sums)
            store(sums, 0, a + b)
            for s in range(live):
                out[frame + s, band] = sums[s]


@compiled
def power_moments(
    x: np.ndarray,
    hop: int,
    segments: int,
    step: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    ends: float,
    out: np.ndarray,
) -> None:
    """Sums over the segments of each frame of their powers, and of the squares of these.

    Parameters
    ----------
    x, window, twiddle, place, turn, ends
        As for `panel`.
    hop : int
        Samples from the start of one frame to that of the next.
    segments, step : int
        How many in a frame, and samples from the start of one to that of the next.
    out : ndarray of float64, shape (frames, 2, n / 2 + 1)
        Gets both sums, added up in float64; NaN for a frame with a segment that holds a missing sample.
    """
    n, half = len(window), len(window) // 2
    re, im, power = np.empty(4 * n, x.dtype), np.empty(4 * n, x.dtype), np.empty(4 * n + 8, x.dtype)
    at, lane = np.zeros(8, np.int64), np.zeros(8, np.float64)
    for frame in range(len(out)):
        out[frame] = 0.0
        for batch in range(0, segments, 8):
            live = min(8, segments - batch)
            for s in range(8):
                at[s] = frame * hop + (batch + min(s, live - 1)) * step
                lane[s] = 1.0 if s < live else 0.0
            panel(x, at, window, twiddle, place, turn, ends, re, im, power)
            gain = load(lane, 0, 8)
            for k in range(half + 1):
                p = convert(load(power, 8 * k, 8), lane) * gain
                out[frame, 0, k] += total(p)
                out[frame, 1, k] += total(p * p)
