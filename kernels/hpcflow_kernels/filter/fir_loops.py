"""Compiled loops of filters with finite impulse responses: sums in vectors, and overlap-save in eight lanes.

Both give ``y[i] = sum_j taps[j] * x[i - shift + j]``, the taps in reverse. Direct sums run over sixty-four
outputs at once and take the taps in order, so an output's bits are a function of its own samples.

Overlap-save takes eight blocks at once, one in each lane. A product modulo ``z^n + 1`` is wrapped round with
its sign turned, and what is wrapped is thrown away: so it serves as well as a cyclic one, and for real blocks
it takes a transform of half as many complex points (`hpcflow_kernels.filter.ring_loops`).
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.filter.ring_loops import multiply
from hpcflow_kernels.simd import broadcast, fma, halves, join, load, store, transpose

BLOCK = 64
"""Outputs of direct sums at once: four vectors of sixteen."""


@inlined
def _lay(part: np.ndarray, start: int, at: int, out: np.ndarray) -> None:
    """Copy what `out`, which begins at `at`, holds of a part that begins at `start`."""
    for i in range(max(at, start), min(at + len(out), start + len(part))):
        out[i - at] = part[i - start]


@inlined
def continued(x: np.ndarray, head: np.ndarray, tail: np.ndarray, at: int, out: np.ndarray) -> None:
    """Samples from `at` on, of a signal with a head before it, a tail behind it, and zeros beyond them."""
    out[:] = 0.0
    # One call each, not a loop over the three: arrays that may be written to and others are of two types.
    _lay(head, -len(head), at, out)
    _lay(x, 0, at, out)
    _lay(tail, len(x), at, out)


@inlined
def _sums(x: np.ndarray, at: int, taps: np.ndarray, y: np.ndarray, i: int) -> None:
    """Sixty-four outputs from the samples that begin at `at`."""
    h = broadcast(taps, 0, 16)
    a, b, c, d = (
        h * load(x, at, 16),
        h * load(x, at + 16, 16),
        h * load(x, at + 32, 16),
        h * load(x, at + 48, 16),
    )
    for j in range(1, len(taps)):
        h, k = broadcast(taps, j, 16), at + j
        a = fma(h, load(x, k, 16), a)
        b = fma(h, load(x, k + 16, 16), b)
        c = fma(h, load(x, k + 32, 16), c)
        d = fma(h, load(x, k + 48, 16), d)
    store(y, i, a)
    store(y, i + 16, b)
    store(y, i + 32, c)
    store(y, i + 48, d)


@compiled
def direct(
    x: np.ndarray, head: np.ndarray, tail: np.ndarray, taps: np.ndarray, shift: int, y: np.ndarray
) -> None:
    """Fill `y` by sums over the taps.

    Parameters
    ----------
    x, head, tail : ndarray of float32 or float64
        A signal, and how it goes on before and behind; zeros beyond.
    taps : ndarray, shape (taps,)
        In reverse.
    shift : int
        Samples before an output's own at which its first one stands.
    y : ndarray
        Outputs, of the type of `x`.
    """
    reach = BLOCK + len(taps) - 1
    samples, sums = np.empty(reach, x.dtype), np.empty(BLOCK, x.dtype)
    for i in range(0, len(y), BLOCK):
        at = i - shift
        if at >= 0 and at + reach <= len(x) and i + BLOCK <= len(y):
            _sums(x, at, taps, y, i)
            continue
        continued(x, head, tail, at, samples)
        _sums(samples, 0, taps, sums, 0)
        count = min(BLOCK, len(y) - i)
        y[i : i + count] = sums[:count]


@inlined
def _pair(x: np.ndarray, k: int, further: int):  # type: ignore[no-untyped-def]
    return join(load(x, k, 4), load(x, k + further, 4))


@inlined
def _lanes(x: np.ndarray, at: int, apart: int, n: int, part: np.ndarray) -> None:
    """Eight blocks that begin `apart` samples from one another, n samples each, as lanes of `part`."""
    for j in range(0, n, 4):
        k = at + j
        rows = transpose(
            (
                _pair(x, k, 4 * apart),
                _pair(x, k + apart, 4 * apart),
                _pair(x, k + 2 * apart, 4 * apart),
                _pair(x, k + 3 * apart, 4 * apart),
            )
        )
        for t in range(4):
            store(part, 8 * (j + t), rows[t])


@inlined
def _blocks(part: np.ndarray, length: int, apart: int, i: int, y: np.ndarray) -> None:
    """The first `length` points of lane l go to `y` at ``i + l * apart``; what lies beyond is dropped."""
    whole = max(0, min(length, len(y) - i - 7 * apart)) // 4 * 4
    for j in range(0, whole, 4):
        k = 8 * j
        rows = transpose(
            (load(part, k, 8), load(part, k + 8, 8), load(part, k + 16, 8), load(part, k + 24, 8))
        )
        for t in range(4):
            low, high = halves(rows[t])
            store(y, i + j + t * apart, low)
            store(y, i + j + (t + 4) * apart, high)
    for lane in range(8):
        place = i + lane * apart
        for j in range(whole, min(length, len(y) - place)):
            y[place + j] = part[8 * j + lane]


@inlined
def _work(size: int, like: np.ndarray) -> np.ndarray:
    """New memory that begins where a line of the cache does."""
    whole = np.empty(size + 16, like.dtype)
    first = -(whole.ctypes.data // whole.itemsize) % 16
    return whole[first : first + size]


@compiled
def overlap_save(
    x: np.ndarray,
    head: np.ndarray,
    tail: np.ndarray,
    spectrum: np.ndarray,
    taps: int,
    stages: np.ndarray,
    leaves: np.ndarray,
    shift: int,
    y: np.ndarray,
) -> None:
    """Fill `y` by products of blocks modulo ``z^n + 1``.

    Parameters
    ----------
    x, head, tail, shift, y
        As for `direct`.
    spectrum, stages, leaves : ndarray
        As `hpcflow_kernels.filter.ring` makes them for the taps in reverse; the spectrum is of shape (n,),
        n a power of two.
    taps : int
        How many taps there are, at most n - 7.
    """
    n = len(spectrum)
    half, length = n // 2, (n - taps + 1) // 8 * 8
    re, im = _work(8 * half, x), _work(8 * half, x)
    reach = 7 * length + n
    samples = np.empty(reach, x.dtype)
    leaf = 4 if len(leaves) == 6 * (half // 4) else 8
    for i in range(0, len(y), 8 * length):
        at = i - shift
        if at >= 0 and at + reach <= len(x):
            _lanes(x, at, length, half, re)
            _lanes(x, at + half, length, half, im)
        else:
            continued(x, head, tail, at, samples)
            _lanes(samples, 0, length, half, re)
            _lanes(samples, half, length, half, im)
        multiply(re, im, half, leaf, stages, leaves, spectrum)
        _blocks(re, min(half, length), length, i, y)
        if length > half:
            _blocks(im, length - half, length, i + half, y)
