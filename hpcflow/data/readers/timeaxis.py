"""Time stamps of a file as a sampling rate where they are regular, and as seconds where they are not."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from hpcflow.errors import DataError

TIME = "time"
"""The variable that holds time stamps; it is stored only where they are irregular."""

JITTER = 0.25
"""Largest distance of a stamp from the regular grid, in sampling intervals: a stamp printed in milliseconds
stays within it up to 500 Hz, and one missing sample breaks it."""

STRETCH = 1 << 18
"""Stamps fitted at a time: an axis may be as long as memory allows, so no second one is made of it."""


def stretched(size: int, step: int = STRETCH) -> Iterator[tuple[int, int]]:
    """Consecutive [start, stop) of at most `step`.

    >>> list(stretched(5, 2))
    [(0, 2), (2, 4), (4, 5)]
    """
    for start in range(0, size, step):
        yield start, min(size, start + step)


_NAME = re.compile(
    r"(date ?time|time|time ?stamp|date|elapsed|elapsed time|t)(?:_(s|ms|us|ns))?", re.IGNORECASE
)


def is_time_name(name: str) -> bool:
    """Whether a header names a column of time stamps.

    >>> [is_time_name(name) for name in ("Time", "timestamp", "time_ms", "lifetime")]
    [True, True, True, False]
    """
    return _NAME.fullmatch(name.strip().replace("-", " ")) is not None


def units_of_name(name: str) -> str | None:
    """Units in a time column's name: ``time_ms`` is in ms.

    >>> units_of_name("time_ms"), units_of_name("time")
    ('ms', None)
    """
    found = _NAME.fullmatch(name.strip().replace("-", " "))
    return found[2] if found else None


def seconds(stamps: np.ndarray, units: str | None, first: np.ndarray | None = None) -> np.ndarray:
    """Seconds since the first stamp.

    Whole numbers and dates are subtracted before they become floating point, so that nanoseconds since 1970
    keep their nanoseconds.

    Parameters
    ----------
    stamps : ndarray, shape (samples,)
        Numbers, or datetime64.
    units : str or None
        Of numbers; seconds where None.
    first : ndarray, shape (1,), optional
        The first stamp, where `stamps` are a later stretch.

    Returns
    -------
    ndarray of float64, shape (samples,)

    Raises
    ------
    DataError
        If the units are no units of time.
    """
    from hpcflow.units import UnitError, convert

    first = stamps[:1] if first is None else first
    if stamps.dtype.kind == "M":
        ticks = (stamps - first).astype("timedelta64[ns]")
        found: np.ndarray = ticks.astype(np.int64).astype(np.float64) / 1e9
        found[np.isnat(ticks)] = math.nan
        return found
    try:
        factor, _, _ = convert(units, "duration") if units else (1.0, 0.0, "s")
    except UnitError as error:
        raise DataError(f"has a time axis in {units!r}: {error.rule}; {error.remedy}") from None
    if stamps.dtype.kind == "u":
        stamps, first = stamps.astype(np.int64), first.astype(np.int64)
    since: np.ndarray = (stamps - first).astype(np.float64, copy=False)
    # Dividing by the exact inverse keeps 0.001 s steps the floats that a person would write.
    if factor < 1:
        since /= round(1 / factor)
    elif factor != 1:
        since *= factor
    return since


def rate_of(since: np.ndarray) -> float:
    """Samples per second of regular stamps; NaN where they are irregular.

    Regular means: no stamp is further than `JITTER` of an interval from the straight line fitted through all.
    The rate is the shortest decimal number that moves no stamp further than the stamps scatter themselves, so
    that rounded stamps give the rate that was set.

    Parameters
    ----------
    since : ndarray of float64, shape (samples,)
        Seconds since the first stamp.

    Examples
    --------
    >>> rate_of(np.round(np.arange(500) / 204.8, 3))
    204.8
    >>> rate_of(np.array([0.0, 1.0, 2.0, 4.0]))
    nan
    """
    return rate_of_parts(len(since), lambda: [since])


def rate_of_parts(count: int, parts: Callable[[], Iterable[np.ndarray]]) -> float:
    """`rate_of` for stamps that are never all in memory.

    Parameters
    ----------
    count : int
        Stamps.
    parts : callable
        Gives the seconds since the first stamp in consecutive parts; called twice.
    """
    if count < 2:
        return math.nan
    totals, moments, last = [], [], 0.0
    for index, since in _stretches(count, parts()):
        if not np.isfinite(since).all():
            return math.nan
        totals.append(float(since.sum()))
        moments.append(float(np.dot(index, since)))
        last = float(since[-1])
    if last <= 0:
        return math.nan
    mean, step = math.fsum(totals) / count, math.fsum(moments) / (count * (count * count - 1) / 12)
    if step <= 0:
        return math.nan
    apart = 0.0
    for index, since in _stretches(count, parts()):
        apart = max(apart, float(np.abs(since - mean - index * step).max()))
        if apart > JITTER * step:
            return math.nan
    rate = 1 / step
    slack = rate * max(apart / (step * (count - 1)), 1e-12 if count < 3 else 1e-9)
    for digits in range(1, 12):
        plain = float(f"{rate:.{digits}g}")
        if abs(plain - rate) <= slack:
            return plain
    return rate


def fault_of(parts: Iterable[np.ndarray]) -> str:
    """What keeps stamps from being regular, at its first place.

    Parameters
    ----------
    parts : iterable of ndarray
        Seconds since the first stamp, in consecutive parts.

    Examples
    --------
    >>> fault_of([np.array([0.0, 0.1, 0.2]), np.array([0.1, 0.2])])
    'stamp 4 is not after the one before it (0.1 s, 0.2 s)'
    >>> fault_of([np.array([0.0, 1.0, 2.0, 5.0, 6.0])])
    'stamp 4 comes 3 s after the one before it, where 1 s is usual'
    >>> fault_of([np.array([0.0, np.nan])])
    'stamp 2 is missing'
    """
    place, last, usual = 0, np.empty(0), math.nan
    widest, at = 0.0, 0
    for part in (whole[a:b] for whole in parts for a, b in stretched(len(whole))):
        since = np.concatenate([last, part])
        steps, first = np.diff(since), place - len(last) + 2  # number of the stamp behind the first step
        missing = np.flatnonzero(~np.isfinite(part))
        if len(missing):
            return f"stamp {place + missing[0] + 1} is missing"
        back = np.flatnonzero(steps <= 0)
        if len(back):
            k = int(back[0])
            return (
                f"stamp {first + k} is not after the one before it ({since[k + 1]:.10g} s, {since[k]:.10g} s)"
            )
        if len(steps):
            usual = float(np.median(steps)) if math.isnan(usual) else usual
            k = int(np.argmax(np.abs(steps - usual)))
            if abs(steps[k] - usual) > abs(widest - usual) or not at:
                widest, at = float(steps[k]), first + k
        place, last = place + len(part), part[-1:]
    if not at:
        return "it holds a single stamp"
    return f"stamp {at} comes {widest:.6g} s after the one before it, where {usual:.6g} s is usual"


def _stretches(count: int, parts: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places about the middle one, and stamps, a stretch at a time."""
    place, middle = 0, (count - 1) / 2
    for part in parts:
        for start in range(0, len(part), STRETCH):
            since = part[start : start + STRETCH]
            yield np.arange(place, place + len(since)) - middle, since
            place += len(since)
