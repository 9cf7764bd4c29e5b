"""Smoothing by local polynomials, and what is left of a signal once its trend is taken out."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.filter.fir import filter_centred
from hpcflow_kernels.filter.smooth_contracts import points

PADS = {"mirror": "reflect", "nearest": "edge", "wrap": "wrap", "constant": "constant"}
"""NumPy's names of SciPy's ways to go on beyond an end."""


def savgol_filter(
    x: np.ndarray,
    window_length: int,
    polyorder: int,
    deriv: int = 0,
    delta: float = 1.0,
    axis: int = -1,
    mode: str = "interp",
    cval: float = 0.0,
) -> np.ndarray:
    """Value or derivative of the polynomial that fits a window best, at the window's middle.

    The signature and the meaning are those of scipy.signal.savgol_filter, which also gives the coefficients
    (`savgol_coeffs`) and filters windows of an even number of samples.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals; float32 stays float32, all else is computed in float64.
    window_length : int
        Samples of the window.
    polyorder : int
        Degree of the polynomial, less than `window_length`.
    deriv : int
        Which derivative; 0 for the value.
    delta : float
        Distance of samples, for derivatives.
    axis : int
        Axis along which samples follow one another.
    mode : {'interp', 'mirror', 'nearest', 'constant', 'wrap'}
        What happens near the ends: the first and last window's polynomial, or how the signal goes on.
    cval : float
        Beyond the ends, for ``constant``.

    Returns
    -------
    ndarray
        Of the shape of `x`, float32 or float64. Derivatives are computed in float64; values of float32 are
        off by at most ``4 + window_length / 50`` roundings of the largest sample times the sum of the
        coefficients' sizes.

    Raises
    ------
    ValueError
        Where the window is longer than the signal (``interp``), or no longer than the degree; for complex
        numbers, whose imaginary part SciPy would drop.

    Notes
    -----
    Savitzky and Golay, Smoothing and differentiation of data by simplified least squares procedures, Anal.
    Chem. 36 (1964).
    """
    x = np.asarray(x)
    if x.dtype.kind == "c":
        raise ValueError(
            f"a smoothed signal is of real numbers, not {x.dtype}: smooth real and imaginary part"
        )
    if window_length % 2 == 0 or mode not in ("interp", *PADS):
        from scipy.signal import savgol_filter as scipys

        result: np.ndarray = scipys(x, window_length, polyorder, deriv, delta, axis, mode, cval)
        return result
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    rows = np.moveaxis(x, axis, -1).astype(dtype if deriv == 0 else np.float64, copy=False)
    taps, head, tail = coefficients(window_length, polyorder, deriv, float(delta))
    half = window_length // 2
    if mode == "interp":
        if window_length > rows.shape[-1]:
            raise ValueError(
                "If mode is 'interp', window_length must be less than or equal to the size of x "
                f"({window_length} and {rows.shape[-1]}): give a shorter window or another mode"
            )
        y = filter_centred(taps, rows)
        y[..., :half] = rows[..., :window_length] @ head
        y[..., rows.shape[-1] - half :] = rows[..., -window_length:] @ tail
    else:
        more = {"constant_values": cval} if mode == "constant" else {}
        wide = [(0, 0)] * (rows.ndim - 1) + [(half, half)]
        y = filter_centred(taps, np.pad(rows, wide, PADS[mode], **more))  # type: ignore[call-overload]
        y = y[..., half : y.shape[-1] - half]
    return np.moveaxis(y, -1, axis).astype(dtype, copy=False)


@lru_cache(maxsize=64)
def coefficients(
    window_length: int, polyorder: int, deriv: int, delta: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Taps for the middle, and what gives the first and the last half window, by SciPy."""
    from scipy.signal import savgol_coeffs

    taps = savgol_coeffs(window_length, polyorder, deriv, delta)
    half = window_length // 2
    ends = []
    for places in (range(half), range(window_length - half, window_length)):
        at = [savgol_coeffs(window_length, polyorder, deriv, delta, pos=p, use="dot") for p in places]
        ends.append(np.array(at).reshape(half, window_length).T)
    return taps, ends[0], ends[1]


def savitzky_golay(
    x: np.ndarray, *, rate: float, window: float, degree: int = 3, derivative: int = 0
) -> np.ndarray:
    """Smooth a signal, or take a smoothed derivative, by the polynomial that fits each window best.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A stretch without gaps, no shorter than the window.
    rate : float
        Samples per second.
    window : float
        Duration of the window, s; the nearest odd number of samples.
    degree : int
        Of the polynomial.
    derivative : int
        Which one, per second; 0 for the value.

    Returns
    -------
    ndarray
        Of the shape and type of `x`. Half a window from the ends, the first and the last window's polynomial
        holds.
    """
    return savgol_filter(x, points(window, rate), degree, derivative, 1 / rate)


def detrend(*, signal: Rows, type: str = "linear", window: float = 0.0) -> dict[str, np.ndarray]:
    """Take the mean or the best straight line out of a record, or out of each of its windows.

    Parameters
    ----------
    signal : Rows
        A record; NaN where samples are missing. They stay missing, and the others stand where they stood.
    type : {'linear', 'constant'}
        Straight line, or mean.
    window : float
        Duration of the pieces, s, that each lose their own; 0 for the whole record. The last piece is what
        is left.

    Returns
    -------
    dict of str to ndarray
        ``detrended``, of the shape and type of the record; computed in float64. Equals scipy.signal.detrend
        with break points at the windows' ends, where nothing is missing.
    """
    x = signal.values
    out = np.full(x.shape, np.nan, np.float32 if x.dtype == np.float32 else np.float64)
    piece = max(1, round(window * signal.rate)) if window else max(1, len(x))
    for start in range(0, len(x), piece):
        part = x[start : start + piece].astype(np.float64)
        good = np.isfinite(part)
        if good.any():
            out[start : start + piece][good] = part[good] - _trend(part[good], np.flatnonzero(good), type)
    return {"detrended": out}


def _trend(y: np.ndarray, at: np.ndarray, type: str) -> np.ndarray | float:
    mean = float(y.mean())
    if type == "constant":
        return mean
    away = at - at.mean()
    square = float(away @ away)
    return mean + away * (float(away @ (y - mean)) / square) if square else mean
