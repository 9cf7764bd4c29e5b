"""Compiled loops of power spectra: sixteen segments at a time, a Fourier transform of eight lanes.

Sixteen real segments make eight complex lanes, an even segment the real and the next one the imaginary
part. No pair is ever taken apart: with Z the transform of x1 + i x2,
``|Z[k]|**2 + |Z[n - k]|**2 = 2 (|X1[k]|**2 + |X2[k]|**2)``, so powers are added up as they come, in the
order in which the stages leave them, and folded and put in order once per spectrum. Stages divide by four
in frequency, in place; each quarter runs to its end before the next one begins, so that all but the
first stages stay in the first-level cache; the last stage adds squares instead of storing.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.finite import all_finite
from hpcflow_kernels.simd import broadcast, convert, fma, load, store, total, transpose
from hpcflow_kernels.spectral.transform_loops import eight, four, mean_of, stage

BATCHES = 64
"""Batches of segments whose powers are added in the signal's own type before they go on in float64."""


@inlined
def _rows(  # type: ignore[no-untyped-def]
    x: np.ndarray, at: np.ndarray, mean: np.ndarray, gain: np.ndarray, first: int, j: int, window: np.ndarray
):
    """Samples j .. j + 7 of eight segments, weighted, a lane for each segment."""
    w = load(window, j, 8)
    k = first
    return transpose(
        (
            (load(x, at[k] + j, 8) - broadcast(mean, k, 8)) * (w * broadcast(gain, k, 8)),
            (load(x, at[k + 2] + j, 8) - broadcast(mean, k + 2, 8)) * (w * broadcast(gain, k + 2, 8)),
            (load(x, at[k + 4] + j, 8) - broadcast(mean, k + 4, 8)) * (w * broadcast(gain, k + 4, 8)),
            (load(x, at[k + 6] + j, 8) - broadcast(mean, k + 6, 8)) * (w * broadcast(gain, k + 6, 8)),
            (load(x, at[k + 8] + j, 8) - broadcast(mean, k + 8, 8)) * (w * broadcast(gain, k + 8, 8)),
            (load(x, at[k + 10] + j, 8) - broadcast(mean, k + 10, 8)) * (w * broadcast(gain, k + 10, 8)),
            (load(x, at[k + 12] + j, 8) - broadcast(mean, k + 12, 8)) * (w * broadcast(gain, k + 12, 8)),
            (load(x, at[k + 14] + j, 8) - broadcast(mean, k + 14, 8)) * (w * broadcast(gain, k + 14, 8)),
        )
    )


@inlined
def _add_square(power: np.ndarray, i: int, re, im) -> None:  # type: ignore[no-untyped-def]
    store(power, i, fma(re, re, fma(im, im, load(power, i, 8))))


@inlined
def _last_four(re: np.ndarray, im: np.ndarray, first: int, stop: int, power: np.ndarray) -> None:
    for i in range(8 * first, 8 * stop, 32):
        points = four(re, im, i, 8)
        for k in range(4):
            _add_square(power, i + 8 * k, points[2 * k], points[2 * k + 1])


@inlined
def _last_eight(
    re: np.ndarray, im: np.ndarray, first: int, stop: int, root: float, power: np.ndarray
) -> None:
    for i in range(8 * first, 8 * stop, 64):
        points = eight(re, im, i, root)
        for k in range(8):
            _add_square(power, i + 8 * k, points[2 * k], points[2 * k + 1])


@compiled
def power_sums(
    x: np.ndarray,
    frame: int,
    segments: int,
    step: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    order: np.ndarray,
    detrend: bool,
    near: int,
    gaps: bool,
    sums: np.ndarray,
) -> None:
    """Sum of the power spectra of the segments of each frame; frames follow one another.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    frame : int
        Samples of a frame.
    segments, step : int
        How many in a frame, and samples from the start of one to that of the next.
    window : ndarray of the type of `x`, shape (n,)
        Weights; n is a power of two, at least 8.
    twiddle : ndarray of the type of `x`, shape (2 n,)
        Factors of all stages, those of the largest last: ``hpcflow_kernels.spectral.welch.twiddles``.
    order : ndarray of int64, shape (n,)
        Bin that stands at each place after the last stage.
    detrend : bool
        Whether each segment's mean is taken off.
    near : int
        Points at and below which a transform runs stage by stage.
    gaps : bool
        Whether a frame with a sample that is not finite gives NaN wherever that sample is, even beyond the
        last segment.
    sums : ndarray of float64, shape (frames, n)
        Gets, for bin k, the sum over segments of ``|X[k]|**2``.
    """
    n = len(window)
    re, im, power = np.empty(8 * n, x.dtype), np.empty(8 * n, x.dtype), np.zeros(8 * n, x.dtype)
    at, mean, gain = np.zeros(16, np.int64), np.zeros(16, x.dtype), np.zeros(16, x.dtype)
    raw = np.zeros(n, np.float64)
    wide = np.zeros(8, np.float64)
    last = n
    while last > 8:
        last //= 4
    for row in range(len(sums)):
        if gaps and not all_finite(x[row * frame : (row + 1) * frame]):
            sums[row] = np.nan
            continue
        for batch in range(0, segments, 16):
            for s in range(16):
                live = batch + s < segments
                at[s] = row * frame + ((batch + s) * step if live else batch * step)
                gain[s] = 1.0 if live else 0.0
                mean[s] = mean_of(x, at[s], n, wide) if detrend and live else 0.0
            for j in range(0, n, 8):
                real, imaginary = (
                    _rows(x, at, mean, gain, 0, j, window),
                    _rows(x, at, mean, gain, 1, j, window),
                )
                for k in range(8):
                    store(re, 8 * (j + k), real[k])
                    store(im, 8 * (j + k), imaginary[k])
            for base in range(0, n, near):
                m = n
                while m > near:
                    if base % m == 0:
                        stage(re, im, base, m, twiddle)
                    m //= 4
                while m > last:
                    for inner in range(base, base + near, m):
                        stage(re, im, inner, m, twiddle)
                    m //= 4
                if last == 8:
                    _last_eight(re, im, base, base + near, np.sqrt(0.5), power)
                else:
                    _last_four(re, im, base, base + near, power)
            if (batch // 16) % BATCHES == BATCHES - 1 or batch + 16 >= segments:
                for p in range(n):
                    raw[order[p]] += total(convert(load(power, 8 * p, 8), wide))
                    store(power, 8 * p, load(power, 8 * p, 8) - load(power, 8 * p, 8))
        for k in range(n):
            sums[row, k] = 0.5 * (raw[k] + raw[(n - k) % n])
        raw[:] = 0.0
