"""Time stamps of a file as a sampling rate where they are regular, and as seconds where they are not."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

import numpy as np

from hpcflow.errors import DataError

TIME = "time"
"""The variable that holds time stamps; it is stored only where they are irregular."""

JITTER = 0.25
"""Largest distance of a stamp from the regular grid, in sampling intervals: a stamp printed in milliseconds
stays within it up to 500 Hz, and one missing sample breaks it."""

STRETCH = 1 << 18
"""Stamps fitted at a time: an axis may be as long as memory allows, so no second one is made of it."""

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


def seconds(stamps: np.ndarray, units: str | None) -> np.ndarray:
    """Seconds since the first stamp.

    Whole numbers and dates are subtracted before they become floating point, so that nanoseconds since 1970
    keep their nanoseconds.

    Parameters
    ----------
    stamps : ndarray, shape (samples,)
        Numbers, or datetime64.
    units : str or None
        Of numbers; seconds where None.

    Returns
    -------
    ndarray of float64, shape (samples,)

    Raises
    ------
    DataError
        If the units are no units of time.
    """
    from hpcflow.units import UnitError, convert

    if stamps.dtype.kind == "M":
        ticks = (stamps - stamps[:1]).astype("timedelta64[ns]")
        found: np.ndarray = ticks.astype(np.int64).astype(np.float64) / 1e9
        found[np.isnat(ticks)] = math.nan
        return found
    try:
        factor, _, _ = convert(units, "duration") if units else (1.0, 0.0, "s")
    except UnitError as error:
        raise DataError(f"has a time axis in {units!r}: {error.rule}; {error.remedy}") from None
    if stamps.dtype.kind == "u":
        stamps = stamps.astype(np.int64)
    since: np.ndarray = (stamps - stamps[:1]).astype(np.float64, copy=False)
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
    count = len(since)
    if count < 2 or not np.isfinite(since).all() or since[-1] <= since[0]:
        return math.nan
    mean = float(since.mean())
    moment = math.fsum(float(np.dot(index, centred)) for index, centred in _stretches(since, mean))
    step = moment / (count * (count * count - 1) / 12)
    apart = max(float(np.abs(centred - index * step).max()) for index, centred in _stretches(since, mean))
    if step <= 0 or apart > JITTER * step:
        return math.nan
    rate = 1 / step
    slack = rate * max(apart / (step * (count - 1)), 1e-12 if count < 3 else 1e-9)
    for digits in range(1, 12):
        plain = float(f"{rate:.{digits}g}")
        if abs(plain - rate) <= slack:
            return plain
    return rate


def _stretches(since: np.ndarray, mean: float) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Places about the middle one, and stamps about their mean, a stretch at a time."""
    middle = (len(since) - 1) / 2
    for start in range(0, len(since), STRETCH):
        part = since[start : start + STRETCH]
        yield np.arange(start, start + len(part)) - middle, part - mean
