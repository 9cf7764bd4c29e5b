"""Tables for envelope spectra of one frame at a time."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.frames import hann
from hpcflow_kernels.spectral.lengths import bin_order, is_transformed, near_of, twiddles

LANES = 8

SHORTEST = 4096
"""Of shorter frames eight stay in the second-level cache, and need no turns between lanes."""


def suits(n: int) -> bool:
    """Whether a frame's points divide into eight lanes that our own transforms take."""
    return n >= SHORTEST and n % 64 == 0 and is_transformed(n)


class Frame(NamedTuple):
    """Tables for frames of n samples: n / 2 complex points, n / 16 in each of eight lanes.

    Attributes
    ----------
    twiddle : ndarray, shape (n / 8,)
        Factors of the stages of a lane's points.
    place : ndarray of int64, shape (n / 16,)
        Where a bin of a lane stands after the last stage.
    there, back : ndarray
        Turns of lanes before and after the matrix between them: vectors of real and of imaginary parts for
        the points of a part of a transform, and then for the parts; a product of both is a turn.
    matrix : ndarray, shape (64,)
        Diagonal by diagonal.
    weight : ndarray, shape (n,)
        Half the weights of a line, those of even samples before those of odd ones.
    turn : ndarray, shape (n,)
        ``exp(-2 pi i k / n)`` for k below n / 2.
    lanes : ndarray
        Turns of lanes for 64 bins, and for each 64th one.
    """

    twiddle: np.ndarray
    place: np.ndarray
    there: np.ndarray
    back: np.ndarray
    matrix: np.ndarray
    weight: np.ndarray
    turn: np.ndarray
    lanes: np.ndarray


@lru_cache(maxsize=16)
def frame(n: int, kind: str) -> Frame:
    """The tables for a length that `suits`, in a floating type."""
    dtype, half, points = np.dtype(kind), n // 2, n // 2 // LANES
    near, order, lane = near_of(points), bin_order(points), np.arange(LANES)
    bins = np.append(order[:near], order[::near])[:, np.newaxis]
    ahead = np.repeat([0.0, 1.0], [near, points // near])[:, np.newaxis]  # once in each product
    there = bins * lane / half - ahead * lane / 16
    back = ahead / 32 - there - bins / n
    near_lanes = np.array([lane // 4 * 4 + (lane + by) % 4 for by in range(4)])
    apart = 2 * (np.stack([lane, (lane + 4) % 8])[:, np.newaxis] - near_lanes) + 1
    matrix = 1 / (half * np.sin(np.pi * apart / 16))
    weight = (hann(n) * (2 / n)).reshape(half, 2).T
    grid = np.append(np.arange(64), 64 * np.arange(-(-half // 64)))
    return Frame(
        twiddles(points, dtype),
        np.argsort(order),
        _vectors(there).astype(dtype),
        _vectors(back).astype(dtype),
        matrix.ravel().astype(dtype),
        weight.ravel().astype(dtype),
        np.exp(-2j * np.pi / n * np.arange(half)).view(np.float64).astype(dtype),
        _vectors(np.multiply.outer(grid, lane) / half).astype(dtype),
    )


def _vectors(angle: np.ndarray) -> np.ndarray:
    """``exp(-2 pi i angle)``: real parts of a row, then its imaginary ones."""
    return np.stack([np.cos(2 * np.pi * angle), -np.sin(2 * np.pi * angle)], axis=1).ravel()
