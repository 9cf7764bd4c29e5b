"""Kurtogram: where in frequency, and how wide, a signal is most impulsive."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.bearing import longest_stretch
from hpcflow_kernels.machine.kurtogram_contracts import MOST_SAMPLES, band_counts

FEWEST = 16
"""Samples of a band below which its kurtosis is not told."""
TAPER = 3
"""Length of either end that is faded and left out, in units of six samples of the narrowest bands."""
BLOCK, TOGETHER = 1 << 16, 4
"""Samples of a block, about, so that transforms stay in cache; and how many share one call."""


class Kurtogram(NamedTuple):
    """Kurtosis of bands, level by level.

    Attributes
    ----------
    counts : ndarray of int64, shape (2 * levels,)
        Bands of each level, all of one width, from zero to half the sampling rate.
    kurtosis : list of ndarray of float64, shape (counts[i],)
        Spectral kurtosis of each band, 0 for Gaussian noise; NaN where it cannot be told.
    samples : ndarray of int64, shape (2 * levels,)
        Complex samples of each band.
    """

    counts: np.ndarray
    kurtosis: list[np.ndarray]
    samples: np.ndarray


def kurtogram(x: np.ndarray, levels: int = 7) -> Kurtogram:
    """Kurtosis of the complex envelope of bands on the 1/3-binary tree.

    Level l has 2**l bands, and between levels stand cuts into 3, 6, 12, ... For each band with complex
    envelope c, sampled at the band's width, ``K = mean(|c|**4) / mean(|c|**2)**2 - 2``; level 0 is the
    signal itself, ``mean(x**4) / mean(x**2)**2 - 3``, mean removed. Under Gaussian noise K has mean 0 and
    variance 4 over the number of samples; 24 over it at level 0.

    The tree is Antoni's. His filters are cascades of 17 and 25 coefficients whose bands overlap; ours
    are bins of one transform, cut without overlap, so that no level leaks into another. Transforms are of
    blocks of about `BLOCK` samples. A block's ends are faded by a squared sine before the transform and left
    out after it, and blocks overlap by them: the step from a block's last value to its first would be the
    one impulse of every quiet band.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Finite samples. The end is left off, as far as the transform's length needs it: a tenth at most of
        3 * 2**(levels + 6) samples or more.
    levels : int
        Levels of two.

    Returns
    -------
    Kurtogram

    Notes
    -----
    Antoni, Fast computation of the kurtogram for the detection of transient faults, MSSP 21 (2007); variance:
    Antoni, The spectral kurtosis, MSSP 20 (2006), section 4.
    """
    from scipy.fft import ifft, rfft

    from hpcflow_kernels.features.condition_loops import FOURTH, MEAN, SECOND, frame_moments
    from hpcflow_kernels.machine.kurtogram_loops import power_moments

    counts, cut = np.array(band_counts(levels)), Blocks.of(len(x), levels)
    n, hop, blocks, fade = cut
    kurtosis = [np.full(count, np.nan) for count in counts]
    samples = np.array([cut.samples(count) for count in counts.tolist()])
    if blocks == 0:
        return Kurtogram(counts, kurtosis, samples)
    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    x = np.ascontiguousarray(x[: (blocks - 1) * hop + n], dtype)
    inner, moments = x[fade : len(x) - fade], np.empty((1, 6))
    frame_moments(inner, len(inner), len(inner), moments)
    if not moments[0, SECOND] > 0:
        return Kurtogram(counts, kurtosis, samples)
    kurtosis[0][0] = moments[0, FOURTH] / moments[0, SECOND] ** 2 - 3
    weight = (cut.weights() * (1 / math.sqrt(moments[0, SECOND]))).astype(dtype)
    pieces = np.lib.stride_tricks.sliding_window_view(x, n)[::hop]
    means = [np.zeros((count, 2)) for count in counts]
    for start in range(0, blocks, TOGETHER):
        part = pieces[start : start + TOGETHER]
        half = np.ascontiguousarray(rfft((part - dtype.type(moments[0, MEAN])) * weight)[:, :-1])
        half[:, 0] = 0
        for level, count in enumerate(counts[1:], 1):
            envelope = ifft(half.reshape(len(part) * count, -1), norm="ortho")
            found = np.empty((len(envelope), 2))
            power_moments(envelope.view(dtype).reshape(-1), n // 2 // count, fade // 2 // count, found)
            means[level] += found.reshape(len(part), count, 2).sum(axis=0) / blocks
    for level in range(1, len(counts)):
        second, fourth = means[level].T
        # bands that hold nothing but rounding have no kurtosis
        told = (second > 1e3 * float(np.spacing(dtype.type(1))) ** 2 * np.mean(second)) & (
            samples[level] >= FEWEST
        )
        kurtosis[level] = fourth / np.where(told, second, np.nan) ** 2 - 2
    return Kurtogram(counts, kurtosis, samples)


class Blocks(NamedTuple):
    """How a record is cut into blocks that are transformed.

    Attributes
    ----------
    n, hop : int
        Samples of a block, and from one to the next.
    number : int
        How many there are; 0 where the record is too short.
    fade : int
        Samples at either end of a block that are faded, and left out after the transform.
    """

    n: int
    hop: int
    number: int
    fade: int

    @classmethod
    def of(cls, samples: int, levels: int) -> Blocks:
        """The blocks of so many samples."""
        unit = 3 * 2 ** (levels + 1)
        fade = TAPER * unit
        blocks = max(1, round((samples - 2 * fade) / (BLOCK - 2 * fade)))
        n = _good(((samples - 2 * fade) // blocks + 2 * fade) // unit) * unit
        return cls(n, n - 2 * fade, blocks if n > 2 * fade else 0, fade)

    def samples(self, count: int) -> int:
        """Samples, of one of so many bands complex ones, that are judged."""
        return self.number * (self.hop if count == 1 else self.hop // 2 // count)

    def weights(self) -> np.ndarray:
        """What fades a block's ends, float64, shape (n,)."""
        weight, ramp = np.ones(self.n), np.sin(np.pi / 2 * (np.arange(self.fade) + 0.5) / self.fade) ** 2
        weight[: self.fade], weight[self.n - self.fade :] = ramp, ramp[::-1]
        return weight


