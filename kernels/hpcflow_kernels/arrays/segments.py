"""Signals with gaps, wherever their arrays live: maps of each stretch, and the longest one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hpcflow_kernels.arrays.namespace import Array, Place
from hpcflow_kernels.contract import Contract
from hpcflow_kernels.stretches import stretches


def by_segment(
    call: Callable[..., Array],
    x: Array,
    contract: Contract,
    params: Mapping[str, Any],
    rate: float,
    place: Place,
) -> Array:
    """Apply a map kernel to each stretch without gaps as if it were a record of its own.

    Missing samples stay NaN, and so do stretches too short for the kernel. What comes to the processor is
    one answer, whether all samples are there, and where they are not, which.
    """
    from array_api_compat import array_namespace

    xp = array_namespace(x)
    good = xp.isfinite(x)
    least = contract.min_samples(params, rate) if contract.min_samples else 1
    if x.shape[0] >= least and bool(xp.all(good)):
        return call(x, rate=rate, **params)
    parts, done = [], 0
    missing = xp.full_like(x, xp.nan)
    for start, stop in stretches(place.back(good)):
        if stop - start >= least:
            parts += [missing[done:start], call(x[start:stop], rate=rate, **params)]
            done = stop
    return xp.concat([*parts, missing[done:]])


def longest_stretch(x: Array) -> Array:
    """The longest run of finite samples, the first of equally long ones."""
    from array_api_compat import array_namespace, device

    xp = array_namespace(x)
    good = xp.isfinite(x)
    if bool(xp.all(good)):
        return x
    ends = [xp.asarray([at], dtype=xp.int64, device=device(x)) for at in (-1, x.shape[0])]
    edges = xp.concat([ends[0], xp.astype(xp.nonzero(~good)[0], xp.int64), ends[1]])
    lengths = edges[1:] - edges[:-1] - 1
    longest = int(xp.argmax(lengths))
    start = int(edges[longest]) + 1
    return x[start : start + int(lengths[longest])]
