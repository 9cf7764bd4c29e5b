"""Which rank has what: contiguous shares, and hands of cards of unequal weight."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

Shares = list[tuple[int, int]]
"""First and one past the last of each rank's, in order of rank."""


def fair(total: int, count: int, unit: int = 1) -> Shares:
    """Contiguous shares of whole units that differ by one unit at most; the last unit may be a part of one.

    A kernel that computes unit by unit gives the same bits for any number of ranks, whatever the library
    that it calls for a unit does inside.

    Parameters
    ----------
    total : int
        How many rows there are.
    count : int
        Of ranks.
    unit : int
        Rows that stay together.

    Examples
    --------
    >>> fair(10, 3), fair(10, 3, 4), fair(1, 2)
    ([(0, 3), (3, 6), (6, 10)], [(0, 4), (4, 8), (8, 10)], [(0, 0), (0, 1)])
    """
    units = -(-total // unit)
    edges = [min(total, units * rank // count * unit) for rank in range(count + 1)]
    return list(pairwise(edges))


def dealt(total: int, count: int, rank: int) -> np.ndarray:
    """What one rank gets of things that become lighter (or heavier) steadily: there and back along the ranks.

    Examples
    --------
    >>> [dealt(8, 3, rank).tolist() for rank in range(3)]
    [[0, 5, 6], [1, 4, 7], [2, 3]]
    """
    turn, place = np.divmod(np.arange(total), count)
    return np.flatnonzero(np.where(turn % 2, count - 1 - place, place) == rank)
