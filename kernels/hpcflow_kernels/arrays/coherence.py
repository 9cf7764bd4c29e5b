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

TOGETHER = 128
"""Most segments whose products are added in the signals' own type, before sums go on in float64."""


def coherence_of_record(
    *, signal: Rows, reference: Rows, nperseg: int = 1024, overlap: float = 0.5, taper: str = "hann"
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.coherence_records.coherence_of_record`."""
    sums = _Sums.of([reference, signal], nperseg, overlap, taper)
    return {**sums.coherence([(0, 1)], one=True), **sums.counted()}


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
    xx, yy, size = sums.re[0, 0, :], sums.re[1, 1, :], xp.hypot(sums.re[0, 1, :], sums.im[0, 1, :])
    if estimator == "h1":
        gain = size / xx
    elif estimator == "h2":
        gain = yy / size
    else:
        gain = size / size * xp.sqrt(yy / xx)  # where nothing is shared it has no phase, and is NaN
    found = sums.coherence([(0, 1)], one=True)
    missing = xp.asarray(math.nan, dtype=sums.kind, device=device(gain))
    phase = xp.where(xp.isfinite(gain), found["phase"], missing)
    return {**found, "gain": xp.astype(gain, sums.kind), "phase": phase, **sums.counted()}


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
    first, second = np.triu_indices(len(rows), 1)
    found = sums.coherence(list(zip(first.tolist(), second.tolist(), strict=True)))
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
    re, im : array of float64, shape (signals, signals, bins)
        NaN where no segment is whole.
    segments : int
    noise : float
        Coherence that independent signals stay below in 95 % of the bins.
    kind
        Float type of what is given back.
    """

    re: Any
    im: Any
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
        x = xp.stack([xp.astype(row.values, kind) for row in rows])
        weights, signals, segments = named_window(taper, n), len(rows), 0
        window, zero = constant(weights, x), xp.asarray(0.0, dtype=kind, device=device(x))
        re = xp.zeros((signals, signals, n // 2 + 1), dtype=xp.float64, device=device(x))
        im = xp.zeros((signals, signals, n // 2 + 1), dtype=xp.float64, device=device(x))
        step, total = min(TOGETHER, together(x, n * signals)), count(x.shape[1], n, hop)
        for first in range(0, total, step):
            stop = min(first + step, total)
            frame = cut(x[:, first * hop : (stop - 1) * hop + n], n, hop)
            mean = xp.mean(frame, axis=-1, keepdims=True)
            whole = xp.all(xp.isfinite(mean), axis=0, keepdims=True)
            segments += int(xp.sum(xp.astype(whole, xp.int64)))
            z = transformed(xp.fft.rfft, xp.where(whole, (frame - mean) * window, zero))
            z = xp.permute_dims(z, (2, 0, 1))
            product = xp.matmul(xp.conj(z), xp.permute_dims(z, (0, 2, 1)))
            product = xp.permute_dims(product, (1, 2, 0))
            re += xp.astype(xp.real(product), xp.float64)
            im += xp.astype(xp.imag(product), xp.float64)
        if not segments:
            return cls(re + math.nan, im + math.nan, 0, math.nan, kind)
        return cls(re, im, segments, noise_coherence(independent_segments(segments, weights, hop)), kind)

    def coherence(self, pairs: Sequence[tuple[int, int]], one: bool = False) -> dict[str, Any]:
        """``coherence`` and ``phase`` of pairs, shape (pairs, bins), or of `one`, shape (bins,)."""
        xp = array_namespace(self.re)
        re = xp.stack([self.re[i, j, :] for i, j in pairs])
        im = xp.stack([self.im[i, j, :] for i, j in pairs])
        power = xp.stack([self.re[i, i, :] for i, _ in pairs])
        other = xp.stack([self.re[j, j, :] for _, j in pairs])
        found = {"coherence": (re * re + im * im) / power / other, "phase": xp.atan2(im, re)}
        return {name: xp.astype(values[0, :] if one else values, self.kind) for name, values in found.items()}

    def counted(self) -> dict[str, Any]:
        """``coherence_noise`` and ``segments``, numbers in float32."""
        xp = array_namespace(self.re)
        where = device(self.re)
        return {
            "coherence_noise": xp.asarray(self.noise, dtype=xp.float32, device=where),
            "segments": xp.asarray(float(self.segments), dtype=xp.float32, device=where),
        }
