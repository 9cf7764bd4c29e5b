"""The stretches of a signal between its gaps."""

from __future__ import annotations

import numpy as np


def stretches(there: np.ndarray) -> list[tuple[int, int]]:
    """First sample and one past the last of each run of True.

    Parameters
    ----------
    there : ndarray of bool, shape (samples,)
        Gaps are few as a rule: what costs is their number, beside one look at all samples.

    Examples
    --------
    >>> stretches(np.array([True, True, False, True, False, False]))
    [(0, 2), (3, 4)]
    """
    missing = np.flatnonzero(~there)
    starts, stops = np.append(0, missing + 1), np.append(missing, len(there))
    some = stops > starts
    return list(zip(starts[some].tolist(), stops[some].tolist(), strict=True))
