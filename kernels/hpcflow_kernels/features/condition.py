"""Condition indicators: a few numbers per frame that say how rough and how impulsive a signal is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length, hann
from hpcflow_kernels.spectral.frame_power import band_powers


def condition_indicators(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.0,
    band: Sequence[float] | None = None,
    missing: float = 0.0,
) -> dict[str, np.ndarray]:
    """Level and shape of a signal's distribution, frame by frame.

    With frame samples x_i, i = 1..n, and mean m:

    - ``rms``: sqrt(mean((x-m)**2)); ``peak``: max|x-m|; ``peak_to_peak``: max - min. The mean is taken off
      because a sensor's offset is not vibration
    - ``crest_factor``: peak / rms
    - ``kurtosis``: mean((x-m)**4) / mean((x-m)**2)**2, Pearson's: 3 for Gaussian noise
    - ``skewness``: mean((x-m)**3) / mean((x-m)**2)**1.5; both without bias correction, as scipy.stats
    - ``band_power``: for band edges f0 < f1 < ..., the integral over [f_j, f_j+1) of the one-sided power
      density of the frame, mean removed, Hann window, as scipy.signal.periodogram

    Shape measures of a constant frame are NaN, as is every value of a frame that misses more than it may.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    band : sequence of float, optional
        Edges of adjacent bands, Hz, rising; none gives no ``band_power``.
    missing : float
        Largest part of a frame that may be missing, in [0, 1): its level and shape are then those of the
        samples that are there. ``band_power`` of a frame that touches a gap is NaN.

    Returns
    -------
    dict of str to ndarray
        float32 or, for float64 input, float64; shape (frames,), ``band_power`` (frames, edges - 1).
    """
    from hpcflow_kernels.features.condition_loops import frame_moments

    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    dtype = np.float64 if x.dtype == np.float64 else np.float32
    x = np.ascontiguousarray(x, dtype)
    moments = np.empty((rows, 6))
    frame_moments(x, n, hop, moments)
    touched = ~np.isfinite(moments[:, 2])
    for row in np.flatnonzero(touched).tolist() if missing else ():
        frame = x[row * hop : row * hop + n]
        there = frame[np.isfinite(frame)]
        if len(there) and len(there) >= (1 - missing) * n:
            frame_moments(there, len(there), len(there), moments[row : row + 1])
    low, high, mean, second, third, fourth = moments.T
    rms, peak = np.sqrt(second), np.maximum(high - mean, mean - low)
    spread = np.where((high > low) & (second > 0), second, np.nan)
    out = {
        "rms": rms,
        "peak": peak,
        "peak_to_peak": high - low,
        "crest_factor": peak / np.sqrt(spread),
        "kurtosis": fourth / spread**2,
        "skewness": third / (spread * np.sqrt(spread)),
    }
    edges = list(band) if band is not None else []
    if edges:
        weight = hann(n)
        first = np.ceil(np.asarray(edges) * n / rate - 1e-9).astype(np.int64).clip(0, n // 2 + 1)
        scale = 1 / (n * np.sum(weight * weight))
        out["band_power"] = band_powers(x, hop, weight, scale, first)
        out["band_power"][touched] = np.nan
    return {name: values.astype(dtype, copy=False) for name, values in out.items()}
