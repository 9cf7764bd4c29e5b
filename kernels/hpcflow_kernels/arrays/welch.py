"""Power spectra of windows."""

from __future__ import annotations

import math

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.transforms import (
    constant,
    count,
    cut,
    ends_halved,
    squared,
    together,
    transformed,
    typed,
    weighted,
)
from hpcflow_kernels.frames import frame_length
from hpcflow_kernels.spectral.stft_contracts import hop_of
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

    Parameters and result are those of the function for the processor. Segments of many windows are
    transformed at once, or many of one long window; sums over these go on in float64.
    """
    x, xp = typed(x), array_namespace(x)
    frame, hop, weights = frame_length(window, rate), hop_of(nperseg, overlap), named_window(taper, nperseg)
    rows, segments = x.shape[0] // frame, count(frame, nperseg, hop)
    norm = rate * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2
    scaled = constant(weights * math.sqrt(2 / norm), x)
    windows = xp.reshape(x[: rows * frame], (rows, frame))
    out = xp.empty((rows, nperseg // 2 + 1), dtype=x.dtype, device=device(x))
    number = xp.full((rows, 1), float(segments), dtype=xp.float64, device=device(x))
    step = together(x, nperseg * segments)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        some = windows[start:stop, :]
        total, whole = _sums(some, scaled, hop, missing > 0)
        out[start:stop, :] = xp.astype(total, x.dtype)
        if missing:
            number[start:stop, :] = xp.where(_lacks(some) <= missing, whole, xp.zeros_like(whole))
    if not missing:  # a gap in what segments cover is in their sum
        behind = xp.isfinite(windows[:, (segments - 1) * hop + nperseg :])
        number = xp.where(xp.all(behind, axis=1, keepdims=True), number, xp.zeros_like(number))
    share = xp.where(number > 0, 1 / xp.clip(number, min=1.0), xp.full_like(number, math.nan))
    out *= xp.astype(share, x.dtype)
    return {"power": ends_halved(out, nperseg)}


def _sums(windows: Array, weights: Array, hop: int, lenient: bool) -> tuple[Array, Array]:
    """Sums of the powers of segments, and of how many.

    Parameters
    ----------
    windows : array, shape (windows, samples)
    weights : array, shape (n,)
        Of a segment.
    hop : int
    lenient : bool
        Whether segments that touch a gap are left out; else they make sums NaN.

    Returns
    -------
    array, shape (windows, n // 2 + 1)
        Of float64 where segments go through in several parts.
    array of float64, shape (windows, 1), or None
        Only where some may be left out.
    """
    xp, n = array_namespace(windows), weights.shape[0]
    segments, step, total, number = count(windows.shape[1], n, hop), together(windows, n), None, None
    for first in range(0, segments, step):
        stop = min(first + step, segments)
        segment = cut(windows[:, first * hop : (stop - 1) * hop + n], n, hop)
        power = squared(transformed(xp.fft.rfft, weighted(segment, weights)))
        if lenient:
            whole = ~xp.isnan(power[:, :, :1])
            power = xp.where(whole, power, xp.zeros_like(power))
            these = xp.sum(xp.astype(whole, xp.float64), axis=1)
            number = these if number is None else number + these
        part = xp.sum(power, axis=1)
        total = part if total is None else total + xp.astype(part, xp.float64)
    return total, number


def _lacks(windows: Array) -> Array:
    """Which part of each window is missing, float64, shape (windows, 1)."""
    xp = array_namespace(windows)
    return xp.mean(xp.astype(~xp.isfinite(windows), xp.float64), axis=1, keepdims=True)
