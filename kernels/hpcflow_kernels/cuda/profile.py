"""Matrix profiles, as `hpcflow_kernels.similarity` has them, with the table searched on a GPU."""

from __future__ import annotations

import numpy as np
from numba import cuda

from hpcflow_kernels.contract import Records, Rows
from hpcflow_kernels.cuda.profile_kernels import strips
from hpcflow_kernels.similarity.motifs import profile_by
from hpcflow_kernels.similarity.profile import Profile, Table, exclusion_of, named, table
from hpcflow_kernels.similarity.profile_join import join_by
from hpcflow_kernels.similarity.profile_loops import Side

THREADS = 128
STRIP = 1024
"""Rows of a strip; more for long stretches, so that first covariances cost no more than the rest."""

MOST_STRIPS = 65_535
"""Blocks that a grid may have along its second axis."""


def profile_of_record(*, signal: Rows, window: float) -> dict[str, np.ndarray]:
    """As `hpcflow_kernels.similarity.motifs.profile_of_record`, on a GPU."""
    return profile_by(matrix_profile, signal, window)


def profile_join(*, signal: Rows, references: Records, window: float) -> dict[str, np.ndarray]:
    """As `hpcflow_kernels.similarity.profile_join.profile_join`, on a GPU."""
    return join_by(matrix_profile, signal, references, window)


def matrix_profile(x: np.ndarray, m: int, y: np.ndarray | None = None) -> Profile:
    """As `hpcflow_kernels.similarity.profile.matrix_profile` of one signal, on a GPU.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Stretches with a sample that is not finite take no part.
    m : int
        Samples of a stretch, from 3 to `samples`.
    y : ndarray of float32 or float64, shape (others,), optional
        Where to look for neighbours; by default in x itself.

    Returns
    -------
    Profile

    Notes
    -----
    Correlations are computed in float64 for both types, and compared to 61 bits less those of a place: within
    1e-12 up to two million stretches. Of equal ones the first is given.
    """
    dtype = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
    of, zone = table(x, m, y, dtype), -1 if y is not None else exclusion_of(m)
    return named(of, zone, 0, _search(of, zone))


def _search(of: Table, zone: int) -> np.ndarray:
    """Which column is most like each row; -1 where none is."""
    rows, columns = len(of.rows.whole), len(of.columns.whole)
    one = of.rows is of.columns
    first = zone + 1 if one else 1 - rows
    diagonals = columns - first
    if diagonals <= 0:
        return np.full(rows, -1)
    bits = int(max(rows, columns)).bit_length()
    strip = max(STRIP, 2 * of.m, -(-rows // MOST_STRIPS))
    ours, theirs = _moved(of.rows.side, 0, rows), _moved(of.columns.side, of.first, columns)
    best = cuda.to_device(np.zeros(rows, np.int64))
    other = best if one else cuda.to_device(np.zeros(0, np.int64))
    grid = -(-diagonals // THREADS), -(-rows // strip)
    both = [array for pair in zip(ours, theirs, strict=True) for array in pair]
    strips[grid, THREADS](*both, of.m, first, diagonals, strip, bits, best, other)
    keys = best.copy_to_host()
    last = (1 << bits) - 1
    return np.where(keys > 0, last - (keys & last), -1)


def _moved(side: Side, first: int, count: int) -> list[np.ndarray]:
    """Samples, means and steps of a side's own stretches, on the device."""
    there = slice(first, first + count)
    rise, fall, scale = (part[there] for part in side.double)
    samples = side.samples[first : first + count + len(side.samples) - len(side.mean)]
    return [
        cuda.to_device(np.ascontiguousarray(part)) for part in (samples, side.mean[there], rise, fall, scale)
    ]
