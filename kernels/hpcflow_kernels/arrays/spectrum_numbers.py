"""What is read from a frame's spectrum, on any array library: its shape, its kurtosis, levels of octaves."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import (
    constant,
    count,
    cut,
    spectra,
    squared,
    together,
    transformed,
    typed,
    weighted,
)
from hpcflow_kernels.frames import frame_hop, frame_length, hann
from hpcflow_kernels.spectral.stft_contracts import hop_of
from hpcflow_kernels.spectral.welch import named_window


def spectral_shape(
    x: Any,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.0,
    low: float = 0.0,
    high: float | None = None,
    rolloff: float = 0.85,
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.shape.spectral_shape`; sums run in float64."""
    from hpcflow_kernels.spectral.shape import bins_of_band

    x, n, hop = typed(x), frame_length(window, rate), frame_hop(window, overlap, rate)
    xp, (first, stop) = array_namespace(x), bins_of_band(n, rate, low, high)
    f = constant(np.arange(first, stop) * (rate / n), x, xp.float64)
    weights = constant(hann(n) * math.sqrt(2 / n), x)
    names = "centroid", "spread", "rolloff", "flatness", "entropy", "peak_frequency"
    rows = count(x.shape[0], n, hop)
    out = {name: xp.empty((rows,), dtype=x.dtype, device=device(x)) for name in names}
    for part, z in spectra(x, n, hop, weights, times=3):
        power = squared(z[:, first:stop])
        if n % 2 == 0 and stop == n // 2 + 1:
            power[:, -1] *= 0.5
        for name, values in zip(names, _shapes(power, f, rolloff, rate / n), strict=True):
            out[name][part] = xp.astype(values, x.dtype)
    return out


def _shapes(power: Any, f: Any, rolloff: float, apart: float) -> tuple[Any, ...]:
    """Numbers of spectra in float64, in the order of `spectral_shape`; bins are `apart` Hz from another."""
    xp, bins = array_namespace(power), power.shape[1]
    log = xp.astype(xp.log(power), xp.float64)
    power = xp.astype(power, xp.float64)
    whole = xp.sum(power, axis=1)
    whole = xp.where(xp.isfinite(whole) & (whole > 0), whole, xp.full_like(whole, math.nan))
    centroid = xp.sum(power * f, axis=1) / whole
    away = f - centroid[:, None]
    spread = xp.sqrt(xp.sum(power * away * away, axis=1) / whole)
    below = xp.cumulative_sum(power, axis=1) < rolloff * (1 - 1e-12) * whole[:, None]
    end = xp.sum(xp.astype(below, xp.int64), axis=1)
    missing = xp.isnan(whole)
    reached = xp.where(missing, whole, xp.take(f, xp.clip(end, max=bins - 1), axis=0))
    flatness = xp.exp(xp.sum(log, axis=1) / bins) / (whole / bins)
    used = xp.sum(xp.where(power > 0, power * log, xp.zeros_like(power)), axis=1)
    entropy = (xp.log(whole) - used / whole) / math.log(bins)
    top = xp.argmax(power, axis=1)
    peak = xp.where(missing, whole, xp.take(f, top, axis=0) + _moved(log, top) * apart)
    return centroid, spread, reached, flatness, entropy, peak


def _moved(log: Any, top: Any) -> Any:
    """How many bins the largest lies from the top of the parabola through it and its neighbours."""
    xp, (rows, bins) = array_namespace(log), log.shape
    inner, flat = xp.clip(top, 1, bins - 2), xp.reshape(log, (-1,))
    at = xp.arange(rows, dtype=inner.dtype, device=device(log)) * bins + inner
    before, here, after = (xp.take(flat, at + k, axis=0) for k in (-1, 0, 1))
    bend = before - 2 * here + after
    usable = (top == inner) & xp.isfinite(bend) & (bend < 0)
    safe = xp.where(usable, bend, xp.ones_like(bend))
    return xp.where(usable, (before - after) / (2 * safe), xp.zeros_like(bend))


def spectral_kurtosis_frames(
    x: Any,
    *,
    rate: float,
    window: float = 10.0,
    nperseg: int = 256,
    overlap: float = 0.5,
    taper: str = "hann",
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.shape.spectral_kurtosis_frames`; sums run in float64."""
    x, n, hop = typed(x), nperseg, hop_of(nperseg, overlap)
    xp, frame = array_namespace(x), frame_length(window, rate)
    rows, segments, bins = x.shape[0] // frame, count(frame, n, hop), n // 2 + 1
    whole = xp.reshape(x[: rows * frame], (rows, frame))
    weights = constant(named_window(taper, n), x)
    less = np.zeros(bins)
    less[[0, -1] if n % 2 == 0 else [0]] = 1
    less, missing = constant(less, x, xp.float64), xp.asarray(math.nan, dtype=xp.float64, device=device(x))
    out, step = xp.empty((rows, bins), dtype=x.dtype, device=device(x)), together(x, 2 * n * segments)
    for first in range(0, rows, step):
        stop = min(first + step, rows)
        part = whole[first:stop, :]
        power = squared(transformed(xp.fft.rfft, weighted(cut(part, n, hop), weights)))
        power = xp.astype(power, xp.float64)
        once, twice = xp.sum(power, axis=1), xp.sum(power * power, axis=1)
        good = xp.all(xp.isfinite(part), axis=1, keepdims=True) & (once > 0)
        ratio = twice / xp.where(good, once * once, missing)
        out[first:stop, :] = xp.astype(
            segments / (segments - 1) * ((segments + 1) * ratio - 2) - less, x.dtype
        )
    return {"kurtosis": out}


def octave_bands(
    x: Any,
    *,
    rate: float,
    low: float,
    high: float,
    fraction: int = 3,
    window: float = 1.0,
    overlap: float = 0.0,
    reference: float = 1.0,
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.octave.octave_bands`; sums run in float64."""
    from hpcflow_kernels.spectral.octave import band_gains

    x, n, hop = typed(x), frame_length(window, rate), frame_hop(window, overlap, rate)
    xp, weights = array_namespace(x), hann(n)
    # bins between the first and the last count twice
    bands = [
        (a, constant(gain * np.where(np.arange(a, a + len(gain)) * 2 == n, 1, 2), x, xp.float64))
        for a, gain in band_gains(n, rate, low, high, fraction)
    ]
    scaled = constant(weights / math.sqrt(n * np.sum(weights * weights)), x)
    rms = xp.empty((count(x.shape[0], n, hop), len(bands)), dtype=xp.float64, device=device(x))
    for part, z in spectra(x, n, hop, scaled, times=2):
        power = squared(z)
        for band, (a, gain) in enumerate(bands):
            heard = xp.astype(power[:, a : a + gain.shape[0]], xp.float64)
            rms[part, band] = xp.sqrt(xp.sum(heard * gain, axis=1))
    level = 20 * xp.log10(rms / reference)
    return {"rms": xp.astype(rms, x.dtype), "level": xp.astype(level, x.dtype)}
