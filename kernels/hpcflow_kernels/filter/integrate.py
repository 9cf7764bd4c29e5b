"""Integrals and derivatives in time: acceleration, velocity, displacement."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from hpcflow_kernels.filter.integrate_design import gain_taps, integrating_passes
from hpcflow_kernels.filter.poles import Zpk
from hpcflow_kernels.filter.zero_phase import sosfilt


def integrate(x: np.ndarray, *, rate: float, low: float, times: int = 1, order: int = 2) -> np.ndarray:
    """Integral over time of what is faster than a frequency, without drift and without delay.

    Below `low` an integral of a measured signal is noise that grows without bound, so a high-pass runs
    forwards and backwards with it, and the trapezoidal rule is part of the pass forwards (of both, for a
    second integral). Symmetric taps then put right the gain of the rule.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples, ...)
        A stretch without gaps.
    rate : float
        Samples per second.
    low : float
        Edge of the high-pass, Hz. Here the integral has half its amplitude; within 1 % of it is what is
        faster than 3.2 times `low`, at the default order.
    times : int
        1 or 2: velocity or displacement from acceleration.
    order : int
        Of the high-pass, a pass.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; computed in float64. Each integral's gain far above the edge is off by
        2e-5 at an eighth of the rate, 1e-3 at a fifth and 1 % at a quarter. Within about a period of `low`
        from the ends of a stretch it rests on a guess of what was before and after.
    """
    forwards, backwards = (steady_sections(z) for z in integrating_passes(low, rate, order, times))
    taps = np.array(gain_taps(times))
    taps = np.concatenate([taps[:0:-1], taps])
    margin = len(taps) // 2
    padding = min(len(x) - 1, math.ceil(rate / low) + margin)
    y = _extended(x.astype(np.float64), padding)
    for sos, steady in (forwards, backwards):
        y = sosfilt(sos, y, axis=0, zi=np.multiply.outer(steady, y[0]))[0][::-1]
    y = y[padding - margin : len(y) - padding + margin]
    corrected = np.apply_along_axis(np.convolve, 0, y, taps, "valid")
    return corrected.astype(np.float32 if x.dtype == np.float32 else np.float64)


def _extended(x: np.ndarray, padding: int) -> np.ndarray:
    """The signal continued oddly about its first and last sample."""
    return np.concatenate([2 * x[0] - x[padding:0:-1], x, 2 * x[-1] - x[-2 : -padding - 2 : -1]])


@lru_cache(maxsize=64)
def steady_sections(found: Zpk) -> tuple[np.ndarray, np.ndarray]:
    """Sections of a filter, and their states after a constant 1."""
    from scipy.signal import sosfilt_zi, zpk2sos

    sos = zpk2sos(found.zeros, found.poles, found.gain)
    return sos, sosfilt_zi(sos)


POINTS = 9
"""Samples of the polynomial that a derivative is taken of."""


def differentiate(x: np.ndarray, *, rate: float, times: int = 1) -> np.ndarray:
    """Derivative in time: of the polynomial through nine samples, at the middle one.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples, ...)
        A stretch without gaps of at least nine samples.
    rate : float
        Samples per second.
    times : int
        1 for the first, 2 for the second derivative.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; computed in float64. The gain of the first is off by 4e-5 at a tenth of
        the rate and 0.7 % at a fifth, that of the second by 1e-5 and 0.2 %. For the first and last four
        samples the derivative is taken beside the polynomial's middle, and noise weighs up to thirty times as
        much.
    """
    from scipy.signal import savgol_filter

    y = savgol_filter(
        x.astype(np.float64), POINTS, POINTS - 1, deriv=times, delta=1 / rate, axis=0, mode="interp"
    )
    return np.asarray(y, np.float32 if x.dtype == np.float32 else np.float64)
