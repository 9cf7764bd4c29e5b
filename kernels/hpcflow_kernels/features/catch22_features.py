"""The compiled functions that take batches of windows apart and put their features together."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled
from hpcflow_kernels.features.catch22_lags import (
    first_zero,
    near_periodicity,
    periodicity,
    steps_zero,
    timescales,
)
from hpcflow_kernels.features.catch22_loops import (
    embedding,
    levels,
    low_frequency,
    modes,
    mutual_information,
    outlier_timing,
    standardise,
    steps,
    symbols,
)
from hpcflow_kernels.features.catch22_scaling import FEWEST, LANES, breaking_point, fluctuations


@compiled
def standardised(
    x: np.ndarray, n: int, at: np.ndarray, basis: np.ndarray, z: np.ndarray, s: np.ndarray, level: np.ndarray
) -> None:
    """Windows in units of their spread.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
    n : int
        Samples of a window.
    at : ndarray of int64, shape (windows,)
        First sample of each.
    basis : ndarray of float64, shape (5, n)
        Orthonormal; what it spans is the slow part.
    z, s : ndarray of float64, shape (at least windows, at least n)
        Get the windows, and the windows without their slow part.
    level : ndarray of float64, shape (windows, 2)
        Gets mean and spread.
    """
    levels(x, n, at, level)
    for k in range(len(at)):
        standardise(x[at[k] : at[k] + n], level[k, 0], level[k, 1], basis, z[k], s[k])


@compiled
def window_features(
    windows: np.ndarray,
    ordered: np.ndarray,
    ac: np.ndarray,
    detrended: np.ndarray,
    power: np.ndarray,
    lengths: np.ndarray,
    logs: np.ndarray,
    ramp: np.ndarray,
    out: np.ndarray,
) -> None:
    """All features of standardised windows, in the order of `catch22_contracts.FEATURES`.

    Two are negative where what they look for is not near: ``periodicity`` is -1, and ``whiten_timescale`` is
    minus the first zero of the window's autocorrelation.

    Parameters
    ----------
    windows, ordered : ndarray of float64, shape (windows or more, n or more), (windows or more, n)
        The windows, and their values in rising order.
    ac : ndarray of float64, shape (windows or more, n or more)
        Sums of products at lags 0, 1, ...
    detrended : ndarray of float64, shape (windows or more, n + 16 or more)
        The windows without their slow part; 0 from n on.
    power : ndarray of float64, shape (windows or more, bins)
        Squared magnitudes of the windows' transform, padded to a power of two.
    lengths, logs, ramp
        As `catch22_scaling.fluctuations` and `breaking_point` take them.
    out : ndarray of float64, shape (windows, 22)
    """
    n = ordered.shape[1]
    found = np.zeros((LANES, 2, len(lengths)))
    if len(lengths) >= 2 * FEWEST:
        fluctuations(windows, n, lengths, ramp, found)
    for k in range(len(out)):
        z, row, low, high = windows[k, :n], out[k], ordered[k, 0], ordered[k, n - 1]
        zero = first_zero(ac[k], n)
        row[0], row[1] = modes(z, low, high)
        row[2], row[3], row[11] = timescales(z, ac[k])
        row[4] = mutual_information(z, low, high)
        row[5], row[6], row[16], row[7], row[21] = steps(z)
        row[17], row[8] = symbols(z, ordered[k], zero)
        row[9] = near_periodicity(detrended[k], n)
        row[10] = embedding(z, zero)
        near = steps_zero(z)
        row[12] = near / zero if near >= 0 else -float(zero)
        row[13] = outlier_timing(z, 1.0, high)
        row[14] = outlier_timing(z, -1.0, -low)
        row[15], row[20] = low_frequency(power[k], n)
        row[18] = row[19] = 0.0
        if len(lengths) >= 2 * FEWEST:
            row[18], row[19] = breaking_point(logs, found[k, 0]), breaking_point(logs, found[k, 1])


@compiled
def far_zero(ac: np.ndarray, most: int) -> int:
    """First lag, at most `most`, at which an autocorrelation is not positive."""
    return first_zero(ac, most)


@compiled
def far_periodicity(ac: np.ndarray, n: int) -> float:
    """`catch22_loops.periodicity` of an autocorrelation at lags up to n / 3 and more."""
    return periodicity(ac, n, len(ac))
