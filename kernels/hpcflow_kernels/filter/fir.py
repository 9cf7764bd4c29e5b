"""Filters with finite impulse responses: convolution along one axis, and filters that delay nothing."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from hpcflow_kernels.filter.ring import Ring, ring, spectrum

COST = {256: 24, 512: 24, 1024: 28, 2048: 29, 4096: 35, 8192: 40, 16384: 52, 32768: 70}
"""What a point of a transform of each size costs, in multiply-adds of a direct sum; as measured."""

DIRECT = 32
"""Taps up to which sums are direct whatever takes less: no cut of a signal changes a bit of them."""


def fir(
    x: np.ndarray,
    *,
    rate: float,
    low: float | None = None,
    high: float | None = None,
    taps: int = 257,
    window: str = "hamming",
    stop: bool = False,
) -> np.ndarray:
    """Keep or remove a band with a filter of finite length and linear phase, without delay.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A stretch without gaps, longer than half of the filter.
    rate : float
        Samples per second.
    low, high : float, optional
        Band edges, Hz, where half of the amplitude passes. Without `low` it is a low-pass, without `high` a
        high-pass.
    taps : int
        Length of the filter, odd. With the Hamming window, pass and stop band are ``3.3 rate / taps`` apart.
    window : str
        As scipy.signal.get_window knows it.
    stop : bool
        Whether to remove the band instead.

    Returns
    -------
    ndarray
        Of the shape and type of `x`.
    """
    return filter_centred(design(taps, low, high, window, stop, rate), x)


@lru_cache(maxsize=64)
def design(
    taps: int, low: float | None, high: float | None, window: str, stop: bool, rate: float
) -> np.ndarray:
    """Taps by scipy.signal.firwin, float64 and not writeable."""
    from scipy.signal import firwin

    edges = [edge for edge in (low, high) if edge is not None]
    h: np.ndarray = firwin(taps, edges, window=window, pass_zero=(low is None) != stop, fs=rate)
    h.flags.writeable = False
    return h


def filter_centred(taps: np.ndarray, x: np.ndarray, axis: int = -1) -> np.ndarray:
    """Convolve with taps whose middle one stands at the sample itself: symmetric taps delay nothing.

    A signal goes on beyond its ends as in `hpcflow_kernels.filter.zero_phase.sosfiltfilt`: turned round its
    last sample.

    Parameters
    ----------
    taps : ndarray of real numbers, shape (taps,)
        An odd number.
    x : ndarray of real numbers
        Signals; float32 is computed in float32, all else in float64.
    axis : int
        Axis along which time runs.

    Returns
    -------
    ndarray
        Of the shape of `x`, float32 or float64. The error is below ``4 + taps / 50`` roundings of the largest
        sample times the sum of the taps' sizes.

    Raises
    ------
    ValueError
        Where the number of taps is even, or half of it is no less than the number of samples.

    Examples
    --------
    >>> filter_centred(np.array([0.25, 0.5, 0.25]), np.array([0.0, 0.0, 4.0, 0.0, 0.0])).tolist()
    [0.0, 1.0, 2.0, 1.0, 0.0]
    """
    taps, x = np.asarray(taps, np.float64), np.asarray(x)
    if taps.ndim != 1 or len(taps) % 2 == 0:
        raise ValueError(f"an odd number of taps has a middle one (shape {taps.shape}): give one more")
    half = len(taps) // 2
    if x.shape[axis] <= half:
        raise ValueError(
            f"a signal must be longer than half of the filter ({x.shape[axis]} samples, {len(taps)} taps): "
            f"give at most {max(2 * x.shape[axis] - 1, 1)} taps"
        )
    out = np.empty(x.shape, np.float32 if x.dtype == np.float32 else np.float64)
    rows, results = np.moveaxis(x, axis, -1), np.moveaxis(out, axis, -1)
    for index in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[index], out.dtype)
        whole = results[index].flags.c_contiguous
        result = results[index] if whole else np.empty_like(row)
        _convolve(row, *odd_ends(row, half), taps, half, result)
        if not whole:
            results[index] = result
    return out


def odd_ends(x: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """How a signal goes on before and behind when it is turned round its end samples.

    Examples
    --------
    >>> odd_ends(np.array([1.0, 2.0, 4.0]), 2)
    (array([-2.,  0.]), array([6., 7.]))
    """
    return 2 * x[0] - x[count:0:-1], 2 * x[-1] - x[-2 : -2 - count : -1]


def oaconvolve(in1: Any, in2: Any, mode: str = "full", axes: Any = None) -> np.ndarray:
    """Convolve signals with a filter along one axis.

    The signature and the meaning are those of scipy.signal.oaconvolve. Where the second array is real,
    lies along one axis and is no longer than the first, sums are direct or go by eight blocks at a
    time, whichever takes less. Everything else is handed to SciPy.

    Parameters
    ----------
    in1, in2 : array_like
        Signals and taps, of the same number of dimensions.
    mode : {'full', 'valid', 'same'}
        What to keep: all, what depends on no zero beyond the ends, or as much as `in1` has, in the middle.
    axes : int, sequence of int, optional
        Axes to convolve along, all by default.

    Returns
    -------
    ndarray
        float32 where both are, else float64, with an error as for `filter_centred`.
    """
    a, b = np.asarray(in1), np.asarray(in2)
    axis = _one_axis(a, b, axes)
    if axis is None or mode not in ("full", "valid", "same"):
        from scipy import signal

        result: np.ndarray = signal.oaconvolve(in1, in2, mode=mode, axes=axes)
        return result
    samples, count = a.shape[axis], b.shape[axis]
    size = {"full": samples + count - 1, "same": samples, "valid": samples - count + 1}[mode]
    first = {"full": 0, "same": (count - 1) // 2, "valid": count - 1}[mode]
    dtype = np.result_type(a, b, np.float32)
    kept, taps = np.dtype(np.float32 if dtype == np.float32 else np.float64), b.reshape(-1).astype(np.float64)
    none = np.empty(0, kept)
    if a.ndim == 1:
        y = np.empty(size, kept)
        _convolve(np.ascontiguousarray(a, kept), none, none, taps, first, y)
        return y
    rows = np.moveaxis(a, axis, -1)
    out = np.empty((*rows.shape[:-1], size), kept)
    for index in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[index], kept)
        _convolve(row, none, none, taps, first, out[index])
    return np.moveaxis(out, -1, axis)


def _one_axis(a: np.ndarray, b: np.ndarray, axes: Any) -> int | None:
    """The axis along which taps lie; None where SciPy must look at the arguments."""
    if a.ndim != b.ndim or a.ndim == 0 or a.size == 0 or b.size == 0:
        return None
    if any(one.dtype.kind not in "fiu" or one.dtype.itemsize not in (4, 8) for one in (a, b)):
        return None
    along = [axis for axis in range(b.ndim) if b.shape[axis] > 1]
    if len(along) != 1 or b.shape[along[0]] > a.shape[along[0]]:
        return None
    if axes is not None and [int(axis) % a.ndim for axis in np.atleast_1d(axes)] != along:
        return None
    return along[0]


LONGEST = 12_000
"""Taps above which SciPy's longer transforms take less."""


