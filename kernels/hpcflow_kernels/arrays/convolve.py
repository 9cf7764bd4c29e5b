"""Filters of finite length and changes of rate, over arrays of any library."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.recursive import extended

FEW = 32
"""Taps up to which products are added tap by tap, in the same order for every sample, as on the processor: no
cut of a signal changes a bit of them."""

DIRECT = 64
"""Taps up to which blocks of as many samples are multiplied by a matrix; transforms take less work beyond."""

LEAST = 1024
"""Points of the shortest transform."""


def frames(x: Array, width: int, hop: int, count: int) -> Array:
    """Frames of a signal, side by side: from zeros where it ends before they do.

    Parameters
    ----------
    x : array, shape (..., samples)
    width, hop, count : int
        Samples of a frame, from one to the next, and how many.

    Returns
    -------
    array, shape (..., count, width)
    """
    xp, pieces = array_namespace(x), -(-width // hop)
    *rows, samples = x.shape
    total = (count - 1 + pieces) * hop
    if total > samples:
        nothing = xp.zeros((*rows, total - samples), dtype=x.dtype, device=device(x))
        x = xp.concat([x, nothing], axis=-1)
    steps = xp.reshape(x[..., :total], (*rows, count - 1 + pieces, hop))
    parts = [steps[..., p : p + count, : min(hop, width - p * hop)] for p in range(pieces)]
    return parts[0] if pieces == 1 else xp.concat(parts, axis=-1)


def filter_centred(taps: np.ndarray, x: Array) -> Array:
    """Convolve with taps whose middle one stands at the sample itself: symmetric taps delay nothing.

    As `hpcflow_kernels.filter.fir.filter_centred`, along the last axis.

    Parameters
    ----------
    taps : ndarray of float64, shape (taps,)
        An odd number.
    x : array of float32 or float64, shape (..., samples)
        Signals, all samples finite; longer than half of the filter. They go on beyond their ends turned round
        their last sample.

    Returns
    -------
    array
        Of the shape, type and device of `x`; computed in that type.

    Raises
    ------
    ValueError
        Where the number of taps is even, or half of it is no less than the number of samples.
    """
    if len(taps) % 2 == 0:
        raise ValueError(f"an odd number of taps has a middle one (shape {taps.shape}): give one more")
    half = len(taps) // 2
    if x.shape[-1] <= half:
        raise ValueError(
            f"a signal must be longer than half of the filter ({x.shape[-1]} samples, {len(taps)} taps): "
            f"give at most {max(2 * x.shape[-1] - 1, 1)} taps"
        )
    return correlate(taps[::-1], extended(x, half))


def correlate(taps: np.ndarray, x: Array) -> Array:
    """Sums of each window of as many samples as there are taps, weighted by them.

    Parameters
    ----------
    taps : ndarray of float64, shape (taps,)
        The first one weighs a window's first sample.
    x : array of float32 or float64, shape (..., samples)

    Returns
    -------
    array, shape (..., samples - taps + 1)
        Of the type of `x`, and computed in it.
    """
    xp, size = array_namespace(x), x.shape[-1] - len(taps) + 1
    name = "float32" if x.dtype == xp.float32 else "float64"
    if len(taps) <= FEW:
        total = x[..., :size] * float(taps[0])
        for k in range(1, len(taps)):
            total = total + x[..., k : k + size] * float(taps[k])
        return total
    if len(taps) <= DIRECT:
        weights = _moved(taps.tobytes(), name, xp, device(x))
        made = frames(x, weights.shape[0], DIRECT, -(-size // DIRECT)) @ weights
    else:
        points = max(LEAST, 1 << (4 * len(taps) - 1).bit_length())
        hop = points - len(taps) + 1
        spectrum = _spectrum(taps.tobytes(), points, name, xp, device(x))
        parts = xp.fft.rfft(frames(x, points, hop, -(-size // hop)), axis=-1) * spectrum
        made = xp.fft.irfft(parts, n=points, axis=-1)[..., :hop]
    return xp.reshape(made, (*x.shape[:-1], -1))[..., :size]


@lru_cache(maxsize=64)
def _moved(taps: bytes, dtype: str, xp: Any, where: Any) -> Array:
    """What a block and the samples behind it are multiplied by, on a device."""
    h = np.frombuffer(taps)
    weights = np.zeros((DIRECT + len(h) - 1, DIRECT), dtype)
    for k in range(DIRECT):
        weights[k : k + len(h), k] = h
    return xp.asarray(weights, device=where)


@lru_cache(maxsize=64)
def _spectrum(taps: bytes, points: int, dtype: str, xp: Any, where: Any) -> Array:
    """By what spectra are multiplied to correlate with taps, on a device; made in float64."""
    kind = np.complex64 if dtype == "float32" else np.complex128
    return xp.asarray(np.fft.rfft(np.frombuffer(taps), points).conj().astype(kind), device=where)


class Phases(NamedTuple):
    """How a stretch at one rate becomes one at another: `outs` outputs from each `hop` samples."""

    hop: int
    outs: int
    first: int
    """Where the samples of the first outputs begin; the extension in front counts from below 0."""
    width: int
    parts: tuple[tuple[int, int, np.ndarray], ...]
    """Outputs side by side: first and one past the last of the samples they need, and weights."""


@lru_cache(maxsize=64)
def phases(taps: bytes, up: int, down: int, start: int) -> Phases:
    """Sort taps by output.

    Parameters
    ----------
    taps : bytes
        float64; the middle one stands at the output itself.
    up, down : int
        Without a common factor.
    start : int
        Where output 0 stands, in samples divided by `up`.
    """
    h = np.frombuffer(taps)
    middle, span = (len(h) - 1) // 2, -(-len(h) // up)
    times = -(-max(DIRECT, span) // down)
    stands = start + middle + np.arange(up * times) * down
    low, high = -((len(h) - 1 - stands) // up), stands // up
    first = int(low[0])
    parts = []
    for begin in range(0, len(stands), DIRECT):
        some = slice(begin, begin + DIRECT)
        places = np.arange(low[some][0], high[some][-1] + 1)
        index = stands[some] - up * places[:, np.newaxis]
        weights = np.where((index >= 0) & (index < len(h)), h[np.clip(index, 0, len(h) - 1)], 0.0)
        parts.append((int(places[0]) - first, int(places[-1]) + 1 - first, weights))
    return Phases(down * times, up * times, first, int(high[-1]) + 1 - first, tuple(parts))


@lru_cache(maxsize=64)
def _phases_moved(
    taps: bytes, up: int, down: int, start: int, dtype: str, xp: Any, where: Any
) -> tuple[Array, ...]:
    return tuple(xp.asarray(w.astype(dtype), device=where) for _, _, w in phases(taps, up, down, start).parts)


def polyphase(x: Array, taps: np.ndarray, up: int, down: int, start: int, rows: int) -> Array:
    """A stretch without gaps at another rate.

    Parameters
    ----------
    x : array of float32 or float64, shape (samples,)
        All samples finite. It goes on beyond its ends turned round its last sample.
    taps : ndarray of float64
        For `up` times the rate; the middle one stands at an output.
    up, down : int
        The ratio of the rates, without a common factor.
    start : int
        Where row 0 stands, in samples divided by `up`.
    rows : int
        How many rows.

    Returns
    -------
    array, shape (rows,)
        Of the type of `x`, and computed in it.
    """
    xp, half = array_namespace(x), -(-(len(taps) // 2) // up)
    name = "float32" if x.dtype == xp.float32 else "float64"
    how = phases(taps.tobytes(), up, down, start)
    weights = _phases_moved(taps.tobytes(), up, down, start, name, xp, device(x))
    all_rows = frames(extended(x, half)[half + how.first :], how.width, how.hop, -(-rows // how.outs))
    made = [all_rows[:, a:b] @ w for (a, b, _), w in zip(how.parts, weights, strict=True)]
    return xp.reshape(xp.concat(made, axis=-1), (-1,))[:rows]
