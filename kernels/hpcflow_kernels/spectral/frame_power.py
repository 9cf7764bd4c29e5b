"""One-sided power spectra of the frames of a signal, whole or summed, by our own transform or SciPy's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from hpcflow_kernels.spectral.lengths import is_transformed
from hpcflow_kernels.spectral.stft import SMALLEST, Transform

BATCH = 8
"""Frames that SciPy transforms together. Always so many: it then runs all of them in the lanes of vectors,
and a frame's bits do not depend on how many others a block holds."""


def is_fast(n: int) -> bool:
    """Whether frames of n samples take our own transform."""
    return n >= SMALLEST and is_transformed(n)


def contiguous(x: np.ndarray) -> np.ndarray:
    """A signal as the loops take it: float32 for float32, float64 for all else."""
    return np.ascontiguousarray(x, np.float32 if x.dtype == np.float32 else np.float64)


def frame_powers(x: np.ndarray, hop: int, weights: np.ndarray, scale: float) -> np.ndarray:
    """``scale * |X[k]|**2`` of frames less their means and weighted, doubled between the first and last bin.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Contiguous.
    hop : int
        Samples from the start of one frame to that of the next.
    weights : ndarray of float64, shape (n,)
    scale : float

    Returns
    -------
    ndarray of the type of `x`, shape (frames, n // 2 + 1)
        Rows of frames with a sample that is not finite are NaN. A row depends on its frame alone. For odd n
        the last bin has a negative twin and is doubled.
    """
    n = len(weights)
    if is_fast(n):
        return Transform.of(weights * np.sqrt(2 * scale), x.dtype).powers(x, hop, True, False, 0.5)
    power = np.empty((_frames(x, n, hop), n // 2 + 1), x.dtype)
    for at, part in _by_scipy(x, hop, (weights * np.sqrt(scale)).astype(x.dtype)):
        power[at : at + len(part)] = part
    return power


def band_powers(
    x: np.ndarray, hop: int, weights: np.ndarray, scale: float, first: Sequence[int] | np.ndarray
) -> np.ndarray:
    """Sums of `frame_powers` over bins ``first[j] .. first[j + 1] - 1``; float64, shape (frames, bands)."""
    n, edges = len(weights), np.asarray(first, np.int64)
    out = np.empty((_frames(x, n, hop), len(edges) - 1))
    if is_fast(n):
        from hpcflow_kernels.spectral import frame_power_loops as loops

        loops.band_powers(x, hop, *Transform.of(weights * np.sqrt(2 * scale), x.dtype), 0.5, edges, out)
        return out
    for at, power in _by_scipy(x, hop, (weights * np.sqrt(scale)).astype(x.dtype)):
        below = np.zeros((len(power), n // 2 + 2))
        np.cumsum(power, axis=1, dtype=np.float64, out=below[:, 1:])
        out[at : at + len(power)] = np.diff(below[:, edges], axis=1)
    return out


def power_moments(x: np.ndarray, hop: int, frame: int, step: int, weights: np.ndarray) -> np.ndarray:
    """Sums over the segments of each frame of their one-sided powers, and of the squares of these.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Contiguous.
    hop, frame, step : int
        Samples from one frame to the next, of a frame, and from one of its segments to the next.
    weights : ndarray of float64, shape (n,)
        Of a segment; at most as long as a frame.

    Returns
    -------
    ndarray of float64, shape (frames, 2, n // 2 + 1)
        NaN for frames with a segment that holds a sample that is not finite.
    """
    n = len(weights)
    segments, out = (frame - n) // step + 1, np.empty((_frames(x, frame, hop), 2, n // 2 + 1))
    if is_fast(n):
        from hpcflow_kernels.spectral import frame_power_loops as loops

        transform = Transform.of(weights * np.sqrt(2), x.dtype)
        loops.power_moments(x, hop, segments, step, *transform, 0.5, out)
        return out
    for row in range(len(out)):
        out[row] = 0
        stretch = x[row * hop : row * hop + (segments - 1) * step + n]
        for _, power in _by_scipy(stretch, step, weights.astype(x.dtype)):
            wide = power.astype(np.float64)
            out[row] += np.stack([wide.sum(axis=0), (wide * wide).sum(axis=0)])
    return out


def _frames(x: np.ndarray, n: int, hop: int) -> int:
    return 0 if len(x) < n else (len(x) - n) // hop + 1


def _by_scipy(x: np.ndarray, hop: int, weights: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """First row and one-sided powers of eight frames after another."""
    from scipy.fft import rfft

    n = len(weights)
    if len(x) < n:
        return
    found = np.lib.stride_tricks.sliding_window_view(x, n)[::hop]
    frames = np.zeros((BATCH, n), x.dtype)
    twice = np.full(n // 2 + 1, 2, x.dtype)
    twice[0] = twice[n // 2 if n % 2 == 0 else 0] = 1
    for at in range(0, len(found), BATCH):
        live = found[at : at + BATCH]
        frames[: len(live)] = live
        with np.errstate(invalid="ignore", over="ignore"):
            frames -= frames.mean(axis=1, dtype=np.float64, keepdims=True).astype(x.dtype)
            frames *= weights
            bins = rfft(frames)
            power = bins.real**2
            power += bins.imag**2
            power *= twice
            power[~np.isfinite(power[:, 0])] = np.nan
        yield at, power[: len(live)]
