"""Compiled loops of change points."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled


@compiled
def cusum_scan(z: np.ndarray, drift: float, threshold: float, found: np.ndarray) -> int:
    """Two-sided cumulative sums; rows (alarm, onset, up) of `found`, and how many.

    Parameters
    ----------
    z : ndarray of float64, shape (samples,)
        In standard deviations from the mean; NaN is passed over.
    drift, threshold : float
        Taken off at each sample; height of an alarm.
    found : ndarray of int64, shape (samples, 3)
        Written to.
    """
    high, low, high_from, low_from, count = 0.0, 0.0, 0, 0, 0
    for i in range(len(z)):
        if np.isnan(z[i]):
            continue
        if high == 0.0:
            high_from = i
        if low == 0.0:
            low_from = i
        high = max(0.0, high + z[i] - drift)
        low = max(0.0, low - z[i] - drift)
        if high > threshold or low > threshold:
            up = high > threshold
            found[count, 0], found[count, 1], found[count, 2] = i, high_from if up else low_from, up
            count += 1
            high, low = 0.0, 0.0
    return count


@compiled
def pelt_scan(x: np.ndarray, penalty: float, least: int, last: np.ndarray) -> None:
    """The last change before each place in the best cut up to it.

    Parameters
    ----------
    x : ndarray of float64, shape (samples,)
        About zero, so that sums of squares keep their digits.
    penalty : float
        Cost of a change.
    least : int
        Fewest samples between changes.
    last : ndarray of int64, shape (samples + 1,)
        Written to; 0 where no change is before.
    """
    n = len(x)
    total, square = np.zeros(n + 1), np.zeros(n + 1)
    for i in range(n):
        total[i + 1], square[i + 1] = total[i] + x[i], square[i] + x[i] * x[i]
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    candidates, cost = np.empty(n + 1, np.int64), np.empty(n + 1)
    alive = 0
    last[:] = 0
    for t in range(least, n + 1):
        if t - least == 0 or t - least >= least:
            candidates[alive] = t - least
            alive += 1
        lowest, at = np.inf, 0
        for c in range(alive):
            s = candidates[c]
            sums = total[t] - total[s]
            cost[c] = best[s] + (square[t] - square[s]) - sums * sums / (t - s)
            if cost[c] < lowest:
                lowest, at = cost[c], s
        best[t], last[t] = lowest + penalty, at
        kept = 0
        for c in range(alive):
            if cost[c] <= best[t]:  # else it can never again be the best last change
                candidates[kept] = candidates[c]
                kept += 1
        alive = kept
