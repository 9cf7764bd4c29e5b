"""Compiled loops of entropies: each takes window after window of a signal."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled, inlined
from hpcflow_kernels.simd import load, maximum, select, splat, store, total


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
def _distances(z: np.ndarray, n: int, lag: int, beyond: int, out: np.ndarray) -> None:
    """Distance of each sample from the one `lag` later; then infinity, for `beyond` places or more."""
    for i in range(0, n - lag, 8):
        away = load(z, i, 8) - load(z, i + lag, 8)
        store(out, i, maximum(away, -away))
    for i in range(n - lag, n - lag + beyond, 8):
        store(out, i, splat(out, np.inf, 8))


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
def sample(
    x: np.ndarray, n: int, hop: int, order: int, delay: int, tolerance: float, absolute: bool, out: np.ndarray
) -> None:
    """Sample entropy of each window, nats.

    All pairs of templates that stand `lag` apart are compared together, eight at a time, from the distances
    of their samples.

    Parameters
    ----------
    x, n, hop, out
        As for `shannon`.
    order, delay : int
        Samples of the shorter templates, and from one to the next.
    tolerance : float
        Largest distance of samples that agree, in standard deviations of the window unless `absolute`.
    """
    z, beyond = np.zeros(n + 8), order * delay + 16
    e, templates = np.empty(n + beyond + 8), n - order * delay
    zero, one = splat(z, 0.0, 8), splat(z, 1.0, 8)
    for row in range(len(out)):
        if not _take(x, row * hop, z[:n]):
            out[row] = np.nan
            continue
        r = tolerance if absolute else tolerance * _spread(z, n)
        limit, short, long = splat(z, r, 8), 0.0, 0.0
        for lag in range(1, templates):
            _distances(z, n, lag, beyond, e)
            p = q = zero
            for i in range(0, templates - lag + delay, 8):
                agree = load(e, i, 8) <= limit
                for k in range(1, order):
                    agree = agree & (load(e, i + k * delay, 8) <= limit)
                p = p + select(agree, one, zero)
                q = q + select(agree & (load(e, i + order * delay, 8) <= limit), one, zero)
            short, long = short + total(p), long + total(q)
            for i in range(templates - lag, templates - lag + delay):
                inside = True
                for k in range(order):
                    inside = inside and e[i + k * delay] <= r
                short -= inside
        out[row] = np.nan if short == 0 else (np.inf if long == 0 else -np.log(long / short))


@compiled
def approximate(
    x: np.ndarray, n: int, hop: int, order: int, delay: int, tolerance: float, absolute: bool, out: np.ndarray
) -> None:
    """Approximate entropy of each window, nats; arguments as for `sample`."""
    z, beyond = np.zeros(n + 8), order * delay + 16
    e, templates = np.empty(n + beyond + 8), n - (order - 1) * delay
    short, long = np.empty(n + 16), np.empty(n + 16)
    zero, one = splat(z, 0.0, 8), splat(z, 1.0, 8)
    for row in range(len(out)):
        if not _take(x, row * hop, z[:n]):
            out[row] = np.nan
            continue
        limit = splat(z, tolerance if absolute else tolerance * _spread(z, n), 8)
        short[:], long[:] = 1, 1
        for lag in range(1, templates):
            _distances(z, n, lag, beyond, e)
            for i in range(0, templates - lag, 8):
                agree = load(e, i, 8) <= limit
                for k in range(1, order):
                    agree = agree & (load(e, i + k * delay, 8) <= limit)
                more = select(agree, one, zero)
                store(short, i, load(short, i, 8) + more)
                store(short, i + lag, load(short, i + lag, 8) + more)
                more = select(agree & (load(e, i + order * delay, 8) <= limit), one, zero)
                store(long, i, load(long, i, 8) + more)
                store(long, i + lag, load(long, i + lag, 8) + more)
        fewer, first, second = templates - delay, 0.0, 0.0
        for i in range(templates):
            first += np.log(short[i] / templates)
        for i in range(fewer):
            second += np.log(long[i] / fewer)
        out[row] = first / templates - second / fewer


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
