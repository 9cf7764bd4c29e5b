"""Rolling statistics over arrays of any library: windows double, pass by pass."""

from __future__ import annotations

from collections.abc import Callable

from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.rolling_order import quantiles, ranks
from hpcflow_kernels.rolling.contracts import reach


def rolling(
    x: Array,
    *,
    rate: float,
    window: float,
    statistic: str = "mean",
    align: str = "centre",
    quantile: float = 0.5,
) -> Array:
    """One statistic of the window about every sample: `hpcflow_kernels.rolling.statistics.rolling`.

    Bits depend on a window's samples alone.
    """
    xp, samples = array_namespace(x), x.shape[-1]
    n, before, after = reach(window, rate, align)
    if n > samples or (n == 1 and statistic in ("std", "zscore")):
        return xp.full(x.shape, xp.nan, dtype=x.dtype, device=device(x))
    if statistic == "zscore":
        spread = stds(x, n)
        spread = xp.where(spread > 0, spread, xp.full_like(spread, xp.nan))
        made = (x[before : samples - after] - means(x, n)) / spread
    elif statistic == "quantile":
        made = quantiles(x, n, quantile)
    elif statistic == "rank":
        made = ranks(x, n, before)
    else:
        made = {"mean": means, "std": stds, "min": minima, "max": maxima, "median": medians}[statistic](x, n)
    parts = [made]
    for at, count in ((0, before), (2, after)):
        if count:
            parts.insert(at, xp.full((count,), xp.nan, dtype=x.dtype, device=device(x)))
    return xp.concat(parts) if len(parts) > 1 else made


def medians(x: Array, n: int) -> Array:
    """Median of each window of n samples."""
    return quantiles(x, n, 0.5)


def maxima(x: Array, n: int) -> Array:
    """Largest of each window of n samples, exactly."""
    return _extremes(x, n, array_namespace(x).maximum)


def minima(x: Array, n: int) -> Array:
    """Smallest of each window of n samples, exactly."""
    return _extremes(x, n, array_namespace(x).minimum)


def _extremes(x: Array, n: int, larger: Callable[[Array, Array], Array]) -> Array:
    m = 1
    while m < n:
        by = min(m, n - m)
        x = larger(x[:-by], x[by:])
        m += by
    return x


def means(x: Array, n: int) -> Array:
    """Mean of each window of n samples, a sum of halves of halves.

    Parameters
    ----------
    x : array of float32 or float64, shape (samples,)
    n : int
        From 1 to `samples`.

    Returns
    -------
    array, shape (samples - n + 1,)
        Of the type of `x`. The error is below ``2 log2(n) + 2`` roundings of the mean absolute value.
    """
    m, rest = 1, 0
    sums = total = x
    while True:
        if n & m:  # windows of m samples, with the n modulo m samples behind them
            total = sums[: total.shape[0] - m] + total[m:] if rest else sums
            rest += m
        if rest == n:
            return total[: x.shape[0] - n + 1] * (1.0 / n)
        sums = sums[:-m] + sums[m:]
        m *= 2


def stds(x: Array, n: int, ddof: int = 1) -> Array:
    """Standard deviation of each window of n samples, from squared distances merged side by side.

    Parameters
    ----------
    x, n
        As for `means`.
    ddof : int
        The sum is divided by ``n - ddof``.

    Notes
    -----
    Two windows side by side, of a and b samples with sums s and r and squared distances p and q, have
    together ``p + q + (r - s b / a)**2 a / (b (a + b))``: Chan, Golub and LeVeque, Updating formulae and a
    pairwise algorithm for computing sample variances, COMPSTAT (1982), equation 2.1.
    """
    xp, m, rest = array_namespace(x), 1, 0
    sums, squares = x, xp.zeros_like(x)
    total = around = x  # of the last `rest` samples
    while True:
        if n & m and rest:
            count = total.shape[0] - m
            apart = total[m:] - sums[:count] * (rest / m)
            weight = m / (rest * (m + rest))
            around = squares[:count] + around[m:] + apart * (apart * weight)
            total = sums[:count] + total[m:]
        elif n & m:
            total, around = sums, squares
        rest += n & m
        if rest == n:
            return xp.sqrt(around[: x.shape[0] - n + 1] * (1.0 / (n - ddof)))
        apart = sums[m:] - sums[:-m]
        squares = squares[:-m] + squares[m:] + apart * (apart * (0.5 / m))
        sums = sums[:-m] + sums[m:]
        m *= 2
