"""From raw vibration to envelope spectra in many bands, each with its background and significance.

Nothing in this module knows of bearings: it turns samples into `BandSpectrum` objects, whose bins carry the
chance that noise alone reaches their height.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.frames import hann

LOWEST = 200.0
"""Demodulation begins here, Hz, or at a fortieth of the sampling rate: below lies the shaft's own motion."""
HIGHEST = 0.48
"""Demodulation ends here, in units of the sampling rate: converters roll off before one half."""
LEVELS = (1, 2, 4, 8, 16)
"""The range is cut into so many parts, each level with half-overlapping bands."""
NARROWEST = 500.0
"""Hz; bands are never narrower, nor narrower than the analysis needs."""
WHITENING = 60.0
"""Width, Hz, over which the record's own spectrum is flattened."""
CLIP = 3.0
"""A spectral bin above so many times the local median is a tone and is cut down to it."""
ORDERS_WIDE = 3.0
"""Width of the running median that gives the background, in shaft orders."""
NEPER_TO_DB = 10 / np.log(10)
LEAST_P = 1e-290


@dataclass(frozen=True)
class BandSpectrum:
    """Spectrum of a band's log-envelope, in decibel of band power.

    Attributes
    ----------
    low, high : float
        Demodulation band, Hz; NaN where the rows came from another step.
    step, resolution : float
        Distance of bins, and reciprocal of the frame duration, Hz.
    depth : ndarray, shape (bins,)
        Peak amplitude of the modulation, dB.
    ratio : ndarray, shape (bins,)
        Power over background power; mean 1 under noise.
    surprise : ndarray, shape (bins,)
        Minus the natural logarithm of the chance that noise gives `ratio` or more.
    kurtosis : float
        ``E|z|^4 / (E|z|^2)^2 - 2`` of the band's analytic signal: 0 for stationary Gaussian noise.
    freedom : float
        Degrees of freedom of a bin's power.
    """

    low: float
    high: float
    step: float
    resolution: float
    depth: np.ndarray
    ratio: np.ndarray
    surprise: np.ndarray
    kurtosis: float
    freedom: float

    def ratio_at(self, chance: float) -> float:
        """The ratio that noise exceeds in one bin with this chance."""
        from scipy.special import gammainccinv

        return float(gammainccinv(self.freedom / 2, chance) / (self.freedom / 2))

    def bin(self, frequency: np.ndarray) -> np.ndarray:
        """Nearest bins, clipped to the spectrum."""
        return np.clip(np.rint(frequency / self.step), 0, len(self.depth) - 1).astype(np.int64)

    @property
    def end(self) -> float:
        """Last frequency, Hz."""
        return (len(self.depth) - 1) * self.step


def bands(rate: float, narrowest: float) -> list[tuple[float, float]]:
    """Demodulation bands: the whole range, then halves, quarters, ... half-overlapping.

    Examples
    --------
    >>> bands(12000.0, 1500.0)
    [(200.0, 5760.0), (200.0, 2980.0), (1590.0, 4370.0), (2980.0, 5760.0)]
    """
    low = min(LOWEST, rate / 40)
    span = HIGHEST * rate - low
    found = []
    for level in LEVELS:
        width = span / level
        if level > 1 and width < max(narrowest, NARROWEST):
            break
        found += [(low + j * width / 2, low + j * width / 2 + width) for j in range(2 * level - 1)]
    return found


