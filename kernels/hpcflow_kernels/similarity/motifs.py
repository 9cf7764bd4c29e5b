"""What is picked from a matrix profile: pairs most alike, and what is like nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.similarity.profile import Profile, Search, matrix_profile
from hpcflow_kernels.similarity.profile_contracts import window_samples


class Motifs(NamedTuple):
    """Pairs of like stretches, the most alike first.

    Attributes
    ----------
    start, other : ndarray of int64, shape (found,)
        First samples of the earlier and of the later one.
    distance : ndarray, shape (found,)
    """

    start: np.ndarray
    other: np.ndarray
    distance: np.ndarray


class Discords(NamedTuple):
    """Stretches that are like no other, the most unlike first.

    Attributes
    ----------
    start : ndarray of int64, shape (found,)
    distance : ndarray, shape (found,)
    """

    start: np.ndarray
    distance: np.ndarray


def motifs(profile: Profile, m: int, top: int = 3) -> Motifs:
    """The pairs with the smallest distances; a further pair shares no sample with one before it.

    Parameters
    ----------
    profile : Profile
        Of one signal with itself, one-dimensional.
    m : int
        Samples of its stretches.
    top : int
        How many at most.

    Returns
    -------
    Motifs
        Fewer than `top` where no more are left.
    """
    left = np.where(profile.neighbour >= 0, profile.distance, np.inf).astype(np.float64)
    taken = np.zeros(len(left), np.bool_)
    found: list[tuple[int, int]] = []
    while len(found) < top and len(left):
        at = int(np.argmin(left))
        if not np.isfinite(left[at]):
            break
        other = int(profile.neighbour[at])
        left[at] = np.inf
        if taken[at] or taken[other]:
            continue
        found.append((min(at, other), max(at, other)))
        for place in (at, other):
            around = slice(max(0, place - m + 1), place + m)
            taken[around], left[around] = True, np.inf
    pairs = np.array(found, np.int64).reshape(-1, 2)
    apart = np.fmin(_between(profile, pairs[:, 0], pairs[:, 1]), _between(profile, pairs[:, 1], pairs[:, 0]))
    return Motifs(pairs[:, 0], pairs[:, 1], apart)


def _between(profile: Profile, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Distances of these pairs as far as the profile knows them; NaN elsewhere."""
    return np.where(profile.neighbour[one] == other, profile.distance[one], np.nan)


def discords(profile: Profile, m: int, top: int = 3) -> Discords:
    """The stretches with the largest distances; a further one shares no sample with one before it.

    Parameters
    ----------
    profile, m, top
        As for `motifs`; the profile may be one of two signals.

    Returns
    -------
    Discords
        Fewer than `top` where no more are left.
    """
    left = np.where(profile.neighbour >= 0, profile.distance, -np.inf).astype(np.float64)
    found: list[int] = []
    while len(found) < top and len(left):
        at = int(np.argmax(left))
        if not np.isfinite(left[at]):
            break
        found.append(at)
        left[max(0, at - m + 1) : at + m] = -np.inf
    start = np.array(found, np.int64)
    return Discords(start, profile.distance[start])


def profile_of_record(*, signal: Rows, window: float) -> dict[str, np.ndarray]:
    """Matrix profile of a record with itself.

    Parameters
    ----------
    signal : Rows
        Samples on a regular grid; NaN where missing.
    window : float
        Length of the stretches, s; the nearest whole number of samples.

    Returns
    -------
    dict
        ``distance`` (float32) and ``neighbour`` (s since the first sample), a row for each stretch; NaN where
        it misses samples or has no neighbour. No rows where the record is shorter than the window.

    Raises
    ------
    UnusableRecordError
        Where the record has no rate, or the window fewer than 3 samples.
    """
    return profile_by(matrix_profile, signal, window)


def profile_by(search: Search, signal: Rows, window: float) -> dict[str, np.ndarray]:
    """Fields as `profile_of_record` has them, with the profile made by ``search``.

    Raises
    ------
    UnusableRecordError
        Where the window has fewer than three samples.
    """
    m = window_samples(window, signal.rate)
    if m == 0:
        raise UnusableRecordError(
            f"{window:g} s have fewer than 3 samples at {signal.rate:g} Hz: a matrix profile needs "
            "a sampling rate and a longer window"
        )
    if len(signal.values) < m:
        return {"distance": np.empty(0, np.float32), "neighbour": np.empty(0)}
    found = search(signal.values, m)
    there = found.neighbour >= 0
    return {
        "distance": np.where(there, found.distance, np.nan).astype(np.float32),
        "neighbour": np.where(there, found.neighbour / signal.rate, np.nan),
    }


def motifs_of_record(*, profile: Mapping[str, Rows], window: float, top: int) -> dict[str, np.ndarray]:
    """Motifs and discords from rows of `profile_of_record`, NaN beyond those that were found.

    Parameters
    ----------
    profile : mapping of str to Rows
        ``distance`` and ``neighbour``.
    window : float
        The window it was made with, s.
    top : int
        How many of each.

    Returns
    -------
    dict
        ``motif_start``, ``motif_other``, ``discord_start`` (s since the first sample), ``motif_distance`` and
        ``discord_distance``, each of shape (top,).

    Raises
    ------
    UnusableRecordError
        Where the rows are not those of a matrix profile.
    """
    if not {"distance", "neighbour"} <= set(profile):
        raise UnusableRecordError(
            f"motifs reads distance and neighbour of matrix_profile (found {', '.join(profile)}): connect "
            "that step as a whole, without naming one of its outputs"
        )
    rows, rate = profile["distance"], profile["distance"].rate
    m = max(1, window_samples(window, rate))
    neighbour = profile["neighbour"].values * rate
    there = np.isfinite(neighbour)
    places = np.full(len(neighbour), -1, np.int64)
    places[there] = np.round(neighbour[there]).astype(np.int64)
    whole = Profile(rows.values, places)
    pairs, odd = motifs(whole, m, top), discords(whole, m, top)

    def filled(values: np.ndarray) -> np.ndarray:
        out = np.full(top, np.nan)
        out[: len(values)] = values
        return out

    return {
        "motif_start": filled(pairs.start / rate),
        "motif_other": filled(pairs.other / rate),
        "motif_distance": filled(pairs.distance),
        "discord_start": filled(odd.start / rate),
        "discord_distance": filled(odd.distance),
    }
