"""Steps that filter, over arrays of any library; each as the step of the same name on the processor."""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.convolve import correlate, filter_centred
from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.recursive import extended, sosfilt, sosfiltfilt
from hpcflow_kernels.filter.design import notches, sections
from hpcflow_kernels.filter.fir import design as fir_design
from hpcflow_kernels.filter.integrate import POINTS, steady_sections
from hpcflow_kernels.filter.integrate_design import gain_taps, integrating_passes
from hpcflow_kernels.filter.poles import Design
from hpcflow_kernels.filter.smooth import coefficients
from hpcflow_kernels.filter.smooth_contracts import points
from hpcflow_kernels.filter.weighting_design import weighting_sections


def bandpass(
    x: Array,
    *,
    rate: float,
    low: float,
    high: float,
    order: int = 4,
    design: str = "butterworth",
    ripple: float = 0.5,
    attenuation: float = 40.0,
) -> Array:
    """Zero-phase band-pass: `hpcflow_kernels.filter.zero_phase.bandpass`."""
    asked = Design("bandpass", (low, high), rate, order, design, ripple, attenuation)
    return sosfiltfilt(sections(asked), x)


def lowpass(
    x: Array,
    *,
    rate: float,
    cutoff: float,
    order: int = 4,
    design: str = "butterworth",
    ripple: float = 0.5,
    attenuation: float = 40.0,
) -> Array:
    """Zero-phase low-pass: `hpcflow_kernels.filter.bands.lowpass`."""
    return sosfiltfilt(sections(Design("lowpass", (cutoff,), rate, order, design, ripple, attenuation)), x)


def highpass(
    x: Array,
    *,
    rate: float,
    cutoff: float,
    order: int = 4,
    design: str = "butterworth",
    ripple: float = 0.5,
    attenuation: float = 40.0,
) -> Array:
    """Zero-phase high-pass: `hpcflow_kernels.filter.bands.highpass`."""
    return sosfiltfilt(sections(Design("highpass", (cutoff,), rate, order, design, ripple, attenuation)), x)


def notch(x: Array, *, rate: float, frequency: float, harmonics: int = 1, quality: float = 30.0) -> Array:
    """One frequency and its multiples taken out: `hpcflow_kernels.filter.bands.notch`."""
    return sosfiltfilt(notches(frequency, harmonics, quality, rate), x)


def frequency_weighting(x: Array, *, rate: float, weighting: str) -> Array:
    """A frequency-weighted signal: `hpcflow_kernels.filter.weighting.frequency_weighting`."""
    return sosfilt(np.array(weighting_sections(weighting, rate)), x, settled=True)


def integrate(x: Array, *, rate: float, low: float, times: int = 1, order: int = 2) -> Array:
    """Integral over time: `hpcflow_kernels.filter.integrate.integrate`."""
    xp, samples = array_namespace(x), x.shape[-1]
    taps = np.array(gain_taps(times))
    taps = np.concatenate([taps[:0:-1], taps])
    margin = len(taps) // 2
    padding = min(samples - 1, math.ceil(rate / low) + margin)
    y = extended(xp.astype(x, xp.float64, copy=False), padding)
    for found in integrating_passes(low, rate, order, times):
        y = xp.flip(sosfilt(steady_sections(found)[0], y, settled=True), axis=-1)
    y = correlate(taps, y[..., padding - margin : y.shape[-1] - padding + margin])
    return xp.astype(y, x.dtype, copy=False)


def differentiate(x: Array, *, rate: float, times: int = 1) -> Array:
    """Derivative in time: `hpcflow_kernels.filter.integrate.differentiate`."""
    return _polynomial(x, POINTS, POINTS - 1, times, 1 / rate)


def fir(
    x: Array,
    *,
    rate: float,
    low: float | None = None,
    high: float | None = None,
    taps: int = 257,
    window: str = "hamming",
    stop: bool = False,
) -> Array:
    """A filter of finite length without delay: `hpcflow_kernels.filter.fir.fir`."""
    return filter_centred(fir_design(taps, low, high, window, stop, rate), x)


def savitzky_golay(x: Array, *, rate: float, window: float, degree: int = 3, derivative: int = 0) -> Array:
    """The polynomial that fits each window best: `hpcflow_kernels.filter.smooth.savitzky_golay`."""
    return _polynomial(x, points(window, rate), degree, derivative, 1 / rate)


def _polynomial(x: Array, window: int, degree: int, derivative: int, delta: float) -> Array:
    """Value or derivative of local polynomials; at the ends those of the first and the last window."""
    xp, samples = array_namespace(x), x.shape[-1]
    if window > samples:
        raise ValueError(
            f"a signal must be no shorter than the window ({samples} samples, {window}): shorten it"
        )
    taps, head, tail = coefficients(window, degree, derivative, delta)
    y = xp.astype(x, xp.float64, copy=False) if derivative else x
    parts = [
        _weighted(y[..., :window], head),
        correlate(taps[::-1], y),
        _weighted(y[..., samples - window :], tail),
    ]
    return xp.astype(xp.concat(parts, axis=-1), x.dtype, copy=False)


def _weighted(x: Array, weights: np.ndarray) -> Array:
    xp = array_namespace(x)
    return x @ xp.astype(xp.asarray(weights, device=device(x)), x.dtype)
