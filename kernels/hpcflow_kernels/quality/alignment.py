"""Channels of different clocks: by how much one lags another, and how fast their clocks drift apart."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Lag(NamedTuple):
    """Where two signals match best.

    Attributes
    ----------
    samples : float
        By how much the second comes later than the first; parts of a sample from a parabola.
    correlation : float
        Correlation coefficient there, of the parts that overlap.
    """

    samples: float
    correlation: float


def lag(x: np.ndarray, y: np.ndarray, most: int) -> Lag:
    """By how many samples `y` comes later than `x`.

    Parameters
    ----------
    x, y : ndarray, shape (samples,)
        Of one length and rate, without missing samples.
    most : int
        Largest lag that is looked for, in samples, either way; less than the number of samples.

    Returns
    -------
    Lag
        NaN where one of them is constant.

    Raises
    ------
    ValueError
        Where lengths differ, or are too short for the lag.

    Notes
    -----
    Cross-correlation by the Fourier transform; its peak and the values beside it give a parabola whose vertex
    is the lag: Boucher and Hassab, Analysis of discrete implementation of generalized cross correlator, IEEE
    Trans. Acoust. 29 (1981).
    """
    from scipy.signal import correlate

    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"both signals need one length, not {x.shape} and {y.shape}: resample one of them")
    if not 1 <= most < len(x):
        raise ValueError(f"lags of up to {most} need at least {most + 1} samples, not {len(x)}")
    a, b = x - x.mean(dtype=np.float64), y - y.mean(dtype=np.float64)
    if not (a.any() and b.any()):
        return Lag(np.nan, np.nan)
    middle = len(x) - 1
    values = correlate(b, a, method="fft")[middle - most : middle + most + 1]
    peak = int(np.argmax(values))
    at = peak - most
    first, second = a[max(0, -at) : len(a) - max(0, at)], b[max(0, at) : len(b) - max(0, -at)]
    part = 0.0
    if 0 < peak < 2 * most:
        left, top, right = values[peak - 1 : peak + 2]
        bend = left - 2 * top + right
        part = float((left - right) / (2 * bend)) if bend < 0 else 0.0
    return Lag(at + part, float(np.corrcoef(first, second)[0, 1]))


class Drift(NamedTuple):
    """How the clocks of two signals run against one another.

    Attributes
    ----------
    offset : float
        Lag at the first sample, in samples.
    rate : float
        Samples of lag per sample; times a million it is in parts per million.
    blocks : int
        Blocks that matched well enough to count.
    """

    offset: float
    rate: float
    blocks: int


def clock_drift(x: np.ndarray, y: np.ndarray, block: int, most: int, correlation: float = 0.5) -> Drift:
    """Straight line through the lags of successive blocks: the offset of two clocks, and their drift.

    Parameters
    ----------
    x, y : ndarray, shape (samples,)
        Of one length and nominal rate, without missing samples.
    block, most : int
        Samples of a block, and the largest lag in it.
    correlation : float
        Blocks that match less than this do not count.

    Returns
    -------
    Drift
        NaN where fewer than three blocks count.

    Notes
    -----
    The line is that of Theil and Sen (the median of all slopes), so a few wrong lags do not move it: Sen,
    J. Am. Stat. Assoc. 63 (1968); computed by SciPy.
    """
    from scipy.stats import theilslopes

    starts = np.arange(0, len(x) - block + 1, block)
    found = [lag(x[s : s + block], y[s : s + block], most) for s in starts]
    good = [i for i, each in enumerate(found) if each.correlation >= correlation]
    if len(good) < 3:
        return Drift(np.nan, np.nan, len(good))
    middles = starts[good] + (block - 1) / 2
    line = theilslopes([found[i].samples for i in good], middles)
    return Drift(float(line.intercept), float(line.slope), len(good))
