"""Events of a signal: peaks, crossings of a threshold, bursts."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Interval = Any
"""A least value, or a pair (least, most) of which either may be None, as in SciPy; arrays hold per sample."""


def find_peaks(
    x: Any,
    height: Interval = None,
    threshold: Interval = None,
    distance: float | None = None,
    prominence: Interval = None,
    width: Interval = None,
    wlen: float | None = None,
    rel_height: float = 0.5,
    plateau_size: Interval = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Local maxima with wanted properties: `scipy.signal.find_peaks`, with prominences in linear time.

    Parameters
    ----------
    x : array_like of float32 or float64, shape (samples,)
        A signal. No sample beside NaN is a peak, and no base lies beyond NaN: gaps part a record.
    height, threshold, prominence, width, plateau_size : number, array or pair of these, optional
        Bounds of the height, of the distance in height to both neighbours, of the prominence, of the width in
        samples, and of the samples at the top.
    distance : float, optional
        Fewest samples between peaks; lower ones are removed first, of equally high ones the earlier.
    wlen : float, optional
        Samples about a peak in which its bases are looked for.
    rel_height : float
        Where a width is measured: this part of the prominence below the peak.

    Returns
    -------
    peaks : ndarray of intp
        Their places, the middle of flat ones.
    properties : dict of str to ndarray
        By SciPy's names, for the conditions that were given.

    Raises
    ------
    ValueError
        Where `x` has not one axis, `distance` is below 1, or an array of bounds is not as long as `x`.
    TypeError
        Where `x` is complex.

    Notes
    -----
    Heights and prominences of float32 are computed in float64, so all results are SciPy's. Widths, and
    prominences inside `wlen`, are computed by SciPy.
    """
    from hpcflow_kernels.detection.events_loops import extremes, keep_apart, prominences

    x = np.asarray(x)
    if x.dtype.kind == "c":
        raise TypeError(f"complex numbers have no order, and so no peaks ({x.dtype}): give their modulus")
    x = np.ascontiguousarray(x, np.float32 if x.dtype == np.float32 else np.float64) if x.ndim == 1 else x
    if x.ndim != 1:
        raise ValueError(f"`x` must be a 1-D array, with time as its axis, not one of shape {x.shape}")
    if distance is not None and distance < 1:
        raise ValueError(f"`distance` must be one sample or more, not {distance}")
    index = np.int32 if len(x) < 2**31 else np.int64
    left, right, low_left, low_right = np.empty((4, len(x) // 2 + 1), index)
    count, lows, missing = extremes(x, left, right, low_left, low_right)
    left, right, low_left, low_right = left[:count], right[:count], low_left[:lows], low_right[:lows]
    every = (left + right) // 2
    chosen = np.arange(count)
    found: dict[str, np.ndarray] = {}

    def narrow(keep: np.ndarray) -> None:
        nonlocal chosen, found
        if not keep.all():
            kept = np.flatnonzero(keep)  # indices, for they are found without a branch
            chosen, found = chosen[kept], {name: values[kept] for name, values in found.items()}

    if plateau_size is not None:
        found = {"plateau_sizes": right - left + 1, "left_edges": left, "right_edges": right}
        narrow(_inside(found["plateau_sizes"], plateau_size, x, every))
    if height is not None:
        found["peak_heights"] = x[every[chosen]].astype(np.float64)
        narrow(_inside(found["peak_heights"], height, x, every[chosen]))
    if threshold is not None:
        at = every[chosen]
        top = x[at].astype(np.float64)
        before, after = top - x[at - 1], top - x[at + 1]
        found |= {"left_thresholds": before, "right_thresholds": after}
        least, most = _bounds(threshold, x, at)
        narrow(
            _inside(np.minimum(before, after), (least, None))
            & _inside(np.maximum(before, after), (None, most))
        )
    if distance is not None:
        keep = np.ones(len(chosen), np.bool_)
        at = every[chosen]
        keep_apart(at, _rising(x[at]), float(distance), keep)
        narrow(keep)
    if prominence is not None or width is not None:
        names = ("prominences", "left_bases", "right_bases")
        if wlen is None:
            columns = np.empty(count), np.empty(count, index), np.empty(count, index)
            prominences(x, left, right, low_left, low_right, missing, *columns)
            whole = len(chosen) == count
            found |= {n: v if whole else v[chosen] for n, v in zip(names, columns, strict=True)}
        else:
            from scipy.signal import peak_prominences

            found |= dict(zip(names, peak_prominences(x, every[chosen], wlen), strict=True))
    if prominence is not None:
        narrow(_inside(found["prominences"], prominence, x, every[chosen]))
    found = {n: v.astype(np.intp, copy=False) if v.dtype.kind == "i" else v for n, v in found.items()}
    if width is not None:
        from scipy.signal import peak_widths

        bases = found["prominences"], found["left_bases"], found["right_bases"]
        widths = peak_widths(x, every[chosen], rel_height, bases)
        found |= dict(zip(("widths", "width_heights", "left_ips", "right_ips"), widths, strict=True))
        narrow(_inside(found["widths"], width, x, every[chosen]))
    return every[chosen].astype(np.intp, copy=False), found


def _rising(values: np.ndarray) -> np.ndarray:
    """Indices that sort, of equals the earlier first; by a faster sort where few are equal."""
    from hpcflow_kernels.detection.events_loops import settle_ties

    order = np.argsort(values)
    return order if settle_ties(values, order) else np.argsort(values, kind="stable")


def _bounds(interval: Interval, x: np.ndarray, peaks: np.ndarray) -> tuple[Any, Any]:
    """Least and most, at the peaks where they are given for every sample."""
    try:
        least, most = interval
    except (TypeError, ValueError):
        least, most = interval, None
    at_peaks = []
    for name, bound in (("lower", least), ("upper", most)):
        if isinstance(bound, np.ndarray):
            if bound.size != x.size:
                raise ValueError(
                    f"the {name} bound has {bound.size} values and must have one for each of {x.size}"
                )
            bound = bound[peaks]
        at_peaks.append(bound)
    return at_peaks[0], at_peaks[1]


def _inside(
    values: np.ndarray, interval: Interval, x: np.ndarray | None = None, peaks: np.ndarray | None = None
) -> np.ndarray:
    least, most = interval if x is None or peaks is None else _bounds(interval, x, peaks)
    keep = np.ones(len(values), np.bool_)
    if least is not None:
        keep &= values >= least
    if most is not None:
        keep &= values <= most
    return keep


class Crossings(NamedTuple):
    """Where a signal crosses a threshold.

    Attributes
    ----------
    place : ndarray of float64, shape (crossings,)
        Samples and their parts: the straight line between two samples meets the threshold there.
    upward : ndarray of bool, shape (crossings,)
        Whether the signal rises.
    """

    place: np.ndarray
    upward: np.ndarray


def threshold_crossings(x: np.ndarray, high: float, low: float | None = None) -> Crossings:
    """Crossings of a threshold with hysteresis, as of a Schmitt trigger.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        After a missing sample (NaN) the next one says on which side the signal is; what happened meanwhile is
        no crossing.
    high, low : float
        The signal is above from a sample at `high` or more on, until one below `low`; `low` is `high` by
        default.

    Returns
    -------
    Crossings

    Raises
    ------
    ValueError
        Where `low` lies above `high`.

    Examples
    --------
    >>> found = threshold_crossings(np.array([0.0, 2, 0.75, 0.25, 1]), 1.0, 0.5)
    >>> found.place.tolist(), found.upward.tolist()
    ([0.5, 2.5, 4.0], [True, False, True])
    """
    from hpcflow_kernels.detection.events_loops import schmitt

    low = _checked_low(high, low)
    x = _row(x)
    place, upward = np.empty(len(x), np.int64), np.empty(len(x), np.bool_)
    count = schmitt(x, float(high), low, place, upward)
    at, up = place[:count], upward[:count].copy()
    before, after = x[at - 1].astype(np.float64), x[at].astype(np.float64)
    with np.errstate(invalid="ignore"):
        part = (np.where(up, high, low) - before) / (after - before)
    return Crossings(at - 1 + np.where(np.isfinite(part), part, 1.0), up)


class Bursts(NamedTuple):
    """Stretches of a signal above a threshold.

    Attributes
    ----------
    start, stop : ndarray of int64, shape (bursts,)
        First sample of each, and the one after its last.
    top : ndarray of int64, shape (bursts,)
        The first of its largest samples.
    mean : ndarray of float64, shape (bursts,)
        Mean of all its samples, those of bridged stretches below included.
    whole : ndarray of bool, shape (bursts,)
        Whether the signal was there, and below, on both sides: else the burst may have been longer.
    """

    start: np.ndarray
    stop: np.ndarray
    top: np.ndarray
    mean: np.ndarray
    whole: np.ndarray


def bursts(x: np.ndarray, high: float, low: float | None = None, least: int = 1, merge: int = 0) -> Bursts:
    """Stretches above a threshold that last, merged where they are close.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A missing sample (NaN) ends a burst; nothing is merged over it.
    high, low : float
        As for `threshold_crossings`.
    least : int
        Fewest samples of a burst, after merging.
    merge : int
        Most samples between two stretches that count as one burst.

    Returns
    -------
    Bursts

    Raises
    ------
    ValueError
        Where `low` lies above `high`, `least` is below 1 or `merge` below 0.

    Examples
    --------
    >>> found = bursts(np.array([0, 3, 0, 4, 0, 0, 0, 3, 0]), 2, least=2, merge=1)
    >>> found.start.tolist(), found.stop.tolist(), found.top.tolist()
    ([1], [4], [3])
    """
    from hpcflow_kernels.detection.events_loops import find_bursts

    if least < 1 or merge < 0:
        raise ValueError(
            f"a burst has one sample or more, and none or more are bridged: not least {least}, merge {merge}"
        )
    low = _checked_low(high, low)
    x = _row(x)
    found, mean = np.empty((len(x) // 2 + 1, 3), np.int64), np.empty(len(x) // 2 + 1)
    count = find_bursts(x, float(high), low, int(least), int(merge), found, mean)
    start, stop, top = found[:count].T.copy()
    beside = np.concatenate([[np.nan], x, [np.nan]])
    whole = np.isfinite(beside[start]) & np.isfinite(beside[stop + 1])
    return Bursts(start, stop, top, mean[:count].copy(), whole)


def _checked_low(high: float, low: float | None) -> float:
    if low is None:
        return float(high)
    if not low <= high:
        raise ValueError(f"`low` must not lie above `high` (found {low} and {high}): exchange them")
    return float(low)


def _row(x: np.ndarray) -> np.ndarray:
    x = np.asarray(x)
    if x.ndim != 1:
        raise ValueError(f"events are looked for along one axis, time, not in an array of shape {x.shape}")
    return np.ascontiguousarray(x, np.float32 if x.dtype == np.float32 else np.float64)
