"""Order spectra on any array library; the shaft's angle is found by the processor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import numbers
from hpcflow_kernels.arrays.transforms import constant, squared, together, transformed
from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.frames import hann
from hpcflow_kernels.spectral.orders import MARGIN, order_axis, turns_of_record

POLES = ((-0.430575347099973, 6), (-0.0430962882032647, 4))
"""Of the filter that makes a spline of degree five go through samples, and the steps after which the power
of each is below the rounding of float64."""

EDGE = 64
"""Samples beyond either end, mirrored, that the filter starts from: as many as 2**6, its longest memory."""


def order_spectrum_of_record(
    *,
    signal: Rows,
    speed: Rows | None = None,
    tacho: Rows | None = None,
    shaft: float | None = None,
    max_order: float = 20.0,
    revolutions: int = 16,
    min_speed: float = 0.5,
    pulses: int = 1,
    speeds: Sequence[float] | None = None,
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.orders.order_spectrum_of_record`, in float64 as there.

    Raises
    ------
    UnusableRecordError
        Where no block of so many turns has the least speed and no gap.
    """
    turns = _turns(signal, speed, tacho, shaft, pulses)
    known = np.flatnonzero(np.isfinite(turns))
    angle = np.maximum.accumulate(turns[known])
    room = (angle[-1] - angle[0]) / revolutions * 2 if len(known) else 0.0
    starts = np.add.accumulate(np.array([*angle[:1], *[revolutions / 2] * max(0, int(room))]))
    track = _Track.of(signal, turns)
    blocks = track.blocks(starts, revolutions, max_order, min_speed) if track else _NO_BLOCKS
    found = np.flatnonzero(blocks.points)
    if track is None or not len(found):
        raise UnusableRecordError(
            f"no {revolutions} turns without a gap at {min_speed:g} turns a second or more"
        )
    amplitude, rates = track.amplitudes(blocks, found, revolutions, max_order), blocks.speed[found]
    xp = array_namespace(amplitude)
    counted = {"blocks": float(len(found)), "lowest_speed": rates.min(), "highest_speed": rates.max()}
    out = {
        "amplitude": _root_mean_square(amplitude),
        **{name: constant(np.asarray(value), amplitude) for name, value in counted.items()},
    }
    if speeds is not None and len(speeds):
        classes = np.searchsorted(speeds, rates, side="right") - 1
        by_class = [np.flatnonzero(classes == k) for k in range(len(speeds) - 1)]
        rows = [_root_mean_square(amplitude, chosen) for chosen in by_class]
        out["amplitude_by_speed"] = xp.stack(rows)
    return out


