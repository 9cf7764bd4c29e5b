"""Compiled loop that reads the shape of spectra: two passes over a spectrum in cache."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled


@compiled
def shapes(
    power: np.ndarray, log: np.ndarray, f: np.ndarray, rolloff: float, out: np.ndarray, top: np.ndarray
) -> None:
    """Centroid, spread, roll-off, flatness and entropy of powers, and their largest bin.

    Parameters
    ----------
    power, log : ndarray of float32 or float64, shape (frames, bins)
        Powers and their logarithms.
    f : ndarray of float64, shape (bins,)
        Frequencies.
    rolloff : float
        Fraction of the power.
    out : ndarray of float64, shape (frames, 5)
        Gets the numbers; NaN for a row without power or with a missing value. Sums run in float64.
    top : ndarray of int64, shape (frames,)
        Gets the index of the largest bin.
    """
    bins = len(f)
    for row in range(len(out)):
        whole = first = logs = used = 0.0
        best = 0
        for k in range(bins):
            p, q = np.float64(power[row, k]), np.float64(log[row, k])
            whole += p
            first += p * f[k]
            logs += q
            if p > 0:
                used += p * q
            if p > power[row, best]:
                best = k
        top[row] = best
        if not whole > 0 or not np.isfinite(whole):
            out[row] = np.nan
            continue
        centroid, enough = first / whole, rolloff * (1 - 1e-12) * whole
        second = below = 0.0
        end = -1
        for k in range(bins):
            p, away = np.float64(power[row, k]), f[k] - centroid
            second += p * away * away
            below += p
            if end < 0 and below >= enough:
                end = k
        out[row, 0] = centroid
        out[row, 1] = np.sqrt(second / whole)
        out[row, 2] = f[end]
        out[row, 3] = np.exp(logs / bins) / (whole / bins)
        out[row, 4] = (np.log(whole) - used / whole) / np.log(bins)
