"""Filters over samples: time first, SciPy's arithmetic, float64 inside."""

from __future__ import annotations

import numpy as np


def bandpass(x: np.ndarray, *, rate: float, low: float, high: float, order: int = 4) -> np.ndarray:
    """Zero-phase Butterworth band-pass.

    Two passes, forwards and backwards, so a component at a band edge keeps a quarter of its power and
    nothing is delayed. The ends are extended oddly, as SciPy does.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples, ...)
        A stretch without gaps.
    rate : float
        Samples per second.
    low, high : float
        Band edges, Hz.
    order : int
        Order of the prototype.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; computed in float64.

    Raises
    ------
    ValueError
        When the band does not lie inside (0, rate/2), or the stretch is no longer than the extension.
    """
    from scipy.signal import butter, sosfiltfilt

    sos = butter(order, [low, high], btype="bandpass", fs=rate, output="sos")
    filtered = sosfiltfilt(sos, x.astype(np.float64, copy=False), axis=0)
    return np.asarray(filtered, dtype=x.dtype if x.dtype.kind == "f" else np.float64)
