"""Factors of the transforms in `hpcflow_kernels.filter.ring_loops`, and spectra of taps in their order."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Ring(NamedTuple):
    """What stages multiply by; complex numbers as pairs of real ones, all angles as parts of a turn."""

    stages: np.ndarray
    """First to third power of each node's factor: the node of the first stage, the four of the next, ..."""
    leaves: np.ndarray
    """The same of the last stage's nodes of four; of nodes of eight, seven factors."""
    roots: np.ndarray
    """Where each place's value is that of the polynomial: float64, shape (m,)."""


def last_stage(m: int) -> int:
    """Points of the last stage's nodes.

    Examples
    --------
    >>> [last_stage(m) for m in (64, 128, 256)]
    [4, 8, 4]
    """
    return 4 if m.bit_length() % 2 else 8


def ring(m: int, dtype: np.dtype[Any]) -> Ring:
    """Factors for polynomials modulo ``z^m - i``, m a power of two from 16 on.

    A node holds a polynomial modulo ``z^k - exp(2 pi i a)``; its four children are modulo ``z^(k/4) - exp(2
    pi i b)`` with b = a/4, a/4 + 1/4, ....

    Examples
    --------
    >>> ring(16, np.dtype(np.float64)).roots[:2].tolist()  # places 0 and 1: 1/64 and 1/4 of a turn more
    [0.015625, 0.265625]
    """
    leaf, points, angles, stages = last_stage(m), m, np.array([0.25]), [np.empty(0)]
    while points > leaf:
        stages.append(_powers(angles / 4))
        angles, points = _split(angles, 4), points // 4
    if leaf == 4:
        leaves, angles = _powers(angles / 4), _split(angles, 4)
    else:
        pairs = _split(angles, 2)
        inner = _powers(pairs / 4).reshape(len(angles), 12)
        leaves, angles = np.hstack([_turns(angles / 2), inner]), _split(pairs, 4)
    return Ring(
        np.concatenate([part.ravel() for part in stages]).astype(dtype), leaves.ravel().astype(dtype), angles
    )


def _split(angles: np.ndarray, parts: int) -> np.ndarray:
    return (angles[:, np.newaxis] / parts + np.arange(parts) / parts).ravel()


def _turns(angles: np.ndarray) -> np.ndarray:
    """Cosine and sine, shape (angles, 2)."""
    return np.stack([np.cos(2 * np.pi * angles), np.sin(2 * np.pi * angles)], axis=-1)


def _powers(angles: np.ndarray) -> np.ndarray:
    """First to third power of each factor, shape (angles, 6)."""
    return _turns(angles[:, np.newaxis] * np.arange(1, 4)).reshape(len(angles), 6)


def spectrum(taps: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """By what values at the roots are multiplied to correlate with these taps, divided by m; as pairs.

    Parameters
    ----------
    taps : ndarray of float64, shape (at most 2 m,)
        What an output's own sample and those after it are multiplied by.
    roots : ndarray of float64, shape (m,)
        As `Ring` has them.
    """
    m = len(roots)
    padded = np.zeros(2 * m)
    padded[: len(taps)] = taps
    folded = (padded * np.exp(-0.5j * np.pi * np.arange(2 * m) / m)).reshape(2, m).sum(axis=0)
    values = np.fft.fft(folded)[np.rint(roots * m - 0.25).astype(np.intp) % m] / m
    return np.stack([values.real, values.imag], axis=-1).ravel()
