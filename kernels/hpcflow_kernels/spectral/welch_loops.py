"""Compiled loops of power spectra: sixteen segments at a time, a Fourier transform of eight lanes.

Sixteen real segments make eight complex lanes, an even segment the real and the next one the imaginary
part. No pair is ever taken apart: with Z the transform of x1 + i x2,
``|Z[k]|**2 + |Z[n - k]|**2 = 2 (|X1[k]|**2 + |X2[k]|**2)``, so powers are added up as they come, in the
order in which the stages leave them, and folded and put in order once per spectrum. The last stage adds
squares instead of storing.

Pairs that do not fill the lanes wait for those of the frames that follow, so that eighteen segments a frame
cost nine lanes and not sixteen. They are added one after another in float64, whichever lanes they had: a
frame's bits depend on nothing but its samples.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.finite import all_finite
from hpcflow_kernels.simd import broadcast, convert, fma, load, store, transpose
from hpcflow_kernels.spectral.transform_loops import eight, four, last_of, mean_of, near_of, part_stages

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


@inlined
def _batch(  # type: ignore[no-untyped-def]
    x: np.ndarray,
    at: np.ndarray,
    live: np.ndarray,
    window: np.ndarray,
    twiddle: np.ndarray,
    detrend: bool,
    near: int,
    last: int,
    work,
    power: np.ndarray,
) -> None:
    """Add the powers of sixteen segments, two a lane; those that are not `live` count as zero."""
    re, im, mean, wide = work
    n = len(window)
    for s in range(16):
        mean[s] = mean_of(x, at[s], n, wide) if detrend and live[s] else 0.0
    for j in range(0, n, 8):
        real, imaginary = _rows(x, at, mean, live, 0, j, window), _rows(x, at, mean, live, 1, j, window)
        for k in range(8):
            store(re, 8 * (j + k), real[k])
            store(im, 8 * (j + k), imaginary[k])
    for base in range(0, n, near):
        part_stages(re, im, base, near, n, last, twiddle)
        if last == 8:
            _last_eight(re, im, base, base + near, np.sqrt(0.5), power)
        else:
            _last_four(re, im, base, base + near, power)


@inlined
def _take(power: np.ndarray, p: int):  # type: ignore[no-untyped-def]
    """Powers at places p .. p + 7, a vector for each lane; what is taken is zero then."""
    k = 8 * p
    rows = (
        load(power, k, 8),
        load(power, k + 8, 8),
        load(power, k + 16, 8),
        load(power, k + 24, 8),
        load(power, k + 32, 8),
        load(power, k + 40, 8),
        load(power, k + 48, 8),
        load(power, k + 56, 8),
    )
    for i in range(8):
        store(power, k + 8 * i, rows[0] - rows[0])
    return transpose(rows)


@inlined
def _add_lanes(power: np.ndarray, sums: np.ndarray, at: int, n: int) -> None:
    """Add what all lanes hold to the sums from `at` on, and clear it."""
    for p in range(0, n, 8):
        lanes = _take(power, p)
        a, b = convert(lanes[0], sums), convert(lanes[1], sums)
        for k in range(2, 8, 2):
            a, b = a + convert(lanes[k], sums), b + convert(lanes[k + 1], sums)
        store(sums, at + p, load(sums, at + p, 8) + (a + b))


@inlined
def _add_apart(power: np.ndarray, owner: np.ndarray, count: int, sums: np.ndarray, n: int) -> None:
    """Add what the first `count` lanes hold to the sums of their frames, one after another; clear it."""
    for p in range(0, n, 8):
        lanes = _take(power, p)
        for k in range(8):
            if k < count:
                at = owner[k] * n + p
                store(sums, at, load(sums, at, 8) + convert(lanes[k], sums))


@inlined
def _place(
    at: np.ndarray, live: np.ndarray, lane: int, start: int, segment: int, segments: int, step: int
) -> None:
    """Give a lane two segments of a frame; the second one counts as zero behind the frame's last."""
    both = segment + 1 < segments
    at[2 * lane] = start + segment * step
    at[2 * lane + 1] = start + (segment + both) * step
    live[2 * lane] = 1.0
    live[2 * lane + 1] = 1.0 if both else 0.0


@compiled
def power_spectra(
    x: np.ndarray,
    frame: int,
    segments: int,
    step: int,
    window: np.ndarray,
    twiddle: np.ndarray,
    place: np.ndarray,
    detrend: bool,
    gaps: bool,
    scale: float,
    out: np.ndarray,
) -> None:
    """Sum of the one-sided power spectra of the segments of each frame; frames follow one another.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    frame : int
        Samples of a frame.
    segments, step : int
        How many in a frame, and samples from the start of one to that of the next.
    window : ndarray of the type of `x`, shape (n,)
        Weights; n is a fast length.
    twiddle : ndarray of the type of `x`, shape (2 n,)
        Factors of all stages, those of the largest last: ``hpcflow_kernels.spectral.lengths.twiddles``.
    place : ndarray of int64, shape (n,)
        Where each bin stands after the last stage.
    detrend : bool
        Whether each segment's mean is taken off.
    gaps : bool
        Whether a frame with a sample that is not finite gives NaN wherever that sample is, even beyond the
        last segment.
    scale : float
        Factor of the first and the last bin; the others, which stand for two, have twice that.
    out : ndarray of float32 or float64, shape (frames, n / 2 + 1)
        Gets, for bin k, the scaled sum over segments of ``|X[k]|**2``.
    """
    n, frames = len(window), len(out)
    wide = np.zeros(8, np.float64)
    work = np.empty(8 * n, x.dtype), np.empty(8 * n, x.dtype), np.zeros(16, x.dtype), wide
    power, sums = np.zeros(8 * n, x.dtype), np.zeros(frames * n, np.float64)
    at, live = np.zeros(16, np.int64), np.zeros(16, x.dtype)
    at_rest, live_rest, owner = np.zeros(16, np.int64), np.zeros(16, x.dtype), np.zeros(8, np.int64)
    near, last, waiting, broken = near_of(n), last_of(n), 0, np.zeros(frames, np.bool_)
    for row in range(frames):
        begin = row * frame
        if gaps and not all_finite(x[begin : begin + frame]):
            broken[row] = True
            continue
        batches = segments // 16
        for batch in range(batches):
            for lane in range(8):
                _place(at, live, lane, begin, 16 * batch + 2 * lane, segments, step)
            _batch(x, at, live, window, twiddle, detrend, near, last, work, power)
            if batch % BATCHES == BATCHES - 1 or batch == batches - 1:
                _add_lanes(power, sums, row * n, n)
        for segment in range(16 * batches, segments, 2):
            _place(at_rest, live_rest, waiting, begin, segment, segments, step)
            owner[waiting] = row
            waiting += 1
            if waiting == 8:
                _batch(x, at_rest, live_rest, window, twiddle, detrend, near, last, work, power)
                _add_apart(power, owner, 8, sums, n)
                waiting = 0
    if waiting:
        for s in range(2 * waiting, 16):
            at_rest[s], live_rest[s] = at_rest[0], 0.0
        _batch(x, at_rest, live_rest, window, twiddle, detrend, near, last, work, power)
        _add_apart(power, owner, waiting, sums, n)
    for row in range(frames):
        first = row * n
        if broken[row]:
            out[row] = np.nan
            continue
        out[row, 0] = scale * sums[first]
        for k in range(1, n // 2):
            out[row, k] = scale * (sums[first + place[k]] + sums[first + place[n - k]])
        out[row, n // 2] = scale * sums[first + place[n // 2]]
