"""For each subsequence of a record, the one most like it in any record of a dataset."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.contract import Records, Rows, UnusableRecordError
from hpcflow_kernels.similarity.profile import Search, matrix_profile
from hpcflow_kernels.similarity.profile_contracts import window_samples


def profile_join(*, signal: Rows, references: Records, window: float) -> dict[str, np.ndarray]:
    """Matrix profile of a record against all records of a dataset, itself left out.

    Parameters
    ----------
    signal : Rows
        Samples on a regular grid; NaN where missing.
    references : Records
        Those of another rate, or shorter than the window, take no part.
    window : float
        Length of the subsequences, s; the nearest whole number of samples.

    Returns
    -------
    dict
        ``distance`` (float32), ``neighbour`` (float64, start of the subsequence most like it, s since its
        record's first sample) and ``reference`` (int64, place of that record, -1 where there is none), a row
        for each subsequence; NaN where it misses samples or has no neighbour.

    Raises
    ------
    UnusableRecordError
        Where the record has no rate, or the window fewer than 3 samples.
    """
    return join_by(matrix_profile, signal, references, window)


def join_by(search: Search, signal: Rows, references: Records, window: float) -> dict[str, np.ndarray]:
    """Fields as `profile_join` has them, with profiles made by ``search``.

    Raises
    ------
    UnusableRecordError
        Where the window has fewer than three samples.
    """
    m = window_samples(window, signal.rate)
    if m == 0:
        raise UnusableRecordError(
            f"{window:g} s have fewer than 3 samples at {signal.rate:g} Hz: a matrix profile needs a "
            "sampling rate and a longer window"
        )
    rows = max(0, len(signal.values) - m + 1)
    distance, neighbour = np.full(rows, np.inf), np.full(rows, np.nan)
    reference = np.full(rows, -1)
    for place, other in enumerate(references.rows):
        if rows == 0 or other is None or place == references.own or len(other.values) < m:
            continue
        if not abs(other.rate - signal.rate) <= 1e-6 * signal.rate:
            continue
        found = search(signal.values, m, other.values)
        nearer = (found.neighbour >= 0) & (found.distance < distance)
        distance[nearer], reference[nearer] = found.distance[nearer], place
        neighbour[nearer] = found.neighbour[nearer] / signal.rate
    return {
        "distance": np.where(reference >= 0, distance, np.nan).astype(np.float32),
        "neighbour": neighbour,
        "reference": reference,
    }
