"""MiniRocket features of windows on any array library: the 84 kernels of a dilation side by side."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import constant, count, cut, together, typed
from hpcflow_kernels.features.rocket_contracts import KERNELS, TAPS
from hpcflow_kernels.features.rocket_windows import reference_fit
from hpcflow_kernels.frames import frame_hop, frame_length

MIDDLE = TAPS // 2
TRIPLES = tuple(combinations(range(TAPS), 3))
"""Taps that weigh 2 in each kernel, in the order of the features."""


def minirocket_windows(
    x: Any, *, rate: float, window: float = 1.0, overlap: float = 0.0, features: int = 10_000
) -> dict[str, Any]:
    """As `hpcflow_kernels.features.rocket_windows.minirocket_windows`.

    Sums of taps are taken in the same order in float32, so shares are the same wherever a window's mean and
    spread round alike.
    """
    x, xp = typed(x), array_namespace(x)
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    fitted, rows = reference_fit(n, features), count(x.shape[0], n, hop)
    shares = xp.empty((rows, len(fitted.biases)), dtype=xp.float32, device=device(x))
    level = [xp.empty((rows,), dtype=x.dtype, device=device(x)) for _ in range(2)]
    step = together(x, n * KERNELS)
    for start in range(0, rows, step):
        stop = min(start + step, rows)
        frame = xp.astype(cut(x[start * hop : (stop - 1) * hop + n], n, hop), xp.float64)
        mean = xp.mean(frame, axis=-1, keepdims=True)
        varied = xp.max(frame, axis=-1, keepdims=True) > xp.min(frame, axis=-1, keepdims=True)
        missing = xp.full_like(mean, xp.nan)
        spread = xp.sqrt(xp.mean((frame - mean) ** 2, axis=-1, keepdims=True))
        spread = xp.where(varied | xp.isnan(spread), spread, xp.zeros_like(spread))
        there = xp.isfinite(mean)
        level[0][start:stop] = xp.astype(xp.where(there, mean, missing)[:, 0], x.dtype)
        level[1][start:stop] = xp.astype(xp.where(there, spread, missing)[:, 0], x.dtype)
        z = xp.astype((frame - mean) / xp.where(spread > 0, spread, missing), xp.float32)
        at = 0
        for j, (dilation, number) in enumerate(
            zip(fitted.dilations.tolist(), fitted.counts.tolist(), strict=True)
        ):
            biases = fitted.biases[at : at + KERNELS * number].reshape(KERNELS, number)
            shares[start:stop, at : at + KERNELS * number] = _shares(z, dilation, j % 2, biases)
            at += KERNELS * number
        usable = there & varied
        shares[start:stop, :] = xp.where(usable, shares[start:stop, :], xp.astype(missing, xp.float32))
    return {"features": shares, "mean": level[0], "std": level[1]}


def _shares(z: Any, dilation: int, odd: int, biases: np.ndarray) -> Any:
    """Shares of the responses to each kernel that exceed each bias, shape (rows, kernels * biases).

    Parameters
    ----------
    z : array of float32, shape (rows, n)
    dilation : int
        Samples from one tap to the next.
    odd : int
        Which kernels, those with odd numbers (0) or even ones (1), are taken only where all taps lie inside.
    biases : ndarray of float32, shape (kernels, number)
    """
    xp, (rows, n) = array_namespace(z), z.shape
    edge = xp.zeros((rows, MIDDLE * dilation), dtype=z.dtype, device=device(z))
    padded = xp.concat([edge, z, edge], axis=-1)
    taps = [padded[:, k * dilation : k * dilation + n] for k in range(TAPS)]
    every = -taps[MIDDLE]
    for k in range(TAPS):
        if k != MIDDLE:
            every = every - taps[k]
    tripled = xp.stack([3 * tap for tap in taps], axis=1)
    response = every[:, None, :]
    for places in np.array(TRIPLES).T:
        response = response + xp.take(tripled, constant(places, z, xp.int64), axis=1)
    where, whole = np.ones((KERNELS, n), bool), (np.arange(KERNELS) + odd) % 2 == 1
    where[whole, : edge.shape[1]] = where[whole, n - edge.shape[1] :] = False
    inside, length = constant(where, z, xp.bool), constant(where.sum(axis=1), z, xp.float64)
    limits, found = constant(biases, z, xp.float32), []
    for k in range(biases.shape[1]):
        over = (response > limits[:, k][None, :, None]) & inside
        found.append(xp.sum(xp.astype(over, xp.int32), axis=-1))
    counted = xp.astype(xp.stack(found, axis=-1), xp.float64) / length[None, :, None]
    return xp.astype(xp.reshape(counted, (rows, -1)), xp.float32)
