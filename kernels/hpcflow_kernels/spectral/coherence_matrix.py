"""Cross spectra and coherence of all pairs of signals."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hpcflow_kernels.spectral.stft import Transform
from hpcflow_kernels.spectral.welch import is_plain_detrend, plain_weights

TOGETHER = 8
"""Segments whose spectra are laid side by side: of 16 signals at 1024 samples half a MiB in float32."""


def csd_matrix(
    x: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    detrend: Any = "constant",
    scaling: str = "density",
) -> tuple[np.ndarray, np.ndarray]:
    """Cross power spectral densities of all pairs of signals.

    Parameters
    ----------
    x : ndarray of real numbers, shape (signals, samples)
        Float32 is computed in float32, all else in float64.
    fs, window, noverlap, detrend, scaling
        As for `coherence.csd`.
    nperseg : int
        Samples of a segment: 8 to 65 536, a multiple of 8 without a prime factor above 5.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    p : ndarray, shape (signals, signals, nperseg // 2 + 1)
        ``p[i, j]`` is ``csd(x[i], x[j])``; Hermitian in i and j; complex64 for float32, else complex128.

    Raises
    ------
    ValueError
        If `x` has not two axes, or the segments are none that the compiled loops take.
    """
    if scaling not in ("density", "spectrum"):
        raise ValueError(f"scaling is 'density' or 'spectrum' (found {scaling!r})")
    from hpcflow_kernels.spectral.coherence_loops import cross_spectra

    sums = _sums(x, window, nperseg, noverlap, detrend)
    n = len(sums.weights)
    norm = fs * np.sum(sums.weights**2) if scaling == "density" else np.sum(sums.weights) ** 2
    scale = np.full(n // 2 + 1, 2 / (norm * sums.segments))
    scale[[0, -1]] /= 2
    p = np.empty((sums.signals, sums.signals, n // 2 + 1), np.result_type(sums.kind, np.complex64))
    cross_spectra(sums.values, scale, p)
    return np.fft.rfftfreq(n, 1 / fs), p


def coherence_matrix(
    x: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    detrend: Any = "constant",
) -> tuple[np.ndarray, np.ndarray]:
    """Magnitude-squared coherence of all pairs of signals.

    Parameters
    ----------
    x, fs, window, nperseg, noverlap, detrend
        As for `csd_matrix`.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    c : ndarray, shape (signals, signals, nperseg // 2 + 1)
        ``c[i, j]`` is ``coherence(x[i], x[j])``; float32 for float32, else float64.

    Raises
    ------
    ValueError
        As `csd_matrix`.
    """
    from hpcflow_kernels.spectral.coherence_loops import coherences

    sums = _sums(x, window, nperseg, noverlap, detrend)
    n = len(sums.weights)
    c = np.empty((sums.signals, sums.signals, n // 2 + 1), sums.kind)
    coherences(sums.values, c)
    return np.fft.rfftfreq(n, 1 / fs), c


class _Sums(NamedTuple):
    values: np.ndarray
    signals: int
    segments: int
    weights: np.ndarray
    kind: np.dtype[Any]


def _sums(x: np.ndarray, window: Any, nperseg: int, noverlap: int | None, detrend: Any) -> _Sums:
    """Sums over segments as `coherence_loops.matrix_sums` lays them."""
    x = np.asarray(x)
    if x.ndim != 2 or len(x) == 0:
        raise ValueError(f"signals stand in two axes, (signals, samples) (found shape {x.shape}): stack them")
    weights = plain_weights(window, nperseg, x, -1)
    n = len(weights) if weights is not None else 0
    shared = n // 2 if noverlap is None else noverlap
    if weights is None or not is_plain_detrend(detrend) or not 0 <= shared < n:
        raise ValueError(
            f"segments of all pairs have a multiple of 8 samples to 65536 without a prime factor above 5, no "
            f"more than the signals, and detrend is 'constant' or False (found nperseg {nperseg}, noverlap "
            f"{noverlap}, {x.shape[1]} samples of {x.dtype}, detrend {detrend!r}): change them, or call "
            f"coherence for each pair"
        )
    kind = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
    x = np.ascontiguousarray(x, kind)
    starts = np.arange(0, x.shape[1] - n + 1, n - shared)
    sums = sums_of_pairs(x, weights, starts, detrend is not False)
    return _Sums(sums, len(x), len(starts), weights, kind)


def sums_of_pairs(x: np.ndarray, weights: np.ndarray, starts: np.ndarray, detrend: bool) -> np.ndarray:
    """Sums over segments at `starts`, as `coherence_loops.matrix_sums` lays them; `x` contiguous."""
    from hpcflow_kernels.spectral.coherence_loops import matrix_sums

    blocks = -(-len(x) // 8)
    sums = np.empty((len(weights) // 2 + 1) * 8 * blocks * blocks * 16)
    matrix_sums(x.reshape(-1), len(x), starts, *Transform.of(weights, x.dtype), detrend, TOGETHER, sums)
    return sums
