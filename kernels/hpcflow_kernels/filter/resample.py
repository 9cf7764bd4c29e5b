"""Signals at another rate, by ratios of whole numbers."""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from operator import index
from typing import Any, NamedTuple

import numpy as np

from hpcflow_kernels.filter.fir import odd_ends
from hpcflow_kernels.filter.resample_contracts import MOST, half_length, ratio
from hpcflow_kernels.stretches import stretches

STATISTICS: dict[str, Any] = {"mean": np.mean, "median": np.median, "minimum": np.min, "maximum": np.max}
"""What SciPy's `padtype` may take off a signal and put back, by name."""

PADS: dict[str, dict[str, Any]] = {
    "edge": {"mode": "edge"},
    "symmetric": {"mode": "symmetric"},
    "reflect": {"mode": "reflect"},
    "antireflect": {"mode": "reflect", "reflect_type": "odd"},
}
"""Other values of `padtype`, as numpy.pad says them."""


def decimated(x: np.ndarray, *, rate: float, factor: int) -> dict[str, np.ndarray]:
    """Every `factor`-th sample of a signal, after a filter that removes what the lower rate cannot hold.

    The filter is that of ``scipy.signal.decimate(x, factor, ftype="fir")``: 20 `factor` + 1 taps, half of the
    amplitude at the new half rate. Nothing is delayed. Stretches between gaps go on beyond their ends turned
    round their last sample, where SciPy puts zeros.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        NaN where samples are missing.
    rate : float
        Samples per second.
    factor : int
        Samples per output.

    Returns
    -------
    dict
        ``decimated``: ndarray of the type of `x`; row k stands at sample ``k * factor``. NaN where that
        sample is missing, and in stretches no longer than half of the filter.
    """
    return {"decimated": _by_stretches(x, 1, factor, decimation_taps(factor))}


def resampled(x: np.ndarray, *, rate: float, to: float) -> dict[str, np.ndarray]:
    """A signal at another rate, through the filter of scipy.signal.resample_poly; nothing is delayed.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        NaN where samples are missing.
    rate : float
        Samples per second.
    to : float
        Wanted samples per second.

    Returns
    -------
    dict
        ``resampled``: ndarray of the type of `x`; row k stands at sample ``k * down / up``, up / down being
        the ratio of the rates. NaN where that sample is missing, and in stretches no longer than half of
        the filter.

    Raises
    ------
    ValueError
        Where the ratio of the rates is not one of whole numbers up to 2048.
    """
    up, down = ratio_or_raise(to, rate)
    if up == down:
        return {"resampled": x.copy()}
    return {"resampled": _by_stretches(x, up, down, resampling_taps(up, down))}


def ratio_or_raise(to: float, rate: float) -> tuple[int, int]:
    """The rates as whole numbers.

    Raises
    ------
    ValueError
        Where they are not as whole numbers up to 2048.
    """
    found = ratio(to, rate)
    if found is None:
        raise ValueError(f"the rates must be as whole numbers up to {MOST} ({to:g} and {rate:g} Hz)")
    return found


