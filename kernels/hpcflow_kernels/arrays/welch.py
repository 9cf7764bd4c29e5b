"""Power spectra of windows."""

from __future__ import annotations

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.transforms import constant, cut, squared, together, transformed, typed
from hpcflow_kernels.frames import frame_length
from hpcflow_kernels.spectral.welch import named_window


def welch_windows(
    x: Array,
    *,
    rate: float,
    window: float = 10.0,
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    scaling: str = "density",
    missing: float = 0.0,
) -> dict[str, Array]:
    """One Welch spectrum for each stretch of `window` seconds, as `spectral.welch.welch_windows`.

    Parameters and result are those of the function for the processor; all segments of many windows are
    transformed at once.
    """
    x, xp = typed(x), array_namespace(x)
    frame = frame_length(window, rate)
    rows, bins = x.shape[0] // frame, nperseg // 2 + 1
    step = nperseg - min(int(nperseg * overlap + 0.5), nperseg - 1)
    weights = constant(named_window(taper, nperseg), x)
    scale = constant(_scale(taper, nperseg, rate if scaling == "density" else 0.0), x)
    windows = xp.reshape(x[: rows * frame], (rows, frame))
    out = xp.empty((rows, bins), dtype=x.dtype, device=device(x))
    at_once = together(x, frame * nperseg // step)
    for start in range(0, rows, at_once):
        some = windows[start : min(start + at_once, rows), :]
        segments = cut(some, nperseg, step)
        centred = (segments - xp.mean(segments, axis=-1, keepdims=True)) * weights
        power = squared(transformed(xp.fft.rfft, centred))
        out[start : start + some.shape[0], :] = _mean(power, xp.isfinite(some), missing) * scale
    return {"power": out}


def _mean(power: Array, there: Array, missing: float) -> Array:
    """Mean over the segments of each window that touch no gap, NaN where a window misses more than it may.

    Parameters
    ----------
    power : array, shape (windows, segments, bins)
        NaN in segments that touch a gap.
    there : array of bool, shape (windows, samples)
        Which samples are not missing.
    missing : float
        Largest part of a window that may be missing.
    """
    xp = array_namespace(power)
    samples, most = there.shape[-1], int(missing * there.shape[-1])
    most += (most + 1) / samples <= missing  # 0.29 * 100 is less than 29
    absent = xp.sum(xp.astype(~there, xp.int64), axis=-1)
    whole = ~xp.isnan(power[:, :, :1])
    count = xp.astype(xp.sum(xp.astype(whole, xp.int64), axis=1), power.dtype)
    usable = (absent <= most)[:, None] & (count > 0)
    total = xp.sum(xp.where(whole, power, xp.zeros_like(power)), axis=1)
    mean = total / xp.where(usable, count, xp.ones_like(count))
    return xp.where(usable, mean, xp.full_like(mean, xp.nan))


def _scale(taper: str, nperseg: int, fs: float) -> np.ndarray:
    """What squared magnitudes are multiplied by: one-sided, per hertz where `fs` is a rate, else per bin."""
    weights = named_window(taper, nperseg)
    norm = fs * np.sum(weights**2) if fs else np.sum(weights) ** 2
    scale = np.full(nperseg // 2 + 1, 2 / norm)
    scale[0] = 1 / norm
    if nperseg % 2 == 0:
        scale[-1] = 1 / norm
    return scale
