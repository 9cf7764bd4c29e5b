"""Matrix profiles that look one way in time: what came before, and what comes after."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.similarity.profile import Profile, check, groups, table


class Sides(NamedTuple):
    """Nearest neighbours before and after each stretch.

    Attributes
    ----------
    left, right : Profile
        Of stretches that start earlier, and later.
    """

    left: Profile
    right: Profile


def matrix_profile_sides(x: np.ndarray, m: int, *, exclusion: int | None = None) -> Sides:
    """For each stretch of m samples, the one most like it among those before and among those after.

    Parameters
    ----------
    x : ndarray of real numbers, shape (samples,)
        float32 stays float32; all else is computed in float64.
    m, exclusion
        As for `profile.matrix_profile`.

    Returns
    -------
    Sides
        A stretch that does not vary has no neighbour here, and is none: distance infinite, neighbour -1.

    Raises
    ------
    ValueError
        As `profile.matrix_profile`.

    References
    ----------
    Zhu and others, Matrix Profile VII: time series chains, ICDM 2017.
    """
    from hpcflow_kernels.similarity.profile_loops import ROOM, Best, distances, join

    x = np.asarray(x)
    zone = math.ceil(m / 4) if exclusion is None else exclusion
    check(x, m, None, zone)
    dtype = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
    own, rows = table(x, m, None, dtype), len(x) - m + 1
    side = own.rows.side
    after = Best(np.full(rows, -2, dtype), np.full(rows, -1, np.int32))
    before = Best(np.full(rows + ROOM, -2, dtype), np.full(rows + ROOM, -1, np.int32))
    join(side, side, m, groups(own, zone), 0, after, before, own.tile, own.spread)
    found = []
    for best in (before, after):
        index, apart = best.place[:rows].astype(np.int64), np.empty(rows)
        distances(side, side, m, 0, index, apart)
        found.append(Profile(apart.astype(dtype), index))
    return Sides(*found)
