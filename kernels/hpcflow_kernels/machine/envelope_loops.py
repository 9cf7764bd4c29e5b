"""Compiled loop of a band's envelope spectrum: eight frames at a time, a lane for each from end to end.

Three transforms of `hpcflow_kernels.spectral.transform_loops` follow one another: of the frame, back from
the band's bins, and of the modulus. Between them numbers stay in their lanes; what one leaves out of order
is read in order by the next, so nothing is sorted or turned into rows.
"""

from __future__ import annotations

import math

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import broadcast, convert, fma, load, maximum, splat, sqrt, store
from hpcflow_kernels.spectral.stft_loops import bins_of, segments_transform
from hpcflow_kernels.spectral.transform_loops import transform


@inlined
def _bin(re: np.ndarray, im: np.ndarray, place: np.ndarray, turn: np.ndarray, k: int):  # type: ignore[no-untyped-def]
    """Twice bin k of eight segments, as `bins_of` has it."""
    half = len(place) - 1
    if 2 * k <= half:
        pair = bins_of(re, im, place, turn, k)
        return pair[0], pair[1]
    pair = bins_of(re, im, place, turn, half - k)
    return pair[2], pair[3]


@inlined
def _baseband(
    re: np.ndarray,
    im: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    first: int,
    width: int,
    to_re: np.ndarray,
    to_im: np.ndarray,
) -> None:
    """Bins from `first` on, moved down to zero; those at both ends of a spectrum have no negative twin."""
    half = len(place) - 1
    for j in range(width):
        k = first + j
        ar, ai = _bin(re, im, place, turn, k)
        if k == 0 or k == half:
            ar, ai = ar * splat(re, 0.5, 8), ai * splat(re, 0.5, 8)
        store(to_re, 8 * j, ar)
        store(to_im, 8 * j, ai)
    to_re[8 * width :] = 0
    to_im[8 * width :] = 0


@inlined
def binary_exponent(peak: float, most: int) -> int:
    """Exponent of `hpcflow_kernels.frames.binary_scale` for a frame whose largest modulus is `peak`."""
    exponent = math.frexp(peak)[1] if np.isfinite(peak) and peak > 0 else 0
    return 0 if abs(exponent) < most // 4 else min(max(exponent, -most), most)


@inlined
def _scale(re: np.ndarray, im: np.ndarray, width: int, most: int, scale: np.ndarray) -> None:
    """Divide each lane by its `hpcflow_kernels.frames.binary_scale`."""
    peak = splat(re, 0.0, 8)
    for i in range(0, 8 * width, 8):
        a, b = load(re, i, 8), load(im, i, 8)
        peak = maximum(peak, maximum(maximum(a, -a), maximum(b, -b)))
    store(scale, 0, peak)
    factor, apart = np.ones(8, re.dtype), False
    for s in range(8):
        exponent = binary_exponent(scale[s], most)
        scale[s], factor[s] = math.ldexp(1.0, exponent), math.ldexp(1.0, -exponent)
        apart = apart or exponent != 0
    if apart:
        by = load(factor, 0, 8)
        for i in range(0, 8 * width, 8):
            store(re, i, load(re, i, 8) * by)
            store(im, i, load(im, i, 8) * by)


@inlined
def _modulus(re: np.ndarray, im: np.ndarray, at: int, squared: bool):  # type: ignore[no-untyped-def]
    a, b = load(re, 8 * at, 8), load(im, 8 * at, 8)
    square = fma(a, a, b * b)
    return square if squared else sqrt(square)


@inlined
def _envelopes(
    re: np.ndarray,
    im: np.ndarray,
    place: np.ndarray,
    squared: bool,
    to_re: np.ndarray,
    to_im: np.ndarray,
    mean: np.ndarray,
) -> None:
    """Moduli as complex points, even ones real and odd ones imaginary, and their means.

    Every 8 points the sum goes on in float64.
    """
    half = (len(place) - 1) // 2
    zero = splat(re, 0.0, 8)
    whole = convert(zero, mean)
    for start in range(0, half, 8):
        part = zero
        for j in range(start, min(start + 8, half)):
            a = _modulus(re, im, place[2 * j], squared)
            b = _modulus(re, im, place[2 * j + 1], squared)
            store(to_re, 8 * j, a)
            store(to_im, 8 * j, b)
            part = part + (a + b)
        whole = whole + convert(part, mean)
    store(mean, 0, whole)
    for s in range(8):
        mean[s] /= 2 * half


