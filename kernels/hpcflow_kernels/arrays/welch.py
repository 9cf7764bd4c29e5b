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
    step = together(x, nperseg * segments)
    for start in range(0, rows, step):
        some = windows[start : min(start + step, rows), :]
        total, whole = _sums(some, scaled, hop, missing > 0)
        usable = _present(some, missing, (segments - 1) * hop + nperseg) & (whole > 0)
        mean = total / xp.where(usable, whole, xp.asarray(math.nan, dtype=whole.dtype, device=device(x)))
        out[start : start + some.shape[0], :] = xp.astype(mean, x.dtype)
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
    array of float64, shape (windows, n // 2 + 1)
    array of float64, shape (windows, 1)
    """
    xp, n = array_namespace(windows), weights.shape[0]
    rows, segments = windows.shape[0], count(windows.shape[1], n, hop)
    total = xp.zeros((rows, n // 2 + 1), dtype=xp.float64, device=device(windows))
    number = xp.zeros((rows, 1), dtype=xp.float64, device=device(windows))
    step = together(windows, n)
    for first in range(0, segments, step):
        stop = min(first + step, segments)
        segment = cut(windows[:, first * hop : (stop - 1) * hop + n], n, hop)
        power = squared(transformed(xp.fft.rfft, weighted(segment, weights)))
        if lenient:
            whole = ~xp.isnan(power[:, :, :1])
            number += xp.sum(xp.astype(whole, xp.float64), axis=1)
            power = xp.where(whole, power, xp.zeros_like(power))
        total += xp.astype(xp.sum(power, axis=1), xp.float64)
    return total, number if lenient else number + segments


def _present(windows: Array, missing: float, covered: int) -> Array:
    """Whether no more than this part of each window is missing; shape (windows, 1).

    Where none may be, only samples behind the `covered` ones are looked at: a gap in these is in the sums.
    """
    xp = array_namespace(windows)
    if not missing:
        return xp.all(xp.isfinite(windows[:, covered:]), axis=1, keepdims=True)
    absent = xp.sum(xp.astype(~xp.isfinite(windows), xp.float64), axis=1, keepdims=True)
    return absent / windows.shape[1] <= missing
