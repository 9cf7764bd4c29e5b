"""Events of a record, in order of time: what the steps `peaks`, `crossings` and `bursts` give."""

from __future__ import annotations

import math

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.detection import events


def samples_of(duration: float, rate: float) -> int:
    """A duration in samples, the nearest whole number.

    Raises
    ------
    UnusableRecordError
        Where the record has no sampling rate.
    """
    return math.floor(duration * checked_rate(rate) + 0.5)


def checked_rate(rate: float) -> float:
    """The rate, where there is one.

    Raises
    ------
    UnusableRecordError
        Where there is none.
    """
    if not math.isfinite(rate):
        raise UnusableRecordError(
            "times of events follow from a sampling rate, which this record lacks: mend its time stamps, or "
            "state `sampling_rate [Hz]` in the table of `records`"
        )
    return rate


def peaks(
    *,
    signal: Rows,
    height: float | None,
    prominence: float | None,
    distance: float | None,
    width: float | None,
) -> dict[str, np.ndarray]:
    """Peaks of a record.

    Parameters
    ----------
    signal : Rows
        Samples or rows of one number each; NaN where missing.
    height, prominence : float, optional
        The least that counts, in the signal's units.
    distance, width : float, optional
        The least that counts, s.

    Returns
    -------
    dict
        ``time``, s since the first sample; ``height``, ``prominence``; ``width`` at half the
        prominence, s.
    """
    rate = checked_rate(signal.rate)
    place, found = events.find_peaks(
        signal.values,
        height=(height, None),
        distance=None if distance is None else max(1.0, distance * rate),
        prominence=(prominence, None),
        width=(None if width is None else width * rate, None),
    )
    return {
        "time": place / rate,
        "height": found["peak_heights"],
        "prominence": found["prominences"],
        "width": found["widths"] / rate,
    }


def crossings(*, signal: Rows, high: float, low: float | None) -> dict[str, np.ndarray]:
    """Crossings of a threshold with hysteresis.

    Parameters
    ----------
    signal : Rows
        Samples or rows of one number each; NaN where missing.
    high, low : float
        See `hpcflow_kernels.detection.events.threshold_crossings`.

    Returns
    -------
    dict
        ``time``, s since the first sample; ``direction``, 1 upward and -1 downward.
    """
    rate = checked_rate(signal.rate)
    found = events.threshold_crossings(signal.values, high, low)
    return {"time": found.place / rate, "direction": np.where(found.upward, 1.0, -1.0)}


def bursts(
    *, signal: Rows, high: float, low: float | None, least: float, merge: float
) -> dict[str, np.ndarray]:
    """Stretches above a threshold.

    Parameters
    ----------
    signal : Rows
        Samples or rows of one number each; NaN where missing.
    high, low : float
        See `hpcflow_kernels.detection.events.bursts`.
    least, merge : float
        Shortest burst, and longest stretch below that is bridged, s.

    Returns
    -------
    dict
        ``start``, ``duration``, ``peak_time``, s; ``peak``, ``mean``; ``whole``, 0 where a gap or
        the record's end may have cut the burst.
    """
    rate = checked_rate(signal.rate)
    x = signal.values
    found = events.bursts(x, high, low, max(1, samples_of(least, rate)), samples_of(merge, rate))
    length = found.stop - found.start
    return {
        "start": found.start / rate,
        "duration": length / rate,
        "peak_time": found.top / rate,
        "peak": x[found.top],
        "mean": found.mean,
        "whole": found.whole,
    }