def order_map_of_record(
    *,
    signal: Rows,
    speed: Rows | None = None,
    tacho: Rows | None = None,
    shaft: float | None = None,
    step: float = 1.0,
    max_order: float = 20.0,
    revolutions: int = 16,
    min_speed: float = 0.5,
    pulses: int = 1,
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.order_map.order_map_of_record`, in float64 as there."""
    turns, fs = _turns(signal, speed, tacho, shaft, pulses), signal.rate
    rows, orders = int(len(turns) / fs / step + 1e-9), len(order_axis(max_order, revolutions))
    x = signal.values
    xp = array_namespace(x)
    amplitude = xp.full((rows, orders), math.nan, dtype=xp.float64, device=device(x))
    track, rates = _Track.of(signal, turns), np.full(rows, np.nan)
    if track is not None:
        middles = (np.arange(rows) + 0.5) * (step * fs)
        angles = np.interp(middles, track.at, track.angle, left=np.nan, right=np.nan)
        blocks = track.blocks(angles - revolutions / 2, revolutions, max_order, min_speed)
        found, rates = np.flatnonzero(blocks.points), blocks.speed
        if len(found):
            made = track.amplitudes(blocks, found, revolutions, max_order)
            place = np.zeros(rows, np.int64)
            place[found] = np.arange(len(found))
            there = constant(blocks.points > 0, x, xp.bool)
            amplitude = xp.where(
                there[:, None], xp.take(made, constant(place, x, xp.int64), axis=0), amplitude
            )
    return {"amplitude": amplitude, "speed": constant(rates, x, xp.float64)}


def _turns(
    signal: Rows, speed: Rows | None, tacho: Rows | None, shaft: float | None, pulses: int
) -> np.ndarray:
    """Turns at each sample, by the processor."""
    length = Rows(np.empty(signal.values.shape[0]), signal.rate, signal.units, {})
    moved = (None if rows is None else rows._replace(values=numbers(rows.values)) for rows in (speed, tacho))
    return turns_of_record(length, next(moved), next(moved), shaft, pulses)


def _root_mean_square(rows: Any, chosen: np.ndarray | None = None) -> Any:
    """Over all rows, or some; NaN over none."""
    xp = array_namespace(rows)
    if chosen is not None:
        if not len(chosen):
            return xp.full((rows.shape[1],), math.nan, dtype=rows.dtype, device=device(rows))
        rows = xp.take(rows, constant(chosen, rows, xp.int64), axis=0)
    return xp.sqrt(xp.mean(rows * rows, axis=0))


class _Blocks(NamedTuple):
    """Blocks of whole turns that begin at some angles.

    Attributes
    ----------
    start, speed : ndarray of float64, shape (blocks,)
        First angle, and mean turns per second (NaN beyond the known angles).
    points : ndarray of int64, shape (blocks,)
        At how many angles of a turn the signal is read; 0 where a block is not used.
    """

    start: np.ndarray
    speed: np.ndarray
    points: np.ndarray


_NO_BLOCKS = _Blocks(np.empty(0), np.empty(0), np.empty(0, np.int64))


class _Track(NamedTuple):
    """A signal that can be read at any angle of its shaft; see `hpcflow_kernels.spectral.orders.Track`."""

    spline: Any
    bad: np.ndarray
    at: np.ndarray
    angle: np.ndarray
    fs: float

    @classmethod
    def of(cls, signal: Rows, turns: np.ndarray) -> _Track | None:
        x = signal.values
        xp, usable = array_namespace(x), np.isfinite(turns)
        index = np.flatnonzero(usable)
        if x.shape[0] <= 2 * MARGIN or len(index) < 2:
            return None
        wide = xp.astype(x, xp.float64, copy=False)
        good = xp.isfinite(wide)
        there = np.ones(len(turns), np.bool_) if bool(xp.all(good)) else numbers(good)
        bad = np.concatenate(([0], np.cumsum(~there | ~usable)))
        spline = _spline(xp.where(good, wide, xp.zeros_like(wide)))
        return cls(spline, bad, index.astype(np.float64), np.maximum.accumulate(turns[index]), signal.rate)

    def blocks(self, start: np.ndarray, revolutions: int, max_order: float, min_speed: float) -> _Blocks:
        """Which blocks can be used, and how finely each must be read."""
        known = (self.angle[0] <= start) & (start + revolutions <= self.angle[-1])
        safe = np.where(known, start, self.angle[0])
        first, last = (np.interp(safe + more, self.angle, self.at) for more in (0, revolutions))
        with np.errstate(divide="ignore", invalid="ignore"):
            speed = np.where(known, revolutions * self.fs / (last - first), np.nan)
        low = np.maximum(0, first.astype(np.int64) - MARGIN)
        high = np.minimum(len(self.bad) - 1, last.astype(np.int64) + MARGIN)
        whole = known & (self.bad[high] == self.bad[low])
        slowest = self._slowest(np.searchsorted(self.at, first), np.searchsorted(self.at, last)) * self.fs
        usable = whole & (slowest >= min_speed) & (slowest < np.inf)
        needed = np.maximum(2 * max_order + 2, self.fs / np.where(usable, slowest, np.inf))
        points = np.where(usable, 1 << np.ceil(np.log2(needed)).astype(np.int64), 0)
        return _Blocks(start, speed, points)

    def _slowest(self, first: np.ndarray, last: np.ndarray) -> np.ndarray:
        """Least step of the angle between samples first .. last - 1 of each pair; infinite for one."""
        steps = np.append(np.diff(self.angle), np.inf)
        stop = np.maximum(last - 1, first)
        pairs = np.minimum(np.stack([first, stop], axis=1).ravel(), len(steps) - 1)
        least = np.minimum.reduceat(steps, pairs)[::2] if len(first) else np.empty(0)
        return np.where(stop > first, least, np.inf)

    def amplitudes(self, blocks: _Blocks, chosen: np.ndarray, revolutions: int, max_order: float) -> Any:
        """Peak amplitudes of the chosen blocks over orders, float64, shape (blocks, orders)."""
        xp, orders = array_namespace(self.spline), len(order_axis(max_order, revolutions))
        parts, order = [], []
        for points in np.unique(blocks.points[chosen]):
            same = np.flatnonzero(blocks.points[chosen] == points)
            n = int(points) * revolutions
            step = together(self.spline, 16 * n)
            for first in range(0, len(same), step):
                some = same[first : first + step]
                values = self._read(blocks.start[chosen[some]], n, int(points))
                weights = hann(n)
                centred = values - xp.mean(values, axis=-1, keepdims=True)
                centred *= constant(weights * (2 / np.sum(weights)), values)
                amplitude = xp.sqrt(squared(transformed(xp.fft.rfft, centred)[:, :orders]))
                amplitude[:, 0] = 0.0
                parts.append(amplitude)
                order.append(some)
        back = np.argsort(np.concatenate(order))
        return xp.take(xp.concat(parts, axis=0), constant(back, self.spline, xp.int64), axis=0)

    def _read(self, start: np.ndarray, n: int, points: int) -> Any:
        """The signal at n angles from each start on, a `points`-th of a turn apart; shape (starts, n)."""
        xp = array_namespace(self.spline)
        angle, at = constant(self.angle, self.spline), constant(self.at, self.spline)
        wanted = constant(start, self.spline)[:, None] + constant(np.arange(n) / points, self.spline)[None, :]
        wanted = xp.reshape(wanted, (-1,))
        below = xp.clip(xp.searchsorted(angle, wanted, side="right") - 1, min=0, max=len(self.angle) - 2)
        low, lower = xp.take(angle, below, axis=0), xp.take(at, below, axis=0)
        rise = xp.take(angle, below + 1, axis=0) - low
        instant = (xp.take(at, below + 1, axis=0) - lower) / rise * (wanted - low) + lower
        whole = xp.floor(instant)
        part, first = instant - whole, xp.astype(whole, xp.int64) - 2
        last = self.spline.shape[0] - 1
        value = xp.zeros_like(instant)
        for tap, weight in enumerate(_weights(part)):
            place = xp.abs(first + tap)
            value += weight * xp.take(self.spline, last - xp.abs(last - place), axis=0)
        return xp.reshape(value, (len(start), n))


def _weights(part: Any) -> tuple[Any, ...]:
    """Of the six coefficients about a place, a `part` of a sample beyond the third; they sum to 1."""
    rest = 1 - part

    def outer(t: Any) -> Any:
        return t * t * t * t * t / 120

    def middle(t: Any) -> Any:
        return (((((5 - 5 * t) * t + 10) * t + 10) * t + 5) * t + 1) / 120

    def inner(t: Any) -> Any:
        return (((((10 * t - 20) * t - 20) * t + 20) * t + 50) * t + 26) / 120

    return outer(rest), middle(rest), inner(rest), inner(part), middle(part), outer(part)


def _spline(x: Any) -> Any:
    """Coefficients of the spline of degree five through samples, mirrored at both ends; float64.

    Each pole's recursion is a sum of powers, which doubles its length step by step.
    """
    xp, samples = array_namespace(x), x.shape[0]
    index = np.pad(np.arange(samples), EDGE, mode="reflect")
    c = xp.take(x, constant(index, x, xp.int64), axis=0)
    for pole, steps in POLES:
        c = c * ((1 - pole) * (1 - 1 / pole) * -pole)
        for forward in (True, False):
            for k in range(steps):
                shift, nothing = 1 << k, xp.zeros((1 << k,), dtype=c.dtype, device=device(c))
                moved = xp.concat([nothing, c[:-shift]] if forward else [c[shift:], nothing])
                c = c + pole**shift * moved
    return c[EDGE : EDGE + samples]
