"""Envelopes and their spectra on any array library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import constant, count, frames, transformed, typed, zoomed
from hpcflow_kernels.frames import frame_hop, frame_length, frequency_count, hann
from hpcflow_kernels.machine.envelope_band import Demodulation, demodulation


def envelope_spectrum(
    x: Any,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.5,
    max_frequency: float = 1000.0,
    band: Sequence[float] | None = None,
    oversampling: float = 4.0,
) -> dict[str, Any]:
    """As `hpcflow_kernels.machine.envelope.envelope_spectrum`."""
    x, xp, n = typed(x), array_namespace(x), frame_length(window, rate)
    hop, bins = frame_hop(window, overlap, rate), frequency_count(window, max_frequency)
    if band is not None:
        how = demodulation(rate, band, window, max_frequency, oversampling, squared=False)
        return {"amplitude": _of_band(x, hop, bins, how, squared=False)}
    exact = abs(window * rate - n) <= 1e-9 * n
    turned = np.full(n // 2 + 1, -1j)  # a quarter of a turn back; what has no negative twin is taken out
    turned[0] = 0
    if n % 2 == 0:
        turned[-1] = 0
    quarter = constant(turned, x, xp.complex64 if x.dtype == xp.float32 else xp.complex128)
    back = partial(xp.fft.irfft, n=n)
    out = xp.empty((count(x.shape[0], n, hop), bins), dtype=x.dtype, device=device(x))
    for part, frame in frames(x, n, hop, times=2):
        hilbert = transformed(back, transformed(xp.fft.rfft, frame) * quarter)
        out[part, :] = _lines(xp.hypot(frame, hilbert), bins, None if exact else window * rate)
    return {"amplitude": out}


def squared_envelope_spectrum(
    x: Any,
    *,
    rate: float,
    band: Sequence[float],
    window: float = 1.0,
    overlap: float = 0.5,
    max_frequency: float = 1000.0,
) -> dict[str, Any]:
    """As `hpcflow_kernels.machine.envelope_band.squared_envelope_spectrum`."""
    x, bins = typed(x), frequency_count(window, max_frequency)
    how = demodulation(rate, band, window, max_frequency, 2.0, squared=True)
    lines = _of_band(x, frame_hop(window, overlap, rate), bins, how, squared=True)
    return {"squared_amplitude": lines}


def _of_band(x: Any, hop: int, bins: int, how: Demodulation, squared: bool) -> Any:
    xp, (n, first, last, m, grid) = array_namespace(x), how
    one_sided = np.full(last - first, 2 / n)
    one_sided[np.isin(np.arange(first, last), (0, n / 2))] = 1 / n
    scale, back = constant(one_sided, x), partial(xp.fft.ifft, norm="forward")
    out = xp.empty((count(x.shape[0], n, hop), bins), dtype=x.dtype, device=device(x))
    for part, frame in frames(x, n, hop, times=1 + 2 * m // n):
        inside = transformed(xp.fft.rfft, frame)[:, first:last] * scale
        rest = xp.zeros((inside.shape[0], m - last + first), dtype=inside.dtype, device=device(x))
        analytic = transformed(back, xp.concat([inside, rest], axis=-1))
        modulus = xp.hypot(xp.real(analytic), xp.imag(analytic))
        out[part, :] = _lines(modulus * modulus if squared else modulus, bins, grid)
    return out


def _lines(envelope: Any, bins: int, grid: float | None) -> Any:
    """Amplitudes of the lines of envelopes, and their means in bin 0; NaN where a mean is not finite.

    Parameters
    ----------
    envelope : array, shape (frames, m)
    bins : int
    grid : float or None
        Lines are one over so many samples apart; None for m.
    """
    xp, m = array_namespace(envelope), envelope.shape[1]
    mean = xp.sum(envelope, axis=-1, keepdims=True, dtype=xp.float64) / m
    swing, weights = envelope - xp.astype(mean, envelope.dtype), hann(m) * (4 / m)
    if grid is None:
        z = transformed(xp.fft.rfft, swing * constant(weights, envelope))[:, :bins]
    else:
        z = zoomed(swing, weights, bins, grid)
    lines = xp.hypot(xp.real(z), xp.imag(z))
    lines[:, :1] = xp.astype(mean, lines.dtype)
    missing = xp.asarray(np.nan, dtype=lines.dtype, device=device(lines))
    return xp.where(xp.isfinite(mean), lines, missing)
