"""Numbers of frames that need no spectrum, or its sum alone, on any array library.

Frames are taken in float64: it is what the processor sums in, and a fourth power would not stay in the range
of float32.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import (
    constant,
    count,
    ends_halved,
    frames,
    spectra,
    squared,
    typed,
)
from hpcflow_kernels.frames import frame_hop, frame_length, hann
from hpcflow_kernels.machine.severity_contracts import ZONES


def condition_indicators(
    x: Any,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.0,
    band: Sequence[float] | None = None,
    missing: float = 0.0,
) -> dict[str, Any]:
    """As `hpcflow_kernels.features.condition.condition_indicators`."""
    x, xp = typed(x), array_namespace(x)
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    names = "rms", "peak", "peak_to_peak", "crest_factor", "kurtosis", "skewness"
    out = _empty(x, names, count(x.shape[0], n, hop))
    for part, frame in frames(x, n, hop, times=8):
        low, high, mean, (second, third, fourth) = _moments(frame, missing)
        peak = xp.maximum(high - mean, mean - low)
        spread = _nan_unless((high > low) & (second > 0), second)
        values = (
            xp.sqrt(second),
            peak,
            high - low,
            peak / xp.sqrt(spread),
            fourth / spread**2,
            third / (spread * xp.sqrt(spread)),
        )
        for name, value in zip(names, values, strict=True):
            out[name][part] = xp.astype(value, x.dtype)
    edges = list(band) if band is not None else []
    if edges:
        first = np.ceil(np.asarray(edges) * n / rate - 1e-9).astype(np.int64).clip(0, n // 2 + 1)
        out["band_power"] = _band_powers(x, hop, n, first.tolist())
    return out


def _moments(frame: Any, missing: float) -> tuple[Any, Any, Any, list[Any]]:
    """Extremes, mean, and central moments of second to fourth order, float64, shape (rows,).

    Of the samples that are there; NaN where more than the part `missing` is not, or nothing is.
    """
    xp, n = array_namespace(frame), frame.shape[1]
    there = xp.isfinite(frame)
    wide = xp.astype(frame, xp.float64)
    infinite = xp.asarray(math.inf, dtype=xp.float64, device=device(frame))
    low = xp.min(xp.where(there, wide, infinite), axis=-1)
    high = xp.max(xp.where(there, wide, -infinite), axis=-1)
    number = xp.sum(xp.astype(there, xp.float64), axis=-1)
    number = _nan_unless((number >= (1 - missing) * n) & (number > 0), number)
    low, high = _nan_unless(number > 0, low), _nan_unless(number > 0, high)
    none = xp.zeros_like(wide)
    mean = low + xp.sum(xp.where(there, wide - low[:, None], none), axis=-1) / number  # exact where constant
    away = xp.where(there, wide - mean[:, None], none)
    square = away * away
    powers = [xp.sum(power, axis=-1) / number for power in (square, square * away, square * square)]
    return low, high, mean, powers


def _band_powers(x: Any, hop: int, n: int, first: list[int]) -> Any:
    """Sums of powers of frames over bins ``first[j] .. first[j + 1] - 1``, shape (rows, bands)."""
    xp, weights = array_namespace(x), hann(n)
    scale = 1 / (n * np.sum(weights * weights))
    rows = count(x.shape[0], n, hop)
    out = xp.empty((rows, len(first) - 1), dtype=x.dtype, device=device(x))
    for part, z in spectra(x, n, hop, constant(weights * math.sqrt(2 * scale), x)):
        power = ends_halved(squared(z), n)
        for j, (start, stop) in enumerate(pairwise(first)):
            total = xp.sum(power[:, start : max(start, stop)], axis=-1, dtype=xp.float64)
            out[part, j] = xp.astype(_nan_unless(xp.isfinite(power[:, 0]), total), x.dtype)
    return out


def waveform_factors(x: Any, *, rate: float, window: float = 1.0, overlap: float = 0.0) -> dict[str, Any]:
    """As `hpcflow_kernels.machine.severity.waveform_factors`."""
    x, xp = typed(x), array_namespace(x)
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    names = "mean_absolute", "shape_factor", "impulse_factor", "clearance_factor", "zero_crossing_rate"
    out = _empty(x, names, count(x.shape[0], n, hop))
    for part, frame in frames(x, n, hop, times=8):
        wide = xp.astype(frame, xp.float64)
        deviation = wide - (wide[:, :1] + xp.mean(wide - wide[:, :1], axis=-1, keepdims=True))
        distance, below = xp.abs(deviation), deviation < 0
        changes = xp.astype(below[:, 1:] != below[:, :-1], xp.float64)
        middle, peak = xp.mean(distance, axis=-1), xp.max(distance, axis=-1)
        rms, root = xp.sqrt(xp.mean(distance * distance, axis=-1)), xp.mean(xp.sqrt(distance), axis=-1)
        varied = _nan_unless(xp.max(frame, axis=-1) > xp.min(frame, axis=-1), middle)
        crossings = _nan_unless(xp.isfinite(middle), xp.sum(changes, axis=-1) * (rate / n))
        values = (middle, rms / varied, peak / varied, peak * (varied / middle) / root**2, crossings)
        for name, value in zip(names, values, strict=True):
            out[name][part] = xp.astype(value, x.dtype)
    return out


def vibration_severity(
    x: Any,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.0,
    low: float = 10.0,
    high: float = 1000.0,
    machine: str = "group 2 rigid",
) -> dict[str, Any]:
    """As `hpcflow_kernels.machine.severity.vibration_severity`."""
    from hpcflow_kernels.machine.severity import shares_of_velocity

    x, xp, weights = typed(x), array_namespace(x), hann(frame_length(window, rate))
    n, hop = len(weights), frame_hop(window, overlap, rate)
    band, share = shares_of_velocity(n, rate, low, high)
    wide = xp.astype(x, xp.float64)
    scale = 1 / (n * np.sum(weights * weights))
    shares = constant(share, wide)
    out = _empty(x, ("velocity_rms", "zone"), count(x.shape[0], n, hop))
    boundaries = constant(np.asarray(ZONES[machine]), x)
    for part, z in spectra(wide, n, hop, constant(weights * math.sqrt(2 * scale), wide)):
        power = ends_halved(squared(z), n)[:, band]
        velocity = xp.astype(xp.sqrt(xp.sum(power * shares, axis=-1)), x.dtype)
        zone = 1 + xp.sum(xp.astype(velocity[:, None] > boundaries, x.dtype), axis=-1)
        out["velocity_rms"][part] = velocity
        out["zone"][part] = _nan_unless(xp.isfinite(velocity), zone)
    return out


def vibration_exposure(x: Any, *, rate: float, window: float = 60.0, overlap: float = 0.0) -> dict[str, Any]:
    """As `hpcflow_kernels.machine.exposure.vibration_exposure`."""
    x, xp, second = typed(x), array_namespace(x), max(1, round(rate))
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    names = "weighted_rms", "rmq", "vdv", "mtvv", "peak", "crest_factor"
    out = _empty(x, names, count(x.shape[0], n, hop))
    for part, frame in frames(x, n, hop, times=8):
        square = xp.astype(frame, xp.float64) ** 2
        rms, quad = xp.sqrt(xp.mean(square, axis=-1)), xp.mean(square * square, axis=-1) ** 0.25
        peak = xp.astype(xp.max(xp.abs(frame), axis=-1), xp.float64)
        before = xp.cumulative_sum(square, axis=-1, include_initial=True)
        moving = (before[:, second:] - before[:, : max(0, n + 1 - second)]) / second
        loudest = xp.sqrt(xp.max(moving, axis=-1)) if second <= n else xp.full_like(rms, math.nan)
        crest = peak / _nan_unless(rms > 0, rms)
        values = (rms, quad, quad * (n / rate) ** 0.25, loudest, peak, crest)
        for name, value in zip(names, values, strict=True):
            out[name][part] = xp.astype(_nan_unless(xp.isfinite(peak), value), x.dtype)
    return out


def _empty(x: Any, names: Sequence[str], rows: int) -> dict[str, Any]:
    xp = array_namespace(x)
    return {name: xp.empty((rows,), dtype=x.dtype, device=device(x)) for name in names}


def _nan_unless(sound: Any, values: Any) -> Any:
    xp = array_namespace(values)
    return xp.where(sound, values, xp.asarray(math.nan, dtype=values.dtype, device=device(values)))