def resample_poly(
    x: Any,
    up: int,
    down: int,
    axis: int = 0,
    window: Any = ("kaiser", 5.0),
    padtype: str = "constant",
    cval: float | None = None,
) -> np.ndarray:
    """Resample along an axis by up / down through a polyphase filter.

    The signature, the defaults and the meaning are those of scipy.signal.resample_poly. Real signals are
    computed here where they go on as a constant, their last sample or their reflection; everything else is
    handed to SciPy.

    Parameters
    ----------
    x : array_like of real numbers
        Signals; float32 is computed in float32, all else in float64.
    up, down : int
        The ratio of the rates.
    axis : int
        Axis along which time runs.
    window : str, tuple or array_like
        As scipy.signal.get_window takes it, or taps.
    padtype : str
        How a signal goes on beyond its ends.
    cval : float, optional
        Its value there, for ``constant``; 0 by default.

    Returns
    -------
    ndarray
        ``ceil(samples * up / down)`` samples along `axis`, float32 for float32, else float64. The error is
        below ``taps / up`` roundings of the largest sample times the sum of the sizes of a phase's taps.
    """
    from scipy import signal

    x = np.asarray(x)
    plain = x.dtype.kind in "fiu" and x.dtype.itemsize in (4, 8) and x.size > 0 and x.ndim > 0
    taps = None if isinstance(window, str | tuple) else np.asarray(window)
    known = padtype == "constant" or padtype in STATISTICS or padtype in PADS
    odd = cval is not None and padtype != "constant"
    whole = up == int(up) >= 1 and down == int(down) >= 1
    if not (plain and known and whole) or odd or (taps is not None and not _are_taps(taps)):
        return np.asarray(signal.resample_poly(x, up, down, axis, window, padtype, cval))
    up, down = int(up) // gcd(int(up), int(down)), int(down) // gcd(int(up), int(down))
    if up == down == 1:
        return np.array(x)
    if padtype in PADS and x.shape[axis] == 1:
        padtype = "edge"  # the same, and SciPy would divide by zero
    dtype = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
    h = (_poly_taps(up, down, window) if taps is None else taps).astype(dtype) * dtype.type(up)
    if padtype in STATISTICS:
        level = STATISTICS[padtype](x, axis=axis, keepdims=True)
        return np.asarray(resample_poly(x - level, up, down, axis, h / dtype.type(up)) + level)
    half = -(-(len(h) // 2 + 1) // up)
    if padtype in PADS and x.shape[axis] <= half:
        return np.asarray(signal.resample_poly(x, up, down, axis, window, padtype))
    rows = np.moveaxis(x, axis, -1)
    size = -(-rows.shape[-1] * up // down)
    out = np.empty((*rows.shape[:-1], size), dtype)
    for place in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[place], dtype)
        _polyphase(row, *_ends(row, half, padtype, cval), h, up, down, 0, out[place])
    return np.moveaxis(out, -1, axis)


def decimate(
    x: Any, q: int, n: int | None = None, ftype: Any = "iir", axis: int = -1, zero_phase: bool = True
) -> np.ndarray:
    """Keep every q-th sample after a filter against aliases.

    The signature, the defaults and the meaning are those of scipy.signal.decimate. Real signals are filtered
    here with ``ftype="fir"`` and ``"iir"`` and zero phase; everything else is handed to SciPy.

    Parameters
    ----------
    x : array_like of real numbers
        Signals.
    q : int
        Samples per output.
    n : int, optional
        Order of the filter: 20 q for ``fir``, 8 for ``iir`` (Chebyshev, 0.05 dB) by default.
    ftype : {'iir', 'fir'} or scipy.signal.dlti
        Kind of filter.
    axis : int
        Axis along which time runs.
    zero_phase : bool
        Whether nothing is delayed.

    Returns
    -------
    ndarray
        float32 for float32, else float64.
    """
    from scipy import signal

    from hpcflow_kernels.filter.zero_phase import sosfiltfilt

    x = np.asarray(x)
    plain = x.dtype.kind in "fiu" and x.dtype.itemsize in (4, 8)
    if not plain or not zero_phase or not isinstance(ftype, str) or ftype not in ("fir", "iir"):
        result: np.ndarray = signal.decimate(x, q, n, ftype, axis, zero_phase)
        return result
    q, n = index(q), None if n is None else index(n)
    if ftype == "fir":
        taps = signal.firwin((20 * q if n is None else n) + 1, 1.0 / q, window="hamming")
        return resample_poly(x, 1, q, axis, taps)
    sos = signal.cheby1(8 if n is None else n, 0.05, 0.8 / q, output="sos")
    kept: np.ndarray = np.moveaxis(np.moveaxis(sosfiltfilt(sos, x, axis), axis, -1)[..., ::q], -1, axis)
    return kept


def _are_taps(taps: np.ndarray) -> bool:
    return taps.ndim == 1 and taps.size > 0 and taps.dtype.kind in "fiu"


@lru_cache(maxsize=64)
def _poly_taps(up: int, down: int, window: Any) -> np.ndarray:
    from scipy.signal import firwin

    taps: np.ndarray = firwin(2 * half_length(up, down) + 1, 1.0 / max(up, down), window=window)
    taps.flags.writeable = False
    return taps


def decimation_taps(factor: int) -> np.ndarray:
    """Taps of scipy.signal.decimate with ``ftype="fir"``."""
    return _poly_taps(1, factor, "hamming")


def resampling_taps(up: int, down: int) -> np.ndarray:
    """Taps of scipy.signal.resample_poly, for samples that stand among zeros."""
    return _poly_taps(up, down, ("kaiser", 5.0)) * up


def _ends(x: np.ndarray, half: int, padtype: str, cval: float | None) -> tuple[np.ndarray, np.ndarray]:
    """What stands before and behind a row."""
    if padtype == "constant":
        beyond = np.full(half if cval else 0, cval or 0, x.dtype)
        return beyond, beyond
    how = PADS[padtype]
    return np.pad(x[: half + 1], (half, 0), **how)[:half], np.pad(x[-half - 1 :], (0, half), **how)[-half:]


def _by_stretches(x: np.ndarray, up: int, down: int, taps: np.ndarray) -> np.ndarray:
    """A signal with gaps at another rate, each stretch between them as if it were a record of its own."""
    from hpcflow_kernels.finite import all_finite

    x = np.ascontiguousarray(x, np.float32 if x.dtype == np.float32 else np.float64)
    half = -(-(len(taps) // 2) // up)
    y = np.full(-(-len(x) * up // down), np.nan, x.dtype)
    for start, stop in [(0, len(x))] if all_finite(x) else stretches(np.isfinite(x)):
        first, last = -(-start * up // down), -(-stop * up // down)
        if stop - start > half and last > first:
            part = x[start:stop]
            ends = odd_ends(part, half)
            _polyphase(part, *ends, taps, up, down, first * down - start * up, y[first:last])
    return y


def _polyphase(
    x: np.ndarray,
    head: np.ndarray,
    tail: np.ndarray,
    taps: np.ndarray,
    up: int,
    down: int,
    start: int,
    y: np.ndarray,
) -> None:
    from hpcflow_kernels.filter.resample_loops import polyphase

    polyphase(x, head, tail, *phases(taps.astype(np.float64).tobytes(), up, down, start, x.dtype.str), y)


class Phases(NamedTuple):
    """Taps of a change of rate by phase, as `hpcflow_kernels.filter.resample_loops.polyphase` takes them."""

    taps: np.ndarray
    first: np.ndarray
    begin: np.ndarray
    down: int
    base: int
    reach: int


@lru_cache(maxsize=64)
def phases(taps: bytes, up: int, down: int, start: int, dtype: str) -> Phases:
    """Sort taps by phase.

    Parameters
    ----------
    taps : bytes
        float64; the middle one stands at the output itself.
    up, down : int
        Without a common factor.
    start : int
        Where output 0 stands, in samples divided by `up`.
    dtype : str
        Of the arithmetic.
    """
    h = np.frombuffer(taps).astype(dtype)
    middle, factor = (len(h) - 1) // 2, -(-8 // min(up, down))
    stands = start + middle + np.arange(up * factor) * down
    low, high = -((len(h) - 1 - stands) // up), stands // up
    base, whole = int(low.min()), down * factor
    parts = [h[s - up * np.arange(a, b + 1)] for s, a, b in zip(stands, low, high, strict=True)]
    first = np.cumsum([0, *(len(part) for part in parts)])
    # A phase without taps still loads one, so one more stands behind the last.
    whole_taps = np.concatenate([*parts, np.zeros(1, h.dtype)])
    return Phases(whole_taps, first, low - base, whole, base, max(int(high.max()) - base, 0) // whole)
