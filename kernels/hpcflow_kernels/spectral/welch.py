"""Power spectra."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from hpcflow_kernels.spectral.lengths import bin_order, is_transformed, twiddles


def welch(
    x: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    return_onesided: bool = True,
    scaling: str = "density",
    axis: int = -1,
    average: str = "mean",
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density by Welch's method.

    The signature, the defaults and the meaning are those of scipy.signal.welch. Real signals in segments of
    8 to 65 536 samples, a multiple of 8 without a prime factor above 5, with `detrend` constant or False
    and the mean as `average`, are computed sixteen segments at a time; everything else is handed to SciPy.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals; float32 is computed in float32, all else in float64.
    fs : float
        Samples per second.
    window : str, tuple or ndarray
        As scipy.signal.get_window takes it, or the weights themselves.
    nperseg, noverlap : int, optional
        Samples of a segment, 256 by default, and samples that two share, half by default.
    nfft, return_onesided, average
        As SciPy's; other than by default they leave the fast path.
    detrend : {'constant', False} or what SciPy takes
        Whether each segment's mean is taken off.
    scaling : {'density', 'spectrum'}
        Units of `x` squared per hertz, or squared.
    axis : int
        Axis along which time runs.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    pxx : ndarray
        Of the shape of `x` with f in place of time; float32 for float32, else float64. The error relative
        to the largest bin is below 2e-6 in float32, 1e-14 in float64.

    Notes
    -----
    Welch, The use of fast Fourier transform for the estimation of power spectra, IEEE Trans. Audio
    Electroacoust. 15 (1967).
    """
    from scipy import signal

    x = np.asarray(x)
    weights = plain_weights(window, nperseg, x, axis)
    n = len(weights) if weights is not None else 0
    shared = n // 2 if noverlap is None else noverlap
    plain = nfft in (None, n) and return_onesided and average == "mean" and scaling in ("density", "spectrum")
    if weights is None or not plain or not is_plain_detrend(detrend) or not 0 <= shared < n:
        result: tuple[np.ndarray, np.ndarray] = signal.welch(
            x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
        )
        return result
    dtype = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
    rows = np.moveaxis(x, axis, -1)
    pxx = np.empty((*rows.shape[:-1], n // 2 + 1), dtype)
    for index in np.ndindex(rows.shape[:-1]):
        row = np.ascontiguousarray(rows[index], dtype)
        apart = detrend is not False
        pxx[index] = _frame_powers(row, len(row), 1, weights, n - shared, apart, scaling, fs, False)[0]
    return np.fft.rfftfreq(n, 1 / fs), np.moveaxis(pxx, -1, axis)


def welch_windows(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 10.0,
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    scaling: str = "density",
    missing: float = 0.0,
) -> dict[str, np.ndarray]:
    """One Welch spectrum for each stretch of `window` seconds.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Duration of what gives one spectrum, s; stretches follow one another.
    nperseg : int
        Samples of a segment; multiples of 8 without a prime factor above 5 are fastest.
    overlap : float
        Fraction of a segment that the next one shares, in [0, 1).
    taper : str
        Name of the weights, as scipy.signal.get_window knows them.
    scaling : {'density', 'spectrum'}
        Per hertz, or per bin.
    missing : float
        Largest part of a window that may be missing, in [0, 1). Its spectrum is then the mean over the
        segments that touch no gap.

    Returns
    -------
    dict
        ``power``: ndarray, shape (windows, nperseg // 2 + 1), of the float type of `x`, in units of `x`
        squared per hertz or squared; bin k stands at ``k rate / nperseg`` Hz. Rows that miss more are NaN,
        and those in which no segment is whole.
    """
    from hpcflow_kernels.finite import all_finite
    from hpcflow_kernels.frames import frame_length

    frame = frame_length(window, rate)
    rows = len(x) // frame
    x = np.ascontiguousarray(x, np.float32 if x.dtype == np.float32 else np.float64)
    step = nperseg - min(int(nperseg * overlap + 0.5), nperseg - 1)
    weights = plain_weights(taper, nperseg, x[:frame], 0)
    if weights is not None:
        power = _frame_powers(x, frame, rows, weights, step, True, scaling, rate, True)
    else:
        power = np.full((rows, nperseg // 2 + 1), np.nan, x.dtype)
        for row in range(rows):
            stretch = x[row * frame : (row + 1) * frame]
            if all_finite(stretch):
                power[row] = welch(stretch, rate, taper, nperseg, nperseg - step, scaling=scaling)[1]
    for row in np.flatnonzero(np.isnan(power[:, 0])).tolist() if missing else ():
        stretch = x[row * frame : (row + 1) * frame]
        segments = np.lib.stride_tricks.sliding_window_view(stretch, nperseg)[::step]
        whole = segments[np.isfinite(segments).all(axis=1)]
        if len(whole) and np.mean(~np.isfinite(stretch)) <= missing:
            power[row] = welch(whole, rate, taper, nperseg, scaling=scaling)[1].mean(axis=0, dtype=np.float64)
    return {"power": power}


def plain_weights(window: Any, nperseg: int | None, x: np.ndarray, axis: int) -> np.ndarray | None:
    """Weights for real signals in segments of a fast length; None where SciPy must look at the arguments."""
    if x.dtype.kind not in "fiu" or x.dtype.itemsize > 8 or x.ndim == 0 or x.size == 0:
        return None
    named = isinstance(window, str | tuple)
    n = 256 if nperseg is None and named else len(window) if nperseg is None else nperseg
    if not isinstance(n, int | np.integer) or not is_transformed(n) or n > x.shape[axis]:
        return None
    weights = named_window(window, int(n)) if named else np.asarray(window, np.float64)
    return weights if weights.shape == (n,) else None


@lru_cache(maxsize=64)
def named_window(window: Any, n: int) -> np.ndarray:
    """Weights of a window that SciPy knows by name, shape (n,), not to be written to."""
    from scipy.signal import get_window

    weights: np.ndarray = get_window(window, n)
    weights.flags.writeable = False
    return weights


def is_plain_detrend(detrend: Any) -> bool:
    """Whether the compiled loops can take the trend out: none, or a mean."""
    return detrend is False or (isinstance(detrend, str) and detrend == "constant")


@lru_cache(maxsize=64)
def _tables(n: int, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Factors of the stages, and where each bin stands after the last one."""
    return twiddles(n, np.dtype(dtype)), np.argsort(bin_order(n))


def _frame_powers(
    x: np.ndarray,
    frame: int,
    frames: int,
    weights: np.ndarray,
    step: int,
    detrend: bool,
    scaling: str,
    fs: float,
    gaps: bool,
) -> np.ndarray:
    """Spectra of frames that follow one another, shape (frames, n // 2 + 1), in the type of `x`."""
    from hpcflow_kernels.spectral.welch_loops import power_spectra

    n = len(weights)
    segments, power = (frame - n) // step + 1, np.empty((frames, n // 2 + 1), x.dtype)
    typed = weights.astype(x.dtype)
    norm = fs * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2
    scale = float(1 / (norm * segments))
    power_spectra(x, frame, segments, step, typed, *_tables(n, x.dtype.str), detrend, gaps, scale, power)
    return power