def _convolve(
    x: np.ndarray, head: np.ndarray, tail: np.ndarray, taps: np.ndarray, first: int, y: np.ndarray
) -> None:
    """Fill `y` with the full convolution of one continued row, from sample `first` on."""
    from hpcflow_kernels.filter import fir_loops as loops

    if len(taps) > LONGEST:
        from scipy.signal import oaconvolve as theirs

        whole, begin = np.concatenate([head, x, tail]), len(head) + first
        y[:] = theirs(whole, taps.astype(x.dtype))[begin : begin + len(y)]
        return
    shift, n = len(taps) - 1 - first, transform_size(len(taps), len(y))
    if n == 0:
        loops.direct(x, head, tail, taps[::-1].astype(x.dtype), shift, y)
    else:
        h = _spectrum(taps.tobytes(), n, x.dtype.str)
        r = _ring(n, x.dtype.str)
        loops.overlap_save(x, head, tail, h, len(taps), r.stages, r.leaves, shift, y)


@lru_cache(maxsize=256)
def transform_size(taps: int, size: int) -> int:
    """Points of the transforms that filter `size` samples with least work; 0 where direct sums take less.

    Examples
    --------
    >>> transform_size(31, 100_000), transform_size(257, 100_000), transform_size(257, 300)
    (0, 2048, 0)
    """
    if taps <= DIRECT:
        return 0
    best, found = -(-size // 64) * 64 * taps, 0
    for n, cost in COST.items():
        length = (n - taps + 1) // 8 * 8
        if length > 0:
            work = -(-size // (8 * length)) * 8 * n * cost
            if work < best:
                best, found = work, n
    return found


@lru_cache(maxsize=16)
def _ring(n: int, dtype: str) -> Ring:
    return ring(n // 2, np.dtype(dtype))


@lru_cache(maxsize=64)
def _spectrum(taps: bytes, n: int, dtype: str) -> np.ndarray:
    return spectrum(np.frombuffer(taps)[::-1], _ring(n, dtype).roots).astype(dtype)
