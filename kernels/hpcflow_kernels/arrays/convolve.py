"""Filters of finite length over arrays of any library."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.recursive import extended
from hpcflow_kernels.arrays.transforms import cut

FEW = 32
"""Taps up to which products are added tap by tap, in the same order for every sample, as on the processor: no
cut of a signal changes a bit of them."""

DIRECT = 64
"""Taps up to which blocks of as many samples are multiplied by a matrix; transforms take less work beyond."""

LEAST = 1024
"""Points of the shortest transform."""


def covering(x: Array, n: int, hop: int, count: int) -> Array:
    """So many frames of n samples that begin `hop` apart; zeros where the signal ends before they do."""
    xp, short = array_namespace(x), (count - 1) * hop + n - x.shape[-1]
    if short > 0:
        x = xp.concat([x, xp.zeros((*x.shape[:-1], short), dtype=x.dtype, device=device(x))], axis=-1)
    return cut(x[..., : (count - 1) * hop + n], n, hop)


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
        made = covering(x, weights.shape[0], DIRECT, -(-size // DIRECT)) @ weights
    else:
        points = max(LEAST, 1 << (4 * len(taps) - 1).bit_length())
        hop = points - len(taps) + 1
        spectrum = _spectrum(taps.tobytes(), points, name, xp, device(x))
        parts = xp.fft.rfft(covering(x, points, hop, -(-size // hop)), axis=-1) * spectrum
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
