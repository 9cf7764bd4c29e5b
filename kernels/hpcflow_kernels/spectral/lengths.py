"""Lengths that compiled transforms take, their factors, and the order in which they leave their bins."""

from __future__ import annotations

from typing import Any

import numpy as np

LARGEST = 1 << 16
"""Largest length: above, eight lanes of it fit no cache and one at a time is as good."""

NEAR = 256
"""Points of a transform that runs stage by stage: 16 KiB of float32 with eight lanes."""


def is_transformed(n: int) -> bool:
    """Whether segments of n samples are taken: a multiple of eight up to `LARGEST`, of factors 2, 3 and 5.

    Examples
    --------
    >>> [n for n in (8, 500, 1000, 1001, 1024, 25_600) if is_transformed(n)]
    [8, 1000, 1024, 25600]
    """
    if n % 8 or not 8 <= n <= LARGEST:
        return False
    for factor in (2, 3, 5):
        while n % factor == 0:
            n //= factor
    return n == 1


def divisor(m: int) -> int:
    """Into how many parts a stage divides a transform of m points.

    Odd ones come first, so that the last stage has four or eight points.
    """
    return 5 if m % 5 == 0 else 3 if m % 3 == 0 else 4


def near_of(points: int) -> int:
    """Points of the parts of a transform that run stage by stage, `NEAR` at most."""
    while points > NEAR:
        points //= divisor(points)
    return points


def twiddles(n: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Factors of the stages of a transform of n points, those of the largest stage last.

    A stage that divides m points by r has, for j = 0 .. m/r - 1, real and imaginary parts of
    ``exp(-2 pi i j q / m)`` for q = 1 .. r - 1: as many as points that leave the table to smaller stages.

    Examples
    --------
    >>> len(twiddles(1024, np.dtype(np.float32))) == 2 * 1024
    True
    """
    table = np.zeros(2 * n, dtype)
    m = n
    while m >= 4:
        r = divisor(m)
        angle = -2 * np.pi / m * np.outer(np.arange(m // r), np.arange(1, r))
        factors = np.stack([np.cos(angle), np.sin(angle)], axis=-1).ravel()
        table[2 * n - 2 * m : 2 * n - 2 * m + len(factors)] = factors
        m //= r
    return table


def bin_order(n: int) -> np.ndarray:
    """Bin that stands at each place when no stage puts its results in order.

    Examples
    --------
    >>> bin_order(16).tolist()
    [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]
    >>> bin_order(12).tolist()
    [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]
    """
    if n == 8:
        return np.array([0, 2, 4, 6, 1, 3, 5, 7])
    if n == 4:
        return np.arange(4)
    r = divisor(n)
    part = bin_order(n // r)
    return np.concatenate([r * part + q for q in range(r)])
