"""Changes of level of a record, in order of time: the steps `change_points` and `cusum`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.detection import changes
from hpcflow_kernels.detection.events_records import checked_rate, samples_of
from hpcflow_kernels.quality.defects import MAD_TO_SIGMA


def change_points(*, signal: Rows, points: int, penalty: float | None, least: float) -> dict[str, np.ndarray]:
    """Where the level of a record changes.

    Parameters
    ----------
    signal : Rows
        Samples or rows of one number each; missing ones (NaN) are passed over.
    points : int
        Into how many stretches the record is divided; levels are those of their medians. Where it has fewer
        samples, each stands for itself.
    penalty : float, optional
        See `hpcflow_kernels.detection.changes.pelt`.
    least : float
        Shortest level, s.

    Returns
    -------
    dict
        ``time``, s since the first sample; ``level``, mean of the medians from there to the next
        change; ``change``, that less the level before.
    """
    rate = checked_rate(signal.rate)
    found = changes.medians(signal.values, points)
    there = np.isfinite(found.value)
    when, value = found.middle[there], found.value[there]
    stretch = len(signal.values) / max(1, len(found.value))
    fewest = max(1, int(np.ceil(samples_of(least, rate) / stretch))) if len(value) else 1
    first = changes.pelt(value, penalty, fewest)
    edges = np.concatenate([[0], first, [len(value)]]).astype(np.int64)
    level = np.array([value[a:b].mean() for a, b in pairwise(edges) if b > a])
    change = np.diff(level)
    return {
        "time": (when[first] - (stretch - 1) / 2) / rate,
        "level": level[1:],
        "change": change,
    }


def cusum(
    *,
    signal: Rows,
    mean: float | None,
    std: float | None,
    reference: float | None,
    drift: float,
    threshold: float,
) -> dict[str, np.ndarray]:
    """When the level of a record has moved away from what it was.

    Parameters
    ----------
    signal : Rows
        Samples or rows of one number each; missing ones (NaN) are passed over.
    mean, std : float, optional
        Of the signal while nothing is wrong.
    reference : float, optional
        Or the time from the record's start in which nothing was wrong, s: the median and 1.4826 median
        absolute deviations of those samples are taken.
    drift, threshold : float
        See `hpcflow_kernels.detection.changes.cusum`.

    Returns
    -------
    dict
        ``time`` of the alarm and ``onset``, about when the change began, s since the first sample;
        ``direction``, 1 where the level rose and -1 where it fell.

    Raises
    ------
    UnusableRecordError
        Where the reference holds fewer than 10 samples, or does not vary.
    """
    rate = checked_rate(signal.rate)
    x = signal.values
    if mean is None or std is None:
        part = x[: samples_of(reference or 0.0, rate)]
        part = part[np.isfinite(part)].astype(np.float64)
        if len(part) < 10:
            raise UnusableRecordError(
                f"a reference needs 10 samples or more to say what varies (found {len(part)}): lengthen it"
            )
        mean = float(np.median(part))
        std = MAD_TO_SIGMA * float(np.median(np.abs(part - mean)))
        if not std > 0:
            raise UnusableRecordError(
                "more than half of the reference is one value, which tells no spread: give `mean` and `std`"
            )
    found = changes.cusum(x, mean, std, drift, threshold)
    return {
        "time": found.alarm / rate,
        "onset": found.onset / rate,
        "direction": np.where(found.upward, 1.0, -1.0),
    }
