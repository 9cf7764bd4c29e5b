"""Cross spectra, coherence and transfer functions of two signals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hpcflow_kernels.spectral.stft import Transform
from hpcflow_kernels.spectral.welch import is_plain_detrend, plain_weights, welch


def csd(
    x: np.ndarray,
    y: np.ndarray,
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
    """Cross power spectral density by Welch's method: the mean of ``conj(X) Y`` over segments.

    The signature, the defaults and the meaning are those of scipy.signal.csd. Real signals of one length in
    segments of 8 to 65 536 samples, a multiple of 8 without a prime factor above 5, with `detrend` constant
    or False and the mean as `average`, are computed eight segments at a time; everything else is handed to
    SciPy.

    Parameters
    ----------
    x, y : ndarray of real numbers
        Signals, broadcast against one another; two of float32 are computed in float32, all else in float64.
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
        Units of `x` times those of `y` per hertz, or without it.
    axis : int
        Axis along which time runs.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    pxy : ndarray
        Of the common shape of `x` and `y` with f in place of time; complex64 for float32, else complex128.
        The error relative to the square root of the largest product of powers is below 2e-6, or 1e-14.

    Notes
    -----
    Welch, IEEE Trans. Audio Electroacoust. 15 (1967); Bendat and Piersol, Random Data, 4th edition,
    chapter 11.
    """
    if y is x:
        f, pxx = welch(
            x, fs, window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
        )
        return f, pxx
    sums = None
    if (
        nfft in (None, nperseg)
        and return_onesided
        and average == "mean"
        and scaling in ("density", "spectrum")
    ):
        sums = _sums(np.asarray(x), np.asarray(y), window, nperseg, noverlap, detrend, axis)
    if sums is None:
        from scipy import signal

        how = window, nperseg, noverlap, nfft, detrend, return_onesided, scaling, axis, average
        result: tuple[np.ndarray, np.ndarray] = signal.csd(x, y, fs, *how)
        return result
    n, weights = len(sums.weights), sums.weights
    norm = fs * np.sum(weights**2) if scaling == "density" else np.sum(weights) ** 2
    pxy = sums.xy / (norm * sums.segments)
    pxy[..., 1 : n // 2] *= 2
    typed = pxy.astype(np.result_type(sums.kind, np.complex64), copy=False)
    return np.fft.rfftfreq(n, 1 / fs), np.moveaxis(typed, -1, axis)


def coherence(
    x: np.ndarray,
    y: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = "constant",
    axis: int = -1,
) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude-squared coherence: ``|Pxy|**2 / (Pxx Pyy)``, 0 to 1 at each frequency.

    The signature, the defaults and the meaning are those of scipy.signal.coherence; what the fast path takes
    is as for `csd`. For all pairs of many signals `coherence_matrix` is several times faster.

    Parameters
    ----------
    x, y, fs, window, nperseg, noverlap, nfft, detrend, axis
        As for `csd`.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    cxy : ndarray
        Of the common shape of `x` and `y` with f in place of time; float32 for float32, else float64. The
        error is below 1e-5 (1e-12) at bins that hold more than a millionth of the largest power.

    Notes
    -----
    Carter, Knapp and Nuttall, IEEE Trans. Audio Electroacoust. 21 (1973). One segment gives 1 whatever the
    signals are, and few give much: see `noise_coherence`.
    """
    sums = None
    if nfft in (None, nperseg):
        sums = _sums(np.asarray(x), np.asarray(y), window, nperseg, noverlap, detrend, axis)
    if sums is None:
        from scipy import signal

        how = window, nperseg, noverlap, nfft, detrend, axis
        result: tuple[np.ndarray, np.ndarray] = signal.coherence(x, y, fs, *how)
        return result
    cxy = squared_ratio(sums.xy, sums.xx, sums.yy).astype(sums.kind, copy=False)
    return np.fft.rfftfreq(len(sums.weights), 1 / fs), np.moveaxis(cxy, -1, axis)


ESTIMATORS = ("h1", "h2", "hv")
"""Transfer functions that bear noise in the response, in the excitation, in both alike."""


