"""Compiled loops of entropies: each takes window after window of a signal."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import load, minimum, select, splat, store, total

NARROW = 32_767
"""Longest window whose ranks and counts are of 16 bits, sixteen to a register of AVX2."""

BEYOND = 32
"""Places behind the pairs of a lag that loops over whole vectors read; nothing agrees there."""


@inlined
def _take(x: np.ndarray, start: int, out: np.ndarray) -> bool:
    """Copy a window; whether all of it is finite."""
    rest = 0.0
    for i in range(len(out)):
        out[i] = x[start + i]
        rest += out[i] - out[i]
    return rest == 0


@inlined
def _of_counts(counts: np.ndarray, everything: int) -> float:
    """Entropy of relative frequencies, nats."""
    added = 0.0
    for count in counts:
        if count > 0:
            added -= count / everything * np.log(count / everything)
    return max(added, 0.0)


@compiled
def shannon(x: np.ndarray, n: int, hop: int, bins: int, out: np.ndarray) -> None:
    """Entropy of the histogram of each window, nats.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    n, hop : int
        Samples of a window, and from one to the next.
    bins : int
        Of equal width, from the smallest to the largest value.
    out : ndarray of float64, shape (windows,)
        NaN for a window with a value that is not finite.
    """
    z, counts = np.empty(n), np.empty(bins, np.int64)
    for row in range(len(out)):
        if not _take(x, row * hop, z):
            out[row] = np.nan
            continue
        low, high = z.min(), z.max()
        counts[:] = 0
        for i in range(n):
            place = (z[i] - low) / (high - low) * bins if high > low else 0.0
            counts[min(int(place), bins - 1)] += 1
        out[row] = _of_counts(counts, n)


@compiled
def permutation(x: np.ndarray, n: int, hop: int, order: int, delay: int, out: np.ndarray) -> None:
    """Entropy of the order of `order` samples `delay` apart, nats; of equal ones the earlier is the smaller.

    Arguments as for `shannon`.
    """
    z, kinds = np.empty(n), 1
    for k in range(2, order + 1):
        kinds *= k
    counts, patterns = np.empty(kinds, np.int64), n - (order - 1) * delay
    code = np.empty(patterns, np.int64)
    for row in range(len(out)):
        if not _take(x, row * hop, z):
            out[row] = np.nan
            continue
        code[:] = 0
        for a in range(order - 1):
            for b in range(a + 1, order):
                for i in range(patterns):
                    code[i] += z[i + a * delay] > z[i + b * delay]
            for i in range(patterns):
                code[i] *= order - 1 - a
        counts[:] = 0
        for i in range(patterns):
            counts[code[i]] += 1
        out[row] = _of_counts(counts, patterns)


@inlined
def _neighbours(z: np.ndarray, r: float, rank: np.ndarray, below: np.ndarray, above: np.ndarray) -> None:
    """Rank of each sample, and the ranks between which those lie that are no farther from it than `r`.

    Behind the samples ranks are -1, which lies between no two.
    """
    first, last, order = 0, 0, np.argsort(z)
    for i in range(len(z)):
        here = z[order[i]]
        while first <= i and here - z[order[first]] > r:
            first += 1
        while last < len(z) and z[order[last]] - here <= r:
            last += 1
        rank[order[i]], below[order[i]], above[order[i]] = i, first - 1, last
    rank[len(z) :] = -1


@inlined
def _agreements(
    rank: np.ndarray,
    below: np.ndarray,
    above: np.ndarray,
    lag: int,
    count: int,
    order: int,
    delay: int,
    e: np.ndarray,
    begun: np.ndarray,
) -> None:
    """1 where a sample agrees with that `lag` later, else 0; `begun`: all but the last of three or more."""
    zero, one = splat(e, 0, 16), splat(e, 1, 16)
    for i in range(0, count, 16):
        other = load(rank, i + lag, 16)
        agree = (other > load(below, i, 16)) & (other < load(above, i, 16))
        store(e, i, select(agree, one, zero))
    if order > 2:
        begun[:count] = e[:count]
    for k in range(1, order - 1):
        for i in range(0, count - k * delay, 16):
            store(begun, i, minimum(load(begun, i, 16), load(e, i + k * delay, 16)))


@inlined
def _spread(z: np.ndarray, n: int) -> float:
    mean, squares = 0.0, 0.0
    for i in range(n):
        mean += z[i]
    mean /= n
    for i in range(n):
        squares += (z[i] - mean) ** 2
    return np.sqrt(squares / n)  # type: ignore[no-any-return]


@compiled
def _pairs(z: np.ndarray, r: float, order: int, delay: int, work: np.ndarray) -> tuple[float, float]:
    """Pairs of templates of `order` samples that agree, and of those the ones whose next samples do too."""
    n, far, last, room = len(z), order * delay, (order - 1) * delay, len(work) // 5
    rank, below, above = work[:room], work[room : 2 * room], work[2 * room : 3 * room]
    e, begun = work[3 * room : 4 * room], work[4 * room :]
    first = begun if order > 2 else e
    _neighbours(z, r, rank, below, above)
    short, long = 0.0, 0.0
    zero, one = splat(work, 0, 16), splat(work, 1, 16)
    for lag in range(1, n - far):
        _agreements(rank, below, above, lag, n - lag + BEYOND, order, delay, e, begun)
        p = q = zero
        for i in range(0, n - far - lag, 16):
            agree = minimum(load(first, i, 16), load(e, i + last, 16))
            there = select(load(rank, i + far + lag, 16) < zero, zero, one)
            p = p + minimum(agree, there)
            q = q + minimum(agree, load(e, i + far, 16))
        short, long = short + total(p), long + total(q)
    return short, long


@compiled
def sample(
    x: np.ndarray, n: int, hop: int, order: int, delay: int, tolerance: float, absolute: bool, out: np.ndarray
) -> None:
    """Sample entropy of each window, nats.

    Samples are put in order once, so that those within the tolerance of one are a range of ranks. All pairs
    of templates that stand `lag` apart are then compared together, sixteen ranks of 16 bits at a time.

    Parameters
    ----------
    x, n, hop, out
        As for `shannon`.
    order, delay : int
        Samples of the shorter templates, and from one to the next.
    tolerance : float
        Largest distance of samples that agree, in standard deviations of the window unless `absolute`.
    """
    z, size = np.empty(n), 5 * (n + order * delay + 2 * BEYOND)
    narrow, wide = np.zeros(size, np.int16), np.zeros(size if n > NARROW else 0, np.int32)
    for row in range(len(out)):
        if not _take(x, row * hop, z):
            out[row] = np.nan
            continue
        r = tolerance if absolute else tolerance * _spread(z, n)
        if n > NARROW:
            short, long = _pairs(z, r, order, delay, wide)
        else:
            short, long = _pairs(z, r, order, delay, narrow)
        out[row] = np.nan if short == 0 else (np.inf if long == 0 else -np.log(long / short))


@compiled
def _likeness(z: np.ndarray, r: float, order: int, delay: int, work: np.ndarray) -> float:
    """Mean logarithm of the share of templates that agree with one, less that of one sample more."""
    n, far, last, room = len(z), order * delay, (order - 1) * delay, len(work) // 5
    rank, below, above = work[:room], work[room : 2 * room], work[2 * room : 3 * room]
    e, begun = work[3 * room : 4 * room], work[4 * room :]
    before, templates = begun if order > 2 else e, n - last
    short, long = np.ones(room, work.dtype), np.ones(room, work.dtype)
    _neighbours(z, r, rank, below, above)
    for lag in range(1, templates):
        _agreements(rank, below, above, lag, n - lag + BEYOND, order, delay, e, begun)
        for i in range(0, templates - lag, 16):
            agree = minimum(load(before, i, 16), load(e, i + last, 16))
            store(short, i, load(short, i, 16) + agree)
            store(short, i + lag, load(short, i + lag, 16) + agree)
            agree = minimum(agree, load(e, i + far, 16))
            store(long, i, load(long, i, 16) + agree)
            store(long, i + lag, load(long, i + lag, 16) + agree)
    fewer, first, second = templates - delay, 0.0, 0.0
    for i in range(templates):
        first += np.log(short[i] / templates)
    for i in range(fewer):
        second += np.log(long[i] / fewer)
    return first / templates - second / fewer


@compiled
def approximate(
    x: np.ndarray, n: int, hop: int, order: int, delay: int, tolerance: float, absolute: bool, out: np.ndarray
) -> None:
    """Approximate entropy of each window, nats; arguments as for `sample`."""
    z, size = np.empty(n), 5 * (n + order * delay + 2 * BEYOND)
    narrow, wide = np.zeros(size, np.int16), np.zeros(size if n > NARROW else 0, np.int32)
    for row in range(len(out)):
        if not _take(x, row * hop, z):
            out[row] = np.nan
            continue
        r = tolerance if absolute else tolerance * _spread(z, n)
        if n > NARROW:
            out[row] = _likeness(z, r, order, delay, wide)
        else:
            out[row] = _likeness(z, r, order, delay, narrow)


@compiled
def lempel_ziv(x: np.ndarray, n: int, hop: int, out: np.ndarray) -> None:
    """Words of each window's bits, above its median or not, that are no copies of what came before.

    Kaspar and Schuster, Easily calculable measure for the complexity of spatiotemporal patterns, Phys. Rev. A
    36 (1987). Arguments as for `shannon`.
    """
    z, bits = np.empty(n), np.empty(n, np.bool_)
    for row in range(len(out)):
        if not _take(x, row * hop, z):
            out[row] = np.nan
            continue
        middle = np.median(z)
        for i in range(n):
            bits[i] = z[i] > middle
        out[row] = words(bits)


@compiled
def words(bits: np.ndarray) -> float:
    """Words of one sequence of truth values."""
    n, count, start, i, length, longest = len(bits), 1, 1, 0, 1, 1
    if n < 2:
        return float(n)
    while True:
        if bits[i + length - 1] == bits[start + length - 1]:
            length += 1
            if start + length > n:
                return float(count + 1)
            continue
        longest = max(longest, length)
        i += 1
        if i == start:
            count, start = count + 1, start + longest
            if start + 1 > n:
                return float(count)
            i, length, longest = 0, 1, 1
        else:
            length = 1
