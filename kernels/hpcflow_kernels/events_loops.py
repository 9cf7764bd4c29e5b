"""Compiled loops of events: local maxima, their prominences, crossings and bursts."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled


@compiled
def maxima(x: np.ndarray, left: np.ndarray, right: np.ndarray) -> int:
    """Edges of all local maxima, flat ones once, and how many there are.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        NaN is no maximum, and nothing beside it is.
    left, right : ndarray of int64, shape (samples // 2 + 1,)
        Written to: first and last sample of each.
    """
    last = len(x) - 1
    count = 0
    for i in range(1, last):  # without a branch: a rise that is not followed by a rise
        left[count] = i
        count += (x[i - 1] < x[i]) & (x[i] >= x[i + 1])
    kept = 0
    for k in range(count):
        i = left[k]
        j = i
        while j < last and x[j + 1] == x[i]:
            j += 1
        if j < last and x[j + 1] < x[i]:
            left[kept], right[kept] = i, j
            kept += 1
    return kept


@compiled
def prominences(
    x: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    prominence: np.ndarray,
    left_base: np.ndarray,
    right_base: np.ndarray,
) -> None:
    """Prominence and bases of all local maxima, in time linear in the samples.

    The valley on either side of a maximum is found by walking down from it, so each sample is visited at
    most twice. A stack of maxima that fall from bottom to top then holds, for each, the lowest valley
    between it and the next higher one before it; a maximum takes over the valleys of all those it
    surmounts and removes them, so each is pushed and removed once.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    left, right : ndarray of int64, shape (maxima,)
        From `maxima`, all of them.
    prominence : ndarray of float64, shape (maxima,)
        Written to.
    left_base, right_base : ndarray of int64, shape (maxima,)
        Written to: the lowest sample on either side, of equal ones the nearest.
    """
    n, count = len(x), len(left)
    apart = np.empty(count + 1, np.bool_)  # whether missing samples lie before a maximum, after the last
    apart[0], apart[count] = True, True
    reached = -1
    for k in range(count):
        i = left[k]
        base = i
        while i > 0 and x[i - 1] <= x[i]:
            i -= 1
            if x[i] < x[base]:
                base = i
        if k > 0:
            apart[k] = i > reached
        left_base[k] = base
        i = right[k]
        base = i
        while i < n - 1 and x[i + 1] <= x[i]:
            i += 1
            if x[i] < x[base]:
                base = i
        reached, right_base[k] = i, base
    stack = np.empty(count, np.int64)
    top = 0
    for k in range(count):
        if apart[k]:
            top = 0
        base, height = left_base[k], x[left[k]]
        while top > 0 and x[left[stack[top - 1]]] <= height:
            top -= 1
            if x[left_base[stack[top]]] < x[base]:
                base = left_base[stack[top]]
        left_base[k] = base
        stack[top] = k
        top += 1
    top = 0
    for k in range(count - 1, -1, -1):
        if apart[k + 1]:
            top = 0
        base, height = right_base[k], x[left[k]]
        while top > 0 and x[left[stack[top - 1]]] <= height:
            top -= 1
            if x[right_base[stack[top]]] < x[base]:
                base = right_base[stack[top]]
        right_base[k] = base
        stack[top] = k
        top += 1
        prominence[k] = np.float64(height) - np.float64(max(x[left_base[k]], x[base]))


@compiled
def keep_apart(peaks: np.ndarray, order: np.ndarray, distance: float, keep: np.ndarray) -> None:
    """Strike out peaks nearer than `distance` samples to one that comes later in `order` and stays.

    Parameters
    ----------
    peaks, order : ndarray of int64, shape (peaks,)
        Rising places, and their indices from the least to the most wanted.
    distance : float
        In samples.
    keep : ndarray of bool, shape (peaks,)
        True everywhere; written to.
    """
    for i in range(len(order) - 1, -1, -1):
        j = order[i]
        if not keep[j]:
            continue
        k = j - 1
        while k >= 0 and peaks[j] - peaks[k] < distance:
            keep[k] = False
            k -= 1
        k = j + 1
        while k < len(peaks) and peaks[k] - peaks[j] < distance:
            keep[k] = False
            k += 1


@compiled
def schmitt(x: np.ndarray, high: float, low: float, place: np.ndarray, upward: np.ndarray) -> int:
    """Crossings with hysteresis, and how many there are.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        After NaN, and at the start, nothing is known: the next sample sets the state and is no crossing.
    high, low : float
        The state is above from a sample at `high` or more on, until one below `low`.
    place : ndarray of int64, shape (samples,)
        Written to: the first sample in the new state.
    upward : ndarray of bool, shape (samples,)
        Written to.
    """
    count, known, above = 0, False, False
    for i in range(len(x)):
        v = x[i]
        if np.isnan(v):
            known = False
        elif not known:
            known, above = True, v >= high
        elif above != (v >= (low if above else high)):
            above = not above
            place[count], upward[count] = i, above
            count += 1
    return count


@compiled
def find_bursts(
    x: np.ndarray, high: float, low: float, least: int, merge: int, found: np.ndarray, mean: np.ndarray
) -> int:
    """Stretches above a threshold, and how many there are.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        NaN ends a stretch.
    high, low : float
        As for `schmitt`.
    least, merge : int
        Fewest samples of a burst; most samples below between two stretches that are one burst.
    found : ndarray of int64, shape (samples // 2 + 1, 3)
        Written to: first sample, the one after the last, the largest.
    mean : ndarray of float64, shape (samples // 2 + 1,)
        Written to.
    """
    count, n = 0, len(x)
    above, inside = False, False
    start, stop, top = 0, 0, 0
    total, total_at_stop = 0.0, 0.0
    for i in range(n + 1):
        missing = i == n or np.isnan(x[i])
        above = (not missing) and x[i] >= (low if above else high)
        if inside and (missing or (not above and i + 1 - stop > merge)):
            inside = False
            if stop - start >= least:
                found[count, 0], found[count, 1], found[count, 2] = start, stop, top
                mean[count] = total_at_stop / (stop - start)
                count += 1
        if above and not inside:
            inside, start, top, total = True, i, i, 0.0
        if inside:
            total += x[i]
            if above:
                stop, total_at_stop = i + 1, total
                if x[i] > x[top]:
                    top = i
    return count
