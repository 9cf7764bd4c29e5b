"""Power spectra by several orthogonal tapers (Thomson)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hpcflow_kernels.spectral.frame_power import contiguous, frame_powers

TOGETHER = 8
"""Frames whose spectra are held at a time where weights are adaptive."""

ROUNDS, SETTLED = 150, 1e-10
"""Most rounds of the adaptive weights, and the relative change at which they are settled."""


def multitaper(
    x: np.ndarray,
    fs: float = 1.0,
    nw: float = 4.0,
    kmax: int | None = None,
    weighting: str = "eigenvalues",
    scaling: str = "density",
    axis: int = -1,
) -> tuple[np.ndarray, np.ndarray]:
    """Power spectral density by Slepian tapers.

    K orthogonal tapers, each concentrated within W = nw fs / samples of its frequency, give K spectra that
    are nearly independent; their weighted mean has 1/K of a periodogram's variance, and leaks less.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals, whose mean is taken off; float32 is computed in float32, all else in float64.
    fs : float
        Samples per second.
    nw : float
        Half bandwidth in bins, at least 1; half of the samples at most.
    kmax : int, optional
        Number of tapers; 2 nw - 1 by default, above 2 nw they leak.
    weighting : {'eigenvalues', 'uniform', 'adaptive'}
        By each taper's concentration; all alike; or at each frequency the more for tapers that leak, the
        stronger the spectrum is there (Thomson's, to a relative change of 1e-10 or 150 rounds).
    scaling : {'density', 'spectrum'}
        Units of `x` squared per hertz; or squared, such that a steady tone of amplitude a has its power
        a**2 / 2 at its bin, as far as it stands on one.
    axis : int
        Axis along which time runs.

    Returns
    -------
    f : ndarray of float64, shape (samples // 2 + 1,)
        Frequencies, Hz.
    pxx : ndarray
        Of the shape of `x` with f in place of time; float32 for float32, else float64.

    Raises
    ------
    ValueError
        If `nw` is out of range, `kmax` below 1 or above the samples, or `weighting` unknown.

    Notes
    -----
    Thomson, Spectrum estimation and harmonic analysis, Proc. IEEE 70 (1982); Percival and Walden, Spectral
    Analysis for Physical Applications (1993), chapter 7; adaptive weights as its equations 368a and 370a.
    """
    rows = np.moveaxis(np.asarray(x), axis, -1)
    n = rows.shape[-1]
    tapers, concentration = slepian(n, nw, _count(n, nw, kmax))
    flat = contiguous(rows).reshape(-1)
    power = _power(flat, n, fs, tapers, concentration, weighting, scaling)
    return np.fft.rfftfreq(n, 1 / fs), np.moveaxis(power.reshape(*rows.shape[:-1], -1), -1, axis)


def multitaper_frames(
    x: np.ndarray,
    *,
    rate: float,
    nperseg: int = 1024,
    overlap: float = 0.5,
    bandwidth: float = 4.0,
    weighting: str = "eigenvalues",
    scaling: str = "density",
) -> dict[str, np.ndarray]:
    """One multitaper spectrum for each segment; see `multitaper`.

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
    bandwidth : float
        Half bandwidth in bins of rate/nperseg; 2 bandwidth - 1 tapers are used.
    weighting : {'eigenvalues', 'uniform', 'adaptive'}
    scaling : {'density', 'spectrum'}

    Returns
    -------
    dict
        ``power``: ndarray, shape (segments, nperseg // 2 + 1), of the float type of `x`; bin k stands at
        ``k rate / nperseg`` Hz. Rows that touch a gap are NaN.
    """
    from hpcflow_kernels.spectral.stft_contracts import hop_of

    tapers, concentration = slepian(nperseg, bandwidth, _count(nperseg, bandwidth, None))
    hop = hop_of(nperseg, overlap)
    return {"power": _power(contiguous(x), hop, rate, tapers, concentration, weighting, scaling)}


def _count(n: int, nw: float, kmax: int | None) -> int:
    if not 1 <= nw < n / 2:
        raise ValueError(
            f"the half bandwidth lies between 1 bin and half of the samples (found {nw:g} bins, {n} "
            "samples): change `nw`"
        )
    count = max(1, int(2 * nw + 1e-9) - 1) if kmax is None else kmax
    if not 1 <= count <= n:
        raise ValueError(f"there are 1 to {n} tapers (found kmax {count}): change it")
    return count


@lru_cache(maxsize=16)
def slepian(n: int, nw: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Tapers of unit energy, float64, shape (count, n), and what part of it stays within the bandwidth."""
    from scipy.signal.windows import dpss

    tapers, ratios = dpss(n, nw, count, return_ratios=True)
    tapers.flags.writeable = ratios.flags.writeable = False
    return tapers, ratios


def _power(
    x: np.ndarray,
    hop: int,
    fs: float,
    tapers: np.ndarray,
    concentration: np.ndarray,
    weighting: str,
    scaling: str,
) -> np.ndarray:
    """Spectra of frames, shape (frames, n // 2 + 1), in the type of `x`."""
    if weighting not in ("eigenvalues", "uniform", "adaptive"):
        raise ValueError(f"`weighting` is eigenvalues, uniform or adaptive (found {weighting!r}): take one")
    # a tone of amplitude 1 gives each taper |sum w|**2 / 4, and all of them their weighted mean
    weights = concentration if weighting == "eigenvalues" else np.ones(len(tapers))
    lines = np.sum(weights * tapers.sum(axis=1) ** 2) / np.sum(weights)
    scale = 1 / fs if scaling == "density" else 1 / lines
    if weighting == "adaptive":
        return _adaptive(x, hop, scale, tapers, concentration)
    power: np.ndarray | None = None
    for taper, weight in zip(tapers, weights / np.sum(weights), strict=True):
        part = frame_powers(x, hop, taper, scale * weight)
        power = part if power is None else np.add(power, part, out=power)
    assert power is not None
    return power


def _adaptive(
    x: np.ndarray, hop: int, scale: float, tapers: np.ndarray, concentration: np.ndarray
) -> np.ndarray:
    n = tapers.shape[1]
    frames = 0 if len(x) < n else (len(x) - n) // hop + 1
    power = np.empty((frames, n // 2 + 1), x.dtype)
    twice = np.full(n // 2 + 1, 2.0)
    twice[[0, -1] if n % 2 == 0 else [0]] = 1
    for row in range(0, frames, TOGETHER):
        live = min(TOGETHER, frames - row)
        near = x[row * hop : (row + live - 1) * hop + n]
        spectra = np.stack([frame_powers(near, hop, taper, scale) for taper in tapers]).astype(np.float64)
        spectra /= twice
        for place in range(live):
            found, frame = spectra[:, place], near[place * hop : place * hop + n].astype(np.float64)
            variance = float(frame.var()) * scale if np.isfinite(found[0, 0]) else np.nan
            power[row + place] = twice * adapt(found, concentration, variance)
    return power


def adapt(spectra: np.ndarray, concentration: np.ndarray, variance: float) -> np.ndarray:
    """Thomson's weighted mean of the spectra of tapers, by repetition until it settles.

    Parameters
    ----------
    spectra : ndarray of float64, shape (tapers, bins)
        Two-sided densities.
    concentration : ndarray of float64, shape (tapers,)
        What part of each taper's energy stays within the bandwidth.
    variance : float
        Of the signal, over the sampling rate: what leaks in from everywhere.

    Returns
    -------
    ndarray of float64, shape (bins,)
    """
    if not np.isfinite(variance) or variance == 0:
        return np.full(spectra.shape[1], variance)
    kept = concentration[:, np.newaxis]
    mean: np.ndarray = spectra[:2].mean(axis=0)
    for _ in range(ROUNDS):
        weights = kept * (mean / (kept * mean + (1 - kept) * variance)) ** 2
        better = (weights * spectra).sum(axis=0) / weights.sum(axis=0)
        change, mean = np.max(np.abs(better - mean) / np.maximum(mean, 1e-300)), better
        if change < SETTLED:
            break
    return mean
