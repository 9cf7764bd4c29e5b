"""Changes of rate by ratios of whole numbers, over arrays of any library."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.convolve import covering
from hpcflow_kernels.arrays.namespace import Array, numbers
from hpcflow_kernels.arrays.recursive import extended
from hpcflow_kernels.arrays.transforms import together
from hpcflow_kernels.filter.resample import decimation_taps, ratio_or_raise, resampling_taps
from hpcflow_kernels.stretches import stretches

SPAN = 64
"""Samples of the input from one row of outputs to the next, at least."""


def decimated(x: Array, *, rate: float, factor: int) -> dict[str, Array]:
    """Every `factor`-th sample after a filter: `hpcflow_kernels.filter.resample.decimated`."""
    return {"decimated": _by_stretches(x, 1, factor, decimation_taps(factor))}


def resampled(x: Array, *, rate: float, to: float) -> dict[str, Array]:
    """A signal at another rate: `hpcflow_kernels.filter.resample.resampled`."""
    up, down = ratio_or_raise(to, rate)
    if up == down:
        return {"resampled": array_namespace(x).asarray(x, copy=True)}
    return {"resampled": _by_stretches(x, up, down, resampling_taps(up, down))}


def _by_stretches(x: Array, up: int, down: int, taps: np.ndarray) -> Array:
    """A signal with gaps at another rate, each stretch between them as if it were a record of its own."""
    xp, there = array_namespace(x), array_namespace(x).isfinite(x)
    half = -(-(len(taps) // 2) // up)
    missing = xp.full((-(-x.shape[0] * up // down),), xp.nan, dtype=x.dtype, device=device(x))
    parts, done = [], 0
    for start, stop in [(0, x.shape[0])] if bool(xp.all(there)) else stretches(numbers(there)):
        first, last = -(-start * up // down), -(-stop * up // down)
        if stop - start > half and last > first:
            offset = first * down - start * up
            parts += [missing[done:first], _polyphase(x[start:stop], taps, up, down, offset, last - first)]
            done = last
    return xp.concat([*parts, missing[done:]])


class Phases(NamedTuple):
    """How rows of outputs, `hop` samples of the input apart, come from rows of samples.

    Attributes
    ----------
    hop : int
        Samples from one row to the next.
    first : int
        Where the first row of samples begins; before the signal, as a rule.
    needs : ndarray of int, shape (outputs, taps)
        Which samples of its row an output needs.
    weights : ndarray of float64, shape (outputs, taps)
        Zero where a phase has fewer taps than others.
    """

    hop: int
    first: int
    needs: np.ndarray
    weights: np.ndarray


def _polyphase(x: Array, taps: np.ndarray, up: int, down: int, start: int, rows: int) -> Array:
    """A stretch without gaps at another rate; it goes on beyond its ends turned round its last sample.

    An output's products lie side by side and are summed alike whatever else is computed, so a stretch may be
    cut anywhere.

    Parameters
    ----------
    x : array of float32 or float64, shape (samples,)
    taps : ndarray of float64
        For `up` times the rate; the middle one stands at an output.
    up, down : int
        The ratio of the rates, without a common factor.
    start : int
        Where output 0 stands, in samples divided by `up`.
    rows : int
        How many outputs.
    """
    xp, half = array_namespace(x), -(-(len(taps) // 2) // up)
    how = phases(taps.tobytes(), up, down, start)
    index, weights = _moved(taps.tobytes(), up, down, start, x.dtype, xp, device(x))
    outputs, each = how.needs.shape
    count = -(-rows // outputs)
    blocks = covering(extended(x, half)[half + how.first :], int(how.needs.max()) + 1, how.hop, count)
    made, step = [], together(x, outputs * each)
    for begin in range(0, count, step):
        some = blocks[begin : min(begin + step, count), :]
        picked = xp.reshape(xp.take(some, index, axis=1), (some.shape[0], outputs, each))
        made.append(xp.reshape(xp.sum(picked * weights, axis=-1), (-1,)))
    return xp.concat(made)[:rows]


@lru_cache(maxsize=64)
def phases(taps: bytes, up: int, down: int, start: int) -> Phases:
    """Sort taps by output; arguments as for the sums.

    Examples
    --------
    >>> how = phases(np.array([1.0, 2.0, 3.0]).tobytes(), 1, 32, 0)  # two outputs of three taps
    >>> how.hop, how.first, how.needs.tolist(), how.weights.tolist()
    (64, -1, [[0, 1, 2], [32, 33, 34]], [[3.0, 2.0, 1.0], [3.0, 2.0, 1.0]])
    """
    h = np.frombuffer(taps)
    times = -(-max(SPAN, -(-len(h) // up)) // down)
    stands = start + (len(h) - 1) // 2 + np.arange(up * times) * down
    low, high = -((len(h) - 1 - stands) // up), stands // up
    places = low[:, np.newaxis] + np.arange((high - low).max() + 1)
    at = stands[:, np.newaxis] - up * places
    weights = np.where(at >= 0, h[np.maximum(at, 0)], 0.0)
    return Phases(down * times, int(low[0]), places - low[0], weights)


@lru_cache(maxsize=64)
def _moved(
    taps: bytes, up: int, down: int, start: int, dtype: Any, xp: Any, where: Any
) -> tuple[Array, Array]:
    """Index and weights on a device."""
    how = phases(taps, up, down, start)
    flat = xp.asarray(how.needs.ravel(), dtype=xp.int64, device=where)
    return flat, xp.asarray(how.weights, dtype=dtype, device=where)
