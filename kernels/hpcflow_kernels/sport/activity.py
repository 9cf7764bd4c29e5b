"""From an activity's irregular samples to clean channels on a 1 Hz grid.

The rules, quantity by quantity, are in docs/power.md; every one has a test.
"""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError

RECORDED, INTERPOLATED, MISSING, PAUSED = 0, 1, 2, 3

PLAUSIBLE = {
    "power": (0.0, 4000.0),
    "heart_rate": (25.0, 250.0),
    "speed": (0.0, 100.0),
    "cadence": (0.0, 300.0),
    "altitude": (-500.0, 12000.0),
    "distance": (0.0, np.inf),
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 180.0),
}
"""Values outside are missing: W, min-1, m/s, min-1, m, m, degrees. A heart rate of 0 is a lost strap."""

ALTITUDE_JUMP = 30.0
"""m and m/s; a change of altitude beyond both is a jump of the device, not of the athlete."""

BRIEF = 10.0
"""Seconds; altitudes between two jumps are outliers if they last no longer."""

FASTEST = 100.0
"""m/s; a position or distance that would need more, and comes back, is an outlier."""


def per_minute(rows: Rows) -> np.ndarray:
    """Values of a rate in 1/min, whatever unit of frequency they carry."""
    return np.asarray(rows.values) * (1.0 if rows.units in ("min-1", "1/min", "bpm", "rpm") else 60.0)


def degrees(rows: Rows) -> np.ndarray:
    """Values of an angle in degrees."""
    return np.degrees(rows.values) if rows.units == "rad" else np.asarray(rows.values)


def clean_activity(
    *,
    time: Rows,
    elapsed: float | None,
    max_gap: float,
    max_power_gap: float,
    power: Rows | None = None,
    heart_rate: Rows | None = None,
    speed: Rows | None = None,
    cadence: Rows | None = None,
    distance: Rows | None = None,
    altitude: Rows | None = None,
    latitude: Rows | None = None,
    longitude: Rows | None = None,
    timer: Rows | None = None,
) -> dict[str, np.ndarray]:
    """Put an activity's irregular samples on a 1 Hz grid.

    Second k of the grid holds the samples whose time stamps round to k (half up). Stamps may repeat and go
    backward.

    Parameters
    ----------
    time : Rows, shape (n,)
        Seconds since the first sample.
    elapsed : float
        Time of the last sample in s; the grid has ``floor(elapsed + 1/2) + 1`` seconds.
    max_gap, max_power_gap : float
        Longest run of missing seconds that is interpolated.
    power, heart_rate, speed, cadence, distance, altitude, latitude, longitude : Rows, shape (n,), optional
        Channels; heart rate and cadence in any unit of frequency, the others in W, m/s, m, m, degrees.
    timer : Rows, shape (n,), optional
        1 where the timer runs from that sample on, 0 where it stands, NaN where unknown.

    Returns
    -------
    dict of str to ndarray, shape (seconds,)
        The eight channels, `timer`, and `gap` (int8: 0 recorded, 1 interpolated, 2 missing, 3 paused).

    Raises
    ------
    UnusableRecordError
        If the record has no usable time stamp or no elapsed time.
    """
    stamps = np.asarray(time.values, np.float64)
    usable = np.isfinite(stamps) & (stamps >= -0.5)
    if elapsed is None or not np.isfinite(elapsed) or not usable.any():
        raise UnusableRecordError("it has no time stamps, so nothing can be computed over time")
    seconds = int(np.floor(elapsed + 0.5)) + 1
    usable &= stamps < seconds - 0.5
    order = np.flatnonzero(usable)[np.argsort(stamps[usable], kind="stable")]
    stamps = stamps[order]
    bins = np.floor(stamps + 0.5).astype(np.int64)

    given = {
        "power": power and np.asarray(power.values),
        "heart_rate": heart_rate and per_minute(heart_rate),
        "speed": speed and np.asarray(speed.values),
        "cadence": cadence and per_minute(cadence),
        "distance": distance and np.asarray(distance.values),
        "altitude": altitude and np.asarray(altitude.values),
        "latitude": latitude and degrees(latitude),
        "longitude": longitude and degrees(longitude),
    }
    samples = {
        name: np.full(len(order), np.nan) if x is None else np.asarray(x, np.float64)[order]
        for name, x in given.items()
    }
    _remove_outliers(stamps, samples)
    sampled = np.zeros(seconds, bool)
    sampled[bins[np.any([np.isfinite(x) for x in samples.values()], axis=0)]] = True
    running, known = _timer_on_grid(bins, timer, order, seconds)
    paused = known & ~running

    places = ("distance", "latitude", "longitude")
    grid = {name: (_last if name in places else _mean)(bins, x, seconds) for name, x in samples.items()}
    for name in ("power", "speed", "cadence"):
        grid[name][paused] = np.nan
    bridged = np.isfinite(fill_gaps(np.where(sampled, 1.0, np.nan), max_gap, paused))
    filled = {name: fill_gaps(x, max_gap, paused) for name, x in grid.items()}
    for name, limit in (("power", max_power_gap), ("cadence", max_gap)):
        silent = sampled & ~np.isfinite(grid[name])
        filled[name] = fill_gaps(grid[name], limit, paused | silent)
    filled["longitude"] = _fill_longitude(grid["longitude"], max_gap, paused)
    filled["distance"] = _fill_distance(grid["distance"], paused)
    if not np.isfinite(filled["speed"]).any():
        filled["speed"] = np.where(bridged, _speed_from(filled["distance"], paused), np.nan)

    gap = np.full(seconds, MISSING, np.int8)
    gap[bridged] = INTERPOLATED
    gap[sampled] = RECORDED
    gap[paused] = PAUSED
    out = {name: x.astype(np.float64 if name in places else np.float32) for name, x in filled.items()}
    return {**out, "timer": np.where(known, running, np.nan).astype(np.float32), "gap": gap}


