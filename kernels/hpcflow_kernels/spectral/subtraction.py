"""Spectral subtraction: what is always there at a frequency is noise, and taken out of every moment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.spectral.istft import istft
from hpcflow_kernels.spectral.stft import stft
from hpcflow_kernels.spectral.stft_contracts import hop_of
from hpcflow_kernels.stretches import stretches


class Subtracted(NamedTuple):
    """What `spectral_subtraction` finds.

    Attributes
    ----------
    signal : ndarray, shape (samples,)
        The signal without what is taken as noise, of the float type of the input; NaN where samples are
        missing, or in stretches shorter than a segment.
    noise : ndarray of float64, shape (nperseg // 2 + 1,)
        Power spectrum of the noise, in units of the signal squared, two-sided.
    """

    signal: np.ndarray
    noise: np.ndarray


def spectral_subtraction(
    x: np.ndarray,
    *,
    nperseg: int = 1024,
    overlap: float = 0.75,
    quantile: float = 0.5,
    excess: float = 1.0,
    reduction: float = 20.0,
) -> Subtracted:
    """Take a stationary noise out of a signal, by its spectrum.

    The noise's power N at a frequency is what makes `quantile` of all segments' powers the quantile of
    Gaussian noise: that quantile over ``-ln(1 - quantile)``. Each segment's amplitude is then multiplied by
    ``sqrt(max(1 - excess N / P, 10**(-reduction / 10)))``, P its power, and segments are added up again.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing. Its mean is kept.
    nperseg : int
        Samples of a segment; powers of two are fastest.
    overlap : float
        Fraction of a segment that the next one shares, at least a half.
    quantile : float
        How much of the time noise alone is there, or more.
    excess : float
        How many times the noise is taken out: above 1 less of it remains, and less of the signal.
    reduction : float
        Largest attenuation, dB.

    Returns
    -------
    Subtracted

    Notes
    -----
    Boll, Suppression of acoustic noise in speech using spectral subtraction, IEEE Trans. ASSP 27 (1979);
    Berouti, Schwartz and Makhoul, Enhancement of speech corrupted by acoustic noise, ICASSP 1979: excess and
    a floor.
    """
    x = np.asarray(x)
    kind = np.float32 if x.dtype == np.float32 else np.float64
    good = np.isfinite(x)
    mean = float(np.mean(x[good], dtype=np.float64)) if good.any() else 0.0
    long = [(a, b) for a, b in stretches(good) if b - a >= nperseg]
    how = {"nperseg": nperseg, "noverlap": nperseg - hop_of(nperseg, overlap)}
    found = [stft((x[a:b] - mean).astype(kind), **how)[2] for a, b in long]  # type: ignore[arg-type]
    out, bins = np.full(len(x), np.nan, kind), nperseg // 2 + 1
    if not found:
        return Subtracted(out, np.full(bins, np.nan))
    powers = np.concatenate([z.real**2 + z.imag**2 for z in found], axis=1)
    noise = np.quantile(powers, quantile, axis=1) / -np.log1p(-quantile)
    least = 10 ** (-reduction / 10)
    for (a, b), z in zip(long, found, strict=True):
        power = (z.real**2 + z.imag**2).astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            left = 1 - excess * noise[:, None] / power
        gain = np.sqrt(np.maximum(np.nan_to_num(left, nan=1.0, neginf=0.0), least)).astype(kind)
        out[a:b] = istft(z * gain, **how)[1][: b - a] + kind(mean)  # type: ignore[arg-type]
    return Subtracted(out, noise.astype(np.float64))


def subtraction_of_record(
    *, signal: Rows, nperseg: int, overlap: float, quantile: float, excess: float, reduction: float
) -> dict[str, np.ndarray]:
    """`spectral_subtraction` of a record.

    Parameters
    ----------
    signal : Rows
        Samples.
    nperseg, overlap, quantile, excess, reduction
        See `spectral_subtraction`.

    Returns
    -------
    dict of str to ndarray
        ``cleaned``, of the shape and type of the record.

    Raises
    ------
    UnusableRecordError
        Where no stretch between gaps is as long as a segment.
    """
    found = spectral_subtraction(
        signal.values,
        nperseg=nperseg,
        overlap=overlap,
        quantile=quantile,
        excess=excess,
        reduction=reduction,
    )
    if np.isnan(found.noise).all():
        raise UnusableRecordError(f"no stretch between gaps has the {nperseg} samples of a segment")
    return {"cleaned": found.signal}
