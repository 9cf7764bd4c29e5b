"""Compiled loops of the matrix profile: 64 diagonals of the table of correlations at a time, down its rows.

Cell (i, j) of the table is the correlation of stretch i of one signal with stretch j of another. A cell's
covariance follows from that of the cell before it on its diagonal by two multiply-adds. Each lane follows
one diagonal, and a cell is looked at twice only where it beats what its row or its column has so far. That
soon is rare, so the table costs arithmetic and little else. Covariances start anew, from the samples and in
float64, every few hundred rows; where stretches of such a block differ so much in size that float32 would
lose the smaller ones, the block is computed in float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import any_lane, broadcast, convert, fma, load, minimum, select, splat, store, total

GROUP = 64
"""Diagonals that go down the table together: four vectors of sixteen lanes."""

ROOM = 80
"""Stretches beyond the last one that lanes may look at."""


class Steps(NamedTuple):
    """What leads from a cell's covariance to the next one's, and to the correlation, for each stretch."""

    rise: np.ndarray
    """Half of what the stretch gains at its end less what it loses at its start."""
    fall: np.ndarray
    """Sum of the gained and the lost sample, each less the mean of its stretch."""
    scale: np.ndarray
    """One over the norm of the stretch without its mean; NaN where it takes no part."""


class Side(NamedTuple):
    """A signal and all of its stretches; they may go on beyond both ends, and take no part there."""

    samples: np.ndarray
    mean: np.ndarray
    lanes: Steps
    """In the type of the lanes."""
    double: Steps
    largest: np.ndarray
    """Largest norm of each block of stretches."""
    smallest: np.ndarray
    """Smallest norm of each block, of stretches that take part."""


class Best(NamedTuple):
    """The largest correlation of each stretch so far, and with which stretch."""

    value: np.ndarray
    place: np.ndarray


@inlined
def _seeds(a: Side, i: int, b: Side, j: int, m: int, c: np.ndarray) -> None:
    """Covariances (not divided by m) of stretch i of a with stretches j, j + 1, ... of b, from samples."""
    x, y, own = a.samples, b.samples, a.mean[i]
    m0, m1 = load(b.mean, j, 16), load(b.mean, j + 16, 16)
    m2, m3 = load(b.mean, j + 32, 16), load(b.mean, j + 48, 16)
    c0 = splat(c, 0.0, 16)
    c1, c2, c3 = c0, c0, c0
    for k in range(m):
        u = splat(c, x[i + k] - own, 16)
        c0 = fma(u, load(y, j + k, 16) - m0, c0)
        c1 = fma(u, load(y, j + k + 16, 16) - m1, c1)
        c2 = fma(u, load(y, j + k + 32, 16) - m2, c2)
        c3 = fma(u, load(y, j + k + 48, 16) - m3, c3)
    store(c, 0, c0)
    store(c, 16, c1)
    store(c, 32, c2)
    store(c, 48, c3)


@compiled
def _keep(i: int, j: int, seen: np.ndarray, row: Best, column: Best, first: int) -> None:
    """Keep what was seen in row i, from column j on, where it is better than what row or columns have."""
    here = splat(column.place, i, 16)
    best, at = row.value[i], -1
    for q in range(0, 64, 16):
        r, old = load(seen, q, 16), load(column.value, j + q, 16)
        better = r > old
        if any_lane(better):
            store(column.value, j + q, select(better, r, old))
            store(column.place, j + q, select(better, here, load(column.place, j + q, 16)))
        if any_lane(r > splat(seen, best, 16)):
            for k in range(q, q + 16):
                if seen[k] > best:
                    best, at = seen[k], k
    if at >= 0:
        row.value[i], row.place[i] = best, j - first + at


@compiled
def _down(
    start: int,
    stop: int,
    shift: int,
    c: np.ndarray,
    a: Steps,
    b: Steps,
    row: Best,
    column: Best,
    first: int,
    seen: np.ndarray,
) -> None:
    """Rows [start, stop) of the diagonals from the one `shift` to the right on; covariances start at c."""
    c0, c1 = convert(load(c, 0, 16), a.rise), convert(load(c, 16, 16), a.rise)
    c2, c3 = convert(load(c, 32, 16), a.rise), convert(load(c, 48, 16), a.rise)
    for i in range(start, stop):
        j = i + shift
        own, had = broadcast(a.scale, i, 16), broadcast(row.value, i, 16)
        r0 = convert(c0 * load(b.scale, j, 16) * own, row.value)
        r1 = convert(c1 * load(b.scale, j + 16, 16) * own, row.value)
        r2 = convert(c2 * load(b.scale, j + 32, 16) * own, row.value)
        r3 = convert(c3 * load(b.scale, j + 48, 16) * own, row.value)
        h0 = r0 > minimum(load(column.value, j, 16), had)
        h1 = r1 > minimum(load(column.value, j + 16, 16), had)
        h2 = r2 > minimum(load(column.value, j + 32, 16), had)
        h3 = r3 > minimum(load(column.value, j + 48, 16), had)
        if any_lane((h0 | h1) | (h2 | h3)):
            store(seen, 0, r0)
            store(seen, 16, r1)
            store(seen, 32, r2)
            store(seen, 48, r3)
            _keep(i, j, seen, row, column, first)
        u, v = broadcast(a.rise, i + 1, 16), broadcast(a.fall, i + 1, 16)
        c0 = fma(u, load(b.fall, j + 1, 16), fma(v, load(b.rise, j + 1, 16), c0))
        c1 = fma(u, load(b.fall, j + 17, 16), fma(v, load(b.rise, j + 17, 16), c1))
        c2 = fma(u, load(b.fall, j + 33, 16), fma(v, load(b.rise, j + 33, 16), c2))
        c3 = fma(u, load(b.fall, j + 49, 16), fma(v, load(b.rise, j + 49, 16), c3))


@inlined
def _spread(side: Side, start: int, stop: int, tile: int) -> float:
    """How many times larger the largest of these stretches is than the smallest, bounded by whole blocks."""
    low, high = start // tile, (stop - 1) // tile + 1
    return side.largest[low:high].max() / side.smallest[low:high].min()  # type: ignore[no-any-return]


@compiled
def join(
    a: Side,
    b: Side,
    m: int,
    diagonals: np.ndarray,
    first: int,
    row: Best,
    column: Best,
    tile: int,
    most: float,
) -> int:
    """Go down all diagonals; returns how many blocks of `tile` rows were computed in float64.

    Parameters
    ----------
    a, b : Side
        Rows and columns; one and the same for a self-join.
    m : int
        Samples of a stretch.
    diagonals : ndarray of int64
        Groups of `GROUP` diagonals by their first one: column less row.
    first : int
        Where b's first true stretch lies in its arrays.
    row, column : Best
        Of a's stretches and of b's, as they lie in its arrays; the same for a self-join. Indices are int32.
    tile : int
        Rows between restarts.
    most : float
        Largest ratio of norms that the lanes' type is used for.
    """
    c, seen, exact = np.empty(64, np.float64), np.empty(64, row.value.dtype), 0
    rows, columns = len(row.value), len(column.value) - ROOM - first
    for d in diagonals:
        low, high = max(0, -d - 63), min(rows, columns - d)
        for start in range(low, high, tile):
            stop, shift = min(start + tile, high), d + first
            _seeds(a, start, b, start + shift, m, c)
            if _spread(a, start, stop, tile) * _spread(b, start + shift, stop + shift + 63, tile) <= most:
                _down(start, stop, shift, c, a.lanes, b.lanes, row, column, first, seen)
            else:
                _down(start, stop, shift, c, a.double, b.double, row, column, first, seen)
                exact += 1
    return exact


@compiled
def distances(a: Side, b: Side, m: int, first: int, index: np.ndarray, out: np.ndarray) -> None:
    """Distance of each stretch of a from stretch ``index[i]`` of b, both z-normalised, from their samples.

    Parameters
    ----------
    a, b, m, first
        As for `join`.
    index : ndarray of int64, shape (rows,)
        Negative where there is none; then `out` is infinite.
    out : ndarray of float64, shape (rows,)
    """
    x, y, size = a.samples, b.samples, np.sqrt(m)
    for i in range(len(index)):
        if index[i] < 0:
            out[i] = np.inf
            continue
        j = index[i] + first
        p, q = a.double.scale[i] * size, b.double.scale[j] * size
        own, other = a.mean[i] * p, b.mean[j] * q
        u, v, apart = splat(x, p, 8), splat(x, q, 8), splat(x, 0.0, 8)
        level = splat(x, own - other, 8)
        for k in range(0, m - 7, 8):
            step = load(x, i + k, 8) * u - load(y, j + k, 8) * v - level
            apart = fma(step, step, apart)
        rest = 0.0
        for k in range(m // 8 * 8, m):
            one = x[i + k] * p - y[j + k] * q - (own - other)
            rest += one * one
        out[i] = np.sqrt(total(apart) + rest)
