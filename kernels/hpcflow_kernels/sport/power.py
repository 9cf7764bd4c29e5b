"""Mean-maximal power, normalised power, and the summary of one session."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.sport.activity import MISSING, PAUSED, per_minute

ROLLING = 30.0
"""Seconds of the rolling mean behind normalised power."""

ASCENT_MEDIAN = 31
"""Seconds of the running median that altitude passes before ascents are summed."""

ASCENT_STEP = 1.0
"""Metres that a rise or fall must reach to count."""


def mean_max(*, power: Rows, durations: Sequence[float], missing: str) -> dict[str, np.ndarray]:
    """Best mean power over each duration, exact over all starts.

    Parameters
    ----------
    power : Rows, shape (n,)
        Power in W on a regular grid (1 Hz where the rate is not known), NaN where missing.
    durations : sequence of float
        Seconds, whole numbers of rows.
    missing : {"zero", "exclude"}
        Whether a missing second counts as 0 W, or forbids every stretch that holds it.

    Returns
    -------
    dict of str to ndarray, shape (durations,)
        `mean_maximal_power` (W, float32), `start` of the first best stretch (s), `coverage` (share of the
        stretch with known power). NaN at durations beyond the record, everywhere if no power is known, and
        where `missing="exclude"` leaves no stretch.
    """
    x = np.asarray(power.values, np.float64)
    rate = _rate(power)
    known = np.isfinite(x)
    counts = np.round(np.asarray(durations, np.float64) * rate).astype(np.int64)
    best = np.full(len(counts), np.nan)
    start = np.full(len(counts), np.nan)
    coverage = np.full(len(counts), np.nan)
    if known.any():
        from hpcflow_kernels.sport.power_loops import best_windows

        energy = np.concatenate([[0.0], np.cumsum(np.where(known, x, 0.0))])
        held = np.concatenate([[0], np.cumsum(known)])
        at = best_windows(energy, held, counts, missing == "exclude")
        found = at >= 0
        first, n = at[found], counts[found]
        best[found] = (energy[first + n] - energy[first]) / n
        start[found] = first / rate
        coverage[found] = (held[first + n] - held[first]) / n
    return {
        "mean_maximal_power": best.astype(np.float32),
        "start": start,
        "coverage": coverage.astype(np.float32),
    }


class NormalizedPower(NamedTuple):
    """Normalised power in W (NaN below 30 s of power) and the seconds that it covers."""

    power: float
    seconds: float


def normalized_power(power: np.ndarray, rate: float = 1.0) -> NormalizedPower:
    """Normalised power: fourth root of the mean fourth power of the 30 s rolling mean.

    Missing values are left out, as if their neighbours followed one another, and only full windows of 30 s
    count. This reproduces the head units that the tests compare with: an Edge 800 with 41 s without power
    states an intensity factor of 0.914, which missing values as zeros (0.909) or an incomplete first window
    (0.911) do not give.

    Parameters
    ----------
    power : ndarray, shape (n,)
        W, NaN where missing.
    rate : float
        Samples per second.

    Returns
    -------
    NormalizedPower

    References
    ----------
    Allen, Coggan and McGregor, Training and Racing with a Power Meter, 3rd ed. (2019), chapter 7.
    """
    x = np.asarray(power, np.float64)
    x = x[np.isfinite(x)]
    window = max(round(ROLLING * rate), 1)
    if len(x) < window:
        return NormalizedPower(np.nan, 0.0)
    total = np.concatenate([[0.0], np.cumsum(x)])
    rolling = (total[window:] - total[:-window]) / window
    return NormalizedPower(float(np.mean(rolling**4) ** 0.25), len(rolling) / rate)


def climb(altitude: np.ndarray, rate: float = 1.0) -> tuple[float, float]:
    """Ascent and descent in m of an altitude in m on a regular grid; NaN where none is known.

    Altitude passes a running median of 31 s. Then the rises and falls between turning points are summed; a
    turning point is one from which altitude comes back by at least 1 m. Missing values are left out.
    """
    x = np.asarray(altitude, np.float64)
    x = x[np.isfinite(x)]
    if not len(x):
        return np.nan, np.nan
    from scipy.ndimage import median_filter

    x = median_filter(x, size=max(2 * round((ASCENT_MEDIAN * rate - 1) / 2) + 1, 1), mode="nearest")
    from hpcflow_kernels.sport.power_loops import turning_sums

    up, down = turning_sums(x, ASCENT_STEP)
    return float(up), float(down)


def session_summary(
    *,
    power: Rows,
    moving_speed: float,
    heart_rate: Rows | None = None,
    speed: Rows | None = None,
    cadence: Rows | None = None,
    distance: Rows | None = None,
    altitude: Rows | None = None,
    timer: Rows | None = None,
    gap: Rows | None = None,
    ftp: float | None = None,
    elapsed_time: float | None = None,
    timer_time: float | None = None,
    path_length: float | None = None,
) -> dict[str, float]:
    """One activity in numbers. Which time and which seconds each of them rests on is in docs/power.md.

    Parameters
    ----------
    power : Rows, shape (n,)
        W on a regular grid, NaN where missing.
    moving_speed : float
        m/s from which a second counts as moving.
    heart_rate, speed, cadence, distance, altitude : Rows, shape (n,), optional
        Any unit of frequency, m/s, any unit of frequency, m, m.
    timer : Rows, shape (n,), optional
        1 where the timer ran, 0 where it was paused, NaN where unknown.
    gap : Rows, shape (n,), optional
        State of each second as `clean_activity` gives it.
    ftp, elapsed_time, timer_time : float, optional
        W; seconds as the device states them.
    path_length : float, optional
        m; the whole path of a file without a counter, points without a time included.

    Returns
    -------
    dict of str to float
        NaN where a quantity cannot be known; never 0 instead.
    """
    rate = _rate(power)
    n = len(power.values)
    clock = max(n - 1, 0) / rate
    states = np.asarray(gap.values, np.int64) if gap is not None else np.zeros(n, np.int64)
    timed = _values(timer, n)
    known_timer = bool(np.isfinite(timed).any())
    paused = (timed == 0.0) | (states == PAUSED)
    running = ~paused
    recorded = _intervals(running & (states != MISSING)) / rate
    counted = _intervals(running) / rate if known_timer else np.nan
    if timer_time is None or not np.isfinite(timer_time):
        timer_time = counted
    if elapsed_time is None or not np.isfinite(elapsed_time):
        elapsed_time = clock
    out = {
        "elapsed_time": elapsed_time,
        "clock_time": clock,
        "timer_time": timer_time,
        "recorded_time": recorded,
    }
    pace = np.where(running, _values(speed, n), np.nan)
    moving = running & (np.nan_to_num(pace, nan=-1.0) >= moving_speed)
    whole = _values(distance, n)
    whole = whole[np.isfinite(whole)]
    metres = float(whole[-1]) if len(whole) else np.nan
    base = timer_time if np.isfinite(timer_time) else recorded
    up, down = climb(_values(altitude, n), rate)
    out |= {
        "moving_time": moving.sum() / rate if np.isfinite(pace).any() else np.nan,
        "distance": metres if path_length is None or not np.isfinite(path_length) else path_length,
        "average_speed": metres / base if base > 0 else np.nan,
        "average_moving_speed": metres / (moving.sum() / rate) if moving.any() else np.nan,
        "max_speed": _max(pace),
        "ascent": up,
        "descent": down,
    }
    out |= _power_numbers(np.where(running, _values(power, n), np.nan), int(running.sum()), rate, ftp)
    beats = np.where(running, per_minute(heart_rate) if heart_rate is not None else np.nan, np.nan)
    strokes = np.where(running, per_minute(cadence) if cadence is not None else np.nan, np.nan)
    out |= {
        "average_heart_rate": _mean(beats),
        "average_moving_heart_rate": _mean_by_beat(beats[moving]),
        "max_heart_rate": _max(beats),
        "heart_rate_time": np.isfinite(beats).sum() / rate,
        "average_cadence": _mean(strokes[strokes > 0]),
        "max_cadence": _max(strokes),
    }
    return {name: float(value) for name, value in out.items()}


def _power_numbers(x: np.ndarray, running: int, rate: float, ftp: float | None) -> dict[str, float]:
    """Everything that follows from power over the running seconds, NaN where missing."""
    known = x[np.isfinite(x)]
    average = _mean(x)
    normalized, seconds = normalized_power(x, rate)
    intensity = normalized / ftp if ftp is not None and ftp > 0 else np.nan
    return {
        "average_power": average,
        "max_power": _max(x),
        "normalized_power": normalized,
        "variability_index": normalized / average if average > 0 else np.nan,
        "intensity_factor": intensity,
        "training_load": intensity**2 * seconds / 36.0,
        "work": float(known.sum()) / rate if len(known) else np.nan,
        "power_time": len(known) / rate,
        "power_coverage": len(known) / running if running else np.nan,
    }


def _rate(rows: Rows) -> float:
    return rows.rate if np.isfinite(rows.rate) and rows.rate > 0 else 1.0


def _values(rows: Rows | None, n: int) -> np.ndarray:
    return np.full(n, np.nan) if rows is None else np.asarray(rows.values, np.float64)


def _intervals(inside: np.ndarray) -> float:
    """Length in samples of the stretches, from their first to their last sample."""
    return float(np.count_nonzero(inside[1:] & inside[:-1]))


def _mean_by_beat(rate: np.ndarray) -> float:
    """Mean over heartbeats, not over seconds: a second at rate h holds h / 60 of them."""
    known = rate[np.isfinite(rate) & (rate > 0)]
    return float((known**2).sum() / known.sum()) if len(known) else np.nan


def _mean(x: np.ndarray) -> float:
    x = x[np.isfinite(x)]
    return float(x.mean()) if len(x) else np.nan


def _max(x: np.ndarray) -> float:
    x = x[np.isfinite(x)]
    return float(x.max()) if len(x) else np.nan
