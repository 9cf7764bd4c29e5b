"""Levels in octave and fractional-octave bands, frame by frame."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length, hann
from hpcflow_kernels.spectral.frame_power import contiguous, frame_powers
from hpcflow_kernels.spectral.octave_bands import bands, edges, middle

ORDER = 3
"""Of the prototype: band-passes of six poles, the least that IEC 61260-1 class 1 allows Butterworth's."""

FAINT = 1e-9
"""Gains below this part of the pass band's (-90 dB; the standard asks for -70) are taken for none."""

TOGETHER = 16
"""Frames whose spectra are held at a time."""


def octave_bands(
    x: np.ndarray,
    *,
    rate: float,
    low: float,
    high: float,
    fraction: int = 3,
    window: float = 1.0,
    overlap: float = 0.0,
    reference: float = 1.0,
) -> dict[str, np.ndarray]:
    """Root mean square in each band of a third of an octave, or another fraction, frame by frame.

    The power spectrum of the frame, mean removed and weighted by a periodic Hann window, is multiplied by the
    squared gain of a Butterworth band-pass of six poles about each middle and summed. That is the power such
    a filter would let through if the frame repeated itself: no transient at its start, no
    distortion near half the sampling rate, no filter per band.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    low, high : float
        Middles of the first and the last band, Hz.
    fraction : int
        Bands per octave: 1, 3, ...
    window : float
        Frame duration, s; long enough for 6 bins in the narrowest band, 24 where bands are octaves: with
        fewer, leakage from the weighting exceeds the standard's limits.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    reference : float
        What 0 dB stands for, in the units of `x`: 2e-5 for sound pressure in Pa.

    Returns
    -------
    dict
        ``rms``: ndarray, shape (frames, bands), in units and float type of `x`; ``level``: 20 log10 of it
        over `reference`, dB. Rows that touch a gap are NaN.

    Raises
    ------
    ValueError
        Where the upper band ends above half the sampling rate.

    Notes
    -----
    IEC 61260-1:2014, sections 5.2 to 5.10: base-ten frequencies; the gains keep its limits of class 1.
    """
    x = contiguous(x)
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    gains = band_gains(n, rate, low, high, fraction)
    weights, frames = hann(n), 0 if len(x) < n else (len(x) - n) // hop + 1
    scale = 1 / (n * np.sum(weights * weights))
    rms = np.empty((frames, len(gains)))
    for row in range(0, frames, TOGETHER):
        stop = min(row + TOGETHER, frames)
        near = x[row * hop : (stop - 1) * hop + n]
        power = frame_powers(near, hop, weights, scale).astype(np.float64)
        for band, (first, gain) in enumerate(gains):
            rms[row:stop, band] = np.sqrt((power[:, first : first + len(gain)] * gain).sum(axis=1))
    with np.errstate(divide="ignore"):
        level = 20 * np.log10(rms / reference)
    return {"rms": rms.astype(x.dtype, copy=False), "level": level.astype(x.dtype, copy=False)}


@lru_cache(maxsize=16)
def band_gains(
    n: int, rate: float, low: float, high: float, fraction: int
) -> tuple[tuple[int, np.ndarray], ...]:
    """For each band the first bin that it hears and the squared gains from there on; frames of n samples.

    Raises
    ------
    ValueError
        Where a band ends above half the sampling rate.
    """
    found = []
    f = np.arange(n // 2 + 1) * (rate / n)
    for k in bands(low, high, fraction):
        if edges(k, fraction)[1] > rate / 2 * (1 + 1e-9):
            raise ValueError(
                f"a band must end at or below half the sampling rate ({edges(k, fraction)[1]:.6g} Hz of "
                f"{rate / 2:g} Hz): lower `high`"
            )
        gain = squared_gain(f[1:], k, fraction)
        heard = np.flatnonzero(gain >= FAINT)
        found.append((int(heard[0]) + 1, gain[heard[0] : heard[-1] + 1]))
    return tuple(found)


def squared_gain(f: np.ndarray, index: int, fraction: int) -> np.ndarray:
    """Squared gain of a band at frequencies above zero, Hz; 1/2 at its edges."""
    lower, upper = edges(index, fraction)
    centre = middle(index, fraction)
    away = (f / centre - centre / f) * (centre / (upper - lower))
    gain: np.ndarray = 1 / (1 + away ** (2 * ORDER))
    return gain
