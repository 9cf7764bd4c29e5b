"""Compiled loops of the large set of features: runs, peaks, changes inside corridors, phrases, fits."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled


@compiled
def longest_runs(flags: np.ndarray, out: np.ndarray) -> None:
    """Longest run of True in each row of `flags`, shape (rows, n); `out` float64, shape (rows,)."""
    for row in range(len(flags)):
        run = longest = 0
        for flag in flags[row]:
            run = run + 1 if flag else 0
            longest = max(longest, run)
        out[row] = longest


@compiled
def peaks(x: np.ndarray, supports: np.ndarray, out: np.ndarray) -> None:
    """Samples that exceed so many neighbours on either side.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
    supports : ndarray of int64, shape (k,)
        Neighbours, rising.
    out : ndarray of float64, shape (rows, k)
    """
    n, most = x.shape[1], supports[-1]
    for row in range(len(x)):
        z = x[row]
        out[row] = 0
        for i in range(1, n - 1):
            reach = 0
            while reach < min(most, i, n - 1 - i) and z[i] > z[i - reach - 1] and z[i] > z[i + reach + 1]:
                reach += 1
            for k in range(len(supports)):
                out[row, k] += reach >= supports[k]


@compiled
def changes(x: np.ndarray, low: np.ndarray, high: np.ndarray, out: np.ndarray) -> None:
    """Mean and variance of steps between samples that both lie in a corridor, and of their sizes.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
    low, high : ndarray of float64, shape (rows, corridors)
        Ends, both of them inside; where they are equal all is 0.
    out : ndarray of float64, shape (rows, corridors, 4)
        Gets mean and variance (n) of steps, then of sizes; 0 where there are no steps.
    """
    n = x.shape[1]
    for row in range(len(x)):
        z = x[row]
        for c in range(low.shape[1]):
            a, b = low[row, c], high[row, c]
            count, added, sizes = 0, 0.0, 0.0
            for i in range(1, n):
                if a <= z[i] <= b and a <= z[i - 1] <= b:
                    step = z[i] - z[i - 1]
                    count, added, sizes = count + 1, added + step, sizes + abs(step)
            out[row, c] = 0
            if count == 0 or a == b:
                continue
            added, sizes = added / count, sizes / count
            first = second = 0.0
            for i in range(1, n):
                if a <= z[i] <= b and a <= z[i - 1] <= b:
                    step = z[i] - z[i - 1]
                    first, second = first + (step - added) ** 2, second + (abs(step) - sizes) ** 2
            out[row, c, 0], out[row, c, 1] = added, first / count
            out[row, c, 2], out[row, c, 3] = sizes, second / count


@compiled
def histogram_entropies(x: np.ndarray, bins: int, out: np.ndarray) -> None:
    """Entropy of each row's histogram, nats; a value on an edge counts above it, as in numpy.histogram.

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n)
    bins : int
        Of equal width, from the smallest to the largest value.
    out : ndarray of float64, shape (rows,)
        NaN for a row with a value that is not finite.
    """
    n, counts = x.shape[1], np.empty(bins, np.int64)
    for row in range(len(x)):
        z = x[row]
        low, high = z.min(), z.max()
        step, scale = (high - low) / bins, bins / (high - low)
        if not np.isfinite(high - low):
            out[row] = np.nan
            continue
        counts[:] = 0
        for v in z:
            k = min(int((v - low) * scale), bins - 1) if high > low else 0
            if k > 0 and v < low + k * step:
                k -= 1
            elif k < bins - 1 and v >= low + (k + 1) * step:
                k += 1
            counts[k] += 1
        out[row] = 0
        for count in counts:
            if count:
                out[row] -= count / n * np.log(count / n)


@compiled
def phrases(x: np.ndarray, bins: int, out: np.ndarray) -> None:
    """Number of phrases of each row's bins: each is the shortest that has not been one before.

    Ziv and Lempel, Compression of individual sequences via variable-rate coding, IEEE Transactions on
    Information Theory 24 (1978).

    Parameters
    ----------
    x : ndarray of float64, shape (rows, n), finite
    bins : int
        Of equal width, from the smallest to the largest value; a value on an edge counts below it.
    out : ndarray of float64, shape (rows,)
    """
    n = x.shape[1]
    longer = np.empty((n + 1, bins), np.int32)
    for row in range(len(x)):
        z = x[row]
        low, high = z.min(), z.max()
        step = (high - low) / bins
        known, phrase = 0, 0
        longer[0] = 0
        for v in z:
            k = 0
            if 0 < step < np.inf:
                k = min(int((v - low) / step), bins - 1)
                while k > 0 and v <= low + k * step:
                    k -= 1
                while k < bins - 1 and v > low + (k + 1) * step:
                    k += 1
            if longer[phrase, k]:
                phrase = longer[phrase, k]
                continue
            known += 1
            longer[phrase, k] = known
            longer[known] = 0
            phrase = 0
        out[row] = known


@compiled
def triangles(a: np.ndarray, r: np.ndarray) -> None:
    """The triangular factors of matrices, by modified Gram-Schmidt, with windows side by side.

    With the right-hand side as its last column this solves least squares as stably as Householder's
    reflections do: Björck, Solving linear least squares problems by Gram-Schmidt orthogonalization, BIT 7
    (1967).

    Parameters
    ----------
    a : ndarray of float64, shape (columns, n, windows)
        Is overwritten.
    r : ndarray of float64, shape (windows, columns, columns)
        Zeros, whose upper triangles are filled.
    """
    columns, n, windows = a.shape
    dot = np.empty(windows)
    for j in range(columns):
        for k in range(j, columns):
            dot[:] = 0
            for i in range(n):
                for w in range(windows):
                    dot[w] += a[j, i, w] * a[k, i, w]
            if k == j:
                dot[:] = np.sqrt(dot)
                r[:, j, j] = dot
                for w in range(windows):
                    dot[w] = 1 / dot[w] if dot[w] > 0 else 0.0
                for i in range(n):
                    for w in range(windows):
                        a[j, i, w] *= dot[w]
                continue
            r[:, j, k] = dot
            for i in range(n):
                for w in range(windows):
                    a[k, i, w] -= dot[w] * a[j, i, w]
