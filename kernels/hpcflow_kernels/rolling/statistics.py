"""Rolling statistics: a window of fixed length at every sample."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.rolling.rows import by_row, whole_windows


def rolling(
    x: np.ndarray,
    *,
    rate: float,
    window: float,
    statistic: str = "mean",
    align: str = "centre",
    quantile: float = 0.5,
) -> np.ndarray:
    """One statistic of the window around, or up to, every sample.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A stretch without gaps.
    rate : float
        Samples per second.
    window : float
        Duration of the window, s; the nearest whole number of samples, at least one.
    statistic : {'mean', 'std', 'min', 'max', 'median', 'quantile', 'rank', 'zscore'}
        ``std`` divides by the number of samples less one; ``rank`` is that of the sample among its
        window, as a share; ``zscore`` its distance from the window's mean in standard deviations.
    align : {'centre', 'trailing'}
        Where in its window a sample stands: with as many samples before as after it (one more before where
        the number is even), or last.
    quantile : float
        Which one, from 0 to 1, for ``quantile``.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; NaN where the window reaches beyond the stretch, and for a z-score where
        the window does not vary.
    """
    from hpcflow_kernels.rolling.contracts import reach

    n, before, after = reach(window, rate, align)
    if statistic == "zscore":
        with np.errstate(invalid="ignore", divide="ignore"):
            spread = _aligned(rolling_std(x, n), after)
            z: np.ndarray = (x - _aligned(rolling_mean(x, n), after)) / np.where(spread > 0, spread, np.nan)
        return z
    return _aligned(_trailing(x, n, statistic, quantile, before), after)


def _trailing(x: np.ndarray, n: int, statistic: str, quantile: float, before: int) -> np.ndarray:
    from hpcflow_kernels.rolling.order import rolling_median, rolling_quantile, rolling_rank

    if statistic == "quantile":
        return rolling_quantile(x, n, quantile)
    if statistic == "rank":
        return rolling_rank(x, n, before)
    return {
        "mean": rolling_mean,
        "std": rolling_std,
        "min": rolling_min,
        "max": rolling_max,
        "median": rolling_median,
    }[statistic](x, n)


def _aligned(trailing: np.ndarray, after: int) -> np.ndarray:
    """Results of windows that end at a sample, moved to the sample that stands `after` before their end."""
    if after == 0:
        return trailing
    y = np.full(trailing.shape, np.nan, trailing.dtype)
    if len(trailing) > after:
        y[:-after] = trailing[after:]
    return y


def rolling_mean(x: np.ndarray, n: int) -> np.ndarray:
    """Mean of the last n samples.

    Parameters
    ----------
    x : ndarray of real numbers, shape (..., samples)
        float32 stays float32; all else is computed in float64. NaN harms the windows it lies in.
    n : int
        Samples of a window, at least 1.

    Returns
    -------
    ndarray
        Of the shape of `x`; NaN for the first n - 1 samples. The error is at most ``2 log2(n) + 2``
        roundings of the mean absolute value, and bits depend on a window's samples alone.

    Examples
    --------
    >>> rolling_mean(np.array([1.0, 2.0, 6.0]), 2).tolist()
    [nan, 1.5, 4.0]
    """
    from hpcflow_kernels.rolling.sums_loops import means

    return by_row(x, n, lambda row, out: means(row, n, out))


def rolling_std(x: np.ndarray, n: int, ddof: int = 1) -> np.ndarray:
    """Standard deviation of the last n samples; arguments and result as for `rolling_mean`.

    The error is a few roundings of the largest value in the window, so an offset of the signal costs digits
    in proportion to itself, not to its square as with sums of squares. NaN where ``n <= ddof``.
    """
    from hpcflow_kernels.rolling.sums_loops import spreads

    if n <= ddof:
        return by_row(x, n, lambda row, out: out.fill(np.nan))
    if n == 1:
        return by_row(x, n, lambda row, out: np.subtract(row, row, out=out))
    return by_row(x, n, lambda row, out: spreads(row, n, ddof, out))


def rolling_max(x: np.ndarray, n: int) -> np.ndarray:
    """Largest of the last n samples, exactly; arguments and result as for `rolling_mean`."""
    return _extremes(x, n, True)


def rolling_min(x: np.ndarray, n: int) -> np.ndarray:
    """Smallest of the last n samples, exactly; arguments and result as for `rolling_mean`."""
    return _extremes(x, n, False)


def _extremes(x: np.ndarray, n: int, largest: bool) -> np.ndarray:
    from hpcflow_kernels.rolling.statistics_loops import extremes

    def fill(row: np.ndarray, out: np.ndarray) -> None:
        if not extremes(row, n, largest, out):
            with whole_windows(row, n, out) as clean:
                extremes(clean, n, largest, out)

    return by_row(x, n, fill)
