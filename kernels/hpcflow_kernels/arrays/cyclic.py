"""Cyclic coherence on any array library: all segments at once, one cyclic frequency after another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import constant, cut, squared, transformed, typed
from hpcflow_kernels.contract import Rows
from hpcflow_kernels.detection.events_records import checked_rate
from hpcflow_kernels.frames import hann
from hpcflow_kernels.machine.cyclic import candidates_of, independent, wanted_of
from hpcflow_kernels.machine.cyclic_contracts import MOST_SAMPLES


def coherence_of_record(
    *,
    signal: Rows,
    speed: float | None = None,
    frequencies: Sequence[float] | None,
    orders: Sequence[float] | None,
    tolerance: float,
    nperseg: int,
) -> dict[str, Any]:
    """As `hpcflow_kernels.machine.cyclic.coherence_of_record`."""
    rate, x = checked_rate(signal.rate), typed(signal.values)
    first = max(0, (x.shape[0] - MOST_SAMPLES) // 2)
    x = x[first : min(x.shape[0], first + MOST_SAMPLES)]
    xp, wanted = array_namespace(x), wanted_of(frequencies, orders, speed)
    record = _Record(x, rate, nperseg)
    place, mean, rows = [], [], []
    for cyclic in wanted:
        tried = candidates_of(cyclic, tolerance, rate, x.shape[0])
        found = xp.stack([record.coherence(alpha) for alpha in tried.tolist()])
        there = xp.isfinite(found)
        number = xp.sum(xp.astype(there, xp.float64), axis=1)
        total = xp.sum(xp.where(there, found, xp.zeros_like(found)), axis=1)
        means = xp.where(number > 0, total / number, xp.full_like(total, -1.0))
        best = int(xp.argmax(means))
        told = float(means[best]) >= 0
        place.append(float(tried[best]) if told else math.nan)
        mean.append(float(means[best]) if told else math.nan)
        rows.append(found[best, :] if told else xp.full_like(found[best, :], math.nan))
    return {
        "cyclic_frequency": constant(np.array(place), x, xp.float64),
        "mean_coherence": constant(np.array(mean), x, xp.float64),
        "coherence": xp.stack(rows),
        "expected": xp.asarray(record.expected, dtype=xp.float64, device=device(x)),
    }


class _Record:
    """Segments of a record, and the transforms that each cyclic frequency is compared with."""

    def __init__(self, x: Any, rate: float, nperseg: int) -> None:
        xp = array_namespace(x)
        good = xp.isfinite(x)
        self.rate, self.nperseg, self.hop = rate, nperseg, nperseg // 4
        wide = xp.where(good, xp.astype(x, xp.float64), xp.zeros(x.shape, dtype=xp.float64, device=device(x)))
        number = float(xp.sum(xp.astype(good, xp.float64)))
        self.x = xp.astype(wide - float(xp.sum(wide)) / (number or 1), x.dtype)
        self.whole = xp.all(cut(good, nperseg, self.hop), axis=-1)[:, None]
        self.segments = int(xp.sum(xp.astype(self.whole, xp.int64)))
        weight = hann(nperseg)
        self.weight = constant(weight, x)
        self.expected = 1 / independent(weight, self.hop, self.segments) if self.segments > 1 else math.nan
        if self.segments > 1:
            self.lower = self._transforms(self.x)
            self.power = self._sum(squared(self.lower))

    def coherence(self, alpha: float) -> Any:
        """Squared coherence of each frequency and the one `alpha` above it, float64, shape (bins,)."""
        x, xp = self.x, array_namespace(self.x)
        bins = self.nperseg // 2 + 1
        if self.segments < 2:
            return xp.full((bins,), math.nan, dtype=xp.float64, device=device(x))
        time = xp.arange(x.shape[0], dtype=xp.float64, device=device(x)) / self.rate
        turns = alpha * time
        angle = -2 * math.pi * (turns - xp.floor(turns))
        kind = self.lower.dtype
        turn = xp.astype(xp.cos(angle), kind) + 1j * xp.astype(xp.sin(angle), kind)
        upper = self._transforms(xp.astype(x, kind) * turn)
        cross = upper * xp.conj(self.lower)
        re, im = self._sum(xp.real(cross)), self._sum(xp.imag(cross))
        found = (re * re + im * im) / (self.power * self._sum(squared(upper)))
        beyond = np.arange(bins) * (self.rate / self.nperseg) + alpha > self.rate / 2
        return xp.where(constant(beyond, x, xp.bool), xp.full_like(found, math.nan), found)

    def _transforms(self, x: Any) -> Any:
        xp = array_namespace(x)
        segments = cut(x, self.nperseg, self.hop) * self.weight
        if xp.isdtype(x.dtype, "complex floating"):
            return transformed(xp.fft.fft, segments)[:, : self.nperseg // 2 + 1]
        return transformed(xp.fft.rfft, segments)

    def _sum(self, values: Any) -> Any:
        """Sum over segments without a gap, float64."""
        xp = array_namespace(values)
        return xp.sum(xp.where(self.whole, values, xp.zeros_like(values)), axis=0, dtype=xp.float64)
