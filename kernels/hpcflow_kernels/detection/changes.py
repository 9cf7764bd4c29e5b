"""Slow change: trends, and the places where a level changes."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows


def trend(*, signal: Rows, points: int) -> dict[str, float]:
    """Whether a record rises or falls, and how fast.

    Parameters
    ----------
    signal : Rows
        Samples or rows of one number each; NaN where missing.
    points : int
        Into how many stretches the record is divided; the trend is that of their medians.

    Returns
    -------
    dict
        ``slope`` (Theil and Sen, units per second), ``tau`` (Kendall, -1 to 1), ``p_value`` (Mann and
        Kendall: the chance of so large a tau where no trend is). NaN with fewer than four
        stretches that hold a sample; the slope also where the record has no rate.

    Notes
    -----
    The test takes stretches as independent. Fewer, longer stretches are so more nearly.

    References
    ----------
    Mann, Econometrica 13 (1945); Kendall, Rank correlation methods (1948); Sen, J. Am. Stat. Assoc. 63
    (1968).
    Computed by SciPy.
    """
    from scipy.stats import kendalltau, theilslopes

    found = medians(signal.values, points)
    there = np.isfinite(found.value)
    if there.sum() < 4:
        return {"slope": np.nan, "tau": np.nan, "p_value": np.nan}
    when, value = found.middle[there], found.value[there]
    if value.min() == value.max():
        return {"slope": 0.0, "tau": 0.0, "p_value": 1.0}
    tau = kendalltau(when, value)
    return {
        "slope": float(theilslopes(value, when).slope * signal.rate),
        "tau": float(tau.statistic),
        "p_value": float(tau.pvalue),
    }


class Medians(NamedTuple):
    """Middles of stretches.

    Attributes
    ----------
    middle : ndarray of float64, shape (points,)
        Place of the middle of each stretch, in samples.
    value : ndarray of float64, shape (points,)
        Median of what is there; NaN where nothing is.
    """

    middle: np.ndarray
    value: np.ndarray


def medians(x: np.ndarray, points: int) -> Medians:
    """Divide into so many stretches as equal as can be (fewer where there are fewer samples)."""
    edges = np.linspace(0, len(x), min(points, len(x)) + 1).round().astype(np.int64)
    value = np.full(len(edges) - 1, np.nan)
    for i, (a, b) in enumerate(pairwise(edges)):
        part = x[a:b][np.isfinite(x[a:b])]
        if len(part):
            value[i] = np.median(part.astype(np.float64))
    return Medians((edges[:-1] + edges[1:] - 1) / 2, value)


class Alarms(NamedTuple):
    """What a cumulative sum found.

    Attributes
    ----------
    alarm : ndarray of int64, shape (alarms,)
        Samples at which the sum passed the threshold.
    onset : ndarray of int64, shape (alarms,)
        Samples at which it last left zero: about where the change began.
    upward : ndarray of bool, shape (alarms,)
        Whether the level rose.
    """

    alarm: np.ndarray
    onset: np.ndarray
    upward: np.ndarray


def cusum(x: np.ndarray, mean: float, std: float, drift: float = 0.5, threshold: float = 8.0) -> Alarms:
    """Changes of the mean by the two-sided cumulative sum of Page, started anew after each alarm.

    Parameters
    ----------
    x : ndarray, shape (samples,)
        NaN is passed over.
    mean, std : float
        Of the signal while nothing is wrong.
    drift, threshold : float
        Half of the shift that matters, and the sum that is an alarm, in standard deviations.

    Returns
    -------
    Alarms

    Raises
    ------
    ValueError
        Where `std` is not above 0.

    References
    ----------
    Page, Continuous inspection schemes, Biometrika 41 (1954).
    """
    from hpcflow_kernels.detection.changes_loops import cusum_scan

    if not std > 0:
        raise ValueError(f"cumulative sums are in standard deviations, so std must be above 0, not {std}")
    z = (np.asarray(x, np.float64) - mean) / std
    found = np.empty((len(z), 3), np.int64)
    count = cusum_scan(z, drift, threshold, found)
    return Alarms(found[:count, 0].copy(), found[:count, 1].copy(), found[:count, 2] > 0)


def pelt(x: np.ndarray, penalty: float | None = None, least: int = 2) -> np.ndarray:
    """Places where the mean changes: the cut with the least squared error plus a penalty for each change.

    Parameters
    ----------
    x : ndarray, shape (samples,)
        Without missing samples.
    penalty : float, optional
        Cost of a change. By default ``3 log(n)`` times the variance, estimated from the median absolute
        difference of neighbours.
    least : int
        Fewest samples between changes.

    Returns
    -------
    ndarray of int64, shape (changes,)
        First sample of each new level. The cut is the best one there is, not an approximation.

    Raises
    ------
    ValueError
        Where samples are missing, or `least` is below 1.

    References
    ----------
    Killick, Fearnhead and Eckley, Optimal detection of changepoints with a linear computational cost, J. Am.
    Stat. Assoc. 107 (2012). Time grows linearly with the record where changes come again and again, else as
    its square.
    """
    from hpcflow_kernels.detection.changes_loops import pelt_scan

    x = np.asarray(x, np.float64)
    if least < 1:
        raise ValueError(f"levels last one sample or more, not {least}")
    if not np.isfinite(x).all():
        raise ValueError("missing samples have no cost: leave them out or fill them first")
    if len(x) < 2 * least:
        return np.zeros(0, np.int64)
    if penalty is None:
        sigma = 1.4826 * float(np.median(np.abs(np.diff(x)))) / np.sqrt(2)
        penalty = 3 * np.log(len(x)) * sigma**2
    last = np.empty(len(x) + 1, np.int64)
    pelt_scan(x - x.mean(), penalty, least, last)
    changes, at = [], int(last[len(x)])
    while at > 0:
        changes.append(at)
        at = int(last[at])
    return np.array(changes[::-1], np.int64)
