"""Order tracking: spectra over multiples of a shaft's speed, however the speed changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.frames import hann
from hpcflow_kernels.spectral.frame_power import frame_powers

DEGREE = 5
"""Of the spline through the samples: a tone loses 3e-6 at a tenth of the sampling rate, 3e-4 at a fifth."""

MARGIN = 16
"""Samples about a gap that the spline would bend: blocks keep away from them."""


class Orders(NamedTuple):
    """What `order_spectrum` finds.

    Attributes
    ----------
    orders : ndarray of float64, shape (orders,)
        Cycles per turn.
    amplitude : ndarray of float64, shape (orders,)
        Peak amplitude of a line, as root mean square over blocks; NaN where there is no block.
    blocks : ndarray of float64, shape (blocks, orders)
        Amplitudes of each block.
    speed : ndarray of float64, shape (blocks,)
        Mean speed of each block, turns per second.
    """

    orders: np.ndarray
    amplitude: np.ndarray
    blocks: np.ndarray
    speed: np.ndarray


def turns_of_speed(speed: np.ndarray, fs: float) -> np.ndarray:
    """Turns since the first sample, from the speed at each sample.

    Parameters
    ----------
    speed : ndarray, shape (samples,)
        Turns per second.
    fs : float
        Samples per second.

    Returns
    -------
    ndarray of float64, shape (samples,)
        By trapezoids; NaN from the first missing sample on.
    """
    from scipy.integrate import cumulative_trapezoid

    turns: np.ndarray = cumulative_trapezoid(np.asarray(speed, np.float64), dx=1 / fs, initial=0)
    return turns


def turns_of_tacho(tacho: np.ndarray, pulses: int = 1, threshold: float | None = None) -> np.ndarray:
    """Turns since the first pulse of a tachometer, at each sample.

    A pulse begins where the signal rises through `threshold`, after it was below it by a tenth of its range;
    the instant between two samples is found on a straight line. Between pulses the angle follows a monotonic
    cubic.

    Parameters
    ----------
    tacho : ndarray, shape (samples,)
        The tachometer's signal.
    pulses : int
        Pulses per turn.
    threshold : float, optional
        Half way between the 1st and the 99th percentile by default.

    Returns
    -------
    ndarray of float64, shape (samples,)
        NaN before the first and after the last pulse.

    Raises
    ------
    ValueError
        With fewer than two pulses.
    """
    from scipy.interpolate import PchipInterpolator

    x = np.asarray(tacho, np.float64)
    known = x[np.isfinite(x)]
    low, high = np.percentile(known, [1, 99]) if len(known) else (0.0, 0.0)
    level = (low + high) / 2 if threshold is None else threshold
    state = np.where(x >= level, 1, np.where(x < level - 0.1 * (high - low), -1, 0))
    last = np.maximum.accumulate(np.where(state != 0, np.arange(len(x)), 0))
    held = state[last]
    rises = np.flatnonzero((held[1:] == 1) & (held[:-1] != 1)) + 1
    if len(rises) < 2:
        raise ValueError(
            f"speed needs two pulses (found {len(rises)} rises through {level:g}): set `threshold`, or look "
            "at the tachometer"
        )
    before, after = x[rises - 1], x[rises]
    instants = rises - 1 + (level - before) / (after - before)
    turns: np.ndarray = PchipInterpolator(instants, np.arange(len(rises)) / pulses, extrapolate=False)(
        np.arange(len(x), dtype=np.float64)
    )
    return turns


def order_spectrum(
    x: np.ndarray,
    fs: float,
    turns: np.ndarray,
    *,
    max_order: float = 20.0,
    revolutions: int = 16,
    min_speed: float = 0.5,
) -> Orders:
    """Amplitude over orders, from blocks of whole turns that overlap by half.

    Each block is read off a spline of degree five at equal angles, so many to a turn that no time between two
    is longer than a sample's (nothing folds back), less its mean, weighted by a periodic Hann window and
    transformed.

    Parameters
    ----------
    x : ndarray, shape (samples,)
        A signal; blocks with missing samples are left out.
    fs : float
        Samples per second.
    turns : ndarray of float64, shape (samples,)
        Turns of the shaft so far, rising; see `turns_of_speed` and `turns_of_tacho`.
    max_order : float
        Last order.
    revolutions : int
        Turns of a block; orders are 1/revolutions apart.
    min_speed : float
        Blocks with a slower moment are left out, turns per second.

    Returns
    -------
    Orders

    Notes
    -----
    Fyfe and Munck, Analysis of computed order tracking, MSSP 11 (1997).
    """
    x, turns = np.asarray(x, np.float64), np.asarray(turns, np.float64)
    orders = order_axis(max_order, revolutions)
    found: list[np.ndarray] = []
    speeds: list[float] = []
    track = Track.of(x, turns, fs)
    if track is not None:
        first = track.angle[0]
        while first + revolutions <= track.angle[-1]:
            block, speed = track.block(first, revolutions, max_order, min_speed)
            if block is not None:
                found.append(block[: len(orders)])
                speeds.append(speed)
            first += revolutions / 2
    blocks = np.array(found).reshape(-1, len(orders))
    mean = np.sqrt(np.mean(blocks**2, axis=0)) if len(blocks) else np.full(len(orders), np.nan)
    return Orders(orders, mean, blocks, np.array(speeds))


def order_axis(max_order: float, revolutions: int) -> np.ndarray:
    """Orders of blocks of so many turns, float64."""
    orders: np.ndarray = np.arange(int(max_order * revolutions + 1e-9) + 1) / revolutions
    return orders


class Track(NamedTuple):
    """A signal that can be read at any angle of its shaft.

    Attributes
    ----------
    spline : ndarray of float64, shape (samples,)
        Coefficients of the spline through the signal.
    bad : ndarray of int64, shape (samples + 1,)
        How many samples before each are missing, or at an unknown angle.
    at, angle : ndarray of float64
        Where the angle is known, in samples, and the turns there, not falling.
    fs : float
        Samples per second.
    """

    spline: np.ndarray
    bad: np.ndarray
    at: np.ndarray
    angle: np.ndarray
    fs: float

    @classmethod
    def of(cls, x: np.ndarray, turns: np.ndarray, fs: float) -> Track | None:
        """The track of a signal; None where it is too short, or no angle is known."""
        from scipy.ndimage import spline_filter1d

        good, usable = np.isfinite(x), np.isfinite(turns)
        index = np.flatnonzero(usable)
        if len(x) <= 2 * MARGIN or len(index) < 2:
            return None
        spline = spline_filter1d(np.where(good, x, 0.0), order=DEGREE, mode="mirror")
        bad = np.concatenate(([0], np.cumsum(~good | ~usable)))
        return cls(spline, bad, index.astype(np.float64), np.maximum.accumulate(turns[index]), fs)

    def block(
        self, first: float, revolutions: int, max_order: float, min_speed: float
    ) -> tuple[np.ndarray | None, float]:
        """Amplitudes of a block of turns from the angle `first` on, and its mean speed, turns per second.

        None for the amplitudes where the block holds a gap, turns too slowly or leaves the known angles.
        """
        from scipy.ndimage import map_coordinates

        if not (self.angle[0] <= first and first + revolutions <= self.angle[-1]):
            return None, np.nan
        ends = np.interp([first, first + revolutions], self.angle, self.at)
        speed = revolutions * self.fs / (ends[1] - ends[0])
        low, high = max(0, int(ends[0]) - MARGIN), min(len(self.bad) - 1, int(ends[1]) + MARGIN)
        if self.bad[high] > self.bad[low]:
            return None, speed
        inside = slice(*np.searchsorted(self.at, [ends[0], ends[1]]))
        slowest = np.diff(self.angle[inside]).min(initial=np.inf) * self.fs
        if not min_speed <= slowest < np.inf:
            return None, speed
        per_turn = 1 << int(np.ceil(np.log2(max(2 * max_order + 2, self.fs / slowest))))
        n = revolutions * per_turn
        near = slice(max(0, low - MARGIN), high + MARGIN)
        instants = np.interp(first + np.arange(n) / per_turn, self.angle, self.at) - near.start
        values = map_coordinates(self.spline[near], [instants], order=DEGREE, prefilter=False, mode="mirror")
        weights = hann(n)
        power = frame_powers(values, n, weights, 2 / np.sum(weights) ** 2)[0]
        power[0] = 0
        amplitude: np.ndarray = np.sqrt(power)
        return amplitude, speed


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
) -> dict[str, np.ndarray]:
    """Order spectrum of a record, from a speed along time, a tachometer, or one speed for all of it.

    Parameters
    ----------
    signal : Rows
        Samples.
    speed, tacho : Rows, optional
        Turns per second along time; a tachometer's pulses.
    shaft : float, optional
        Turns per second, of the whole record.
    max_order, revolutions, min_speed
        See `order_spectrum`.
    pulses : int
        Pulses of the tachometer per turn.
    speeds : sequence of float, optional
        Edges of classes of speed, turns per second, rising: blocks are also averaged by class.

    Returns
    -------
    dict of str to ndarray
        ``amplitude``, shape (orders,); ``blocks``; ``lowest_speed`` and ``highest_speed`` of blocks; with
        `speeds` ``amplitude_by_speed``, shape (classes, orders), NaN for a class without blocks.

    Raises
    ------
    UnusableRecordError
        Where there is no speed, or no block of whole turns without a gap.
    """
    x = signal.values
    turns = turns_of_record(signal, speed, tacho, shaft, pulses)
    how = {"max_order": max_order, "revolutions": revolutions, "min_speed": min_speed}
    found = order_spectrum(x, signal.rate, turns, **how)  # type: ignore[arg-type]
    if not len(found.blocks):
        raise UnusableRecordError(
            f"no {revolutions} turns without a gap at {min_speed:g} turns a second or more"
        )
    out = {
        "amplitude": found.amplitude,
        "blocks": np.float64(len(found.blocks)),
        "lowest_speed": found.speed.min(),
        "highest_speed": found.speed.max(),
    }
    if speeds is not None and len(speeds):
        classes = np.searchsorted(speeds, found.speed, side="right") - 1
        by_class = np.full((len(speeds) - 1, len(found.orders)), np.nan)
        for k in np.intersect1d(classes, np.arange(len(by_class))):
            by_class[k] = np.sqrt(np.mean(found.blocks[classes == k] ** 2, axis=0))
        out["amplitude_by_speed"] = by_class
    return {name: np.asarray(values) for name, values in out.items()}


def turns_of_record(
    signal: Rows, speed: Rows | None, tacho: Rows | None, shaft: float | None, pulses: int
) -> np.ndarray:
    """Turns at each sample of a record, from the first of the three that is there.

    Raises
    ------
    UnusableRecordError
        Where none is, the tachometer has no two pulses, or samples are not regular in time.
    """
    if not np.isfinite(signal.rate):
        raise UnusableRecordError("its samples are not regular in time: resample them first")
    if speed is not None:
        return turns_of_speed(_beside(speed, signal), signal.rate)
    if tacho is not None:
        try:
            return turns_of_tacho(_beside(tacho, signal), pulses)
        except ValueError as error:
            raise UnusableRecordError(str(error)) from error
    if shaft is not None and shaft > 0:
        turns: np.ndarray = np.arange(len(signal.values)) * (shaft / signal.rate)
        return turns
    raise UnusableRecordError("it has no speed: connect `speed`, `tacho` or `shaft`")


def _beside(rows: Rows, signal: Rows) -> np.ndarray:
    """Values at the times of the signal's samples, on straight lines where they have another rate."""
    values = np.asarray(rows.values, np.float64)
    if rows.rate == signal.rate and len(values) == len(signal.values):
        return values
    t = np.arange(len(signal.values)) / signal.rate
    return np.interp(t, np.arange(len(values)) / rows.rate, values, left=np.nan, right=np.nan)