def transfer_function(
    x: np.ndarray,
    y: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int = 1024,
    noverlap: int | None = None,
    detrend: Any = "constant",
    axis: int = -1,
    estimator: str = "h1",
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency response from an excitation to a response.

    Parameters
    ----------
    x, y : ndarray of real numbers
        Excitation and response, of one length, broadcast against one another.
    fs, window, nperseg, noverlap, detrend, axis
        As for `csd`.
    estimator : {'h1', 'h2', 'hv'}
        ``Pxy / Pxx`` (unbiased where only the response has noise), ``Pyy / Pyx`` (only the excitation), or
        their geometric mean ``Pxy / |Pxy| * sqrt(Pyy / Pxx)``.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    h : ndarray
        Of the common shape of `x` and `y` with f in place of time; complex64 for float32, else complex128.

    Raises
    ------
    ValueError
        If the estimator is unknown.

    Notes
    -----
    Bendat and Piersol, Random Data, 4th edition, chapter 6; Rocklin, Crowley and Vold, A comparison of H1,
    H2 and Hv frequency response functions, 3rd IMAC (1985).
    """
    if estimator not in ESTIMATORS:
        raise ValueError(f"the estimator is one of {', '.join(ESTIMATORS)} (found {estimator!r})")
    sums = _sums(np.asarray(x), np.asarray(y), window, nperseg, noverlap, detrend, axis)
    if sums is not None:
        f, kind = np.fft.rfftfreq(len(sums.weights), 1 / fs), np.result_type(sums.kind, np.complex64)
        return f, np.moveaxis(frequency_response(sums.xx, sums.yy, sums.xy, estimator).astype(kind), -1, axis)
    how = window, nperseg, noverlap, None, detrend, True, "density", axis
    f, xy = csd(x, y, fs, *how)
    xx, yy = welch(x, fs, *how)[1], welch(y, fs, *how)[1]
    return f, frequency_response(xx, yy, xy, estimator).astype(xy.dtype)


def noise_coherence(segments: float, level: float = 0.95) -> float:
    """Coherence below which independent signals stay with probability `level`.

    Parameters
    ----------
    segments : float
        Independent segments; of segments that overlap `independent_segments` says how many they are worth.
    level : float
        In (0, 1).

    Notes
    -----
    ``1 - (1 - level)**(1 / (segments - 1))``, by the distribution for signals without coherence: Carter,
    Knapp and Nuttall (1973).

    Examples
    --------
    >>> round(noise_coherence(16), 3), noise_coherence(1)
    (0.181, 1.0)
    """
    return 1.0 if segments <= 1 else float(1 - (1 - level) ** (1 / (segments - 1)))


def independent_segments(segments: int, weights: np.ndarray, step: int) -> float:
    """How many independent segments so many overlapping ones of white noise are worth.

    Notes
    -----
    Welch (1967): segments j steps apart have powers that correlate by the square of the weights' own
    correlation.

    Examples
    --------
    >>> from scipy.signal import get_window
    >>> round(independent_segments(1000, get_window("hann", 256), 128))
    947
    """
    n, apart, total = len(weights), 1, 1.0
    while apart * step < n and apart < segments:
        shared = np.sum(weights[: n - apart * step] * weights[apart * step :]) / np.sum(weights**2)
        total += 2 * (1 - apart / segments) * float(shared) ** 2
        apart += 1
    return segments / total


def frequency_response(xx: np.ndarray, yy: np.ndarray, xy: np.ndarray, estimator: str) -> np.ndarray:
    """Response over excitation from sums of auto- and cross-spectra: H1, H2 or Hv; NaN where both are 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray
        if estimator == "h1":
            found = xy / xx
        elif estimator == "h2":
            found = yy / np.conj(xy)
        else:
            found = xy / np.abs(xy) * np.sqrt(yy / xx)
    return found


def squared_ratio(xy: np.ndarray, xx: np.ndarray, yy: np.ndarray) -> np.ndarray:
    """Coherence from sums of spectra: part of the power of one signal that follows from the other."""
    with np.errstate(divide="ignore", invalid="ignore"):
        found: np.ndarray = (xy.real**2 + xy.imag**2) / xx / yy
    return found


class Sums(NamedTuple):
    """Sums over segments, float64 and complex128, frequency last; and what they were made with."""

    xx: np.ndarray
    yy: np.ndarray
    xy: np.ndarray
    segments: int
    weights: np.ndarray
    kind: np.dtype[Any]


def _sums(
    x: np.ndarray, y: np.ndarray, window: Any, nperseg: int | None, noverlap: Any, detrend: Any, axis: int
) -> Sums | None:
    """Of two signals; None where SciPy must look at the arguments."""
    if (x.ndim != y.ndim and axis != -1) or not -min(x.ndim, y.ndim) <= axis < min(x.ndim, y.ndim):
        return None
    weights, other = plain_weights(window, nperseg, x, axis), plain_weights(window, nperseg, y, axis)
    if weights is None or other is None or not is_plain_detrend(detrend):
        return None
    n = len(weights)
    shared = n // 2 if noverlap is None else noverlap
    if x.shape[axis] != y.shape[axis] or not 0 <= shared < n:
        return None
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return None
    single = x.dtype == y.dtype == np.float32
    kind = np.dtype(np.float32 if single else np.float64)
    starts = np.arange(0, shape[-1] - n + 1, n - shared)
    x, y = np.broadcast_to(x, shape), np.broadcast_to(y, shape)
    sums = np.empty((*shape[:-1], 4, n // 2 + 1))
    for index in np.ndindex(shape[:-1]):
        one, two = (np.ascontiguousarray(z[index], kind) for z in (x, y))
        add_pairs(one, two, weights, starts, detrend is not False, sums[index])
    xx, yy, re, im = np.moveaxis(sums, -2, 0)
    return Sums(xx, yy, re + 1j * im, len(starts), weights, kind)


def add_pairs(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, starts: np.ndarray, detrend: bool, sums: np.ndarray
) -> None:
    """Fill `sums`, shape (4, n // 2 + 1), as `coherence_loops.pair_sums` says."""
    from hpcflow_kernels.spectral.coherence_loops import pair_sums

    pair_sums(x, y, starts, *Transform.of(weights, x.dtype), detrend, sums)
