"""What signals of a record have in common, on any array library."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import constant, count, cut, together, transformed
from hpcflow_kernels.contract import Rows, same_samples
from hpcflow_kernels.spectral.coherence import independent_segments, noise_coherence
from hpcflow_kernels.spectral.stft_contracts import hop_of
from hpcflow_kernels.spectral.welch import named_window

TOGETHER = 256
"""Most segments whose products are added in the signals' own type, before sums go on in float64."""


def coherence_of_record(
    *, signal: Rows, reference: Rows, nperseg: int = 1024, overlap: float = 0.5, taper: str = "hann"
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.coherence_records.coherence_of_record`."""
    return _first(_Sums.of([reference, signal], nperseg, overlap, taper))


def transfer_function_of_record(
    *,
    excitation: Rows,
    response: Rows,
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    estimator: str = "h1",
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.coherence_records.transfer_function_of_record`."""
    sums = _Sums.of([excitation, response], nperseg, overlap, taper)
    xp = array_namespace(sums.re)
    xx, size, yy = sums.re[0, :], xp.hypot(sums.re[1, :], sums.im[1, :]), sums.re[3, :]
    if estimator == "h1":
        gain = size / xx
    elif estimator == "h2":
        gain = yy / size
    else:
        gain = size / size * xp.sqrt(yy / xx)  # where nothing is shared it has no phase, and is NaN
    found = _first(sums)
    missing = xp.asarray(math.nan, dtype=sums.kind, device=device(gain))
    phase = xp.where(xp.isfinite(gain), found["phase"], missing)
    return {**found, "gain": xp.astype(gain, sums.kind), "phase": phase}


def _first(sums: _Sums) -> dict[str, Any]:
    """Coherence and phase of the first two signals, and what was counted."""
    found = sums.coherence(np.array([0]), np.array([1]))
    return {**{name: values[0, :] for name, values in found.items()}, **sums.counted()}


def coherence_of_pairs(
    *,
    signals: Mapping[str, Rows],
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    band: Sequence[float] | None = None,
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.coherence_pairs.coherence_of_pairs`."""
    from hpcflow_kernels.spectral.coherence_pairs import bins_of_bands

    rows = list(signals.values())
    sums = _Sums.of(rows, nperseg, overlap, taper)
    found = sums.coherence(*np.triu_indices(len(rows), 1))
    if band:
        xp = array_namespace(sums.re)
        parts = [found["coherence"][:, a:b] for a, b in bins_of_bands(nperseg, rows[0].rate, band)]
        means = [xp.sum(part, axis=1, dtype=xp.float64) / part.shape[1] for part in parts]
        found["band_coherence"] = xp.astype(xp.stack(means, axis=1), sums.kind)
    return {**found, **sums.counted()}


class _Sums(NamedTuple):
    """Sums over segments without a gap of ``conj(X_i) X_j``.

    Attributes
    ----------
    re, im : array of float64, shape (signals * signals, bins)
        Row i * signals + j is that of i and j; NaN where no segment is whole.
    signals, segments : int
    noise : float
        Coherence that independent signals stay below in 95 % of the bins.
    kind
        Float type of what is given back.
    """

    re: Any
    im: Any
    signals: int
    segments: int
    noise: float
    kind: Any

    @classmethod
    def of(cls, rows: Sequence[Rows], nperseg: int, overlap: float, taper: str) -> _Sums:
        for other in rows[1:]:
            same_samples(rows[0], other)
        xp, n, hop = array_namespace(*(row.values for row in rows)), nperseg, hop_of(nperseg, overlap)
        single = all(row.values.dtype == xp.float32 for row in rows)
        kind = xp.float32 if single else xp.float64
        x = xp.stack([xp.astype(row.values, kind, copy=False) for row in rows])
        weights, signals, segments = named_window(taper, n), len(rows), 0
        window = constant(weights, x)
        sums = xp.zeros((n // 2 + 1, signals, signals), dtype=xp.complex128, device=device(x))
        total = count(x.shape[1], n, hop)
        for first in range(0, total, TOGETHER):
            some = x[:, first * hop : (min(first + TOGETHER, total) - 1) * hop + n]
            products, usable = _of_segments(some, window, hop)
            sums += xp.astype(products, xp.complex128)
            segments += usable
        flat = xp.permute_dims(xp.reshape(sums, (n // 2 + 1, -1)), (1, 0))
        re, im = xp.real(flat), xp.imag(flat)
        if not segments:
            return cls(re + math.nan, im + math.nan, signals, 0, math.nan, kind)
        noise = noise_coherence(independent_segments(segments, weights, hop))
        return cls(re, im, signals, segments, noise, kind)

    def coherence(self, one: np.ndarray, other: np.ndarray) -> dict[str, Any]:
        """``coherence`` and ``phase`` of pairs of signals, shape (pairs, bins)."""
        xp = array_namespace(self.re)
        first, second, both = (
            xp.asarray(row, device=device(self.re))
            for row in (one * (self.signals + 1), other * (self.signals + 1), one * self.signals + other)
        )
        re, im = xp.take(self.re, both, axis=0), xp.take(self.im, both, axis=0)
        power, others = xp.take(self.re, first, axis=0), xp.take(self.re, second, axis=0)
        found = (re * re + im * im) / power / others
        phase = xp.atan2(xp.astype(im, self.kind), xp.astype(re, self.kind))
        return {"coherence": xp.astype(found, self.kind), "phase": phase}

    def counted(self) -> dict[str, Any]:
        """``coherence_noise`` and ``segments``, numbers in float32."""
        xp = array_namespace(self.re)
        where = device(self.re)
        return {
            "coherence_noise": xp.asarray(self.noise, dtype=xp.float32, device=where),
            "segments": xp.asarray(float(self.segments), dtype=xp.float32, device=where),
        }


def _of_segments(x: Any, window: Any, hop: int) -> tuple[Any, int]:
    """Sums of products over segments without a gap, in the signals' own type, and how many these are.

    Parameters
    ----------
    x : array, shape (signals, samples)
    window : array, shape (n,)
        Weights of a segment.
    hop : int

    Returns
    -------
    array of complex numbers, shape (bins, signals, signals)
    int
    """
    xp, n, segments, sums = array_namespace(x), window.shape[0], 0, None
    step, total = together(x, n * x.shape[0]), count(x.shape[1], n, hop)
    for first in range(0, total, step):
        stop = min(first + step, total)
        frame = cut(x[:, first * hop : (stop - 1) * hop + n], n, hop)
        mean = xp.mean(frame, axis=-1, keepdims=True)
        whole = xp.all(xp.isfinite(mean), axis=0, keepdims=True)
        usable = int(xp.sum(xp.astype(whole, xp.int64)))
        segments += usable
        frame -= mean
        frame *= window
        if usable < stop - first:
            frame = xp.where(whole, frame, xp.zeros_like(frame))
        products = _products(transformed(xp.fft.rfft, frame))
        if sums is None:
            sums = products
        else:
            sums += products
    return sums, segments


def _products(z: Any) -> Any:
    """Sums over segments of ``conj(X_i) X_j``, by one product of matrices for each bin.

    Parameters
    ----------
    z : array of complex numbers, shape (signals, segments, bins)

    Returns
    -------
    array of complex numbers, shape (bins, signals, signals)
    """
    xp, (signals, segments, bins) = array_namespace(z), z.shape
    # turned as one matrix and laid in order, which costs less than a product of what is strewn
    turned = xp.reshape(xp.permute_dims(xp.reshape(z, (-1, bins)), (1, 0)), (-1,))
    turned = xp.reshape(turned, (bins, signals, segments))
    return xp.matmul(xp.conj(turned), xp.permute_dims(turned, (0, 2, 1)))
