"""MiniRocket features of windows, with biases from noise of known kinds instead of training examples."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hpcflow_kernels.features.rocket import MiniRocket, minirocket_fit, minirocket_transform
from hpcflow_kernels.frames import frame_hop, frame_length

REFERENCES = 64
"""Series of reference noise: half of them white, half random walks."""

TOGETHER = 16
"""Windows that are standardised and transformed together."""


def minirocket_windows(
    x: np.ndarray, *, rate: float, window: float = 1.0, overlap: float = 0.0, features: int = 10_000
) -> dict[str, np.ndarray]:
    """MiniRocket features of each window in units of its spread, and its mean and standard deviation.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Duration of a window, s; 9 samples or more.
    overlap : float
        Fraction of a window that the next one shares, in [0, 1).
    features : int
        Rounded down to a multiple of 84.

    Returns
    -------
    dict
        ``features``, float32, shape (windows, features), from 0 to 1: share of the responses to a kernel at a
        dilation that exceed a bias. ``mean`` and ``std`` (of n), shape (windows,), of the float type of `x`.
        All are NaN for a window with a gap, and features for one whose samples are all the same.

    Notes
    -----
    Kernels, dilations and numbers of biases are those of Dempster, Schmidt and Webb (2021). They take biases
    as quantiles of the responses of training examples; here they are quantiles of the responses of
    `reference_noise` of the window's length, so that features depend on the window alone, and windows of
    several recordings, runs and years can be compared.
    """
    dtype = np.float64 if x.dtype == np.float64 else np.float32
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    fitted = reference_fit(n, features)
    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    shares = np.full((rows, len(fitted.biases)), np.nan, np.float32)
    level = np.full((2, rows), np.nan)
    for start in range(0, rows, TOGETHER):
        stop = min(start + TOGETHER, rows)
        part = np.stack([x[k * hop : k * hop + n] for k in range(start, stop)]).astype(np.float64)
        whole = start + np.flatnonzero(np.isfinite(part).all(axis=1))
        part = part[whole - start]
        mean, spread = part.mean(axis=1), part.std(axis=1)
        varied = part.min(axis=1) < part.max(axis=1)
        level[0, whole], level[1, whole] = mean, np.where(varied, spread, 0.0)
        z = (part[varied] - mean[varied, None]) / spread[varied, None]
        shares[whole[varied]] = minirocket_transform(z.astype(np.float32), fitted)
    level = level.astype(dtype)
    return {"features": shares, "mean": level[0], "std": level[1]}


@lru_cache(maxsize=4)
def reference_fit(samples: int, features: int) -> MiniRocket:
    """Biases for windows of so many samples: the same in every process.

    Examples
    --------
    >>> len(reference_fit(100, 1000).biases)
    924
    """
    return minirocket_fit(reference_noise(samples), features)


def reference_noise(samples: int) -> np.ndarray:
    """White noise, then random walks, each in units of its spread: float64, shape (64, samples)."""
    x = np.random.default_rng(0).standard_normal((REFERENCES, samples))
    x[REFERENCES // 2 :] = np.cumsum(x[REFERENCES // 2 :], axis=1)
    scaled: np.ndarray = (x - x.mean(axis=1, keepdims=True)) / x.std(axis=1, keepdims=True)
    return scaled
