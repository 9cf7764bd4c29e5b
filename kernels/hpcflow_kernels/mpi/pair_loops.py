"""Compiled loop of the products of all pairs of signals."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled
from hpcflow_kernels.simd import fma, load, splat, store

LANES = 16
"""Frequencies that go together."""


@compiled
def products(spectra: np.ndarray, first: np.ndarray, second: np.ndarray, sums: np.ndarray) -> None:
    """Add to each pair what its signals have in common in some blocks: conj(block) times window.

    Parameters
    ----------
    spectra : ndarray, shape (blocks, 2 * signals, 2, frequencies)
        Of the blocks of all signals, then of their windows; real parts, then imaginary ones. Added up in
        their type, in order of the blocks.
    first, second : ndarray of int64, shape (pairs,)
        Signals of each pair.
    sums : ndarray of float64, shape (pairs, 2, frequencies)
    """
    blocks, rows, _, frequencies = spectra.shape
    # sixteen frequencies of all blocks and signals, side by side: all pairs are made from cache
    near = np.zeros(blocks * rows * 2 * LANES, spectra.dtype)
    added = np.empty(2 * LANES, spectra.dtype)
    for low in range(0, frequencies, LANES):
        wide = min(LANES, frequencies - low)
        for t in range(blocks):
            for s in range(rows):
                at = (t * rows + s) * 2 * LANES
                for k in range(wide):
                    near[at + k] = spectra[t, s, 0, low + k]
                    near[at + LANES + k] = spectra[t, s, 1, low + k]
        for p in range(len(first)):
            one, other = first[p] * 2 * LANES, (rows // 2 + second[p]) * 2 * LANES
            a = splat(near, 0.0, 16)
            b, c, d = a, a, a
            for base in range(0, len(near), rows * 2 * LANES):
                re, im = load(near, base + one, 16), load(near, base + one + 16, 16)
                u, v = load(near, base + other, 16), load(near, base + other + 16, 16)
                a, b, c, d = fma(re, u, a), fma(im, v, b), fma(re, v, c), fma(im, u, d)
            store(added, 0, a + b)
            store(added, LANES, c - d)
            for k in range(wide):
                sums[p, 0, low + k] += added[k]
                sums[p, 1, low + k] += added[LANES + k]
