"""Transforms of the frames of a signal on any array library, many at a time.

A frame's values depend on its samples alone: whatever is summed, is summed along a frame.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import is_near

NEAR, FAR = 1 << 18, 1 << 22
"""Samples of frames that are worked on at a time: as many as stay in a processor's cache; as many as make
the start of a GPU's loops cheap."""


def typed(x: Any) -> Any:
    """A signal in the type that it is computed in: float32 for float32, float64 for all else."""
    xp = array_namespace(x)
    return x if x.dtype in (xp.float32, xp.float64) else xp.astype(x, xp.float64)


def constant(values: np.ndarray, like: Any, dtype: Any = None) -> Any:
    """Numbers made by NumPy, in the type of an array (or another) and where it lies."""
    xp = array_namespace(like)
    return xp.asarray(values.copy(), dtype=like.dtype if dtype is None else dtype, device=device(like))


def count(samples: int, n: int, hop: int) -> int:
    """Whole frames of n samples.

    >>> count(2048, 1024, 512), count(1023, 1024, 512)
    (3, 0)
    """
    return 0 if samples < n else (samples - n) // hop + 1


def cut(x: Any, n: int, hop: int) -> Any:
    """All whole frames of n samples that begin `hop` apart.

    Parameters
    ----------
    x : array, shape (..., samples)
    n, hop : int

    Returns
    -------
    array, shape (..., frames, n)
        A new one, put together from as many slices as frames overlap at a sample: what the standard has
        in place of strides.
    """
    xp = array_namespace(x)
    rows, parts = count(x.shape[-1], n, hop), -(-n // hop)
    if not rows:
        return xp.zeros((*x.shape[:-1], 0, n), dtype=x.dtype, device=device(x))
    blocks = rows - 1 + parts
    short = blocks * hop - x.shape[-1]
    if short > 0:
        x = xp.concat([x, xp.zeros((*x.shape[:-1], short), dtype=x.dtype, device=device(x))], axis=-1)
    block = xp.reshape(x[..., : blocks * hop], (*x.shape[:-1], blocks, hop))
    slices = [block[..., i : i + rows, : min(hop, n - i * hop)] for i in range(parts)]
    return xp.asarray(slices[0], copy=True) if parts == 1 else xp.concat(slices, axis=-1)


def together(x: Any, n: int) -> int:
    """How many rows of n samples are worked on at a time where an array lies."""
    return max(1, (NEAR if is_near(x) else FAR) // n)


def frames(x: Any, n: int, hop: int, times: int = 1) -> Iterator[tuple[slice, Any]]:
    """Rows and frames of a signal, shape (rows, n); fewer at a time where each is used `times` over."""
    rows, step = count(x.shape[0], n, hop), together(x, n * times)
    for first in range(0, rows, step):
        stop = min(first + step, rows)
        yield slice(first, stop), cut(x[first * hop : (stop - 1) * hop + n], n, hop)


def weighted(frame: Any, weights: Any) -> Any:
    """Frames less their means, times weights; written to in place, so that all of it stays in cache."""
    frame -= array_namespace(frame).mean(frame, axis=-1, keepdims=True)
    frame *= weights
    return frame


def transformed(transform: Callable[[Any], Any], rows: Any) -> Any:
    """Fourier transforms of rows, never of one alone: a library may share that out, to other bits."""
    if math.prod(rows.shape[:-1]) != 1:
        return transform(rows)
    return transform(array_namespace(rows).concat([rows, rows], axis=0))[:1, ...]


def zoomed(rows: Any, weights: np.ndarray, bins: int, period: float) -> Any:
    """Spectra of weighted rows at k/`period` cycles a sample, but for a factor of modulus 1 (Bluestein).

    By a chirp and a convolution, of a power of two of points, so that products of complex numbers leave no
    rest beside the vectors, which libraries multiply to other bits.

    Parameters
    ----------
    rows : array of float32 or float64, shape (rows, n)
    weights : ndarray of float64, shape (n,)
    bins : int
    period : float

    Returns
    -------
    array of complex numbers, shape (rows, bins)
    """
    xp, n = array_namespace(rows), len(weights)
    size = 1 << (n + bins - 2).bit_length()
    chirp = _chirp(max(n, bins), period)
    answer, first = np.zeros(size, np.complex128), np.zeros(size, np.complex128)
    answer[:bins], answer[size - n + 1 :] = chirp[:bins].conj(), chirp[n - 1 : 0 : -1].conj()
    first[:n] = weights * chirp[:n]
    kind = xp.complex64 if rows.dtype == xp.float32 else xp.complex128
    before, between = constant(first, rows, kind), constant(np.fft.fft(answer), rows, kind)
    rest = xp.zeros((rows.shape[0], size - n), dtype=rows.dtype, device=device(rows))
    z = transformed(xp.fft.fft, xp.astype(xp.concat([rows, rest], axis=-1), kind) * before)
    return transformed(xp.fft.ifft, z * between)[:, :bins]


def _chirp(n: int, period: float) -> np.ndarray:
    """``exp(-i pi k**2 / period)``, the angle reduced before it is rounded; complex128, shape (n,)."""
    k = np.arange(n, dtype=np.float64)
    turned: np.ndarray = np.exp(-1j * np.pi * np.fmod(k * k, 2 * period) / period)
    return turned


def spectra(x: Any, n: int, hop: int, weights: Any, times: int = 1) -> Iterator[tuple[slice, Any]]:
    """Rows and transforms of the frames, less their means and weighted; shape (rows, n // 2 + 1)."""
    xp = array_namespace(x)
    for part, frame in frames(x, n, hop, times):
        yield part, transformed(xp.fft.rfft, weighted(frame, weights))


def squared(z: Any) -> Any:
    """``|z|**2`` of complex numbers."""
    xp = array_namespace(z)
    power = xp.real(z) ** 2
    power += xp.imag(z) ** 2
    return power


def ends_halved(power: Any, n: int) -> Any:
    """Powers of all bins, doubled, with those undone that have no negative twin; written to in place."""
    power[..., 0] *= 0.5
    if n % 2 == 0 and power.shape[-1] == n // 2 + 1:
        power[..., -1] *= 0.5
    return power


def powers(x: Any, hop: int, weights: np.ndarray, scale: float, bins: int | None = None) -> Any:
    """``scale * |X[k]|**2`` of frames less their means and weighted, doubled between the first and last bin.

    Parameters
    ----------
    x : array of float32 or float64, shape (samples,)
    hop : int
        Samples from the start of one frame to that of the next.
    weights : ndarray of float64, shape (n,)
    scale : float
    bins : int, optional
        How many are kept, from the first on; n // 2 + 1 by default.

    Returns
    -------
    array of the type of `x`, shape (frames, bins)
        As `hpcflow_kernels.spectral.frame_power.frame_powers` has it. NaN for frames with a sample that is
        not finite: it reaches every bin.
    """
    xp, n = array_namespace(x), len(weights)
    kept = n // 2 + 1 if bins is None else bins
    scaled = constant(weights * math.sqrt(2 * scale), x)
    out = xp.empty((count(x.shape[0], n, hop), kept), dtype=x.dtype, device=device(x))
    for part, z in spectra(x, n, hop, scaled):
        out[part, :] = squared(z[:, :kept])
    return ends_halved(out, n)
