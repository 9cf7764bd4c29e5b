"""Samples that stand out from their neighbours, replaced by the neighbours' median."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hpcflow_kernels.filter.smooth_contracts import points
from hpcflow_kernels.quality.defects import MAD_TO_SIGMA


class Hampel(NamedTuple):
    """What `hampel` found."""

    values: np.ndarray
    """The signal with medians in place of what stood out."""
    replaced: np.ndarray
    """Where, as bool."""


def hampel(x: np.ndarray, n: int, threshold: float = 3.0, least: float = 0.0) -> Hampel:
    """Replace each sample that is further from its window's median than so many robust standard deviations.

    Parameters
    ----------
    x : ndarray of real numbers, shape (..., samples)
        float32 stays float32; all else is computed in float64. A window that misses a sample judges none.
    n : int
        Samples of the window about each sample, odd, at least 3. The first and last half window are judged by
        the first and last whole window.
    threshold : float
        In robust standard deviations: 1.4826 times the window's median distance from its median.
    least : float
        Smallest distance that stands out. Windows whose median distance is 0, as where a signal is flat,
        judge by this alone, and not at all where it is 0.

    Returns
    -------
    Hampel
        Values and places, of the shape of `x`; ``replaced.sum()`` is the number of replaced samples.

    Raises
    ------
    ValueError
        Where `n` is even or less than 3.

    Notes
    -----
    Pearson, Outliers in process modeling and identification, IEEE Trans. Control Syst. Technol. 10 (2002);
    Hampel, The influence curve and its role in robust estimation, J. Am. Stat. Assoc. 69 (1974).

    Examples
    --------
    >>> found = hampel(np.array([1.0, 2.0, 50.0, 4.0, 3.0]), 3)
    >>> found.values.tolist(), int(found.replaced.sum())
    ([1.0, 2.0, 4.0, 4.0, 3.0], 1)
    """
    if n % 2 == 0 or n < 3:
        raise ValueError(f"a window about a sample has an odd number of samples, 3 or more, not {n}")
    x = np.asarray(x)
    values = x.astype(np.float32 if x.dtype == np.float32 else np.float64)
    replaced = np.zeros(x.shape, bool)
    for index in np.ndindex(x.shape[:-1]):
        if n <= x.shape[-1]:
            row = np.ascontiguousarray(values[index])
            median, deviation = _medians(row, n)
            with np.errstate(invalid="ignore"):
                limit = np.maximum(threshold * MAD_TO_SIGMA * deviation, least)
                out = (np.abs(row - median) > limit) & (limit > 0)
            values[index][out] = median[out]
            replaced[index] = out
    return Hampel(values, replaced)


def _medians(row: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Median of the window about each sample, and the median distance from it; NaN where it misses one."""
    from hpcflow_kernels.rolling.order import in_lanes
    from hpcflow_kernels.rolling.order_loops import medians_and_deviations
    from hpcflow_kernels.rolling.rows import whole_windows

    half, rows = n // 2, len(row) - n + 1
    both = np.empty((2, rows), row.dtype)
    with whole_windows(row, n, both[0]) as clean:
        for part in in_lanes(clean, n, rows):
            found = np.empty((2, 16 * part.steps), row.dtype)
            medians_and_deviations(part.samples, n, part.window, found[0], found[1])
            both[:, part.rows] = [part.in_order(found[0]), part.in_order(found[1])]
    whole = np.pad(both, ((0, 0), (half, half)), "edge")
    return whole[0], whole[1]


def despike(
    x: np.ndarray,
    *,
    rate: float,
    window: float,
    threshold: float = 3.0,
    least: float = 0.0,
    result: str = "signal",
) -> np.ndarray:
    """Replace spikes by the median of their neighbours (`hampel`).

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A stretch without gaps.
    rate : float
        Samples per second.
    window : float
        Duration of the window about each sample, s; the nearest odd number of samples, at least 3.
    threshold, least : float
        As for `hampel`.
    result : {'signal', 'replaced'}
        The signal without spikes, or 1 where a sample was replaced and 0 elsewhere.

    Returns
    -------
    ndarray
        Of the shape and type of `x`.
    """
    found = hampel(x, max(3, points(window, rate)), threshold, least)
    return found.values if result == "signal" else found.replaced.astype(found.values.dtype)