def _remove_outliers(stamps: np.ndarray, samples: dict[str, np.ndarray]) -> None:
    """Set to NaN, in place, what cannot be: out of range, altitude spikes, jumps there and back."""
    for name, (low, high) in PLAUSIBLE.items():
        x = samples[name]
        with np.errstate(invalid="ignore"):
            x[(x < low) | (x > high)] = np.nan
    lat, lon = samples["latitude"], samples["longitude"]
    unknown = ~(np.isfinite(lat) & np.isfinite(lon)) | ((lat == 0.0) & (lon == 0.0))
    lat[unknown] = lon[unknown] = np.nan

    fixed = np.flatnonzero(np.isfinite(lat))
    if len(fixed) > 2:
        metres = 111_200.0
        east = (np.mod(np.diff(lon[fixed]) + 180.0, 360.0) - 180.0) * np.cos(np.radians(lat[fixed][1:]))
        pace = np.hypot(np.diff(lat[fixed]), east) * metres / np.maximum(np.diff(stamps[fixed]), 1.0)
        stray = fixed[1:-1][(pace[:-1] > FASTEST) & (pace[1:] > FASTEST)]
        lat[stray] = lon[stray] = np.nan

    raised = np.flatnonzero(np.isfinite(samples["altitude"]))
    if len(raised) > 1:
        samples["altitude"][raised[_between_jumps(stamps[raised], samples["altitude"][raised])]] = np.nan

    far = np.flatnonzero(np.isfinite(samples["distance"]))
    if len(far) > 2:
        x = samples["distance"][far]
        limit = FASTEST * np.maximum(np.diff(stamps[far]), 1.0)
        spike = (np.diff(x)[:-1] > limit[:-1]) & (x[2:] < x[1:-1])
        samples["distance"][far[1:-1][spike]] = np.nan


