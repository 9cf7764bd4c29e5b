"""Compiled loops of events: local maxima, their prominences, crossings and bursts."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined


@inlined
def _flat(x: np.ndarray, top: bool, first: np.ndarray, last: np.ndarray, count: int) -> int:
    """Leave of candidates those whose flat stretch ends as it should; write their last samples."""
    end = len(x) - 1
    kept = 0
    for k in range(count):
        i = first[k]
        j = i
        while j < end and x[j + 1] == x[i]:
            j += 1
        if j < end and (x[j + 1] < x[i] if top else x[j + 1] > x[i]):
            first[kept], last[kept] = i, j
            kept += 1
    return kept


@compiled
def extremes(
    x: np.ndarray, left: np.ndarray, right: np.ndarray, low_left: np.ndarray, low_right: np.ndarray
) -> tuple[int, int, bool]:
    """Edges of all local maxima and minima, flat ones once; how many of each, and whether NaN is there.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        NaN is no extreme, and nothing beside it is.
    left, right, low_left, low_right : ndarray of int32 or int64, shape (samples // 2 + 1,)
        Written to: first and last sample of each maximum, and of each minimum.
    """
    tops, lows, missing = 0, 0, 0
    for i in range(1, len(x) - 1):  # without a branch: a rise that no rise follows, a fall that no fall does
        before, here, after = x[i - 1], x[i], x[i + 1]
        left[tops], low_left[lows] = i, i
        tops += (before < here) & (here >= after)
        lows += (before > here) & (here <= after)
        missing += here != here
    tops, lows = _flat(x, True, left, right, tops), _flat(x, False, low_left, low_right, lows)
    return tops, lows, missing > 0


@compiled
def prominences(
    x: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    low_left: np.ndarray,
    low_right: np.ndarray,
    missing: bool,
    prominence: np.ndarray,
    left_base: np.ndarray,
    right_base: np.ndarray,
) -> None:
    """Prominence and bases of all local maxima, in time linear in the samples.

    A stack holds maxima that fall from bottom to top, each with the lowest valley between it and the one
    below it on the stack: its left base. A maximum removes all that it surmounts: what is lowest between one
    of them and itself is the right base of that one. So each is pushed and removed once.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    left, right, low_left, low_right : ndarray of int32 or int64, shape (maxima,) and (minima,)
        From `extremes`, all of them.
    prominence : ndarray of float64, shape (maxima,)
        Written to.
    left_base, right_base : ndarray of int32 or int64, shape (maxima,)
        Written to: the lowest sample on either side, of equal ones the nearest.
    """
    count, lows = len(left), len(low_left)
    far = np.empty(count, left.dtype)  # of equal lowest samples on the left the farthest
    equal = np.empty(count, left.dtype)  # the maximum of equal height that removed one, else -1
    stack, heights = np.empty(count, left.dtype), np.empty(count, x.dtype)
    top, low = 0, 0
    for k in range(count + 1):
        while low < lows and k < count and low_right[low] < left[k]:
            low += 1
        joined = 0 < k < count and low > 0 and low_left[low - 1] > right[k - 1]
        if joined and missing:  # else slopes lead from one maximum through one valley to the next
            i = low_left[low - 1]
            while i < left[k] and x[i + 1] >= x[i]:
                i += 1
            joined = i == left[k]
            i = low_left[low - 1]
            while i > right[k - 1] and x[i - 1] >= x[i]:
                i -= 1
            joined = joined and i == right[k - 1]
        if joined:
            first, last = low_left[low - 1], low_right[low - 1]
        else:
            if k > 0:  # a gap or the record's end: what is left on the stack has its right bases here
                first = right[k - 1]
                i = first
                while i < len(x) - 1 and x[i + 1] <= x[i]:
                    i += 1
                    if x[i] < x[first]:
                        first = i
                while top > 0:
                    top -= 1
                    s = stack[top]
                    right_base[s], equal[s] = first, -1
                    if x[left_base[s]] <= x[first]:
                        first = far[s]
            if k == count:
                break
            last = left[k]
            i = last
            while i > 0 and x[i - 1] <= x[i]:
                i -= 1
                if x[i] < x[last]:
                    last = i
            first = last
        height, lowest = x[left[k]], x[last]
        while top > 0 and heights[top - 1] <= height:
            top -= 1
            s = stack[top]
            right_base[s], equal[s] = first, k if heights[top] == height else -1
            below = x[left_base[s]]
            if below < lowest:
                lowest, first, last = below, far[s], left_base[s]
            elif below == lowest:
                first = far[s]
        left_base[k], far[k] = last, first
        stack[top], heights[top] = k, height
        top += 1
    for k in range(count - 1, -1, -1):
        if equal[k] >= 0 and x[right_base[equal[k]]] < x[right_base[k]]:
            right_base[k] = right_base[equal[k]]
        base = max(x[left_base[k]], x[right_base[k]])
        prominence[k] = np.float64(x[left[k]]) - np.float64(base)


@compiled
def settle_ties(values: np.ndarray, order: np.ndarray) -> bool:
    """Put equals in order of place after an unstable sort; False where more than 32 are equal.

    Parameters
    ----------
    values : ndarray
    order : ndarray of int64, of the same shape
        Indices that sort `values`; written to.
    """
    start = 0
    for i in range(1, len(order)):
        if values[order[i]] != values[order[i - 1]]:
            start = i
            continue
        if i - start >= 32:
            return False
        moved, j = order[i], i
        while j > start and order[j - 1] > moved:
            order[j] = order[j - 1]
            j -= 1
        order[j] = moved
    return True


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
