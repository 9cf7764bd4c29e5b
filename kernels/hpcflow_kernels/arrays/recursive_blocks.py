"""A recursive filter as products of matrices, without a loop over samples: its design, in NumPy.

With states s, a filter is ``s' = A s + B x, y = C s + D x``. A block of samples needs no state to be filtered
but that which it begins with: its outputs are a lower triangular matrix times its samples, plus ``C A^k``
times the state before it; the state behind it is a matrix times its samples, plus ``A^length`` times the one
before. States before all blocks follow a recursion of the same kind, ``s' = A^length s + b``, so they are cut
into blocks in turn, until one is left or a block is longer than the filter's memory.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.filter.memory import power

LENGTH = 64
"""Samples of a block: 80 multiply-adds for each where 4 sections, sample by sample, take 20."""

WIDTH = 128
"""Numbers of a block of states, at most: 16 blocks where there are eight states."""

SECTIONS = 8
"""Sections that are made one matrix; more of them follow one another."""

NOTHING = 1e-30
"""What is left of a state, at most, that counts as forgotten. Far below a rounding, for states of different
sections differ in size: a design's small gain stands in its first section."""


class Level(NamedTuple):
    """One cut into blocks.

    Attributes
    ----------
    rested : ndarray of float64, shape (width, width + states)
        From what goes into a block: its outputs, and the state behind it, had it begun at rest. Outputs of a
        block of states are the states before each of its blocks.
    carried : ndarray of float64, shape (states, width)
        What the state before a block adds to its outputs.
    """

    rested: np.ndarray
    carried: np.ndarray


def groups(sos: np.ndarray) -> list[np.ndarray]:
    """Sections that are filtered together, in order.

    Examples
    --------
    >>> [len(part) for part in groups(np.zeros((12, 6)))]
    [6, 6]
    """
    return np.array_split(sos, -(-len(sos) // SECTIONS))


@lru_cache(maxsize=64)
def levels(sections: bytes, samples: int) -> tuple[Level, ...]:
    """Cuts of a signal, the finest first.

    Parameters
    ----------
    sections : bytes
        Second-order sections, float64.
    samples : int
        Samples of the signal.

    Notes
    -----
    Made in extended precision, so that long memories are as exact as float64 holds them.
    """
    sos = np.frombuffer(sections).reshape(-1, 6)
    step, into, out, through = _spaces(sos)
    found = [_level(step, into, out, through, LENGTH)]
    blocks, step, count = -(-samples // LENGTH), power(step, LENGTH), len(step)
    per = max(2, WIDTH // count)
    one, none = np.eye(count, dtype=step.dtype), np.zeros((count, count), step.dtype)
    while blocks > 1 and np.abs(step).max() > NOTHING:
        found.append(_level(step, one, one, none, per))
        blocks, step = -(-blocks // per), power(step, per)
    return tuple(found)


def _spaces(sos: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A, B, C and D of a cascade, one section behind the other."""
    step, into, out, through = _section(sos[0])
    for row in sos[1:]:
        its_step, its_into, its_out, its_through = _section(row)
        nothing = np.zeros((len(step), 2), np.longdouble)
        step = np.block([[step, nothing], [its_into @ out, its_step]])
        into = np.concatenate([into, its_into @ through])
        out = np.concatenate([its_through @ out, its_out], axis=1)
        through = its_through @ through
    return step, into, out, through


def _section(row: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A, B, C and D of a section whose states, fed with white noise, are independent of one another.

    Powers of A then never enlarge a state, and roundings of A matter as little as they can. States of the
    direct form are nearly one another's opposite in low filters, so that their difference has few digits.
    Mullis and Roberts, Synthesis of minimum roundoff noise fixed point digital filters, IEEE Trans. Circuits
    Syst. 23 (1976).
    """
    b0, b1, b2, _, a1, a2 = row.astype(np.longdouble)
    step = np.array([[-a1, 1], [-a2, 0]])
    into = np.array([[b1 - a1 * b0], [b2 - a2 * b0]])
    spread, power_of_step = into @ into.T, step
    while np.abs(power_of_step).max() > NOTHING:  # the covariance of the states
        spread = spread + power_of_step @ spread @ power_of_step.T
        power_of_step = power_of_step @ power_of_step
    first = np.sqrt(spread[0, 0]) or np.longdouble(1)
    shared = spread[0, 1] / first
    left = spread[1, 1] - shared**2
    second = np.sqrt(left) if left > 1e-12 * spread[1, 1] else np.longdouble(1)  # a section of first order
    turned = np.array([[first, 0], [shared, second]])
    back = np.array([[1 / first, 0], [-shared / (first * second), 1 / second]])
    return back @ step @ turned, back @ into, turned[:1], np.array([[b0]])


def _level(step: np.ndarray, into: np.ndarray, out: np.ndarray, through: np.ndarray, length: int) -> Level:
    """Blocks of `length` steps of ``s' = step s + into x, y = out s + through x``; rows of results are
    multiplied from the left."""
    states, ins = into.shape
    outs = len(out)
    behind = [into]  # what an input leaves after 1, 2, ... steps
    seen = [out]  # what a state gives after 0, 1, ... steps
    for _ in range(length - 1):
        behind.append(step @ behind[-1])
        seen.append(seen[-1] @ step)
    rested = np.zeros((length * ins, length * outs + states), np.longdouble)
    for k in range(length):
        response = through if k == 0 else out @ behind[k - 1]
        for i in range(length - k):
            rested[i * ins : (i + 1) * ins, (i + k) * outs : (i + k + 1) * outs] = response.T
    rested[:, length * outs :] = np.concatenate([part.T for part in reversed(behind)])
    carried = np.concatenate([part.T for part in seen], axis=1)
    return Level(rested.astype(np.float64), carried.astype(np.float64))
