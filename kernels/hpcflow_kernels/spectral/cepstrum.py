"""Cepstra: the spectrum of a spectrum's logarithm, where families of lines and echoes become peaks."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcflow_kernels.spectral.frame_power import BATCH, frame_powers

FLOOR = 1e-26
"""Bins are taken for no less than this part of the largest one: below lies the rounding of float64, which is
another in every Fourier transform. At 1e-30 the logarithm of a bin that should be 0 was that of rounding."""


def real_cepstrum(x: np.ndarray, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Inverse Fourier transform of the logarithm of the amplitude spectrum.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals; computed in float64.
    n : int, optional
        Length of the transform; shorter signals are completed by zeros, longer ones cut.
    axis : int
        Axis along which time runs.

    Returns
    -------
    ndarray
        Of the shape of `x`, n values along `axis`: value m stands at a quefrency of m samples, those of the
        second half mirror the first. float32 for float32, else float64. Bins below 1e-26 of the power of the
        largest count as that.

    Raises
    ------
    ValueError
        For complex signals, whose spectra have two sides.

    Notes
    -----
    Oppenheim and Schafer, Discrete-Time Signal Processing (2010), section 13.5.
    """
    return _cepstrum(x, n, axis, squared=False)


def power_cepstrum(x: np.ndarray, n: int | None = None, axis: int = -1) -> np.ndarray:
    """Squared modulus of the inverse Fourier transform of the logarithm of the power spectrum.

    Four times the square of `real_cepstrum`; see there for parameters and result.

    Notes
    -----
    Bogert, Healy and Tukey, The quefrency alanysis of time series for echoes (1963).
    """
    return _cepstrum(x, n, axis, squared=True)


def _cepstrum(x: np.ndarray, n: int | None, axis: int, squared: bool) -> np.ndarray:
    from scipy.fft import irfft, rfft

    x = np.asarray(x)
    if x.dtype.kind == "c":
        raise ValueError(f"cepstra are of real signals, not {x.dtype}: take the real part, or the modulus")
    size = x.shape[axis] if n is None else n
    bins = rfft(np.moveaxis(x, axis, -1).astype(np.float64), size)
    value = irfft(_log(bins.real**2 + bins.imag**2), size)
    value = value**2 if squared else 0.5 * value
    typed: np.ndarray = np.moveaxis(value, -1, axis).astype(_kind(x), copy=False)
    return typed


def cepstrum_frames(
    x: np.ndarray,
    *,
    rate: float,
    nperseg: int = 4096,
    overlap: float = 0.5,
    taper: str = "hann",
    kind: str = "real",
) -> dict[str, np.ndarray]:
    """Cepstrum of each segment, up to half its length.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    nperseg : int
        Samples of a segment; powers of two are fastest.
    overlap : float
        Fraction of a segment that the next one shares, in [0, 1).
    taper : str
        Name of the weights, as scipy.signal.get_window knows them.
    kind : {'real', 'power'}
        See `real_cepstrum` and `power_cepstrum`.

    Returns
    -------
    dict
        ``cepstrum``: ndarray, shape (segments, nperseg // 2 + 1), of the float type of `x`, computed in
        float64; value m stands at a quefrency of ``m / rate`` seconds. Each segment's mean is taken off. Rows
        that touch a gap, or have no power, are NaN.
    """
    from scipy.fft import irfft
    from scipy.signal import get_window

    from hpcflow_kernels.spectral.stft_contracts import hop_of

    wide = np.ascontiguousarray(x, np.float64)
    hop, weights, half = hop_of(nperseg, overlap), get_window(taper, nperseg), nperseg // 2 + 1
    frames = 0 if len(x) < nperseg else (len(x) - nperseg) // hop + 1
    once = np.full(half, 0.5)
    once[[0, -1] if nperseg % 2 == 0 else [0]] = 1
    out, powers = np.empty((frames, half), _kind(x)), np.zeros((BATCH, half))
    for row in range(0, frames, BATCH):
        live = min(BATCH, frames - row)
        near = wide[row * hop : (row + live - 1) * hop + nperseg]
        powers[:live] = frame_powers(near, hop, weights, 1.0) * once
        value = irfft(_log(powers), nperseg)[:live, :half]
        out[row : row + live] = value**2 if kind == "power" else 0.5 * value
    return {"cepstrum": out}


def _kind(x: np.ndarray) -> np.dtype[Any]:
    return np.dtype(np.float32 if x.dtype == np.float32 else np.float64)


def _log(power: np.ndarray) -> np.ndarray:
    largest = power.max(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        value: np.ndarray = np.log(np.maximum(power, np.where(largest > 0, FLOOR * largest, np.nan)))
    return value
