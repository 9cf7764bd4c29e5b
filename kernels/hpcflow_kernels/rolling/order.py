"""Rolling median, quantiles and ranks: what depends on the order of the samples in a window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.rolling.rows import by_row, whole_windows

LONGEST = 600
"""Samples of a window up to which every place of it is looked at for each result; SciPy's heap beyond."""

STRETCH = 4112
"""Results of one lane at a time; no power of two, so that lanes do not meet in the same cache lines."""


def rolling_median(x: np.ndarray, n: int) -> np.ndarray:
    """Median of the last n samples; the mean of the two middle ones where n is even.

    Parameters
    ----------
    x : ndarray of real numbers, shape (..., samples)
        float32 stays float32; all else is computed in float64. NaN harms the windows it lies in.
    n : int
        Samples of a window, at least 1.

    Returns
    -------
    ndarray
        Of the shape of `x`; NaN for the first n - 1 samples. Exact where n is odd, one rounding where even.

    Examples
    --------
    >>> rolling_median(np.array([1.0, 9.0, 2.0, 3.0]), 3).tolist()
    [nan, nan, 2.0, 3.0]
    """
    return rolling_quantile(x, n, 0.5)


def rolling_quantile(x: np.ndarray, n: int, q: float) -> np.ndarray:
    """Quantile of the last n samples; arguments and result otherwise as for `rolling_median`.

    Parameters
    ----------
    q : float
        From 0 (smallest) to 1 (largest). Between two samples, on the straight line, as `numpy.quantile`
        does by default: Hyndman and Fan, Sample quantiles in statistical packages, The American
        Statistician 50 (1996), definition 7.

    Raises
    ------
    ValueError
        Where `q` lies outside [0, 1].
    """
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile lies between 0 and 1, not at {q}")
    place = q * (n - 1)
    if abs(place - round(place)) < 1e-9:
        place = round(place)
    k = math.floor(place)
    share = place - k

    def fill(row: np.ndarray, out: np.ndarray) -> None:
        with whole_windows(row, n, out) as clean:
            (_by_heap if n > LONGEST else _by_lanes)(clean, n, k, share, out)

    return by_row(x, n, fill)


def rolling_rank(x: np.ndarray, n: int, place: int | None = None) -> np.ndarray:
    """Rank of a sample among the window of n samples that it is the last of, as a share of n.

    The largest of the window has 1, the smallest 1 / n; equal samples share the mean of their ranks.
    Arguments and result otherwise as for `rolling_median`; `place` ranks another sample of the window.
    """
    from hpcflow_kernels.rolling.order_loops import ranks

    def fill(row: np.ndarray, out: np.ndarray) -> None:
        with whole_windows(row, n, out) as clean:
            rows = -(-len(out) // 8) * 8
            result = np.empty(rows, row.dtype)
            ranks(np.pad(clean, (0, rows - len(out) + 8)), n, n - 1 if place is None else place, result)
            out[:] = result[: len(out)]

    return by_row(x, n, fill)


def _by_lanes(row: np.ndarray, n: int, k: int, share: float, out: np.ndarray) -> None:
    from hpcflow_kernels.rolling.order_loops import order_statistic

    for part in in_lanes(row, n, len(out)):
        result = np.empty(part.steps * LANES, row.dtype)
        order_statistic(part.samples, n, k, share, part.window, result)
        out[part.rows] = part.in_order(result)


LANES = 16


class Lanes(NamedTuple):
    """Part of a row as sixteen stretches side by side."""

    rows: slice
    """Of the results."""
    steps: int
    """Results of one stretch."""
    samples: np.ndarray
    """Sample t of stretch l at ``16 * t + l``; no negative zeros, so that equal samples have equal bits."""
    window: np.ndarray
    """The first n samples of each stretch, sorted, and infinity."""

    def in_order(self, result: np.ndarray) -> np.ndarray:
        """Results of the stretches, laid out as `samples`, one after another."""
        count = self.rows.stop - self.rows.start
        return result.reshape(self.steps, LANES).T.ravel()[:count]


def in_lanes(row: np.ndarray, n: int, rows: int) -> Iterator[Lanes]:
    """Cut a row that has so many windows for the loops in `hpcflow_kernels.rolling.order_loops`."""
    most = max(STRETCH, 8 * n + 16)
    for start in range(0, rows, LANES * most):
        count = min(LANES * most, rows - start)
        steps = -(-count // LANES)
        part = row[start : start + count + n - 1]
        part = np.pad(part, (0, LANES * steps - count))
        by = part.strides[0]
        shape = (steps + n - 1, LANES)
        side_by_side = np.lib.stride_tricks.as_strided(part, shape, (by, steps * by)).copy()
        side_by_side += 0
        window = np.full((n + 1, LANES), np.inf, row.dtype)
        window[:n] = np.sort(side_by_side[:n], axis=0)
        yield Lanes(slice(start, start + count), steps, side_by_side.ravel(), window.ravel())


def _by_heap(row: np.ndarray, n: int, k: int, share: float, out: np.ndarray) -> None:
    from scipy.ndimage import rank_filter

    def at(rank: int) -> np.ndarray:
        values: np.ndarray = rank_filter(row + 0, rank, size=n)[n // 2 :][: len(out)]
        return values

    a = at(k)
    if share > 0:
        b = at(k + 1)
        with np.errstate(invalid="ignore"):
            a = np.where(a < b, a + (b - a) * row.dtype.type(share), a)
    out[:] = a
