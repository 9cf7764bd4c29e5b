"""Spectrograms: the powers or moduli of short-time Fourier transforms."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcflow_kernels.spectral.frame_power import frame_powers, is_fast
from hpcflow_kernels.spectral.stft import SMALLEST, Transform
from hpcflow_kernels.spectral.welch import is_plain_detrend, plain_weights


def spectrogram(
    x: np.ndarray,
    fs: float = 1.0,
    window: Any = ("tukey", 0.25),
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    mode: str = "psd",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Power or modulus of short-time Fourier transforms, which are not stored.

    The signature, the defaults and the meaning are those of scipy.signal.spectrogram. The fast path takes
    what that of `stft` takes, with the modes `psd` and `magnitude`; everything else is handed to SciPy.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals; float32 is computed in float32, all else in float64.
    fs, window, nfft, detrend, return_onesided, axis
        As for `hpcflow_kernels.spectral.stft.stft`.
    nperseg, noverlap : int, optional
        Samples of a segment, 256 by default, and samples that two share, an eighth by default.
    scaling : {'density', 'spectrum'}
        Per hertz, or per bin.
    mode : {'psd', 'magnitude', 'complex', 'angle', 'phase'}
        What is made of a transform.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    t : ndarray of float64, shape (segments,)
        Middles of the segments, s.
    s : ndarray
        Of the shape of `x` with f in place of time and t as last axis; float32 for float32, else float64.
        The error relative to the largest value is below 2e-6, or 1e-14.
    """
    x = np.asarray(x)
    weights = plain_weights(window, nperseg, x, axis)
    n = len(weights) if weights is not None else 0
    shared = n // 8 if noverlap is None else noverlap
    plain = nfft in (None, n) and return_onesided and is_plain_detrend(detrend)
    known = scaling in ("density", "spectrum") and mode in ("psd", "magnitude")
    if weights is None or n < SMALLEST or not (plain and known and 0 <= shared < n):
        from scipy import signal

        how = window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, mode
        result: tuple[np.ndarray, np.ndarray, np.ndarray] = signal.spectrogram(x, fs, *how)
        return result
    kind = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
    rows, step, root = np.moveaxis(x, axis, -1), n - shared, mode == "magnitude"
    norm = np.sqrt(fs * np.sum(weights**2)) if scaling == "density" else abs(np.sum(weights))
    transform = Transform.of(weights / norm * (1.0 if root else np.sqrt(2)), kind)
    count = (rows.shape[-1] - n) // step + 1
    s = np.empty((*rows.shape[:-1], count, n // 2 + 1), kind)
    for index in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[index], kind)
        transform.powers(row, step, detrend is not False, root, 1.0 if root else 0.5, s[index])
    t = np.arange(n / 2, rows.shape[-1] - n / 2 + 1, step) / float(fs)
    return np.fft.rfftfreq(n, 1 / fs), t, np.moveaxis(s, -1, axis - 1 if axis < 0 else axis)


def spectrogram_frames(
    x: np.ndarray,
    *,
    rate: float,
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    scaling: str = "density",
) -> dict[str, np.ndarray]:
    """Spectra of segments that overlap, one row for each.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    nperseg : int
        Samples of a segment; multiples of 8 without a prime factor above 5 are fastest.
    overlap : float
        Fraction of a segment that the next one shares, in [0, 1).
    taper : str
        Name of the weights, as scipy.signal.get_window knows them.
    scaling : {'density', 'spectrum', 'magnitude'}
        Power per hertz, power per bin, or the modulus of `stft`.

    Returns
    -------
    dict
        ``spectrogram``: ndarray, shape (segments, nperseg // 2 + 1), of the float type of `x`, in units of
        `x` squared per hertz, squared, or of `x`; bin k stands at ``k rate / nperseg`` Hz. Each segment's
        mean is taken off. Rows that touch a gap are NaN.
    """
    from scipy.signal import get_window

    from hpcflow_kernels.spectral.stft_contracts import hop_of

    x = np.ascontiguousarray(x, np.float32 if x.dtype == np.float32 else np.float64)
    weights, step = get_window(taper, nperseg), hop_of(nperseg, overlap)
    if scaling != "magnitude":
        norm = rate * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2
        return {"spectrogram": frame_powers(x, step, weights, 1 / norm)}
    weights = weights / np.sum(weights)
    if is_fast(nperseg):
        return {"spectrogram": Transform.of(weights, x.dtype).powers(x, step, True, True, 1.0)}
    size = np.sqrt(frame_powers(x, step, weights, 0.5))
    size[:, :: nperseg // 2 if nperseg % 2 == 0 else nperseg] *= x.dtype.type(np.sqrt(2))
    return {"spectrogram": size}
