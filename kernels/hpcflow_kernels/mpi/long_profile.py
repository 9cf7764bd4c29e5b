"""The matrix profile of one long record, its table of correlations searched by many ranks."""

from __future__ import annotations

import math

import numpy as np

from hpcflow_kernels.contract import UnusableRecordError
from hpcflow_kernels.mpi.shares import dealt, fair
from hpcflow_kernels.ranks import Ranks, Share, Spread
from hpcflow_kernels.similarity.profile import groups, named, own_best, table
from hpcflow_kernels.similarity.profile_contracts import window_samples


def long_matrix_profile(*, ranks: Ranks, signal: Spread, window: float) -> Share:
    """Matrix profile of a record with itself; the bits of `similarity.motifs.profile_of_record`.

    Every rank holds the record. The groups of diagonals of the table of correlations, long ones and short
    ones, are dealt to ranks; each finds the best neighbour of every subsequence on its own groups. Then each
    gets from all ranks what they have found for its share of the subsequences, and keeps the best.

    Parameters
    ----------
    ranks : Ranks
    signal : Spread
        Samples on a regular grid; NaN where missing.
    window : float
        Length of the subsequences, s; the nearest whole number of samples.

    Returns
    -------
    Share
        ``distance`` (float32) and ``neighbour`` (float64, s since the first sample) of this rank's
        subsequences; NaN where they miss samples or have no neighbour.

    Raises
    ------
    UnusableRecordError
        On every rank alike, where the record has no rate, or the window fewer than 3 samples.

    Notes
    -----
    Of neighbours equally near, the one is kept that a single rank sees first.
    """
    from hpcflow_kernels.similarity.profile_loops import GROUP

    m = window_samples(window, signal.rate)
    if m == 0:
        raise UnusableRecordError(
            f"{window:g} s have fewer than 3 samples at {signal.rate:g} Hz: a matrix profile needs "
            "a sampling rate and a longer window"
        )
    if signal.samples < m:
        return Share(0, {"distance": np.empty(0, np.float32), "neighbour": np.empty(0)})
    x = signal.read(0, signal.samples)
    zone = math.ceil(m / 4)
    own = table(x, m, None, np.dtype(np.float32 if x.dtype == np.float32 else np.float64))
    order = groups(own, zone)
    number = (order - zone - 1) // GROUP  # the larger, the shorter its diagonals
    best = own_best(own, order[np.isin(number, dealt(len(order), ranks.count, ranks.number))])
    shares = fair(len(best.value), ranks.count)
    values = ranks.exchange([best.value[start:stop] for start, stop in shares])
    places = ranks.exchange([best.place[start:stop] for start, stop in shares])
    start, _ = shares[ranks.number]
    found = named(own, zone, start, _first_best(values, places, start, zone, number))
    there = found.neighbour >= 0
    return Share(
        start,
        {
            "distance": np.where(there, found.distance, np.nan).astype(np.float32),
            "neighbour": np.where(there, found.neighbour / signal.rate, np.nan),
        },
    )


def _first_best(
    values: list[np.ndarray], places: list[np.ndarray], start: int, zone: int, number: np.ndarray
) -> np.ndarray:
    """Places of the largest values of some rows from `start` on; of equal ones, that which is seen first.

    Each group of diagonals is one rank's, so no two ranks' places lie in one group; ``number`` are the groups
    in the order they are gone down.
    """
    from hpcflow_kernels.similarity.profile_loops import GROUP

    turn = np.append(np.argsort(number), 0)  # the last one for places that are in no group

    def seen(place: np.ndarray) -> np.ndarray:
        group = (np.abs(place - np.arange(start, start + len(place))) - zone - 1) // GROUP
        return np.take(turn, group, mode="clip")

    value, place = values[0], places[0]
    for other, there in zip(values[1:], places[1:], strict=True):
        better = (other > value) | ((other == value) & (seen(there) < seen(place)))
        value, place = np.where(better, other, value), np.where(better, there, place)
    return place