def whitened(x: np.ndarray, rate: float, clip: float = CLIP) -> tuple[np.ndarray, int]:
    """One-sided spectrum of a record, flattened to its running median, tones cut down.

    Flattening gives weak resonances the same say as strong ones. Cutting down what stands out of the
    median (in a whole record's spectrum only tones do) takes shaft and gear harmonics and electrical
    interference out of the carrier, so that their beats do not pose as modulation.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    rate : float
    clip : float
        Times the local median to which a bin is cut down; infinity leaves tones as they are.

    Returns
    -------
    spectrum : ndarray of complex128
    length : int
        Length of the transform behind it, at least the number of samples.
    """
    from scipy.fft import next_fast_len, rfft

    n = len(x)
    ends = max(2, n // 50)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(ends) / ends)
    tapered = x.astype(np.float64) - np.mean(x, dtype=np.float64)
    tapered[:ends] *= ramp
    tapered[-ends:] *= ramp[::-1]
    length = next_fast_len(n, real=True)
    spectrum = rfft(tapered, length)
    height = np.abs(spectrum)
    blocks = max(4, int(len(height) * rate / length / WHITENING))
    edges = np.linspace(0, len(height), blocks + 1).astype(np.int64)
    middle = np.array([np.median(height[a:b]) for a, b in pairwise(edges)])
    floor = max(float(middle.max()) * 1e-9, 1e-300)
    centres = (edges[:-1] + edges[1:]) / 2
    level = np.exp(np.interp(np.arange(len(height)), centres, np.log(np.maximum(middle, floor))))
    spectrum /= level * np.maximum(1.0, height / (clip * level))
    return spectrum, length


def band_power(
    spectrum: np.ndarray, length: int, samples: int, rate: float, low: float, high: float
) -> tuple[np.ndarray, float]:
    """Squared envelope of one band, at twice the band's own rate, ends cut off.

    Returns
    -------
    power : ndarray, shape (times,)
        ``|z|**2`` of the band's analytic signal.
    rate : float
        Values per second.
    """
    from scipy.fft import ifft, next_fast_len

    first, last = round(low * length / rate), round(high * length / rate)
    width = last - first
    edge = max(2, width // 10)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    size = next_fast_len(2 * width)
    shifted = np.zeros(size, np.complex128)
    shifted[:width] = spectrum[first:last]
    shifted[:edge] *= ramp
    shifted[width - edge : width] *= ramp[::-1]
    analytic = ifft(shifted)
    power = analytic.real**2 + analytic.imag**2
    kept = int(size * (samples / length))
    cut = kept // 50
    return power[cut : kept - cut], rate * size / length


def band_spectra(
    x: np.ndarray,
    rate: float,
    frame: float,
    last: float,
    narrowest: float,
    order: float,
    clip: float = CLIP,
) -> Iterator[BandSpectrum]:
    """Log-envelope spectra of every band.

    The logarithm turns a band's power into decibel before the spectrum is taken: whatever the level, noise
    then has the same spread, and a few huge impacts do not drown regular small ones (Borghesani and Antoni
    2017). Frames of `frame` seconds with a Hann window overlap by half; their power spectra are averaged.

    Parameters
    ----------
    x : ndarray, shape (samples,)
    rate : float
    frame : float
        Frame duration, s; the record's own duration where that is shorter.
    last : float
        Highest frequency of interest, Hz.
    narrowest : float
        Narrowest useful band, Hz.
    order : float
        Shaft frequency, Hz, for the width of the background.
    clip : float
        See `whitened`.
    """
    from scipy.fft import rfft

    spectrum, length = whitened(x, rate, clip)
    for low, high in bands(rate, narrowest):
        power, power_rate = band_power(spectrum, length, len(x), rate, low, high)
        mean = power.mean()
        if not mean > 0:
            continue
        kurtosis = float(np.mean(power * power) / mean**2 - 2)
        level = np.log(power + 1e-4 * np.median(power) + 1e-12 * mean)
        n = min(round(frame * power_rate), len(level))
        starts = range(0, len(level) - n + 1, max(1, n // 2))
        weight = hann(n)
        total = np.zeros(n + 1)
        for start in starts:
            part = level[start : start + n]
            total += np.abs(rfft((part - part.mean()) * weight, 2 * n)) ** 2
        step = power_rate / (2 * n)
        bins = min(int(last / step) + 2, len(total))
        depth = NEPER_TO_DB * 2 * np.sqrt(total[:bins] / len(starts)) / weight.sum()
        yield significance(low, high, step, 2 * step, depth, kurtosis, freedom(len(starts), 0.5), order)


def vibration_spectrum(x: np.ndarray, rate: float, frame: float, last: float, order: float) -> BandSpectrum:
    """Spectrum of the vibration itself, where the shaft shows by unbalance; `depth` is amplitude here."""
    from scipy.fft import rfft

    n = min(round(frame * rate), len(x))
    starts = range(0, len(x) - n + 1, max(1, n // 2))
    weight = hann(n)
    bins = min(int(last / rate * 2 * n) + 2, n + 1)
    total = np.zeros(bins)
    for start in starts:
        part = x[start : start + n].astype(np.float64)
        total += np.abs(rfft((part - part.mean()) * weight, 2 * n)[:bins]) ** 2
    depth = 2 * np.sqrt(total / len(starts)) / weight.sum()
    step = rate / (2 * n)
    return significance(0.0, last, step, 2 * step, depth, np.nan, freedom(len(starts), 0.5), order)


def spectrum_of_rows(amplitude: Rows, last: float, order: float) -> BandSpectrum | None:
    """The same from rows of `envelope_spectrum`; None where no frame is whole."""
    values = np.asarray(amplitude.values, np.float64)
    frequency = np.asarray(amplitude.coords["frequency"], np.float64)
    values = values[np.isfinite(values).all(axis=1)] if values.ndim == 2 else values[:0]
    values = values[(values[:, 0] > 0)] if len(values) else values
    if len(values) == 0 or len(frequency) < 8:
        return None
    step = float(frequency[1] - frequency[0])
    bins = min(int(last / step) + 2, len(frequency))
    relative = values[:, :bins] / values[:, :1]
    overlap = max(0.0, 1 - step / amplitude.rate) if amplitude.rate > 0 else 0.0
    depth = NEPER_TO_DB * 2 * np.sqrt(np.mean(relative**2, axis=0))
    dof = freedom(len(values), overlap)
    return significance(np.nan, np.nan, step, step, depth, np.nan, dof, order)


def freedom(frames: int, overlap: float) -> float:
    """Degrees of freedom of averaged Hann periodograms (Welch 1967; Percival and Walden, section 7.10)."""
    n = 256
    weight = hann(n)
    norm = float(np.sum(weight * weight))
    shared = 0.0
    for apart in range(1, frames):
        shift = round(apart * (1 - overlap) * n)
        if shift >= n:
            break
        correlation = float(np.sum(weight[shift:] * weight[: n - shift])) / norm
        shared += 2 * (1 - apart / frames) * correlation**2
    return 2 * frames / (1 + shared)


def significance(
    low: float,
    high: float,
    step: float,
    resolution: float,
    depth: np.ndarray,
    kurtosis: float,
    dof: float,
    order: float,
) -> BandSpectrum:
    """Background and chances of a depth spectrum.

    Under noise a bin's averaged power is Gamma distributed with shape dof/2. The background is a running
    median over `ORDERS_WIDE` orders, divided by the median of that distribution. Being a median over W
    bins, of which one in `correlated` is independent, it has relative variance
    ``1 / (4 W f(m)^2 m^2)`` with f the density at the median m; so the ratio is F distributed with dof and
    twice the reciprocal of that variance as degrees of freedom.
    """
    from scipy.ndimage import median_filter
    from scipy.special import fdtrc, gammaincinv, gammaln

    power = depth.astype(np.float64) ** 2
    width = max(15, 2 * round(ORDERS_WIDE / 2 * order / step) + 1)
    width = min(width, 2 * ((len(power) - 1) // 2) - 1)
    shape = dof / 2
    middle = float(gammaincinv(shape, 0.5)) / shape
    density = float(
        np.exp(-shape * middle + (shape - 1) * np.log(middle) + shape * np.log(shape) - gammaln(shape))
    )
    correlated = 1.5 * resolution / step
    freedom_background = 8 * width / correlated * (density * middle) ** 2
    background = median_filter(power, width, mode="reflect") / middle
    ratio = power / np.maximum(background, 1e-300)
    chance = fdtrc(dof, freedom_background, ratio)
    return BandSpectrum(
        low=low,
        high=high,
        step=step,
        resolution=resolution,
        depth=depth,
        ratio=ratio,
        surprise=-np.log(np.maximum(chance, LEAST_P)),
        kurtosis=kurtosis,
        freedom=dof,
    )
