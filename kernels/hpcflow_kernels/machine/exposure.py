"""What people are exposed to by vibration: windows of one axis, axes of a record, records of a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.frames import frame_hop, frame_length
from hpcflow_kernels.machine.exposure_contracts import FACTORS, LIMITS, LIMITS_OF_DOSE
from hpcflow_kernels.rolling.statistics import rolling_mean

WORKING_DAY = 8 * 3600.0
"""The reference duration of a daily exposure, s."""

State = dict[str, np.ndarray]


def vibration_exposure(
    x: np.ndarray, *, rate: float, window: float = 60.0, overlap: float = 0.0
) -> dict[str, np.ndarray]:
    """What a person is exposed to in each window, from a weighted acceleration.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Frequency-weighted acceleration, m/s²; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s; at least 1 s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).

    Returns
    -------
    dict of str to ndarray
        Shape (frames,), the float type of `x`, NaN for frames that touch a gap. With a the frame's samples
        and T its duration:

        - ``weighted_rms``: ``sqrt(mean(a**2))``, m/s²
        - ``rmq``: the root mean quad ``mean(a**4) ** (1/4)``, m/s²
        - ``vdv``: the vibration dose value ``(mean(a**4) T) ** (1/4)``, m/s^1.75
        - ``mtvv``: the maximum transient vibration value, the largest RMS of 1 s within the frame, m/s²
        - ``peak``: ``max(abs(a))``, m/s²; ``crest_factor``: peak over RMS

    Notes
    -----
    ISO 2631-1:1997, 6.1 to 6.3; the running RMS with linear averaging (equation 2). Frames combine as fourth
    powers (VDV), squares (RMS, weighted by time) and maxima.
    """
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    second = max(1, round(rate))
    frames = np.empty((0, n)) if len(x) < n else np.lib.stride_tricks.sliding_window_view(x, n)[::hop]
    out = np.full((6, len(frames)), np.nan)
    for row, frame in enumerate(frames):
        if not np.isfinite(frame).all():
            continue
        square = frame.astype(np.float64) ** 2
        rms, peak = np.sqrt(square.mean()), np.abs(frame).max()
        out[0, row], out[4, row] = rms, peak
        out[1, row] = np.mean(square**2) ** 0.25
        out[2, row] = out[1, row] * (n / rate) ** 0.25
        out[3, row] = np.sqrt(np.nanmax(rolling_mean(square, second))) if second <= n else np.nan
        out[5, row] = peak / rms if rms > 0 else np.nan
    names = ("weighted_rms", "rmq", "vdv", "mtvv", "peak", "crest_factor")
    return dict(zip(names, out.astype(dtype), strict=True))


def total_of_record(
    *,
    x: Mapping[str, Rows],
    y: Mapping[str, Rows],
    z: Mapping[str, Rows],
    duration: float | None = None,
    kind: str,
    factors: Sequence[float] | None = None,
) -> dict[str, np.ndarray]:
    """Three axes of one operation together, and its part of a day's exposure.

    Parameters
    ----------
    x, y, z : mapping of str to Rows
        Rows of `vibration_exposure` of each weighted axis; windows in which an axis is missing are left out.
    duration : float, optional
        How long the operation lasts in a day, s; the recording stands for all of it. By default as long as
        the recording, gaps included.
    kind : {'whole-body', 'hand-arm'}
        Which rule makes one number of three axes.
    factors : sequence of float, optional
        Of the axes, k; by default `hpcflow_kernels.machine.exposure_contracts.FACTORS` of the kind.

    Returns
    -------
    dict of str to ndarray
        With a and q the root mean square and the root mean quad of an axis over the windows, T the duration:

        - ``weighted_rms``, shape (3,): a, m/s²; ``total_value``: ``sqrt(sum((k a)**2))``, m/s²
        - ``a8_axis``, shape (3,): ``k a sqrt(T / 8 h)``, m/s²; ``a8``: the largest of them (whole-body), or
          the root of the sum of their squares (hand-arm)
        - ``vdv_axis``, shape (3,): ``k q T**(1/4)``, m/s^1.75; ``vdv``: the largest of them
        - ``duration``: T, s; ``measured``: what the windows that were used last, s

    Raises
    ------
    UnusableRecordError
        Where no window has all axes, or `duration` is no positive number.

    Notes
    -----
    Directive 2002/44/EC, annex; ISO 2631-1:1997, 6.5 and 7.2; ISO 5349-1:2001, 4.5 and annex A.
    """
    names = ("weighted_rms", "rmq")
    try:
        rows = [np.array([axis[name].values for name in names], np.float64) for axis in (x, y, z)]
    except (TypeError, KeyError, IndexError) as error:
        raise UnusableRecordError("each axis is a whole `vibration_exposure`: connect the steps") from error
    values, rate = np.stack(rows), x["rmq"].rate
    good = np.isfinite(values).all(axis=(0, 1))
    if not good.any():
        raise UnusableRecordError("no window has all three axes without a gap")
    if duration is None:
        duration = values.shape[2] / rate
    if not 0 < duration < np.inf:
        raise UnusableRecordError(f"an exposure lasts longer than 0 s (found {duration:g} s)")
    k = np.array(FACTORS[kind] if factors is None else factors, np.float64)
    rms = np.sqrt(np.mean(values[:, 0, good] ** 2, axis=1))
    quad = np.mean(values[:, 1, good] ** 4, axis=1) ** 0.25
    a8, dose = k * rms * np.sqrt(duration / WORKING_DAY), k * quad * duration**0.25
    out = {
        "weighted_rms": rms,
        "total_value": np.sqrt(np.sum((k * rms) ** 2)),
        "a8_axis": a8,
        "a8": _one_number(a8, kind),
        "vdv_axis": dose,
        "vdv": dose.max(),
        "duration": duration,
        "measured": np.count_nonzero(good) / rate,
    }
    return {name: np.asarray(value, np.float64) for name, value in out.items()}


def _one_number(a8: np.ndarray, kind: str) -> np.ndarray:
    """Of the axes, which are last: the largest for the whole body, all together for hand and arm."""
    one: np.ndarray = a8.max(axis=-1) if kind == "whole-body" else np.sqrt(np.sum(a8**2, axis=-1))
    return one


class DailyVibration:
    """A day's exposure from its operations: squares and fourth powers add, axis by axis."""

    @staticmethod
    def start(*, kind: str, shifts: int) -> State:
        """The state before any record."""
        return {
            "squares": np.zeros((shifts, 3)),
            "fourths": np.zeros((shifts, 3)),
            "duration": np.zeros(shifts),
            "records": np.zeros(shifts, np.int64),
            "left_out": np.zeros(1, np.int64),
        }

    @staticmethod
    def add(state: State, index: int, *, total: Mapping[str, Rows], shift: float | None = None) -> State:
        """Take one operation in; one that was set aside does not count."""
        a8 = np.asarray(total["a8_axis"].values, np.float64).reshape(3)
        if not np.isfinite(a8).all():
            return state
        new = {name: values.copy() for name, values in state.items()}
        shifts = len(state["duration"])
        at = 1.0 if shift is None and shifts == 1 else shift
        if at is None or at not in range(1, shifts + 1):
            new["left_out"] += 1
            return new
        row = int(at) - 1
        new["squares"][row] += a8**2
        new["fourths"][row] += np.asarray(total["vdv_axis"].values, np.float64).reshape(3) ** 4
        new["duration"][row] += float(np.asarray(total["duration"].values).reshape(-1)[0])
        new["records"][row] += 1
        return new

    @staticmethod
    def merge(a: State, b: State) -> State:
        """Join two states."""
        return {name: a[name] + b[name] for name in a}

    @staticmethod
    def finish(state: State, *, kind: str, shifts: int) -> dict[str, np.ndarray]:
        """The fields of the contract; NaN, not 0, for a shift without records."""
        there = state["records"] > 0
        axes = np.where(there[:, None], np.sqrt(state["squares"]), np.nan)
        doses = np.where(there[:, None], state["fourths"] ** 0.25, np.nan)
        a8, dose = _one_number(axes, kind), doses.max(axis=1)
        assessed = LIMITS_OF_DOSE if kind == "whole-body" else (np.nan, np.nan)
        return {
            "a8": a8,
            "a8_axis": axes,
            "vdv": dose,
            "vdv_axis": doses,
            "duration": np.where(there, state["duration"], np.nan),
            "records": state["records"],
            "left_out": state["left_out"][0],
            "by_a8": _assessed(a8, LIMITS[kind]),
            "by_vdv": _assessed(dose, assessed),
        }


def _assessed(values: np.ndarray, limits: tuple[float, float]) -> np.ndarray:
    """0, 1 or 2 as a value is not above the action value, above it, above the limit; -1 where unknown."""
    known = np.isfinite(values) & np.isfinite(limits[0])
    found = (values > limits[0]).astype(np.int8) + (values > limits[1]).astype(np.int8)
    return np.where(known, found, -1).astype(np.int8)
