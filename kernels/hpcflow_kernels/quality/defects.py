"""Whether a recording can be trusted: gaps, flat lines, clipping, spikes, and clocks that disagree."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows

MAD_TO_SIGMA = 1.482602218505602
"""Standard deviation of a normal distribution by its median absolute deviation, 1 / Φ⁻¹(3/4)."""


def signal_quality(
    *, signal: Rows, flat: float, clip: int, spike: float, spike_window: int
) -> dict[str, np.ndarray | float]:
    """What share of a record is missing, flat, clipped or a spike.

    Parameters
    ----------
    signal : Rows
        Samples; NaN where missing.
    flat : float
        Shortest stretch without any change that counts as a flat line, s.
    clip : int
        Fewest successive samples at the record's largest or smallest value that count as clipped.
    spike : float
        Distance from the running median, in robust standard deviations of all such distances.
    spike_window : int
        Samples of the running median, odd.

    Returns
    -------
    dict
        ``missing``, ``flat``, ``clipped``, ``spikes``: shares from 0 to 1, the first of all samples, the
        others of those that are there; ``longest_gap``, ``longest_flat``: s. NaN where nothing
        is there to judge.
    """
    x, rate = signal.values, signal.rate
    missing, still = gaps(x), flat_lines(x, fewest_flat(flat, rate))
    found = Counts(
        samples=len(x),
        there=int(np.isfinite(x).sum()),
        flat=int(still.length.sum()),
        clipped=int(clipped(x, clip).length.sum()),
        spikes=len(spikes(x, spike, spike_window)),
        longest_gap=int(missing.length.max(initial=0)),
        longest_flat=int(still.length.max(initial=0)),
    )
    return found.fields(rate)


class Counts(NamedTuple):
    """Samples of a record: all, those there, in flat and in clipped runs, spikes; those of longest runs."""

    samples: int
    there: int
    flat: int
    clipped: int
    spikes: int
    longest_gap: int
    longest_flat: int

    def fields(self, rate: float) -> dict[str, np.ndarray | float]:
        """The fields of `signal_quality`, at so many samples per second."""
        of_all, of_there = self.samples or np.nan, self.there or np.nan
        return {
            "missing": (self.samples - self.there) / of_all,
            "flat": self.flat / of_there,
            "clipped": self.clipped / of_there,
            "spikes": self.spikes / of_there,
            "longest_gap": self.longest_gap / rate,
            "longest_flat": self.longest_flat / rate,
        }


def fewest_flat(flat: float, rate: float) -> int:
    """Equal samples that make a flat line."""
    return max(2, round(flat * rate)) if np.isfinite(rate) else 2


class Stretches(NamedTuple):
    """Runs of samples.

    Attributes
    ----------
    start, length : ndarray of int64, shape (runs,)
        First sample and number of samples of each, in order.
    """

    start: np.ndarray
    length: np.ndarray


def gaps(x: np.ndarray) -> Stretches:
    """Runs of samples that are not finite.

    Examples
    --------
    >>> gaps(np.array([1, np.nan, np.nan, 2])).length.tolist()
    [2]
    """
    return _runs(~np.isfinite(x))


def flat_lines(x: np.ndarray, least: int) -> Stretches:
    """Runs of at least so many successive samples that are equal: a sensor that hangs, a cable that is loose.

    Examples
    --------
    >>> flat_lines(np.array([1.0, 2, 2, 2, 3, 3]), 3)
    Stretches(start=array([1]), length=array([3]))
    """
    if len(x) == 0:
        return _runs(np.zeros(0, bool))
    edges = np.flatnonzero(np.concatenate([[True], x[1:] != x[:-1], [True]]))
    length = np.diff(edges)
    kept = (length >= max(least, 2)) & np.isfinite(x[edges[:-1]])
    return Stretches(edges[:-1][kept], length[kept])


def clipped(x: np.ndarray, least: int = 3) -> Stretches:
    """Runs of at least so many successive samples at the largest or the smallest value of all.

    A converter that is overdriven gives its end value again and again; a signal that only reaches its extreme
    gives it once or twice. A constant signal is flat, not clipped.
    """
    finite = x[np.isfinite(x)]
    if len(finite) == 0 or finite.min() == finite.max():
        return _runs(np.zeros(0, bool))
    found = [_runs(x == value) for value in (finite.min(), finite.max())]
    start, length = (np.concatenate(part) for part in zip(*found, strict=True))
    order = np.argsort(start)
    kept = order[length[order] >= least]
    return Stretches(start[kept], length[kept])


def spikes(x: np.ndarray, threshold: float = 8.0, window: int = 7) -> np.ndarray:
    """Samples that stand out from the running median of their neighbours.

    Parameters
    ----------
    x : ndarray, shape (samples,)
        NaN where missing; neighbours of missing samples are not judged.
    threshold : float
        In robust standard deviations (1.4826 median absolute deviations) of the distances from the median.
    window : int
        Samples of the running median, odd.

    Returns
    -------
    ndarray of int64
        Their places. Empty where more than half of the distances are 0: nothing says then what is large.

    Raises
    ------
    ValueError
        Where the window is even or shorter than 3 samples.

    References
    ----------
    Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69 (1974).
    """
    from hpcflow_kernels.rolling.order import rolling_median

    half = window // 2
    if window % 2 == 0 or window < 3:
        raise ValueError(f"a running median about a sample needs an odd window of 3 or more, not {window}")
    if len(x) < window:
        return np.zeros(0, np.int64)
    away = np.abs(x[half : len(x) - half] - rolling_median(x, window)[window - 1 :])
    judged = away[np.isfinite(away)]
    scale = MAD_TO_SIGMA * np.median(judged) if len(judged) else 0.0
    if scale == 0:
        return np.zeros(0, np.int64)
    with np.errstate(invalid="ignore"):
        return np.flatnonzero(away > threshold * scale) + half


class Clock(NamedTuple):
    """How regular time stamps are.

    Attributes
    ----------
    rate : float
        Samples per second over the whole, gaps left out.
    jitter : float
        Standard deviation of the intervals that are no gaps, s.
    gaps : int
        Intervals longer than 1.5 times the middle one.
    backwards : int
        Stamps that do not come after the one before.
    """

    rate: float
    jitter: float
    gaps: int
    backwards: int


def sampling_clock(time: np.ndarray) -> Clock:
    """How regular time stamps are, in s, shape (samples,).

    Raises
    ------
    ValueError
        With fewer than two stamps.
    """
    if len(time) < 2:
        raise ValueError(f"intervals need two time stamps or more, not {len(time)}")
    steps = np.diff(time.astype(np.float64))
    forward = steps[steps > 0]
    usual = forward[forward <= 1.5 * np.median(forward)] if len(forward) else forward
    rate = 1 / usual.mean() if len(usual) else np.nan
    jitter = float(usual.std()) if len(usual) else np.nan
    return Clock(float(rate), jitter, len(forward) - len(usual), len(steps) - len(forward))


def _runs(mask: np.ndarray) -> Stretches:
    padded = np.concatenate([[False], mask, [False]])
    edges = np.flatnonzero(padded[1:] != padded[:-1])
    return Stretches(edges[::2], edges[1::2] - edges[::2])
