"""The 22 canonical characteristics of a time series."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hpcflow_kernels.features.catch22_contracts import FEATURES, LEAST
from hpcflow_kernels.frames import frame_hop, frame_length
from hpcflow_kernels.spectral.stft import Transform

TOGETHER = 1 << 15
"""Samples that are transformed together. How many windows that is depends on their length alone, and so many
are always transformed: no bit depends on how many a block holds."""

STEPS = 50
"""Lengths of stretches that fluctuation analysis asks for; fewer where rounding makes some equal."""


def catch22(x: np.ndarray, *, catch24: bool = False, axis: int = -1) -> np.ndarray:
    """The 22 canonical characteristics of time series, as the authors' C code defines them.

    Parameters
    ----------
    x : ndarray of real numbers
        Time series along `axis`, 10 samples or more.
    catch24 : bool
        Whether mean and standard deviation (n - 1) of the raw values follow.
    axis : int
        Axis along which time runs.

    Returns
    -------
    ndarray of float64
        Of the shape of `x` with the features, in the order of `FEATURES`, in place of time. A series with a
        value that is not finite gives NaN. Of a constant one all but ``acf_timescale``, ``acf_first_min`` and
        ``periodicity`` are NaN, and these are 0.

    Raises
    ------
    ValueError
        For fewer than 10 samples.

    Notes
    -----
    Lubba, Sethi, Knaute, Schultz, Fulcher and Jones, catch22: CAnonical Time-series CHaracteristics, Data
    Mining and Knowledge Discovery 33 (2019). Features that compare (a first zero, a fullest bin) jump where
    rounding decides: there another order of summation can give another value than the C code.

    Examples
    --------
    >>> from hpcflow_kernels.features.catch22 import FEATURES, catch22
    >>> values = catch22(np.sin(0.3 * np.arange(200)))
    >>> float(values[FEATURES.index("periodicity")])  # 21 samples; the C code counts lags from 0
    20.0
    """
    rows = np.moveaxis(np.asarray(x), axis, -1)
    n = rows.shape[-1]
    if n < LEAST:
        raise ValueError(f"catch22 needs {LEAST} samples or more, not {n}: several features have no meaning")
    dtype = np.float32 if rows.dtype == np.float32 else np.float64
    flat = np.ascontiguousarray(rows, dtype).reshape(-1)
    values, level = _of_frames(flat, n, n)
    if catch24:
        values = np.concatenate([values, level], axis=1)
    return np.moveaxis(values.reshape(*rows.shape[:-1], -1), -1, axis)


def catch22_windows(
    x: np.ndarray, *, rate: float, window: float = 1.0, overlap: float = 0.0
) -> dict[str, np.ndarray]:
    """The 22 canonical characteristics, and mean and standard deviation, of each window.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Duration of a window, s; 10 samples or more.
    overlap : float
        Fraction of a window that the next one shares, in [0, 1).

    Returns
    -------
    dict
        ``features``, shape (windows, 22); ``mean`` and ``std``, shape (windows,); of the float type of `x`,
        computed in float64. Windows that touch a gap are NaN throughout.
    """
    dtype = np.float64 if x.dtype == np.float64 else np.float32
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    values, level = _of_frames(np.ascontiguousarray(x, dtype), n, hop)
    level = level.astype(dtype)
    return {"features": values.astype(dtype), "mean": level[:, 0], "std": level[:, 1]}


def _of_frames(x: np.ndarray, n: int, hop: int) -> tuple[np.ndarray, np.ndarray]:
    """Features, and mean and standard deviation, of all frames."""
    from hpcflow_kernels.features.condition_loops import frame_moments

    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    moments = np.empty((rows, 6))
    frame_moments(x, n, hop, moments)
    low, high, mean = moments.T[:3]
    values, level = np.full((rows, len(FEATURES)), np.nan), np.full((rows, 2), np.nan)
    constant = np.flatnonzero(low == high)
    level[constant] = np.stack([low, np.zeros(rows)], axis=1)[constant]
    for name in ("acf_timescale", "acf_first_min", "periodicity"):
        values[constant, FEATURES.index(name)] = 0
    varied = np.flatnonzero(np.isfinite(mean) & (low < high))
    batch = min(max(2, TOGETHER // n // 2 * 2), 8)
    # rows do not stand a whole number of pages apart, which would fall into the same lines of a cache
    z, s = np.zeros((2, batch, _points(n) + 8))
    for start in range(0, len(varied), batch):
        part = varied[start : start + batch]
        values[part], level[part] = _batch(x, n, part * hop, z, s)
    return values, level


def _points(n: int) -> int:
    """Points of a transform in which no lag of n samples meets another: a power of two, as in the C code."""
    return 2 << (n - 1).bit_length()


def _batch(
    x: np.ndarray, n: int, at: np.ndarray, z: np.ndarray, s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Features and levels of some windows; z and s are work, one row for each window and 0 from n on."""
    from hpcflow_kernels.features.catch22_features import (
        far_periodicity,
        far_zero,
        standardised,
        window_features,
    )

    lengths, logs, ramp, basis = _tables(n)
    level = np.empty((len(at), 2))
    standardised(x, n, at, basis, z, s, level)
    ac, halved = _correlations(z, n)
    ordered = np.sort(z[:, :n], axis=1)
    out = np.empty((len(at), len(FEATURES)))
    window_features(z, ordered, ac, s, halved, lengths, logs, ramp, out)
    period, whiten = (out[:, FEATURES.index(name)] for name in ("periodicity", "whiten_timescale"))
    far = np.flatnonzero(period < 0)
    if len(far):
        sums = _correlations(s, n)[0]
        period[far] = [far_periodicity(sums[k, : n // 3 + 2], n) for k in far]
    far = np.flatnonzero(whiten < 0)
    if len(far):
        steps = np.zeros_like(z)
        steps[:, : n - 1] = np.diff(z[:, :n])
        steps[:, : n - 1] -= steps[:, : n - 1].mean(axis=1, keepdims=True)
        sums = _correlations(steps, n)[0]
        whiten[far] = [far_zero(sums[k], n - 1) / -whiten[k] for k in far]
    return out, level


def _correlations(rows: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Sums of products of windows at lags 0 .. n - 1, and powers of every second bin of their transforms.

    Eight windows, a lane for each, where so many are together; long ones are few, and SciPy's.
    """
    points = _points(n)
    if len(rows) == 8:
        from hpcflow_kernels.features.catch22_transforms import correlations

        ac, halved = np.empty((8, n + 16)), np.empty((8, points // 4 + 16))
        correlations(rows, n, *_transform(points), ac, halved)
        return ac[:, :n], halved[:, : points // 4 + 1]
    from scipy.fft import irfft, rfft

    spectra = rfft(rows[:, :points])
    power = spectra.real**2 + spectra.imag**2
    return irfft(power, points), np.ascontiguousarray(power[:, ::2])


@lru_cache(maxsize=8)
def _transform(points: int) -> Transform:
    return Transform.of(np.ones(points), np.dtype(np.float64))


@lru_cache(maxsize=8)
def _tables(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lengths of stretches and their logarithms, 0 .. n + 7, and the orthonormal basis of the slow part.

    The slow part is the cubic spline of two pieces, with a knot at ``n // 2 - 1``, that fits best.
    """
    asked = np.exp(np.linspace(np.log(5), np.log(n // 2), STEPS))
    lengths = np.unique(np.floor(asked + 0.5).astype(np.int64))
    ramp = np.arange(n + 8, dtype=np.float64)
    u, knot = 2 * ramp[:n] / (n - 1) - 1, 2 * (n // 2 - 1) / (n - 1) - 1
    powers = np.stack([u**0, u, u**2, u**3, np.maximum(u - knot, 0) ** 3], axis=1)
    basis = np.ascontiguousarray(np.linalg.qr(powers)[0].T)
    return lengths, np.log(lengths), ramp, basis
