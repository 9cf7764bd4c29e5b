"""Dynamic time warping: how far two series are apart once one of them may be stretched in time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

Pairs = Callable[[np.ndarray, np.ndarray, bool, int, int, np.ndarray], None]
"""What computes squared distances of all pairs, as `dtw_loops.all_pairs` does on the processor."""


def dtw(a: np.ndarray, b: np.ndarray, window: int | None = None) -> float:
    """Distance of two series under the best matching of their samples.

    The square root of the least sum of squared differences over all ways to walk through both series from
    their first to their last samples, one step forward in either or in both at a time.

    Parameters
    ----------
    a, b : ndarray of real numbers, shape (samples,), (others,)
        Computed in float32 where both are float32, else in float64. They are compared as they are: bring them
        to mean 0 and standard deviation 1 before, where size and level should not count.
    window : int, optional
        Largest distance in time of matched samples (the radius of Sakoe and Chiba); what one series is longer
        than the other is added on the longer one's side. None: no limit.

    Returns
    -------
    float
        NaN where either misses a sample.

    Raises
    ------
    ValueError
        Where a series is empty or not one-dimensional, or `window` is below 0.

    Notes
    -----
    Rounding is at most ``samples + others`` units of the last place of the squared distance. The radius
    counts as in tslearn; dtaidistance's `window` is one more.

    References
    ----------
    Sakoe and Chiba, Dynamic programming algorithm optimization for spoken word recognition, IEEE Trans.
    Acoust. Speech Signal Process. 26 (1978).

    Examples
    --------
    >>> dtw(np.array([0.0, 0, 1, 2, 1, 0]), np.array([0.0, 1, 2, 1, 0, 0]))
    0.0
    >>> dtw(np.array([0.0, 0, 1, 2, 1, 0]), np.array([0.0, 1, 2, 1, 0, 0]), window=0)
    2.0
    """
    return float(dtw_pairs(np.atleast_1d(a)[None], np.atleast_1d(b)[None], window)[0, 0])


def dtw_pairs(x: np.ndarray, y: np.ndarray | None = None, window: int | None = None) -> np.ndarray:
    """Distances of each series of x from each of y, or of x from one another.

    Parameters
    ----------
    x : ndarray of real numbers, shape (count, samples)
    y : ndarray of real numbers, shape (others, samples of theirs), optional
        By default x itself; the matrix is then symmetric, and half of it is computed.
    window : int, optional
        As for `dtw`.

    Returns
    -------
    ndarray of float32 or float64, shape (count, others)
        As for `dtw`.

    Raises
    ------
    ValueError
        As for `dtw`.
    """
    from hpcflow_kernels.similarity.dtw_loops import all_pairs

    rows, columns = _series(x, x if y is None else y)
    n, m, radius = rows.shape[1], columns.shape[1], radius_of(window, rows.shape[1], columns.shape[1])
    left, right = radius + max(0, n - m), radius + max(0, m - n)
    table = np.zeros((len(rows), len(columns)), rows.dtype)
    all_pairs(rows, columns, y is None, left, right, table)
    if y is None:
        table += table.T
    table = np.sqrt(table)
    table[~np.isfinite(rows).all(axis=1)] = np.nan
    table[:, ~np.isfinite(columns).all(axis=1)] = np.nan
    return table


class Nearest(NamedTuple):
    """The nearest of some references to each series.

    Attributes
    ----------
    distance : ndarray of float32 or float64, shape (count,)
        NaN where a series misses a sample, or no reference is whole.
    place : ndarray of int64, shape (count,)
        Of the reference; -1 where there is none.
    computed : ndarray of int64, shape (count,)
        References that bounds had not excluded.
    """

    distance: np.ndarray
    place: np.ndarray
    computed: np.ndarray


def dtw_nearest(x: np.ndarray, references: np.ndarray, window: int | None = None) -> Nearest:
    """For each series the nearest reference, the same as by all distances, most of which are not computed.

    Parameters
    ----------
    x : ndarray of real numbers, shape (count, samples)
    references : ndarray of real numbers, shape (others, samples)
        Those with a missing sample take no part.
    window : int, optional
        As for `dtw`; the narrower, the more can be excluded.

    Returns
    -------
    Nearest

    Raises
    ------
    ValueError
        As for `dtw`, and where series and references differ in length.

    Notes
    -----
    Bounds are those of Kim (ends) and Keogh (belts, both ways round); a group of references is given up where
    no path can come below the best one so far.

    References
    ----------
    Kim, Park and Chu, An index-based approach for similarity search supporting time warping, ICDE 2001;
    Keogh and Ratanamahatana, Exact indexing of dynamic time warping, Knowl. Inf. Syst. 7 (2005).
    """
    from hpcflow_kernels.similarity.dtw_loops import nearest

    series, others = _series(x, references)
    n = series.shape[1]
    if others.shape[1] != n:
        raise ValueError(
            f"series of {n} samples have no bounds to references of {others.shape[1]}: resample one"
        )
    radius = radius_of(window, n, n)
    whole, part = np.isfinite(series).all(axis=1), np.isfinite(others).all(axis=1)
    low, high = belt(series, radius)
    lows, highs = belt(others, radius)
    found = Nearest(
        np.full(len(series), np.nan, series.dtype), np.full(len(series), -1), np.zeros(len(series), np.int64)
    )
    out = np.empty(2)
    for i in np.flatnonzero(whole):
        index = nearest(series[i], low[i], high[i], others, lows, highs, radius, part, out)
        found.place[i], found.computed[i] = index, out[1]
        found.distance[i] = np.sqrt(out[0]) if index >= 0 else np.nan
    return found


def _series(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both as contiguous rows of one type."""
    x, y = np.asarray(x), np.asarray(y)
    for some in (x, y):
        if some.ndim != 2 or some.shape[1] == 0:
            raise ValueError(
                f"series lie in rows of at least one sample, not in shape {some.shape}: reshape them"
            )
    dtype = np.float32 if x.dtype == y.dtype == np.float32 else np.float64
    return np.ascontiguousarray(x, dtype), np.ascontiguousarray(y, dtype)


def radius_of(window: int | None, n: int, m: int) -> int:
    """The largest distance in time of matched samples, the lengths' own where there is no limit.

    Raises
    ------
    ValueError
        Where the limit is negative.
    """
    if window is not None and window < 0:
        raise ValueError(f"matched samples are 0 or more samples apart, not {window}: change the window")
    return max(n, m) if window is None else min(window, max(n, m))


def belt(series: np.ndarray, radius: int) -> tuple[np.ndarray, np.ndarray]:
    """Smallest and largest sample within the radius of each sample."""
    from hpcflow_kernels.rolling.statistics import rolling_max, rolling_min

    size = 2 * radius + 1
    padded = np.pad(series, ((0, 0), (radius, radius)), "edge")
    low, high = rolling_min(padded, size)[:, size - 1 :], rolling_max(padded, size)[:, size - 1 :]
    return np.ascontiguousarray(low), np.ascontiguousarray(high)
