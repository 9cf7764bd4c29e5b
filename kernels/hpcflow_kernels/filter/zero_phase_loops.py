"""Compiled loops of recursive filters: one record cut into eight stretches of time, one per lane.

A recursive filter cannot start in the middle of a record, so eight lanes seem to need eight records. But
it forgets: started `settle` samples early from any state, it agrees with the whole record's filter to
the last bits. So lane l computes samples [l * length, (l + 1) * length) and begins `settle` samples
before them; where a filter forgets too slowly for that, the lanes' true states are made exactly, from
a run over all of the lane before (`sosfilt_states`). Either way the arithmetic is a function of the record
alone.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.filter.cascade_loops import LANES, cascade
from hpcflow_kernels.finite import all_finite
from hpcflow_kernels.simd import convert, insert, load, rotate, store, transpose

BLOCK = 128
"""Times of a block: 128 x 8 float64 are 8 KiB, a part of every first-level cache, next to what is read."""

ODD, EVEN, CONSTANT = 1, 2, 3
"""How a record goes on beyond its ends, `padding` samples far; then its last value stands still."""


@inlined
def _extended(x: np.ndarray, i: int, padding: int, kind: int) -> float:
    """Sample i of the record continued beyond its ends."""
    last = len(x) - 1
    i = min(max(i, -padding), last + padding)
    if 0 <= i <= last:
        return x[i]  # type: ignore[no-any-return]
    edge, mirrored = (x[0], x[-i]) if i < 0 else (x[last], x[2 * last - i])
    if kind == 1:
        return 2.0 * edge - mirrored  # type: ignore[no-any-return]
    return mirrored if kind == 2 else edge  # type: ignore[no-any-return]


@inlined
def gather(
    x: np.ndarray, at: int, length: int, count: int, padding: int, kind: int, block: np.ndarray
) -> None:
    """Lane l of block row t becomes sample ``at + l * length + t`` of the continued record."""
    for t in range(0, count, 8):
        i = at + t
        if i >= 0 and i + 7 * length + 8 <= len(x):
            rows = transpose(
                (
                    convert(load(x, i, 8), block),
                    convert(load(x, i + length, 8), block),
                    convert(load(x, i + 2 * length, 8), block),
                    convert(load(x, i + 3 * length, 8), block),
                    convert(load(x, i + 4 * length, 8), block),
                    convert(load(x, i + 5 * length, 8), block),
                    convert(load(x, i + 6 * length, 8), block),
                    convert(load(x, i + 7 * length, 8), block),
                )
            )
            for k in range(8):
                store(block, (t + k) * 8, rows[k])
        else:
            for k in range(8):
                for lane in range(8):
                    block[(t + k) * 8 + lane] = _extended(x, i + k + lane * length, padding, kind)


@inlined
def _scratch(like: np.ndarray) -> np.ndarray:
    """Room for a block that begins with a line of the cache, so that no vector lies in two."""
    room = np.empty((BLOCK + 8) * LANES, like.dtype)
    first = -(room.ctypes.data // room.itemsize) % (64 // room.itemsize)
    return room[first : first + BLOCK * LANES]


@inlined
def _scatter(block: np.ndarray, at: int, length: int, count: int, y: np.ndarray) -> None:
    """Row t, lane l of a block becomes ``y[at + l * length + t]``; what lies outside is dropped."""
    for t in range(0, count, 8):
        k = 8 * t
        rows = transpose(
            (
                load(block, k, 8),
                load(block, k + 8, 8),
                load(block, k + 16, 8),
                load(block, k + 24, 8),
                load(block, k + 32, 8),
                load(block, k + 40, 8),
                load(block, k + 48, 8),
                load(block, k + 56, 8),
            )
        )
        i = at + t
        if i >= 0 and i + 7 * length + 8 <= len(y):
            for lane in range(8):
                store(y, i + lane * length, convert(rows[lane], y))
        else:
            for lane in range(8):
                for j in range(max(-i, 0), min(8, len(y) - i)):
                    y[i + j] = block[k + 8 * j + lane]
                i += length


@compiled
def forward(
    sos: np.ndarray,
    states: np.ndarray,
    x: np.ndarray,
    origin: int,
    length: int,
    begin: int,
    stop: int,
    padding: int,
    kind: int,
    out: np.ndarray,
) -> None:
    """Filter the record's continuation forwards, eight stretches at once.

    Parameters
    ----------
    sos : ndarray of float32 or float64, shape (sections * 6,)
        Second-order sections, a0 = 1; their type is that of the arithmetic.
    states : ndarray, shape (sections * 16,)
        The two states of each section for eight lanes, before and after.
    x : ndarray of float32 or float64, shape (samples,)
    origin : int
        Sample of the continued record at which lane 0 begins, at most 0.
    length : int
        Samples of a lane, a multiple of 8.
    begin, stop : int
        Times to compute, counted from each lane's first sample; their distance is a multiple of 8.
    padding, kind : int
        How far and how the record goes on beyond its ends.
    out : ndarray, shape (length * 8,)
        Filtered samples, lanes side by side; empty to move the states only.
    """
    scratch = _scratch(sos)
    t = begin
    while t < stop:
        count = min(BLOCK, stop - t)
        block = out[8 * t : 8 * (t + count)] if len(out) else scratch
        gather(x, origin + t, length, count, padding, kind, block)
        cascade(sos, states, block, block, 0, count)
        t += count


@compiled
def forward_in_order(
    sos: np.ndarray, states: np.ndarray, x: np.ndarray, origin: int, length: int, y: np.ndarray
) -> None:
    """Filter eight stretches forwards and put them in order.

    Parameters
    ----------
    sos, states
        As for `forward`.
    x, y : ndarray of float32 or float64, shape (samples,)
        Samples, and the filtered ones at the same places.
    origin, length : int
        First sample of lane 0, and samples of a lane: ``origin + 8 * length`` are in `x`.
    """
    block = _scratch(sos)
    t = 0
    while t < length:
        count = min(BLOCK, length - t)
        gather(x, origin + t, length, count, 0, 3, block)
        cascade(sos, states, block, block, 0, count)
        _scatter(block, origin + t, length, count, y)
        t += count


@compiled
def settle_backward(sos: np.ndarray, states: np.ndarray, lanes: np.ndarray, edge: float, settle: int) -> None:
    """Move the states from `settle` samples behind each lane's end to its end.

    Behind lane l lies lane l + 1; behind the last one `edge` stands still.
    """
    block = _scratch(sos)
    t = settle
    while t > 0:
        count = min(BLOCK, t)
        for k in range(count):
            behind = rotate(load(lanes, 8 * (t - count + k), 8), 1)
            store(block, 8 * k, insert(behind, 7, edge))
        cascade(sos, states, block, block, count - 1, count)
        t -= count


@compiled
def backward(
    sos: np.ndarray, states: np.ndarray, lanes: np.ndarray, origin: int, length: int, y: np.ndarray
) -> None:
    """Filter eight stretches backwards and put them in order.

    Parameters
    ----------
    sos, states, origin, length
        As for `forward`.
    lanes : ndarray, shape (length * 8,)
        What `forward` gave.
    y : ndarray of float32 or float64, shape (samples,)
        Samples 0 .. len(y) of the record's continuation.
    """
    block = _scratch(sos)
    t = length
    while t > 0:
        count = min(BLOCK, t)
        cascade(sos, states, lanes[8 * (t - count) : 8 * t], block, count - 1, count)
        _scatter(block, origin + t - count, length, count, y)
        t -= count


@compiled
def both_ways(
    sos: np.ndarray,
    steady: np.ndarray,
    x: np.ndarray,
    origin: int,
    length: int,
    settle: int,
    padding: int,
    kind: int,
    lanes: np.ndarray,
    y: np.ndarray,
) -> None:
    """Filter a record forwards and backwards, each lane begun `settle` samples early from a steady state.

    Parameters
    ----------
    sos, x, origin, length, padding, kind
        As for `forward`.
    steady : ndarray of float64, shape (sections * 2,)
        States after a constant 1.
    settle : int
        A multiple of 8, at most `length`.
    lanes : ndarray, shape (length * 8,)
        Work, of the type of `sos`.
    y : ndarray of float32 or float64, shape (samples,)
        Gets the filtered record; NaN throughout where a sample of `x` is not finite.
    """
    if not all_finite(x):
        y[:] = np.nan
        return
    states = np.empty(len(steady) * LANES, sos.dtype)
    for lane in range(LANES):
        value = _extended(x, origin - settle + lane * length, padding, kind)
        for k in range(len(steady)):
            states[k * LANES + lane] = steady[k] * value
    forward(sos, states, x, origin, length, -settle, 0, padding, kind, lanes[:0])
    forward(sos, states, x, origin, length, 0, length, padding, kind, lanes)
    edge = float(lanes[len(lanes) - 1])
    for lane in range(LANES):
        behind = edge if lane == LANES - 1 else float(lanes[LANES * (settle - 1) + lane + 1])
        for k in range(len(steady)):
            states[k * LANES + lane] = steady[k] * behind
    settle_backward(sos, states, lanes, edge, settle)
    backward(sos, states, lanes, origin, length, y)


@compiled
def impulse_response(sos: np.ndarray, h: np.ndarray) -> None:
    """Fill `h` with the response of the sections to a unit sample; the plain recurrence, one at a time."""
    h[:] = 0.0
    h[0] = 1.0
    for s in range(len(sos) // 6):
        b0, b1, b2 = sos[6 * s], sos[6 * s + 1], sos[6 * s + 2]
        a1, a2 = sos[6 * s + 4], sos[6 * s + 5]
        u = v = 0.0
        for n in range(len(h)):
            x = h[n]
            y = b0 * x + u
            u = b1 * x - a1 * y + v
            v = b2 * x - a2 * y
            h[n] = y
