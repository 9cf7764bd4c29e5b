"""Rolling quantiles and ranks over arrays of any library: a tree over the order of all samples.

Samples are replaced by their places in sorted order, so that comparing is a question of bits. The tree's root
holds the places in order of time; a level below, those with the leading bit 0 stand before those with 1, each
kind still in order of time, and so on. A window is a range in the root, and its samples with one leading bit
are a range in the level below, which counts of bits tell. So the k-th smallest of a window is found bit by
bit, and so is the number of samples below a place: log2(samples) steps for all windows at once, however long
they are. Grossi, Gupta and Vitter, High-order entropy-compressed text indexes, SODA (2003); as a matrix:
Claude, Navarro and Ordonez, The wavelet matrix, Information Systems 47 (2015).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array


class Step(NamedTuple):
    """One bit of all places, the leading one first."""

    bit: int
    """Its value in a place."""
    zeros: Array
    """How many of the first 0, 1, ... entries of this level have it not set; shape (samples + 1,)."""
    none: int
    """How many do so in all."""


def quantiles(x: Array, n: int, q: float) -> Array:
    """Quantile of each window of n samples, exactly; between two samples on the straight line.

    Parameters
    ----------
    x : array of float32 or float64, shape (samples,)
        All samples finite.
    n : int
        From 1 to `samples`.
    q : float
        From 0 (smallest) to 1 (largest); as `numpy.quantile`.

    Returns
    -------
    array, shape (samples - n + 1,)
        Of the type of `x`.
    """
    xp, place = array_namespace(x), q * (n - 1)
    if abs(place - round(place)) < 1e-9:
        place = round(place)
    k = math.floor(place)
    share = place - k
    values, places = _ordered(x)
    counts = [k] if share == 0 else [k, k + 1]
    wanted = xp.asarray(counts, dtype=places.dtype, device=device(x))
    found = xp.take(values, xp.reshape(_kth(places, n, wanted), (-1,)))
    found = xp.reshape(found, (len(counts), -1))
    a = found[0, :]
    if share == 0:
        return a
    b = found[1, :]
    return xp.where(a < b, a + (b - a) * share, a)


def ranks(x: Array, n: int, place: int) -> Array:
    """Rank of one sample among its window, as a share of n; equal ones share the mean of their ranks.

    Parameters
    ----------
    x, n
        As for `quantiles`.
    place : int
        Which sample of the window is ranked.

    Returns
    -------
    array, shape (samples - n + 1,)
        Of the type of `x`: 1 for the largest, 1 / n for the smallest.
    """
    xp, rows = array_namespace(x), x.shape[0] - n + 1
    values, places = _ordered(x)
    own = x[place : place + rows]
    bounds = [xp.searchsorted(values, own, side=side) for side in ("left", "right")]
    below, through = _below(places, n, xp.stack([xp.astype(b, places.dtype) for b in bounds]))
    return xp.astype(below + through + 1, x.dtype) * 0.5 / n


def _ordered(x: Array) -> tuple[Array, Array]:
    """Samples in order of size, and each one's place in it."""
    xp = array_namespace(x)
    order = xp.argsort(x, stable=True)
    return xp.take(x, order), xp.astype(xp.argsort(order, stable=True), xp.int32)


def _tree(places: Array) -> Iterator[Step]:
    """Levels of the tree, from the leading bit on."""
    xp, samples = array_namespace(places), places.shape[0]
    first = xp.zeros((1,), dtype=places.dtype, device=device(places))
    bit = 1 << max((samples - 1).bit_length() - 1, 0)
    while bit:
        clear = places // bit % 2 == 0
        zeros = xp.concat([first, xp.cumulative_sum(xp.astype(clear, places.dtype), dtype=places.dtype)])
        # How many places below `samples` have the bit clear: whole periods, and what is left.
        none = samples // (2 * bit) * bit + min(samples % (2 * bit), bit)
        yield Step(bit, zeros, none)
        places = xp.concat([places[clear], places[~clear]])
        bit //= 2


def _windows(places: Array, n: int, like: Array) -> tuple[Array, Array]:
    """Where windows begin and end at the root, for each row of what is asked of them."""
    xp, rows = array_namespace(places), places.shape[0] - n + 1
    begin = xp.arange(rows, dtype=places.dtype, device=device(places))
    begin = xp.broadcast_to(begin, (like.shape[0], rows))
    return xp.reshape(begin, (-1,)), xp.reshape(begin, (-1,)) + n


def _kth(places: Array, n: int, wanted: Array) -> Array:
    """Places of the samples that are the wanted ones of each window, counted from 0: shape (wanted, rows)."""
    xp = array_namespace(places)
    begin, end = _windows(places, n, wanted)
    left = xp.reshape(wanted[:, None] + 0 * xp.reshape(begin, (wanted.shape[0], -1)), (-1,))
    found = 0 * left
    for step in _tree(places):
        low, high = xp.take(step.zeros, begin), xp.take(step.zeros, end)
        clear = high - low
        up = left >= clear
        found = found + step.bit * xp.astype(up, found.dtype)
        left = left - clear * xp.astype(up, left.dtype)
        begin = xp.where(up, step.none + begin - low, low)
        end = xp.where(up, step.none + end - high, high)
    return found


def _below(places: Array, n: int, bounds: Array) -> tuple[Array, Array]:
    """How many samples of each window have a place below each row of `bounds`."""
    xp, samples = array_namespace(places), places.shape[0]
    begin, end = _windows(places, n, bounds)
    flat = xp.reshape(bounds, (-1,))
    count = 0 * flat
    for step in _tree(places):
        low, high = xp.take(step.zeros, begin), xp.take(step.zeros, end)
        up = flat // step.bit % 2 == 1
        count = count + (high - low) * xp.astype(up, count.dtype)
        begin = xp.where(up, step.none + begin - low, low)
        end = xp.where(up, step.none + end - high, high)
    # A bound of all samples is one bit longer than the tree where their number is a power of two.
    count = xp.reshape(xp.where(flat >= samples, count * 0 + n, count), bounds.shape)
    return count[0, :], count[1, :]
