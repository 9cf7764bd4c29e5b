"""Rolling statistics: a window of fixed length at every sample."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STATISTICS = ("mean", "std", "min", "max")


def rolling(
    x: np.ndarray, *, rate: float, window: float, statistic: str = "mean", align: str = "centre"
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
    statistic : {'mean', 'std', 'min', 'max'}
        ``std`` divides by the number of samples less one.
    align : {'centre', 'trailing'}
        Where in its window a sample stands: with as many samples before as after it (one more before where
        the number is even), or last.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; NaN where the window reaches beyond the stretch.
    """
    from hpcflow_kernels.rolling_contracts import reach

    n, _, after = reach(window, rate, align)
    call = {"mean": rolling_mean, "std": rolling_std, "min": rolling_min, "max": rolling_max}[statistic]
    trailing = call(x, n)
    if after == 0:
        return trailing
    y = np.full(trailing.shape, np.nan, trailing.dtype)
    if len(x) > after:
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
    from hpcflow_kernels.rolling_loops import means

    return _by_row(x, n, lambda row, out: means(row, n, out))


def rolling_std(x: np.ndarray, n: int, ddof: int = 1) -> np.ndarray:
    """Standard deviation of the last n samples; arguments and result as for `rolling_mean`.

    The error is a few roundings of the largest value in the window, so an offset of the signal costs digits
    in proportion to itself, not to its square as with sums of squares. NaN where ``n <= ddof``.
    """
    from hpcflow_kernels.rolling_loops import spreads

    if n <= ddof:
        return _by_row(x, n, lambda row, out: out.fill(np.nan))
    if n == 1:
        return _by_row(x, n, lambda row, out: np.subtract(row, row, out=out))
    return _by_row(x, n, lambda row, out: spreads(row, n, ddof, out))


def rolling_max(x: np.ndarray, n: int) -> np.ndarray:
    """Largest of the last n samples, exactly; arguments and result as for `rolling_mean`."""
    return _extremes(x, n, True)


def rolling_min(x: np.ndarray, n: int) -> np.ndarray:
    """Smallest of the last n samples, exactly; arguments and result as for `rolling_mean`."""
    return _extremes(x, n, False)


def _extremes(x: np.ndarray, n: int, largest: bool) -> np.ndarray:
    from hpcflow_kernels.rolling_loops import extremes

    def fill(row: np.ndarray, out: np.ndarray) -> None:
        if extremes(row, n, largest, out):
            return
        missing = np.isnan(row)
        extremes(np.where(missing, row.dtype.type(-np.inf if largest else np.inf), row), n, largest, out)
        touched = np.concatenate([[0], np.cumsum(missing)])
        out[touched[n:] > touched[:-n]] = np.nan

    return _by_row(x, n, fill)


def _by_row(x: np.ndarray, n: int, fill: Callable[[np.ndarray, np.ndarray], object]) -> np.ndarray:
    """Apply ``fill(row, out)`` to each row; `out` is what is left of a row after the first n - 1."""
    if n < 1:
        raise ValueError(f"a window holds at least one sample, not {n}")
    x = np.asarray(x)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    y = np.empty(x.shape, dtype)
    y[..., : n - 1] = np.nan
    if n <= x.shape[-1]:
        for index in np.ndindex(x.shape[:-1]):
            fill(np.ascontiguousarray(x[index], dtype), y[index][n - 1 :])
    return y