def _good(n: int) -> int:
    """Largest number up to n without a prime factor above 11."""
    while n > 1:
        rest = n
        for prime in (2, 3, 5, 7, 11):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            break
        n -= 1
    return n


def kurtogram_of_record(*, signal: Rows, levels: int = 7) -> dict[str, np.ndarray]:
    """Kurtogram of a record, and its most impulsive band.

    Parameters
    ----------
    signal : Rows
        Samples, shape (samples,); the longest stretch without NaN is used, of more than `MOST_SAMPLES` the
        middle.
    levels : int
        Levels of two.

    Returns
    -------
    dict
        The fields of the contract: ``kurtosis``, float32, shape (2 * levels, 3 * 2**levels), by level and
        relative frequency, and the band where it is largest. NaN where the record is constant or too short.
    """
    x = middle_of(longest_stretch(np.asarray(signal.values)))
    found = kurtogram(x, levels)
    grid = 3 * 2**levels
    table = np.stack([np.repeat(row, grid // len(row)) for row in found.kurtosis])
    bands = np.where(np.isfinite(table), table, -np.inf)[1:].ravel()
    best = int(np.argmax(bands))
    out = band_of(Blocks.of(len(x), levels), levels, best, float(bands[best]), signal.rate)
    return {
        "kurtosis": table.astype(np.float32),
        **{name: np.array(value, np.float32) for name, value in out.items()},
    }


def middle_of(x: Any) -> Any:
    """At most `MOST_SAMPLES` from the middle of an array of any library, shape (samples,)."""
    first = max(0, (x.shape[0] - MOST_SAMPLES) // 2)
    return x[first : min(x.shape[0], first + MOST_SAMPLES)]


def band_of(blocks: Blocks, levels: int, place: int, kurtosis: float, rate: float) -> dict[str, float]:
    """The fields of the most impulsive band.

    Parameters
    ----------
    blocks : Blocks
    levels : int
    place : int
        Where it stands in the flat table of levels, without level 0, by frequency.
    kurtosis : float
        Its own; where that is not finite there is no band, and all are NaN.
    rate : float
        Samples per second.
    """
    names, grid = ("band_low", "band_high", "band_kurtosis", "kurtosis_noise"), 3 * 2**levels
    if not math.isfinite(kurtosis):
        return dict.fromkeys(names, math.nan)
    count = band_counts(levels)[1 + place // grid]
    width, band = rate / 2 / count, place % grid * count // grid
    values = band * width, (band + 1) * width, kurtosis, math.sqrt(4 / blocks.samples(count))
    return dict(zip(names, values, strict=True))
