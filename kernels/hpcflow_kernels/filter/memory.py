"""How long a recursive filter remembers, and what becomes of a state that it remembers."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

LANES, GRAIN = 8, 128
FORGOTTEN = 2.0**-56
"""Part of its peak below which an impulse response stays once it counts as forgotten."""


@lru_cache(maxsize=256)
def memory(sections: bytes, length: int) -> tuple[int, np.ndarray | None]:
    """How much earlier a lane begins; where that is not enough, what `length` samples make of a state."""
    sos = np.frombuffer(sections).reshape(-1, 6)
    settle = forgetting(sos, length)
    return (settle, None) if settle <= length else (length, power(transition(sos), length))


def forgetting(sos: np.ndarray, limit: int) -> int:
    """Samples, a multiple of 128, after which an impulse response stays below `FORGOTTEN` of its peak.

    Gives a number above `limit` where it does not within `limit`. The last quarter of what is looked at
    must be silent: a response that only passes through zero is not forgotten.
    """
    from hpcflow_kernels.filter.zero_phase_loops import impulse_response

    look = 4 * GRAIN
    while True:
        h = np.empty(look)
        impulse_response(sos.ravel(), h)
        size = np.abs(h)
        loud = np.flatnonzero(size > FORGOTTEN * size.max())
        if loud[-1] < 3 * look // 4:
            return -(-(int(loud[-1]) + 1) // GRAIN) * GRAIN
        if look > 2 * limit:
            return limit + 1
        look *= 2


def transition(sos: np.ndarray) -> np.ndarray:
    """State after one sample of nothing, as a matrix; extended precision."""
    count = 2 * len(sos)
    matrix = np.zeros((count, count), np.longdouble)
    for i in range(count):
        state = np.zeros(count, np.longdouble)
        state[i] = 1
        x = np.longdouble(0)
        for s, (b0, b1, b2, _, a1, a2) in enumerate(sos):
            y = b0 * x + state[2 * s]
            matrix[2 * s, i] = b1 * x - a1 * y + state[2 * s + 1]
            matrix[2 * s + 1, i] = b2 * x - a2 * y
            x = y
    return matrix


def power(matrix: np.ndarray, exponent: int) -> np.ndarray:
    """A square matrix to a whole power of 0 or more, by squaring."""
    result = np.eye(len(matrix), dtype=matrix.dtype)
    while exponent:
        if exponent & 1:
            result = result @ matrix
        matrix = matrix @ matrix
        exponent >>= 1
    return result


@lru_cache(maxsize=64)
def impulse_states(sections: bytes, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Weights and matrix of `hpcflow_kernels.filter.states_loops`, flat; made in extended precision."""
    from hpcflow_kernels.filter.zero_phase_loops import BLOCK

    sos = np.frombuffer(sections).reshape(-1, 6)
    count, wide = 2 * len(sos), -(-2 * len(sos) // 4) * 4
    weights, advance = np.zeros((BLOCK, wide), np.longdouble), np.zeros((wide, 2 * wide))
    x = np.longdouble(1)
    for s, (b0, b1, b2, _, a1, a2) in enumerate(sos):
        y = b0 * x
        weights[0, 2 * s], weights[0, 2 * s + 1] = b1 * x - a1 * y, b2 * x - a2 * y
        x = y
    matrix = transition(sos)
    for k in range(1, BLOCK):
        weights[k, :count] = matrix @ weights[k - 1, :count]
    whole = power(matrix, BLOCK)
    advance[:count, wide : wide + count] = whole.astype(dtype)
    advance[:count, :count] = whole - advance[:count, wide : wide + count]
    return weights.astype(dtype).ravel(), advance.astype(dtype).ravel()


def carry_on(states: np.ndarray, carry: np.ndarray, begin: np.ndarray, forwards: bool) -> None:
    """Make the lanes' true states at their beginnings from those at their ends, had each begun at rest."""
    by_lane = states.reshape(-1, LANES)
    ends, state = by_lane.copy(), begin.ravel().astype(carry.dtype)
    for lane in range(LANES) if forwards else range(LANES - 1, -1, -1):
        by_lane[:, lane] = state
        state = carry @ state + ends[:, lane]
