"""Short-time Fourier transforms."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from hpcflow_kernels.spectral.lengths import bin_order, twiddles
from hpcflow_kernels.spectral.welch import is_plain_detrend, plain_weights

SMALLEST = 32
"""Shortest segment of the fast path: its bins are written eight at a time from both ends."""

EXTENSIONS: dict[str, dict[str, Any]] = {
    "zeros": {"mode": "constant"},
    "constant": {"mode": "edge"},
    "even": {"mode": "reflect"},
    "odd": {"mode": "reflect", "reflect_type": "odd"},
}
"""SciPy's names of what stands beyond a signal's ends, in NumPy's words."""


def stft(
    x: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int | None = 256,
    noverlap: int | None = None,
    nfft: int | None = None,
    detrend: Any = False,
    return_onesided: bool = True,
    boundary: str | None = "zeros",
    padded: bool = True,
    axis: int = -1,
    scaling: str = "spectrum",
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Short-time Fourier transform.

    The signature, the defaults and the meaning are those of scipy.signal.stft, whose `istft` takes it back.
    Real signals in segments of 32 to 65 536 samples, a multiple of 8 without a prime factor above 5, with
    `detrend` constant or False, are computed eight segments at a time; everything else is handed to SciPy.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals; float32 is computed in float32, all else in float64.
    fs : float
        Samples per second.
    window : str, tuple or ndarray
        As scipy.signal.get_window takes it, or the weights themselves.
    nperseg, noverlap : int, optional
        Samples of a segment, and samples that two share, half by default.
    nfft, return_onesided
        As SciPy's; other than by default they leave the fast path.
    detrend : {False, 'constant'} or what SciPy takes
        Whether each segment's mean is taken off.
    boundary : {'zeros', 'constant', 'even', 'odd', None}
        What stands half a segment beyond both ends.
    padded : bool
        Whether zeros complete the last segment.
    axis : int
        Axis along which time runs.
    scaling : {'spectrum', 'psd'}
        Units of `x`, or of `x` over the square root of hertz.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    t : ndarray of float64, shape (segments,)
        Middles of the segments, s.
    z : ndarray
        Of the shape of `x` with f in place of time and t as last axis; complex64 for float32, else
        complex128. With scaling `spectrum` the error is below 3e-7 of the largest sample, or 5e-15.

    Notes
    -----
    Allen and Rabiner, A unified approach to short-time Fourier analysis and synthesis, Proc. IEEE 65 (1977).
    """
    x = np.asarray(x)
    weights = plain_weights(window, nperseg, x, axis)
    n = len(weights) if weights is not None else 0
    shared = n // 2 if noverlap is None else noverlap
    plain = nfft in (None, n) and return_onesided and is_plain_detrend(detrend)
    known = scaling in ("spectrum", "psd") and (boundary is None or boundary in EXTENSIONS)
    if weights is None or n < SMALLEST or not (plain and known and 0 <= shared < n):
        from scipy import signal

        how = window, nperseg, noverlap, nfft, detrend, return_onesided, boundary, padded, axis, scaling
        result: tuple[np.ndarray, np.ndarray, np.ndarray] = signal.stft(x, fs, *how)
        return result
    norm = abs(np.sum(weights)) if scaling == "spectrum" else np.sqrt(fs * np.sum(weights**2))
    kind = np.dtype(np.float32 if x.dtype == np.float32 else np.float64)
    rows, step, transform = np.moveaxis(x, axis, -1), n - shared, Transform.of(weights / norm, kind)
    cut = _Cut.of(rows.shape[-1], n, step, boundary, padded)
    z = np.empty((*rows.shape[:-1], cut.segments, n // 2 + 1), np.result_type(kind, np.complex64))
    for index in np.ndindex(rows.shape[:-1]):
        row, first = np.ascontiguousarray(rows[index], kind), 0
        for samples, segments in cut.pieces(row):
            transform.spectra(samples, step, detrend is not False, z[index][first : first + segments])
            first += segments
    t = np.arange(n / 2, cut.samples + 1 - n / 2, step) / float(fs) - cut.before / fs
    return np.fft.rfftfreq(n, 1 / fs), t, np.moveaxis(z, -1, axis - 1 if axis < 0 else axis)


class _Cut(NamedTuple):
    """How a signal is cut into segments once its ends are extended."""

    n: int
    step: int
    before: int
    samples: int
    segments: int
    boundary: str | None

    @classmethod
    def of(cls, samples: int, n: int, step: int, boundary: str | None, padded: bool) -> _Cut:
        """The cut of so many samples, which hold a segment at least."""
        before = n // 2 if boundary is not None else 0
        samples += 2 * before
        if padded:
            samples += (n - samples) % step % n
        return cls(n, step, before, samples, (samples - n) // step + 1, boundary)

    def pieces(self, row: np.ndarray) -> Iterator[tuple[np.ndarray, int]]:
        """Samples and number of segments: those over the start, within the signal, over the end.

        Only the ends are copied.
        """
        n, step, before = self.n, self.step, self.before
        first, stop = -(-before // step), (len(row) - n + before) // step + 1
        if stop <= first:
            yield self._extended(row, before, self.samples - before - len(row)), self.segments
            return
        if first:
            yield self._extended(row[:n], before, 0), first
        yield row[first * step - before :], stop - first
        if stop < self.segments:
            tail = min(stop * step - before, len(row) - n)
            end = self._extended(row[tail:], 0, self.samples - before - len(row))
            yield end[stop * step - before - tail :], self.segments - stop

    def _extended(self, row: np.ndarray, before: int, after: int) -> np.ndarray:
        """What stands half a segment beyond, then zeros."""
        if self.boundary is not None:
            row = np.pad(row, (before, self.before if after else 0), **EXTENSIONS[self.boundary])
        return np.pad(row, (0, max(0, after - self.before)))


class Transform(NamedTuple):
    """What the compiled loops are given for segments of one length, weights and type."""

    window: np.ndarray
    twiddle: np.ndarray
    place: np.ndarray
    turn: np.ndarray

    @classmethod
    def of(cls, weights: np.ndarray, kind: np.dtype[Any]) -> Transform:
        """The one for these weights: a fast length; `spectra` and `powers` take no fewer than `SMALLEST`."""
        return cls((0.5 * weights).astype(kind), *tables(len(weights), kind.str))

    def spectra(self, x: np.ndarray, step: int, detrend: bool, out: np.ndarray) -> None:
        """Fill `out`, complex numbers of shape (segments, n // 2 + 1), with the transforms of segments."""
        from hpcflow_kernels.spectral.stft_loops import spectra

        spectra(x, step, *self, detrend, out.reshape(-1).view(x.dtype))

    def powers(
        self,
        x: np.ndarray,
        step: int,
        detrend: bool,
        root: bool,
        ends: float,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """Squares or moduli of the transforms, shape (segments, n // 2 + 1), into `out` if it is given.

        See `powers` of the loops.
        """
        from hpcflow_kernels.spectral.stft_loops import powers

        n = len(self.window)
        if out is None:
            out = np.empty((max(0, (len(x) - n) // step + 1), n // 2 + 1), x.dtype)
        powers(x, step, *self, detrend, root, ends, out.reshape(-1))
        return out


@lru_cache(maxsize=64)
def tables(n: int, kind: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Factors, places and turns of segments of n samples, which are n / 2 complex points."""
    place = np.argsort(bin_order(n // 2))
    turn = np.exp(-2j * np.pi / n * np.arange(n // 4 + 8)).view(np.float64)
    return twiddles(n // 2, np.dtype(kind)), np.append(place, place[0]), turn.astype(kind)
