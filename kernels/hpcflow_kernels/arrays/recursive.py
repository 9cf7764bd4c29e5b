"""Recursive filters, once forwards or forwards and backwards, over arrays of any library; float64 inside."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.recursive_blocks import LENGTH, groups, levels


def sosfiltfilt(sos: np.ndarray, x: Array) -> Array:
    """Filter forwards and backwards with second-order sections: zero phase, twice the order.

    As `hpcflow_kernels.filter.zero_phase.sosfiltfilt`, with the odd extension that is SciPy's default.

    Parameters
    ----------
    sos : ndarray, shape (sections, 6)
        Second-order sections, as SciPy designs them; stable.
    x : array of float32 or float64, shape (..., samples)
        Signals, all samples finite.

    Returns
    -------
    array
        Of the shape, type and device of `x`; computed in float64.

    Raises
    ------
    ValueError
        Where a signal is no longer than its extension.
    """
    xp, samples = array_namespace(x), x.shape[-1]
    padding = extension(sos)
    if samples <= padding:
        raise ValueError(
            f"a signal must be longer than its extension (padlen {padding}, {samples} samples): filter "
            "longer stretches"
        )
    # In front, for whole blocks: where nothing comes in, a filter at rest stays there.
    more = -(samples + 2 * padding) % LENGTH
    y = extended(xp.astype(x, xp.float64, copy=False), padding, more)
    for _ in range(2):
        y = xp.flip(sosfilt(sos, y, settled=True), axis=-1)
    return xp.astype(y[..., padding + more : padding + more + samples], x.dtype)


def extension(sos: np.ndarray) -> int:
    """Samples by which SciPy extends a signal that it filters both ways."""
    return 3 * (2 * len(sos) + 1 - int(min((sos[:, 2] == 0).sum(), (sos[:, 5] == 0).sum())))


def extended(x: Array, padding: int, more: int = 0) -> Array:
    """Signals continued by so many samples, turned round their first and last one.

    In front, what then is the first one is repeated `more` times.
    """
    xp, last = array_namespace(x), x.shape[-1] - 1
    head = 2 * x[..., :1] - xp.flip(x[..., 1 : padding + 1], axis=-1)
    tail = 2 * x[..., last:] - xp.flip(x[..., last - padding : last], axis=-1)
    parts = [head, x, tail]
    if more:
        first = head[..., :1] if padding else x[..., :1]
        parts.insert(0, xp.broadcast_to(first, (*x.shape[:-1], more)))
    return xp.concat(parts, axis=-1)


def sosfilt(sos: np.ndarray, x: Array, *, settled: bool = False) -> Array:
    """Filter forwards with second-order sections.

    Parameters
    ----------
    sos, x
        As for `sosfiltfilt`; signals of any length.
    settled : bool
        Whether the filter begins as if the first sample had stood there for ever (`scipy.signal.sosfilt_zi`),
        else at rest.

    Returns
    -------
    array
        Of the shape, type and device of `x`; computed in float64. Tiles of another length move results by
        roundings.
    """
    xp, samples = array_namespace(x), x.shape[-1]
    if samples == 0:
        return x
    y = xp.astype(x, xp.float64, copy=False)
    first = y[..., :1]
    if settled:  # what becomes of the constant is known; left out, it takes no digits from the rest
        y = y - first
    for part in groups(np.asarray(sos, np.float64)):
        y = _blocks(y, _moved(part.tobytes(), _depth(samples), xp, device(x)))
    gain = steady_gain(sos) if settled else 0.0
    return xp.astype(y + first * gain if gain else y, x.dtype, copy=False)


def steady_gain(sos: np.ndarray) -> float:
    """What becomes of a constant 1; the sums cancel in low filters, so in extended precision."""
    wide = np.asarray(sos, np.longdouble)
    return float(np.prod(wide[:, :3].sum(axis=1) / wide[:, 3:].sum(axis=1)))


def _depth(samples: int) -> int:
    """The next power of two: signals of similar lengths share matrices."""
    return 1 << (samples - 1).bit_length()


@lru_cache(maxsize=32)
def _moved(sections: bytes, samples: int, xp: Any, where: Any) -> list[tuple[Array, Array]]:
    """Matrices of a filter on a device."""
    return [
        (xp.asarray(level.rested, device=where), xp.asarray(level.carried, device=where))
        for level in levels(sections, samples)
    ]


def _blocks(x: Array, stack: list[tuple[Array, Array]]) -> Array:
    """Signals of shape (..., samples) through one level and those above it, from rest."""
    xp, (rested, carried) = array_namespace(x), stack[0]
    *rows, samples = x.shape
    states, width = carried.shape
    count = -(-samples // width)
    if count * width > samples:
        nothing = xp.zeros((*rows, count * width - samples), dtype=x.dtype, device=device(x))
        x = xp.concat([x, nothing], axis=-1)
    made = xp.reshape(x, (*rows, count, width)) @ rested
    behind = made[..., width:]
    if len(stack) > 1:
        before = xp.reshape(_blocks(xp.reshape(behind, (*rows, -1)), stack[1:]), (*rows, count, states))
    else:  # all that a block began with is forgotten at its end
        rest = xp.zeros((*rows, 1, states), dtype=x.dtype, device=device(x))
        before = xp.concat([rest, behind[..., : count - 1, :]], axis=-2)
    y = made[..., :width] + before @ carried
    return xp.reshape(y, (*rows, count * width))[..., :samples]
