"""Compiled loop of a whole signal's envelope spectrum: eight frames at a time, a lane for each.

Three transforms of half a frame's length follow one another: of the frame, back to its Hilbert transform,
and of the modulus. What one leaves out of order is read in order by the next.
"""

from __future__ import annotations

import math

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.machine.envelope_loops import binary_exponent, less_mean, lines_of
from hpcflow_kernels.simd import broadcast, convert, fma, load, maximum, splat, sqrt, store, transpose
from hpcflow_kernels.spectral.stft_loops import segments_transform
from hpcflow_kernels.spectral.transform_loops import last_of, transform


@inlined
def _scaled(
    x: np.ndarray, at: np.ndarray, n: int, most: int, scale: np.ndarray, copy: np.ndarray
) -> np.ndarray:
    """The signal to read eight frames from: itself, or a copy of them over their `binary_scale`."""
    peak, apart = np.empty(8, x.dtype), False
    for s in range(8):
        top = splat(x, 0.0, 8)
        for j in range(at[s], at[s] + n, 8):
            a = load(x, j, 8)
            top = maximum(top, maximum(a, -a))
        store(peak, 0, top)
        exponent = binary_exponent(peak.max(), most)
        scale[s] = math.ldexp(1.0, exponent)
        apart = apart or exponent != 0
    if not apart:
        return x
    for s in range(8):
        for j in range(n):
            copy[s * n + j] = x[at[s] + j] / scale[s]
        at[s] = s * n
    return copy


@inlined
def _hilbert(
    re: np.ndarray, im: np.ndarray, place: np.ndarray, turn: np.ndarray, to_re: np.ndarray, to_im: np.ndarray
) -> None:
    """Packed points of the Hilbert transform's spectrum from packed ones of the frame's.

    Points hold even samples as real and odd ones as imaginary parts, so that bin k of the frame is E + w O
    with the spectra E and O of either and w = exp(-2 pi i k / n). A quarter turn of bins 0 < k < n / 2 gives
    the packed spectrum ``conj(w) E - i w O``. Twice that is stored, in order; the mean and the bin at half
    the rate have no Hilbert transform.
    """
    half = len(place) - 1
    zero = splat(re, 0.0, 8)
    store(to_re, 0, zero)
    store(to_im, 0, zero)
    last = last_of(half)
    parts = half // last
    for part in range(parts // 2 + 1):  # bins as they lie in memory: `last` of them side by side
        for j in range(last):
            k = part + j * parts
            k = min(k, half - k)
            if k == 0:
                continue
            p, q = 8 * place[k], 8 * place[half - k]
            ar, ai, br, bi = load(re, p, 8), load(im, p, 8), load(re, q, 8), load(im, q, 8)
            wr, wi = broadcast(turn, 2 * k, 8), broadcast(turn, 2 * k + 1, 8)
            er, ei, dr, di = ar + br, ai - bi, ar - br, ai + bi  # 2 E, 2 i O
            ur, ui = fma(wi, ei, wr * er), fma(-wi, er, wr * ei)
            vr, vi = fma(wi, di, -(wr * dr)), fma(-wi, dr, -(wr * di))
            store(to_re, 8 * k, ur + vr)
            store(to_im, 8 * k, ui + vi)
            store(to_re, 8 * (half - k), vr - ur)
            store(to_im, 8 * (half - k), ui - vi)


@inlined
def _moduli(
    x: np.ndarray,
    at: np.ndarray,
    re: np.ndarray,
    im: np.ndarray,
    place: np.ndarray,
    to_re: np.ndarray,
    to_im: np.ndarray,
    mean: np.ndarray,
) -> None:
    """Moduli of frames and their Hilbert transforms, as complex points; and their means.

    Every 8 samples the sum goes on in float64.
    """
    half = len(place) - 1
    zero = splat(re, 0.0, 8)
    whole = convert(zero, mean)
    parts = half // last_of(half)
    parts = parts if parts % 4 == 0 else half
    for part in range(0, parts, 4):  # samples as their Hilbert transforms lie in memory
        for j in range(part, half, parts):
            columns = transpose(
                (
                    load(x, at[0] + 2 * j, 8),
                    load(x, at[1] + 2 * j, 8),
                    load(x, at[2] + 2 * j, 8),
                    load(x, at[3] + 2 * j, 8),
                    load(x, at[4] + 2 * j, 8),
                    load(x, at[5] + 2 * j, 8),
                    load(x, at[6] + 2 * j, 8),
                    load(x, at[7] + 2 * j, 8),
                )
            )
            near = zero
            for k in range(4):
                p = 8 * place[j + k]
                a, b = load(re, p, 8), load(im, p, 8)
                a, b = (
                    sqrt(fma(a, a, columns[2 * k] * columns[2 * k])),
                    sqrt(fma(b, b, columns[2 * k + 1] * columns[2 * k + 1])),
                )
                store(to_re, 8 * (j + k), a)
                store(to_im, 8 * (j + k), b)
                near = near + (a + b)
            whole = whole + convert(near, mean)
    store(mean, 0, whole)
    for s in range(8):
        mean[s] /= 2 * half


@compiled
def whole_lines(
    x: np.ndarray,
    hop: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    weight: np.ndarray,
    most: int,
    work: np.ndarray,
    out: np.ndarray,
) -> None:
    """Lines of the modulus of frames' analytic signals.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        As long as the frames need.
    hop : int
        Samples from the start of one frame to that of the next.
    window, twiddle, place, turn
        As for `hpcflow_kernels.spectral.stft_loops.spectra`; the weights are 1/n.
    weight : ndarray of the type of `x`, shape (n,)
        Half the weights of a line.
    most : int
        Largest exponent of a scale.
    work : ndarray of the type of `x`, shape (24 * n + 1088,)
    out : ndarray of the type of `x`, shape (frames, lines)
        At least one of each, and at most n / 2 lines. Gets the mean in column 0 and NaN in rows whose mean
        is not finite.
    """
    rows, n = len(out), len(window)
    half = n // 2
    apart = 4 * n + 272  # not a whole number of pages, which would fall into the same lines of a cache
    re, im = work[: 4 * n], work[apart : apart + 4 * n]
    zr, zi = work[2 * apart : 2 * apart + 4 * n], work[3 * apart : 3 * apart + 4 * n]
    at, none, mean = np.zeros(8, np.int64), np.zeros(8, x.dtype), np.zeros(8, np.float64)
    scale, copy = np.ones(8, x.dtype), work[4 * apart :]
    for batch in range(0, rows, 8):
        live = min(8, rows - batch)
        for s in range(8):
            at[s] = (batch + min(s, live - 1)) * hop
        frames = _scaled(x, at, n, most, scale, copy)
        segments_transform(frames, at, none, window, twiddle, re, im)
        _hilbert(re, im, place, turn, zr, zi)
        transform(zi, zr, half, twiddle)  # parts exchanged: backwards
        _moduli(frames, at, zr, zi, place, re, im, mean)
        less_mean(re, im, mean, weight)
        transform(re, im, half, twiddle)
        lines_of(re, im, place, turn, scale, mean, out, batch, live)
