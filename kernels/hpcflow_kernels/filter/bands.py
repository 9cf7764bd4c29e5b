"""Steps that keep or take out frequencies, without shifting anything in time."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.filter.design import notches, sections
from hpcflow_kernels.filter.poles import Design
from hpcflow_kernels.filter.zero_phase import sosfiltfilt


def lowpass(
    x: np.ndarray,
    *,
    rate: float,
    cutoff: float,
    order: int = 4,
    design: str = "butterworth",
    ripple: float = 0.5,
    attenuation: float = 40.0,
) -> np.ndarray:
    """Zero-phase low-pass: two passes, forwards and backwards.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples, ...)
        A stretch without gaps.
    rate : float
        Samples per second.
    cutoff : float
        Edge, Hz. What holds there holds a pass, so it counts twice: half the power becomes a quarter.
    order : int
        Order of the filter, a pass.
    design : {'butterworth', 'chebyshev1', 'chebyshev2', 'elliptic', 'bessel'}
        See `hpcflow_kernels.filter.design.sections`.
    ripple : float
        Of ``chebyshev1`` and ``elliptic`` in their pass band, dB, a pass.
    attenuation : float
        Of ``chebyshev2`` and ``elliptic`` in their stop band, dB, a pass.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; computed in float64.

    Raises
    ------
    ValueError
        When the edge does not lie inside (0, rate/2), or the stretch is no longer than its extension.
    """
    asked = Design("lowpass", (cutoff,), rate, order, design, ripple, attenuation)
    return sosfiltfilt(sections(asked), x, axis=0)


def highpass(
    x: np.ndarray,
    *,
    rate: float,
    cutoff: float,
    order: int = 4,
    design: str = "butterworth",
    ripple: float = 0.5,
    attenuation: float = 40.0,
) -> np.ndarray:
    """Zero-phase high-pass; arguments, result and errors as for `lowpass`."""
    asked = Design("highpass", (cutoff,), rate, order, design, ripple, attenuation)
    return sosfiltfilt(sections(asked), x, axis=0)


def notch(
    x: np.ndarray, *, rate: float, frequency: float, harmonics: int = 1, quality: float = 30.0
) -> np.ndarray:
    """Take out one frequency and its multiples, such as a mains hum, without shifting anything in time.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples, ...)
        A stretch without gaps.
    rate : float
        Samples per second.
    frequency : float
        Hz.
    harmonics : int
        How many multiples, 1 for the frequency alone; those at or above half the rate are left out.
    quality : float
        Frequency over width at half power, a pass. Every notch is as wide, in Hz, as the first.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; computed in float64.

    Raises
    ------
    ValueError
        When the frequency does not lie inside (0, rate/2), or the stretch is no longer than its extension.
    """
    return sosfiltfilt(notches(frequency, harmonics, quality, rate), x, axis=0)
