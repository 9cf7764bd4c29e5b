"""Matrix profile: how far each stretch of a signal is from the stretch most like it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from hpcflow_kernels.similarity.profile_loops import Best, Side

TILE = 512
"""Rows of the table of correlations after which covariances are computed anew; longer for long stretches."""

MOST_SPREAD = 32.0
"""Largest ratio of the sizes of stretches in a block of the table that float32 is used for."""


class Profile(NamedTuple):
    """Distances to nearest neighbours, and where these are.

    Attributes
    ----------
    distance : ndarray of float32 or float64, shape (..., samples - m + 1)
        Euclidean distance of z-normalised stretches, from 0 to ``2 sqrt(m)``; infinite where a stretch misses
        samples or has no neighbour.
    neighbour : ndarray of int64, shape (..., samples - m + 1)
        First sample of the stretch most like it; -1 where there is none.
    """

    distance: np.ndarray
    neighbour: np.ndarray


Search = Callable[..., Profile]
"""What makes a profile of ``(x, m)`` or ``(x, m, y)``, as `matrix_profile` does on the processor."""


def matrix_profile(
    x: np.ndarray, m: int, y: np.ndarray | None = None, *, exclusion: int | None = None
) -> Profile:
    """For each stretch of m samples of x, the stretch of y (or another one of x) that is most like it.

    Likeness is the Euclidean distance after each stretch is brought to mean 0 and standard deviation 1,
    ``sqrt(2 m (1 - correlation))``.

    Parameters
    ----------
    x : ndarray of real numbers, shape (..., samples)
        float32 stays float32; all else is computed in float64. Stretches with a sample that is not
        finite take no part.
    m : int
        Samples of a stretch, from 3 to `samples`.
    y : ndarray of real numbers, shape (others,), optional
        Where to look for neighbours (a join of two signals). By default in x itself, row by row.
    exclusion : int, optional
        In x itself stretches that start up to so many samples apart are no neighbours; by default
        ``ceil(m / 4)``.

    Returns
    -------
    Profile

    Raises
    ------
    ValueError
        Where `m` is below 3 or beyond the samples there are, or `exclusion` below 0.

    Notes
    -----
    Conventions are STUMPY's: two constant stretches are 0 apart, and a constant one is ``sqrt(m)`` from any
    other. Time grows with the square of the samples, memory with the samples.

    Distances are computed from the samples of both stretches in float64, whatever the type. With float64, the
    neighbour is the nearest one but for ties within 1e-12 of correlation. With float32, the table of
    correlations is searched in float32 where stretches within a block differ by no more than `MOST_SPREAD` in
    size and in float64 elsewhere, and the neighbour's correlation is within 1e-4 of the largest
    one (within 1e-5 on the recordings tried). Of neighbours equally near, one is given.

    References
    ----------
    Yeh and others, Matrix Profile I, ICDM 2016; Zhu and others, Matrix Profile II, ICDM 2016 (the diagonals);
    Kamgar and others, Matrix Profile XV, ICDM 2019 (the update of covariances).

    Examples
    --------
    >>> x = np.array([0, 1, 3, 7, 1, 9, 5, 5, 6, 8, 12, 5])
    >>> found = matrix_profile(x, 4)
    >>> found.neighbour[0].item(), found.distance[0].item()
    (7, 0.0)
    """
    x = np.asarray(x)
    zone = exclusion_of(m) if exclusion is None else exclusion
    others = None if y is None else np.asarray(y)
    check(x, m, others, zone)
    shape = (*x.shape[:-1], x.shape[-1] - m + 1)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    found = Profile(np.empty(shape, dtype), np.empty(shape, np.int64))
    for at in np.ndindex(x.shape[:-1]):
        distance, neighbour = _one(x[at], m, others, zone, np.dtype(dtype))
        found.distance[at], found.neighbour[at] = distance, neighbour
    return found


def exclusion_of(m: int) -> int:
    """Samples up to which stretches of m samples of one signal are no neighbours, where nobody says."""
    return math.ceil(m / 4)


def check(x: np.ndarray, m: int, y: np.ndarray | None, exclusion: int) -> None:
    """Refuse what has no profile."""
    shortest = x.shape[-1] if y is None else min(x.shape[-1], len(y))
    if not 3 <= m <= shortest:
        raise ValueError(
            f"stretches have from 3 samples to as many as the signal has, {shortest}, not {m}: change m"
        )
    if exclusion < 0:
        raise ValueError(f"the exclusion is 0 samples or more, not {exclusion}")


def _one(x: np.ndarray, m: int, y: np.ndarray | None, zone: int, dtype: np.dtype) -> Profile:
    if y is None:
        own = table(x, m, None, dtype)
        return named(own, zone, 0, own_best(own, groups(own, zone)).place)
    both = table(x, m, y, dtype)
    return named(both, -1, 0, _best_of_other(both).place)


class Table(NamedTuple):
    """All correlations of stretches of one signal with those of another, or with one another.

    Attributes
    ----------
    rows, columns : Stretches
        Of both signals; the same for one signal.
    m : int
        Samples of a stretch.
    first : int
        Where the first true stretch of the columns lies in their arrays.
    tile : int
        Rows after which covariances are computed anew.
    dtype : dtype
        Of correlations.
    """

    rows: Stretches
    columns: Stretches
    m: int
    first: int
    tile: int
    dtype: np.dtype

    @property
    def spread(self) -> float:
        """Largest ratio of the sizes of stretches that `dtype` is used for."""
        return MOST_SPREAD if self.dtype == np.float32 else np.inf


def table(x: np.ndarray, m: int, y: np.ndarray | None, dtype: np.dtype) -> Table:
    """The table of x with y, or with itself."""
    from hpcflow_kernels.similarity.profile_loops import GROUP

    tile = max(TILE if dtype == np.float32 else 4 * TILE, 2 * m)
    a = stretches(x, m, dtype, tile, 0)
    if y is None:
        return Table(a, a, m, 0, tile, dtype)
    return Table(a, stretches(y, m, dtype, tile, GROUP), m, GROUP, tile, dtype)


def groups(own: Table, zone: int) -> np.ndarray:
    """First diagonals of the groups that a table of one signal consists of, in the order they are gone down.

    Of neighbours equally near the one that is seen first is kept, so the order is part of the result.
    """
    from hpcflow_kernels.similarity.profile_loops import GROUP

    firsts = np.arange(zone + 1, len(own.rows.whole), GROUP)
    return np.take(firsts, scattered(len(firsts)))


def own_best(own: Table, diagonals: np.ndarray) -> Best:
    """For each stretch of a signal the largest correlation with its others on these groups of diagonals."""
    from hpcflow_kernels.similarity.profile_loops import ROOM, Best, join

    rows = len(own.rows.whole)
    column = Best(np.full(rows + ROOM, -2, own.dtype), np.full(rows + ROOM, -1, np.int32))
    row, side = Best(column.value[:rows], column.place[:rows]), own.rows.side
    join(side, side, own.m, diagonals, own.first, row, column, own.tile, own.spread)
    return row


def _best_of_other(both: Table) -> Best:
    """For each stretch of the rows the largest correlation with one of the columns."""
    from hpcflow_kernels.similarity.profile_loops import GROUP, ROOM, Best, join

    rows, columns = len(both.rows.whole), len(both.columns.whole)
    # no column is ever better than infinity: only neighbours of the rows are asked for
    room = both.first + columns + ROOM
    column = Best(np.full(room, np.inf, both.dtype), np.full(room, -1, np.int32))
    row = Best(np.full(rows, -2, both.dtype), np.full(rows, -1, np.int32))
    firsts, a, b = np.arange(1 - rows, columns, GROUP), both.rows.side, both.columns.side
    order = firsts[scattered(len(firsts))]
    join(a, b, both.m, order, both.first, row, column, both.tile, both.spread)
    return row


def named(of: Table, zone: int, start: int, place: np.ndarray) -> Profile:
    """Distances of rows from `start` on from the columns that were found for them, constant ones included.

    Parameters
    ----------
    of : Table
    zone : int
        Largest distance in samples that makes no neighbours; -1 for two signals.
    start : int
        The first of these rows.
    place : ndarray of integers
        Which column was found for each; -1 where none was.
    """
    from hpcflow_kernels.similarity.profile_loops import distances

    side, index = of.rows.side, place.astype(np.int64)
    steps = side.double._replace(scale=side.double.scale[start:])
    here = side._replace(samples=side.samples[start:], mean=side.mean[start:], double=steps)
    distance = np.empty(len(index), np.float64)
    distances(here, of.columns.side, of.m, of.first, index, distance)
    _constant(of, zone, start, distance, index)
    return Profile(distance.astype(of.dtype), index)


def scattered(count: int) -> np.ndarray:
    """An order in which what comes next is far from what came before.

    Neighbouring diagonals are alike. Taken one after another where likeness rises, each would beat the last.
    """
    step = max(1, round(count * 0.618))
    while math.gcd(step, count) > 1:
        step += 1
    return np.arange(count) * step % max(count, 1)


class Stretches(NamedTuple):
    """What the loops need of a signal, and which of its stretches take part.

    Attributes
    ----------
    side : Side
    whole : ndarray of bool, shape (samples - m + 1,)
        Stretches without missing samples.
    constant : ndarray of bool, shape (samples - m + 1,)
        Of these, those that do not vary.
    """

    side: Side
    whole: np.ndarray
    constant: np.ndarray


def stretches(x: np.ndarray, m: int, dtype: np.dtype, tile: int, before: int) -> Stretches:
    """Means, norms and steps of all stretches of m samples, `before` more of them before the first.

    The signal is brought to mean 0 and, by a power of two, to values up to 1: correlations do not change, and
    nothing overflows. Missing samples lie on a line between their neighbours.
    """
    from hpcflow_kernels.rolling.statistics import rolling_max, rolling_mean, rolling_min, rolling_std
    from hpcflow_kernels.similarity.profile_loops import ROOM, Side, Steps

    there = np.isfinite(x)
    x = np.ascontiguousarray(x, np.float64)
    gone = np.concatenate([[0], np.cumsum(~there)])
    whole = gone[m:] == gone[:-m]
    if not there.all():
        at = np.flatnonzero(there)
        x = np.interp(np.arange(len(x)), at, x[at]) if len(at) else np.zeros(len(x))
    constant = whole & (rolling_max(x, m) == rolling_min(x, m))[m - 1 :]
    halved = x / 2
    x = halved - halved.mean()
    x = np.ldexp(x, -np.frexp(np.abs(x).max())[1])
    x = np.pad(x, (before, ROOM), "edge")
    mean, norm = rolling_mean(x, m)[m - 1 :], rolling_std(x, m, ddof=0)[m - 1 :] * np.sqrt(m)
    inside = slice(before, before + len(whole))
    constant |= whole & (norm[inside] == 0)
    part = np.zeros(len(norm), np.bool_)
    part[inside] = whole & ~constant
    scale = np.full(len(norm), np.nan)
    scale[part] = 1 / norm[part]
    rise, fall = np.zeros(len(norm)), np.zeros(len(norm))
    rise[1:] = (x[m:] - x[:-m]) / 2
    fall[1:] = (x[m:] - mean[1:]) + (x[:-m] - mean[:-1])
    double = Steps(rise, fall, scale)
    lanes = Steps(*(values.astype(dtype) for values in double))
    edges = np.arange(0, len(norm), tile)
    largest = np.maximum.reduceat(norm, edges)
    smallest = np.minimum.reduceat(np.where(part, norm, np.inf), edges)
    return Stretches(Side(x, mean, lanes, double, largest, smallest), whole, constant)


def _constant(of: Table, zone: int, start: int, distance: np.ndarray, index: np.ndarray) -> None:
    """Distances from and to constant stretches, which no correlation is defined for."""
    a, b, m = of.rows, of.columns, of.m
    if not (a.constant.any() or b.constant.any()):
        return
    row = np.arange(start, start + len(index))
    like, other = _nearest(b.constant, row, zone), _nearest(b.whole & ~b.constant, row, zone)
    whole, constant = a.whole[row], a.constant[row]
    far = whole & ~constant & (like >= 0) & (distance**2 > m)
    distance[far], index[far] = np.sqrt(m), like[far]
    both, one = constant & (like >= 0), constant & (like < 0) & (other >= 0)
    distance[both], index[both] = 0.0, like[both]
    distance[one], index[one] = np.sqrt(m), other[one]


def _nearest(marked: np.ndarray, row: np.ndarray, zone: int) -> np.ndarray:
    """For each row the nearest marked place more than `zone` away; -1 where there is none."""
    places = np.flatnonzero(marked)
    if not len(places):
        return np.full(len(row), -1)
    below, above = np.searchsorted(places, row - zone) - 1, np.searchsorted(places, row + zone, "right")
    low = np.where(below >= 0, row - places[np.maximum(below, 0)], np.iinfo(np.int64).max)
    last = len(places) - 1
    high = np.where(above <= last, places[np.minimum(above, last)] - row, np.iinfo(np.int64).max)
    found = np.where(low <= high, places[np.maximum(below, 0)], places[np.minimum(above, last)])
    return np.where((below >= 0) | (above <= last), found, -1)
