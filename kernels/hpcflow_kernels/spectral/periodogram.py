"""Periodograms: of whole signals as SciPy's, and of frames on a grid that no sampling rate moves."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length, frequency_count
from hpcflow_kernels.spectral.frame_power import BATCH, contiguous, frame_powers, is_fast


def periodogram(
    x: np.ndarray,
    fs: float = 1.0,
    window: Any = "boxcar",
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density of whole signals.

    The signature, the defaults and the meaning are those of scipy.signal.periodogram. Real signals of 32 to
    65 536 samples, a multiple of 8 without a prime factor above 5, less their mean are computed eight at a
    time; everything else is handed to SciPy.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals; float32 is computed in float32, all else in float64.
    fs : float
        Samples per second.
    window : str, tuple or ndarray
        As scipy.signal.get_window takes it, or the weights themselves.
    nfft, return_onesided
        As SciPy's; other than by default they leave the fast path.
    detrend : {'constant', False} or what SciPy takes
        What is taken off; other than a constant leaves the fast path.
    scaling : {'density', 'spectrum'}
        Units of `x` squared per hertz, or squared.
    axis : int
        Axis along which time runs.

    Returns
    -------
    f : ndarray of float64, shape (samples // 2 + 1,)
        Frequencies, Hz.
    pxx : ndarray
        Of the shape of `x` with f in place of time; float32 for float32, else float64. The error relative
        to the largest bin is below 4e-6 in float32, 2e-14 in float64.
    """
    from scipy import signal

    from hpcflow_kernels.spectral.welch import plain_weights

    x = np.asarray(x)
    n = x.shape[axis] if x.ndim and x.size else 0
    named = "boxcar" if window is None else window
    constant = isinstance(detrend, str) and detrend == "constant"
    plain = nfft in (None, n) and return_onesided and constant and scaling in ("density", "spectrum")
    weights = plain_weights(named, n, x, axis) if plain and is_fast(n) else None
    if weights is None:
        result: tuple[np.ndarray, np.ndarray] = signal.periodogram(
            x, fs, window, nfft, detrend, return_onesided, scaling, axis
        )
        return result
    rows = np.moveaxis(x, axis, -1)
    norm = fs * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2
    power = frame_powers(contiguous(rows).reshape(-1), n, weights, 1 / norm)
    return np.fft.rfftfreq(n, 1 / fs), np.moveaxis(power.reshape(*rows.shape[:-1], -1), -1, axis)


def periodogram_frames(
    x: np.ndarray,
    *,
    rate: float,
    max_frequency: float,
    window: float = 1.0,
    overlap: float = 0.0,
    taper: str = "hann",
    scaling: str = "density",
) -> dict[str, np.ndarray]:
    """Power spectrum of each frame at frequencies k/window, whatever the sampling rate.

    Where window x rate is a whole number these are the bins of the frame's transform; elsewhere the frame has
    the nearest whole length and a chirp-z transform evaluates its spectrum at exactly k/window.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    max_frequency : float
        Last frequency of the grid, Hz.
    window : float
        Frame duration, s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    taper : str
        Name of the weights, as scipy.signal.get_window knows them.
    scaling : {'density', 'spectrum'}
        Per hertz, or per bin.

    Returns
    -------
    dict
        ``power``: ndarray, shape (frames, max_frequency * window + 1), of the float type of `x`, in units of
        `x` squared per hertz or squared. Each frame's mean is taken off; rows that touch a gap are NaN.
    """
    from scipy.signal import CZT, get_window

    x = contiguous(x)
    n, hop, bins = (
        frame_length(window, rate),
        frame_hop(window, overlap, rate),
        frequency_count(window, max_frequency),
    )
    weights = get_window(taper, n)
    norm = rate * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2
    if abs(window * rate - n) <= 1e-9 * n:
        return {"power": np.ascontiguousarray(frame_powers(x, hop, weights, 1 / norm)[:, :bins])}
    zoom = CZT(n, bins, w=np.exp(-2j * np.pi / (window * rate)))
    found = np.lib.stride_tricks.sliding_window_view(x, n)[::hop] if len(x) >= n else np.empty((0, n))
    power, frames = np.empty((len(found), bins), x.dtype), np.zeros((BATCH, n))
    for at in range(0, len(found), BATCH):
        live = found[at : at + BATCH]
        frames[: len(live)] = live
        with np.errstate(invalid="ignore", over="ignore"):
            frames -= frames.mean(axis=1, keepdims=True)
            part = np.abs(zoom(frames * weights)) ** 2 * (2 / norm)
            part[:, 0] /= 2
        part[~np.isfinite(part[:, 0])] = np.nan
        power[at : at + len(live)] = part[: len(live)]
    return {"power": power}
