"""Inverse short-time Fourier transform."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from hpcflow_kernels.spectral.lengths import LARGEST
from hpcflow_kernels.spectral.stft import SMALLEST, tables
from hpcflow_kernels.spectral.welch import named_window

TINY = 1e-10
"""Sum of squared weights up to which a sample is not divided by it; SciPy's."""


def istft(
    Zxx: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = None,
    noverlap: int | None = None,
    nfft: int | None = None,
    input_onesided: bool = True,
    boundary: bool = True,
    time_axis: int = -1,
    freq_axis: int = -2,
    scaling: str = "spectrum",
) -> tuple[np.ndarray, np.ndarray]:
    """Signals from short-time Fourier transforms: of all, the nearest in the least squares.

    The signature, the defaults and the meaning are those of scipy.signal.istft. One-sided transforms of
    segments of 32 to 65 536 samples, a power of two, are computed eight segments at a time; everything else
    is handed to SciPy.

    Parameters
    ----------
    Zxx : ndarray of complex64 or complex128
        Transforms, as `hpcflow_kernels.spectral.stft.stft` gives them; complex64 is computed in float32.
    fs : float
        Samples per second.
    window : str, tuple or ndarray
        The weights of the transform.
    nperseg, noverlap : int, optional
        Samples of a segment, and samples that two share, half by default.
    nfft, input_onesided
        As SciPy's; other than by default they leave the fast path.
    boundary : bool
        Whether half a segment is taken off both ends.
    time_axis, freq_axis : int
        Axes of `Zxx`.
    scaling : {'spectrum', 'psd'}
        That of the transform.

    Returns
    -------
    time : ndarray of float64
        s, as SciPy has it: as many as the first axis of `x` is long.
    x : ndarray
        Signals, float32 for complex64, else float64. The error is below 1e-6 of the largest sample, or 1e-14,
        where the squared weights of segments that overlap sum to at least a tenth of their largest sum.

    Warns
    -----
    UserWarning
        Where samples have no weight in any segment.

    Notes
    -----
    Griffin and Lim, Signal estimation from modified short-time Fourier transform, IEEE Trans. ASSP 32 (1984).
    """
    z = np.asarray(Zxx)
    n = _segment(z, nperseg, nfft, input_onesided, time_axis, freq_axis)
    weights = named_window(window, n) if isinstance(window, str | tuple) and n else np.asarray(window)
    step = n - (n // 2 if noverlap is None else int(noverlap))
    known = scaling in ("spectrum", "psd") and weights.shape == (n,) and weights.dtype.kind in "fi"
    sums = _Sums.of(weights, step, z.shape[time_axis]) if n and known and 0 < step <= n else None
    if sums is None:
        from scipy import signal

        how = window, nperseg, noverlap, nfft, input_onesided, boundary, time_axis, freq_axis, scaling
        result: tuple[np.ndarray, np.ndarray] = signal.istft(Zxx, fs, *how)
        return result
    if not sums.cover(n // 2 if boundary else 0):
        missing = "" if boundary else " Possibly due to missing boundary"
        warnings.warn(f"NOLA condition failed, STFT may not be invertible.{missing}", stacklevel=2)
    kind = np.dtype(np.float32 if z.dtype == np.complex64 else np.float64)
    rows = np.moveaxis(z, (time_axis, freq_axis), (-2, -1))
    scale = np.sum(weights) if scaling == "spectrum" else np.sqrt(fs * np.sum(weights**2))
    x = np.zeros((*rows.shape[:-2], n + (rows.shape[-2] - 1) * step), kind)
    even = weights * (scale / n) / np.resize(sums.inner, n)
    for index in np.ndindex(rows.shape[:-2]):
        _add(np.ascontiguousarray(rows[index]).reshape(-1).view(kind), step, even.astype(kind), x[index])
    x[..., : len(sums.head)] *= sums.factors(sums.head).astype(kind)
    x[..., x.shape[-1] - len(sums.tail) :] *= sums.factors(sums.tail).astype(kind)
    if boundary:
        x = x[..., n // 2 : -(n // 2)]
    if x.ndim > 1:
        time, freq = time_axis % z.ndim, freq_axis % z.ndim
        x = np.moveaxis(x, -1, time - (freq < time))
    return np.arange(x.shape[0]) / float(fs), x


def _segment(
    z: np.ndarray,
    nperseg: int | None,
    nfft: int | None,
    onesided: bool,
    time_axis: int,
    freq_axis: int,
) -> int:
    """Samples of a segment; 0 where SciPy must look at the arguments."""
    if z.dtype not in (np.complex64, np.complex128) or z.ndim < 2 or not onesided or z.size == 0:
        return 0
    if not all(-z.ndim <= axis < z.ndim for axis in (time_axis, freq_axis)):
        return 0
    n = 2 * (z.shape[freq_axis] - 1)
    plain = time_axis % z.ndim != freq_axis % z.ndim and nperseg in (None, n) and nfft in (None, n)
    return n if plain and SMALLEST <= n <= LARGEST and not n & (n - 1) else 0


class _Sums(NamedTuple):
    """Sums of the squared weights of all segments that a sample lies in.

    Attributes
    ----------
    inner : ndarray of float64, shape (step,)
        Away from the ends, from a segment's beginning on.
    head, tail : ndarray of float64
        At the first samples, and at the last n - step.
    """

    inner: np.ndarray
    head: np.ndarray
    tail: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray, step: int, segments: int) -> _Sums | None:
        """None where ends meet, or samples away from them have no weight."""
        n = len(weights)
        steps = -(-n // step)
        if segments < steps:
            return None
        square = np.zeros((steps, step))
        square.reshape(-1)[:n] = weights.astype(np.float64) ** 2
        ahead, behind = np.cumsum(square, axis=0), np.cumsum(square[::-1], axis=0)[::-1]
        if not (ahead[-1] > TINY).all():
            return None
        return cls(ahead[-1], ahead[:-1].reshape(-1), behind.reshape(-1)[step:n])

    def cover(self, left_out: int) -> bool:
        """Whether all samples have weight but for so many at either end."""
        tail = self.tail[: max(0, len(self.tail) - left_out)]
        return bool((self.head[left_out:] > TINY).all() and (tail > TINY).all())

    def factors(self, ends: np.ndarray) -> np.ndarray:
        """What turns a division by the inner sum into one by that at an end; none where that is tiny."""
        inner = np.resize(self.inner, len(ends))
        corrected: np.ndarray = inner / np.where(ends > TINY, ends, 1.0)
        return corrected


def _add(z: np.ndarray, step: int, window: np.ndarray, out: np.ndarray) -> None:
    from hpcflow_kernels.spectral.istft_loops import overlap_add

    overlap_add(z, step, window, *tables(len(window), out.dtype.str), out)