@inlined
def less_mean(re: np.ndarray, im: np.ndarray, mean: np.ndarray, window: np.ndarray) -> None:
    """Take the means off and weight what is left."""
    less = np.empty(8, re.dtype)
    for s in range(8):
        less[s] = mean[s]
    off = load(less, 0, 8)
    for j in range(len(window) // 2):
        store(re, 8 * j, (load(re, 8 * j, 8) - off) * broadcast(window, 2 * j, 8))
        store(im, 8 * j, (load(im, 8 * j, 8) - off) * broadcast(window, 2 * j + 1, 8))


@inlined
def lines_of(
    re: np.ndarray,
    im: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    scale: np.ndarray,
    mean: np.ndarray,
    out: np.ndarray,
    batch: int,
    live: int,
) -> None:
    """Moduli of bins as rows from `batch` on, times the scale, and the mean as the first of a row."""
    line = np.empty(8, re.dtype)
    for k in range(1, out.shape[1]):
        ar, ai = _bin(re, im, place, turn, k)
        store(line, 0, sqrt(fma(ar, ar, ai * ai)) * load(scale, 0, 8))
        for s in range(live):
            out[batch + s, k] = line[s]
    for s in range(live):
        out[batch + s, 0] = mean[s] * scale[s]
        if not np.isfinite(mean[s]):
            out[batch + s] = np.nan


@compiled
def band_lines(
    x: np.ndarray,
    hop: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    turn: np.ndarray,
    first: int,
    width: int,
    back_twiddle: np.ndarray,
    back_place: np.ndarray,
    weight: np.ndarray,
    last_twiddle: np.ndarray,
    last_place: np.ndarray,
    last_turn: np.ndarray,
    squared: bool,
    most: int,
    out: np.ndarray,
) -> None:
    """Lines of the modulus, or squared modulus, of a band's analytic signal.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        As long as the frames need.
    hop : int
        Samples from the start of one frame to that of the next.
    window, twiddle, place, turn
        As for `hpcflow_kernels.spectral.stft_loops.spectra`, for frames; the weights are 1/n.
    first, width : int
        First bin of the band, and their number.
    back_twiddle, back_place
        The same for m complex points, at least `width`.
    weight, last_twiddle, last_place, last_turn
        The same for m real samples of the envelope; the weights are half of those of a line.
    squared : bool
        Whether the modulus is squared; if not, frames are scaled so that its square stays in range.
    most : int
        Largest exponent of a scale.
    out : ndarray of the type of `x`, shape (frames, lines)
        At least one of each, and at most m / 2 lines.
        Gets the mean in column 0 and NaN in rows whose mean is not finite.
    """
    rows, n, m = len(out), len(window), len(weight)
    re, im = np.empty(4 * n, x.dtype), np.empty(4 * n, x.dtype)
    zr, zi = np.empty(8 * m, x.dtype), np.empty(8 * m, x.dtype)
    er, ei = np.empty(4 * m, x.dtype), np.empty(4 * m, x.dtype)
    at, none, mean = np.zeros(8, np.int64), np.zeros(8, x.dtype), np.zeros(8, np.float64)
    scale = np.ones(8, x.dtype)
    for batch in range(0, rows, 8):
        live = min(8, rows - batch)
        for s in range(8):
            at[s] = (batch + min(s, live - 1)) * hop
        segments_transform(x, at, none, window, twiddle, re, im)
        _baseband(re, im, place, turn, first, width, zr, zi)
        if not squared:
            _scale(zr, zi, width, most, scale)
        transform(zi, zr, m, back_twiddle)  # parts exchanged: backwards
        _envelopes(zr, zi, back_place, squared, er, ei, mean)
        less_mean(er, ei, mean, weight)
        transform(er, ei, m // 2, last_twiddle)
        lines_of(er, ei, last_place, last_turn, scale, mean, out, batch, live)
