"""One spectrum for each frame, on any array library: spectrogram, periodogram, multitaper, cepstrum."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import (
    constant,
    count,
    ends_halved,
    frames,
    powers,
    spectra,
    squared,
    transformed,
    typed,
    weighted,
    zoomed,
)
from hpcflow_kernels.frames import frame_hop, frame_length, frequency_count
from hpcflow_kernels.spectral.stft_contracts import hop_of
from hpcflow_kernels.spectral.welch import named_window


def spectrogram_frames(
    x: Any,
    *,
    rate: float,
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    scaling: str = "density",
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.spectrogram.spectrogram_frames`, on the arrays' own library and device."""
    x, weights, hop = typed(x), named_window(taper, nperseg), hop_of(nperseg, overlap)
    if scaling != "magnitude":
        norm = rate * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2
        return {"spectrogram": powers(x, hop, weights, float(1 / norm))}
    xp = array_namespace(x)
    shape = (count(x.shape[0], nperseg, hop), nperseg // 2 + 1)
    out = xp.empty(shape, dtype=x.dtype, device=device(x))
    for part, z in spectra(x, nperseg, hop, constant(weights / np.sum(weights), x)):
        out[part, :] = xp.sqrt(squared(z))
    return {"spectrogram": out}


def periodogram_frames(
    x: Any,
    *,
    rate: float,
    max_frequency: float,
    window: float = 1.0,
    overlap: float = 0.0,
    taper: str = "hann",
    scaling: str = "density",
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.periodogram.periodogram_frames`; all of it in the float type of `x`."""
    x, n, hop = typed(x), frame_length(window, rate), frame_hop(window, overlap, rate)
    bins, weights = frequency_count(window, max_frequency), named_window(taper, n)
    norm = float(rate * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2)
    if abs(window * rate - n) <= 1e-9 * n:
        return {"power": powers(x, hop, weights, 1 / norm, bins)}
    return {"power": _between_bins(x, hop, weights * math.sqrt(2 / norm), bins, window * rate)}


def _between_bins(x: Any, hop: int, weights: np.ndarray, bins: int, period: float) -> Any:
    """One-sided powers at k/`period` cycles a sample."""
    xp, n = array_namespace(x), len(weights)
    out = xp.empty((count(x.shape[0], n, hop), bins), dtype=x.dtype, device=device(x))
    for part, frame in frames(x, n, hop, times=4):
        centred = frame - xp.mean(frame, axis=-1, keepdims=True)
        out[part, :] = squared(zoomed(centred, weights, bins, period))
    out[:, 0] *= 0.5
    return out


def multitaper_frames(
    x: Any,
    *,
    rate: float,
    nperseg: int = 1024,
    overlap: float = 0.5,
    bandwidth: float = 4.0,
    weighting: str = "eigenvalues",
    scaling: str = "density",
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.multitaper.multitaper_frames`; adaptive weights are found in float64."""
    from hpcflow_kernels.spectral.multitaper import slepian

    x, hop, xp = typed(x), hop_of(nperseg, overlap), array_namespace(x)
    tapers, kept = slepian(nperseg, bandwidth, max(1, int(2 * bandwidth + 1e-9) - 1))
    weights = kept if weighting == "eigenvalues" else np.ones(len(tapers))
    lines = np.sum(weights * tapers.sum(axis=1) ** 2) / np.sum(weights)
    scale = float(1 / rate if scaling == "density" else 1 / lines)
    bins, adaptive = nperseg // 2 + 1, weighting == "adaptive"
    # adaptive weights want two-sided spectra of each taper, means one-sided ones of all
    parts = np.full(len(tapers), scale) if adaptive else 2 * scale * weights / np.sum(weights)
    scaled = constant(tapers * np.sqrt(parts)[:, np.newaxis], x)
    out = xp.empty((count(x.shape[0], nperseg, hop), bins), dtype=x.dtype, device=device(x))
    for part, frame in frames(x, nperseg, hop, times=2 * len(tapers) if adaptive else 2):
        centred = frame - xp.mean(frame, axis=-1, keepdims=True)
        found = (squared(transformed(xp.fft.rfft, centred * scaled[k, :])) for k in range(len(tapers)))
        if adaptive:
            out[part, :] = xp.astype(2 * _adapted(xp.stack(list(found)), kept, centred, scale), x.dtype)
            continue
        total = next(found)
        for more in found:
            total += more
        out[part, :] = total
    return {"power": ends_halved(out, nperseg)}


def _adapted(spectra: Any, kept: np.ndarray, centred: Any, scale: float) -> Any:
    """`hpcflow_kernels.spectral.multitaper.adapt` of many frames; float64, shape (frames, bins).

    Each frame stops where it has settled, so that what lies beside it does not change its bits.
    """
    from hpcflow_kernels.spectral.multitaper import ROUNDS, SETTLED

    xp = array_namespace(spectra)
    spectra, wide = xp.astype(spectra, xp.float64), xp.astype(centred, xp.float64)
    leaked = xp.var(wide, axis=-1, keepdims=True) * scale
    part = xp.reshape(constant(kept, spectra), (-1, 1, 1))
    mean = (spectra[0, :, :] + spectra[1 if len(kept) > 1 else 0, :, :]) / 2
    settled = ~(xp.isfinite(leaked) & (leaked > 0))
    mean = xp.where(settled, leaked, mean)
    for _ in range(ROUNDS):
        if bool(xp.all(settled)):
            break
        ratio = mean / (part * mean + (1 - part) * leaked)
        weight = part * ratio * ratio
        better = xp.sum(weight * spectra, axis=0) / xp.sum(weight, axis=0)
        change = xp.max(xp.abs(better - mean) / xp.clip(mean, min=1e-300), axis=-1, keepdims=True)
        mean = xp.where(settled, mean, better)
        settled = settled | (change < SETTLED)
    return mean


def cepstrum_frames(
    x: Any,
    *,
    rate: float,
    nperseg: int = 4096,
    overlap: float = 0.5,
    taper: str = "hann",
    kind: str = "real",
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.cepstrum.cepstrum_frames`; float64 inside, for weak bins' logarithms."""
    from hpcflow_kernels.spectral.cepstrum import FLOOR

    x, hop, xp = typed(x), hop_of(nperseg, overlap), array_namespace(x)
    half, weights = nperseg // 2 + 1, constant(named_window(taper, nperseg), x, xp.float64)
    back = partial(xp.fft.irfft, n=nperseg)
    out = xp.empty((count(x.shape[0], nperseg, hop), half), dtype=x.dtype, device=device(x))
    for part, frame in frames(x, nperseg, hop, times=4):
        wide = xp.astype(frame, xp.float64)
        power = squared(transformed(xp.fft.rfft, weighted(wide, weights)))
        largest = xp.max(power, axis=-1, keepdims=True)
        least = xp.where(largest > 0, FLOOR * largest, xp.full_like(largest, math.nan))
        log = xp.log(xp.maximum(power, least))
        value = transformed(back, xp.astype(log, xp.complex128))[:, :half]
        out[part, :] = xp.astype(value * value if kind == "power" else 0.5 * value, x.dtype)
    return {"cepstrum": out}
