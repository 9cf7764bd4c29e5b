"""Features of the large set that weigh all samples: Fourier and wavelet coefficients, autoregression."""

from __future__ import annotations

from functools import cache

import numpy as np

from hpcflow_kernels.features.feature_set_contracts import AR_ORDER, FOURIER, WAVELET, WIDTHS
from hpcflow_kernels.features.feature_set_groups import Batch, Features


def fourier(b: Batch) -> Features:
    """Coefficients of the discrete Fourier transform, and the kurtosis that tsfresh takes of their sizes."""
    from scipy.fft import rfft

    found = rfft(b.x)
    held = min(FOURIER, found.shape[1])
    coefficients = np.full((len(b.x), FOURIER), complex(np.nan, np.nan))
    coefficients[:, :held] = found[:, :held]
    angle = np.degrees(np.arctan2(coefficients.imag, coefficients.real))
    parts = {
        "real": coefficients.real, "imag": coefficients.imag, "abs": np.abs(coefficients), "angle": angle
    }  # fmt: skip
    for attr, values in parts.items():
        for k in range(FOURIER):
            yield f'fft_coefficient__attr_"{attr}"__coeff_{k}', values[:, k]
    magnitude, place = np.abs(found), np.arange(found.shape[1], dtype=np.float64)
    weight = magnitude.sum(axis=1)
    first, second, third, fourth = (
        np.sum(magnitude * p, axis=1) / weight for p in (place, place**2, place**3, place**4)
    )
    variance = second - first**2
    # tsfresh ends with 3 times the mean where the fourth central moment has its fourth power.
    kurtosis = (fourth - 4 * first * third + 6 * second * first**2 - 3 * first) / variance**2
    yield 'fft_aggregated__aggtype_"kurtosis"', np.where(variance < 0.5, np.nan, kurtosis)


def wavelets(b: Batch) -> Features:
    """The first coefficients of the wavelet transform with Mexican hats of some widths."""
    for width in WIDTHS:
        taps = _mexican_hats(width)
        held = min(b.n, taps.shape[1])
        values = np.sum(b.x[:, None, :held] * taps[:, :held], axis=2)
        for k in range(WAVELET):
            yield f"cwt_coefficients__coeff_{k}__w_{width}__widths_{WIDTHS}", values[:, k]


@cache
def _mexican_hats(width: int) -> np.ndarray:
    """Weights of samples in the first coefficients, shape (WAVELET, samples).

    As PyWavelets has them: differences of the wavelet's integral, taken from a table of 4096 steps.
    """
    t = np.linspace(-8, 8, 4096)
    hat = 2 / (np.sqrt(3) * np.pi**0.25) * np.exp(-(t**2) / 2) * (1 - t**2)
    step = t[1] - t[0]
    places = (np.arange(width * (t[-1] - t[0]) + 1) / (width * step)).astype(int)
    integral = (np.cumsum(hat) * step)[places[places < len(t)]][::-1]
    rise = -np.sqrt(width) * np.diff(integral, prepend=0.0, append=0.0)
    middle = (len(integral) - 2) // 2 + 1
    out = np.zeros((WAVELET, middle + WAVELET))
    for k in range(WAVELET):
        backwards = rise[: middle + k + 1][::-1]
        out[k, middle + k + 1 - len(backwards) : middle + k + 1] = backwards
    return out


def autoregression(b: Batch) -> Features:
    """Constant and weights of the last samples in the best linear forecast of the next one."""
    from hpcflow_kernels.features.feature_set_loops import triangles

    n, deviation = b.n, np.sqrt(b.variance)
    z = b.away / deviation[:, None]
    z[(b.variance <= (1e-12 * b.mean) ** 2) | ~np.isfinite(z).all(axis=1)] = 0
    columns = [z[:, AR_ORDER - lag : n - lag].T for lag in (*range(1, AR_ORDER + 1), 0)]
    both = np.zeros((len(z), AR_ORDER + 2, AR_ORDER + 2))
    triangles(np.stack([np.ones_like(columns[0]), *columns]), both)
    r, onto = both[:, :-1, :-1], both[:, :-1, -1]
    u, s, vt = np.linalg.svd(r)
    weights = np.sum(vt * (np.sum(u * onto[:, :, None], axis=1) / s)[:, :, None], axis=1)
    weights[s[:, -1] < 1e-12 * s[:, 0]] = np.nan
    constant = deviation * weights[:, 0] + b.mean * (1 - np.sum(weights[:, 1:], axis=1))
    yield f"ar_coefficient__coeff_0__k_{AR_ORDER}", constant
    for lag in range(1, AR_ORDER + 1):
        yield f"ar_coefficient__coeff_{lag}__k_{AR_ORDER}", weights[:, lag]
