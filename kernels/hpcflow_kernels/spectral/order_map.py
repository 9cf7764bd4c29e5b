"""Order spectra along time, one for each step of a record."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.spectral.orders import Track, order_axis, turns_of_record


class OrderMap(NamedTuple):
    """What `order_map` finds.

    Attributes
    ----------
    orders : ndarray of float64, shape (orders,)
        Cycles per turn.
    amplitude : ndarray of float64, shape (rows, orders)
        Peak amplitude of a line; NaN where a row's turns are not all there, or too slow.
    speed : ndarray of float64, shape (rows,)
        Mean speed of a row's turns, turns per second; NaN beyond the known angles.
    """

    orders: np.ndarray
    amplitude: np.ndarray
    speed: np.ndarray


def order_map(
    x: np.ndarray,
    fs: float,
    turns: np.ndarray,
    *,
    step: float = 1.0,
    max_order: float = 20.0,
    revolutions: int = 16,
    min_speed: float = 0.5,
) -> OrderMap:
    """Amplitude over orders along time.

    Row k stands for the time from k to k + 1 steps: its block of whole turns has its middle, in angle, where
    the shaft is at the middle of that time. A block is read and weighted as in
    `hpcflow_kernels.spectral.orders.order_spectrum`; where the turns last longer than a step, blocks of
    neighbours overlap, and where they are shorter, samples between them are not looked at.

    Parameters
    ----------
    x : ndarray, shape (samples,)
        A signal; blocks with missing samples are NaN.
    fs : float
        Samples per second.
    turns : ndarray of float64, shape (samples,)
        Turns of the shaft so far, rising; NaN where unknown.
    step : float
        Time from one row to the next, s.
    max_order : float
        Last order.
    revolutions : int
        Turns of a block; orders are 1/revolutions apart.
    min_speed : float
        Blocks with a slower moment are NaN, turns per second.

    Returns
    -------
    OrderMap

    Notes
    -----
    Fyfe and Munck, Analysis of computed order tracking, MSSP 11 (1997).
    """
    x, turns = np.asarray(x, np.float64), np.asarray(turns, np.float64)
    orders = order_axis(max_order, revolutions)
    rows = int(len(x) / fs / step + 1e-9)
    amplitude, speed = np.full((rows, len(orders)), np.nan), np.full(rows, np.nan)
    track = Track.of(x, turns, fs)
    if track is not None:
        middles = (np.arange(rows) + 0.5) * (step * fs)
        angles = np.interp(middles, track.at, track.angle, left=np.nan, right=np.nan)
        for row, angle in enumerate(angles):
            block, speed[row] = track.block(angle - revolutions / 2, revolutions, max_order, min_speed)
            if block is not None:
                amplitude[row] = block[: len(orders)]
    return OrderMap(orders, amplitude, speed)


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
) -> dict[str, np.ndarray]:
    """Order map of a record, from a speed along time, a tachometer, or one speed for all of it.

    Parameters
    ----------
    signal : Rows
        Samples.
    speed, tacho : Rows, optional
        Turns per second along time; a tachometer's pulses.
    shaft : float, optional
        Turns per second, of the whole record.
    step, max_order, revolutions, min_speed
        See `order_map`.
    pulses : int
        Pulses of the tachometer per turn.

    Returns
    -------
    dict of str to ndarray
        ``amplitude``, shape (rows, orders); ``speed``, shape (rows,).

    Raises
    ------
    UnusableRecordError
        Where there is no speed.
    """
    found = order_map(
        signal.values,
        signal.rate,
        turns_of_record(signal, speed, tacho, shaft, pulses),
        step=step,
        max_order=max_order,
        revolutions=revolutions,
        min_speed=min_speed,
    )
    return {"amplitude": found.amplitude, "speed": found.speed}