def _between_jumps(stamps: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Which altitudes lie in a stretch of less than 10 s that a jump begins or ends; none if all do."""
    step, wait = np.abs(np.diff(x)), np.maximum(np.diff(stamps), 1.0)
    stretch = np.concatenate([[0], np.cumsum((step > ALTITUDE_JUMP) & (step > ALTITUDE_JUMP * wait))])
    first = np.flatnonzero(np.diff(stretch, prepend=-1))
    last = np.append(first[1:], len(x)) - 1
    brief = (stamps[last] - stamps[first] < BRIEF) & (len(first) > 1)
    return brief[stretch] if not brief.all() else np.zeros(len(x), bool)


def _mean(bins: np.ndarray, x: np.ndarray, seconds: int) -> np.ndarray:
    """Mean of each second's known samples; NaN where there is none."""
    known = np.isfinite(x)
    count = np.bincount(bins[known], minlength=seconds)
    total = np.bincount(bins[known], weights=x[known], minlength=seconds)
    out = np.full(seconds, np.nan)
    np.divide(total, count, out=out, where=count > 0)
    return out


def _last(bins: np.ndarray, x: np.ndarray, seconds: int) -> np.ndarray:
    """Last known sample of each second; NaN where there is none."""
    out = np.full(seconds, np.nan)
    known = np.isfinite(x)
    out[bins[known]] = x[known]
    return out


def _timer_on_grid(
    bins: np.ndarray, timer: Rows | None, order: np.ndarray, seconds: int
) -> tuple[np.ndarray, np.ndarray]:
    """Whether the timer runs in each second, and whether that is known at all.

    A second counts as paused only if it lies strictly between the second in which the timer stopped and
    the one in which it started again: the samples that devices write at those very moments count.
    """
    unknown = np.zeros(seconds, bool)
    if timer is None:
        return unknown, unknown
    state = np.asarray(timer.values, np.float64)[order]
    stated = np.isfinite(state)
    if not stated.any():
        return unknown, unknown
    at, runs = bins[stated], state[stated] > 0.5
    change = np.flatnonzero(np.diff(runs.astype(np.int8))) + 1
    running = np.ones(seconds, bool)
    stops = ([0] if not runs[0] else []) + [int(i) for i in change if not runs[i]]
    for stop in stops:
        starts = change[(change > stop) & runs[change]]
        end = int(at[starts[0]]) if len(starts) else seconds
        running[int(at[stop]) + 1 : end] = False
    return running, np.ones(seconds, bool)


def fill_gaps(x: np.ndarray, limit: float, walls: np.ndarray) -> np.ndarray:
    """Fill runs of up to `limit` missing seconds linearly, but none in which a wall stands.

    Parameters
    ----------
    x : ndarray of float64, shape (seconds,)
        NaN where missing.
    limit : float
        Longest run that is filled.
    walls : ndarray of bool, shape (seconds,)
        Seconds that no interpolation may cross.
    """
    known = np.flatnonzero(np.isfinite(x))
    if len(known) < 2:
        return x.copy()
    index = np.arange(len(x))
    after = np.searchsorted(known, index)
    inside = (after > 0) & (after < len(known)) & ~np.isfinite(x)
    left = known[np.maximum(after - 1, 0)]
    right = known[np.minimum(after, len(known) - 1)]
    count = np.concatenate([[0], np.cumsum(walls)])
    inside &= (right - left - 1 <= limit) & (count[right] - count[left + 1] == 0)
    out = x.copy()
    out[inside] = np.interp(index[inside], known, x[known])
    return out


def _fill_longitude(x: np.ndarray, limit: float, walls: np.ndarray) -> np.ndarray:
    """`fill_gaps` on the unwrapped angle, so that the date line is no obstacle."""
    known = np.isfinite(x)
    unwrapped = x.copy()
    unwrapped[known] = np.unwrap(x[known], period=360.0)
    filled = fill_gaps(unwrapped, limit, walls)
    new = np.isfinite(filled) & ~known
    return np.where(new, np.mod(filled + 180.0, 360.0) - 180.0, x)


def _fill_distance(x: np.ndarray, paused: np.ndarray) -> np.ndarray:
    """A counter that never falls: restarts are joined, dips are held, gaps of any length are straight lines.

    In a pause the value from before it stays.
    """
    known = np.flatnonzero(np.isfinite(x))
    if not len(known):
        return x.copy()
    values = x[known]
    # A counter that falls below half of what it showed started again; a smaller dip is a correction.
    restart = np.concatenate([[False], values[1:] < 0.5 * values[:-1]])
    carried = np.cumsum(np.where(restart, np.concatenate([[0.0], values[:-1]]), 0.0))
    total = np.maximum.accumulate(values + carried)
    index = np.arange(len(x))
    place = np.searchsorted(known, index, side="right") - 1
    left, right = np.maximum(place, 0), np.minimum(place + 1, len(known) - 1)
    moved = np.cumsum(~paused)
    way = moved[known[right]] - moved[known[left]]
    share = (moved[index] - moved[known[left]]) / np.maximum(way, 1)
    out = total[left] + (total[right] - total[left]) * np.where(index == known[left], 0.0, share)
    # Rounded, a + (b - a) may lie above b, and the counter would fall at the next second.
    return np.where(place < 0, np.nan, np.minimum(out, total[right]))


def _speed_from(distance: np.ndarray, paused: np.ndarray) -> np.ndarray:
    """Speed of a device that stores none: distance gained from 5 s before to 5 s after each second."""
    seconds = len(distance)
    index = np.arange(seconds)
    low, high = np.maximum(index - 5, 0), np.minimum(index + 5, seconds - 1)
    out = (distance[high] - distance[low]) / np.maximum(high - low, 1)
    return np.where(paused, np.nan, out)
