"""Lags between channels window by window, and the straight line that two clocks draw through them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError, same_samples
from hpcflow_kernels.frames_contracts import geometry_frames

NEAR = 16
"""Correlations on either side of the peak that it is interpolated from."""

FINE = 32
"""Places per sample between which the interpolated peak is a parabola."""

LEAST = 1e-12
"""Share of a region's energy below which a stretch of it counts as constant."""

MOST_SLOPES = 500
"""Windows that the median of all slopes is taken of: there are half as many as their square."""


def window_lags(
    x: np.ndarray, y: np.ndarray, starts: np.ndarray, size: int, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """By how many samples `y` comes later than each window of `x`, and how well it matches there.

    Parameters
    ----------
    x, y : ndarray of float32 or float64, shape (samples,)
        NaN where samples are missing.
    starts : ndarray of int64, shape (windows,)
        First samples of the windows of x.
    size, most : int
        Samples of a window, and the largest lag that is looked for, either way.

    Returns
    -------
    lag, correlation : ndarray of float64, shape (windows,)
        Samples, and Pearson's correlation there of the pairs of samples that are both there, at least half of
        the window. A lag is NaN where there are fewer, a window does not vary, or the correlation has no peak
        within `most`.

    Notes
    -----
    y is read beyond the window, so nothing pulls the lag towards 0; at gaps and at the record's ends each lag
    is judged by the pairs that it has: Padfield, IEEE Trans. Image Process. 21 (2012). Between
    samples the correlation is interpolated by a sinc under Kaiser's window, since that of signals without
    content near half the rate has none either: Cespedes and others, Ultrason. Imaging 17 (1995) compare it
    with the parabola.
    """
    lag, correlation = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    around = np.full(len(y) + 2 * most, np.nan)
    around[most : most + len(y)] = y
    for row, start in enumerate(starts.tolist()):
        window = x[start : start + size].astype(np.float64)
        region = around[start : start + size + 2 * most]
        whole = np.isfinite(window).all() and np.isfinite(region).all()
        found = _correlations(window, region) if whole else _correlations_of_parts(window, region)
        peak = int(np.argmax(found))
        correlation[row] = found[peak] if np.isfinite(found[peak]) else np.nan
        if 0 < peak < 2 * most and np.isfinite(found[peak - 1 : peak + 2]).all():
            part, correlation[row] = _peak(found, peak)
            lag[row] = peak - most + part
    return lag, correlation


def _correlations(window: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Pearson's correlation of a window with each place of a region; minus infinity where one is constant."""
    size = len(window)
    window, region = window - window.mean(), region - region.mean()
    spread = _sums(region**2, size) - _sums(region, size) ** 2 / size
    norm = spread * np.dot(window, window)
    varies = (spread > LEAST * np.dot(region, region)) & (norm > 0)
    product = _slid(window, region)
    return np.where(varies, product / np.sqrt(np.where(varies, norm, 1)), -np.inf)


def _correlations_of_parts(window: np.ndarray, region: np.ndarray) -> np.ndarray:
    """As `_correlations` of the pairs of samples that are there; minus infinity where half are missing."""
    here, there = np.isfinite(window), np.isfinite(region)
    if not (here.any() and there.any()):
        return np.full(len(region) - len(window) + 1, -np.inf)
    x = np.where(here, window - window[here].mean(), 0.0)
    y = np.where(there, region - region[there].mean(), 0.0)
    p, q = here.astype(np.float64), there.astype(np.float64)
    count = np.round(_slid(p, q))
    enough = count >= (len(window) + 1) // 2
    n = np.where(enough, count, 1)
    sx, sy = _slid(x, q), _slid(p, y)
    vx, vy = _slid(x * x, q) - sx * sx / n, _slid(p, y * y) - sy * sy / n
    varies = enough & (vx > LEAST * np.dot(x, x)) & (vy > LEAST * np.dot(y, y))
    found: np.ndarray = np.where(
        varies, (_slid(x, y) - sx * sy / n) / np.sqrt(np.where(varies, vx * vy, 1)), -np.inf
    )
    return found


def _slid(window: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Products of a window with each place of a region, by the Fourier transform."""
    from scipy.fft import irfft, next_fast_len, rfft

    length = next_fast_len(len(region), real=True)
    found: np.ndarray = irfft(rfft(region, length) * np.conj(rfft(window, length)), length)
    return found[: len(region) - len(window) + 1]


def _sums(values: np.ndarray, size: int) -> np.ndarray:
    """Sums of every `size` neighbours."""
    total: np.ndarray = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    found: np.ndarray = total[size:] - total[:-size]
    return found


@cache
def _weights() -> np.ndarray:
    """What the values about a peak count for at places from one sample before it to one after."""
    place = np.arange(-FINE, FINE + 1)[:, None] / FINE - np.arange(-NEAR, NEAR + 1)
    taper = np.i0(5 * np.sqrt(np.maximum(0, 1 - (place / (NEAR + 1)) ** 2))) / np.i0(5)
    found: np.ndarray = np.sinc(place) * taper
    return found


def _peak(found: np.ndarray, peak: int) -> tuple[float, float]:
    """Where between samples the peak is, relative to its largest sample, and how high."""
    near = found[max(0, peak - NEAR) : peak + NEAR + 1]
    if len(near) < 2 * NEAR + 1 or not np.isfinite(near).all():
        return _vertex(found[peak - 1 : peak + 2])
    fine = _weights() @ near
    top = int(np.argmax(fine[1:-1])) + 1
    part, height = _vertex(fine[top - 1 : top + 2])
    return (top - FINE + part) / FINE, height


def _vertex(three: np.ndarray) -> tuple[float, float]:
    """Place and height of a parabola's vertex, a correlation at most."""
    left, top, right = three.tolist()
    bend = left - 2 * top + right
    part = (left - right) / (2 * bend) if bend < 0 else 0.0
    return part, min(1.0, top - (left - right) * part / 4)


class Line(NamedTuple):
    """A straight line through lags, with standard errors.

    Attributes
    ----------
    offset, drift : float
        Lag at time 0, s; lag gained per second.
    offset_error, drift_error : float
        Standard errors.
    windows : int
        Lags that counted.
    """

    offset: float
    drift: float
    offset_error: float
    drift_error: float
    windows: int


def line_through(time: np.ndarray, lag: np.ndarray) -> Line:
    """Least squares through the lags that lie near the line of Theil and Sen.

    Parameters
    ----------
    time, lag : ndarray of float64, shape (windows,)
        Without missing values, s.

    Returns
    -------
    Line
        NaN where fewer than three lags count.

    Notes
    -----
    Lags beyond 4 robust standard deviations of the median line do not count: Sen, J. Am. Stat. Assoc. 63
    (1968). Errors hold for windows that do not overlap; SciPy computes both lines.
    """
    from scipy.stats import linregress, theilslopes

    nothing = Line(np.nan, np.nan, np.nan, np.nan, len(lag))
    if len(lag) < 3:
        return nothing
    some = np.linspace(0, len(lag) - 1, min(len(lag), MOST_SLOPES)).round().astype(np.int64)
    slope, level, *_ = theilslopes(lag[some], time[some])
    away = np.abs(lag - level - slope * time)
    good = away <= 4 * 1.4826 * np.median(away) + 1e-12
    if good.sum() < 3:
        return nothing._replace(windows=int(good.sum()))
    found = linregress(time[good], lag[good])
    return Line(found.intercept, found.slope, found.intercept_stderr, found.stderr, int(good.sum()))


def channel_lag(
    *,
    signals: Mapping[str, Rows],
    reference: Rows,
    window: float = 10.0,
    overlap: float = 0.0,
    max_lag: float = 1.0,
) -> dict[str, np.ndarray]:
    """By how much each signal comes later than the reference, a row for each window.

    Parameters
    ----------
    signals : mapping of str to Rows
    reference : Rows
        All of one length and rate; NaN where samples are missing.
    window : float
        Duration of a window, s.
    overlap : float
        Shared part of neighbouring windows.
    max_lag : float
        Largest lag that is looked for, either way, s.

    Returns
    -------
    dict
        ``lag`` (s, float64) and ``correlation`` (float32), shape (windows, signals), as `window_lags` says.

    Raises
    ------
    UnusableRecordError
        If signals differ in length or rate, have no rate, or the window or lag is too short at theirs.
    """
    starts, size, most = _windows(reference, signals, window, overlap, max_lag)
    lag, correlation = (np.full((len(starts), len(signals)), np.nan) for _ in range(2))
    for column, other in enumerate(signals.values()):
        found = window_lags(reference.values, other.values, starts, size, most)
        lag[:, column], correlation[:, column] = found[0] / reference.rate, found[1]
    return {"lag": lag, "correlation": correlation.astype(np.float32)}


def channel_alignment(
    *,
    signals: Mapping[str, Rows],
    reference: Rows,
    window: float = 10.0,
    overlap: float = 0.0,
    max_lag: float = 1.0,
    min_correlation: float = 0.5,
) -> dict[str, np.ndarray]:
    """Offset and drift of each signal's clock against that of a reference.

    Parameters
    ----------
    signals, reference, window, overlap, max_lag
        As for `channel_lag`.
    min_correlation : float
        Windows that match less do not count.

    Returns
    -------
    dict
        float64, shape (signals,): ``offset`` (lag at the record's first sample, s), ``drift`` (parts per
        million of time), ``offset_error``, ``drift_error`` (their standard errors), ``correlation`` (median
        of the windows that have a lag), ``windows`` (how many counted). NaN where fewer than three counted.

    Raises
    ------
    UnusableRecordError
        As `channel_lag`.
    """
    rows = channel_lag(signals=signals, reference=reference, window=window, overlap=overlap, max_lag=max_lag)
    geometry = geometry_frames({"window": window, "overlap": overlap}, reference.rate)
    middle = (np.arange(len(rows["lag"])) * geometry.hop + (geometry.frame - 1) / 2) / reference.rate
    out = {name: np.full(len(signals), np.nan) for name in (*Line._fields, "correlation")}
    for column in range(len(signals)):
        lag, correlation = rows["lag"][:, column], rows["correlation"][:, column]
        there = np.isfinite(lag)
        good = there & (correlation >= min_correlation)
        line = line_through(middle[good], lag[good])
        for name, value in line._asdict().items():
            out[name][column] = value
        if there.any():
            out["correlation"][column] = np.median(correlation[there])
    out["drift"] *= 1e6
    out["drift_error"] *= 1e6
    return out


def _windows(
    reference: Rows, signals: Mapping[str, Rows], window: float, overlap: float, max_lag: float
) -> tuple[np.ndarray, int, int]:
    """First samples of the windows, their size, and the largest lag in samples."""
    for other in signals.values():
        same_samples(reference, other)
    if not np.isfinite(reference.rate):
        raise UnusableRecordError("lags are read off a regular grid, and the record has none: resample it")
    geometry = geometry_frames({"window": window, "overlap": overlap}, reference.rate)
    most = round(max_lag * reference.rate)
    if geometry.frame < 16 or most < 2:
        raise UnusableRecordError(
            f"a window of {geometry.frame} and a lag of {most} samples are too short at "
            f"{reference.rate:g} Hz: lags need 16 and 2; lengthen `window` and `max_lag`"
        )
    return np.arange(geometry.rows(len(reference.values))) * geometry.hop, geometry.frame, most


def sampling_clock_of_record(*, time: Rows) -> dict[str, np.ndarray]:
    """How regular a record's time stamps are.

    Parameters
    ----------
    time : Rows
        Time stamps, s.

    Returns
    -------
    dict
        ``clock_rate`` (s-1), ``jitter`` (standard deviation of the intervals that are no gaps, s),
        ``longest`` (s), ``gaps`` (intervals longer than 1.5 times the middle one), ``backwards`` (stamps that
        do not come after the one before).

    Raises
    ------
    UnusableRecordError
        With fewer than two stamps.
    """
    from hpcflow_kernels.quality.defects import sampling_clock

    stamps = time.values[np.isfinite(time.values)].astype(np.float64)
    if len(stamps) < 2:
        raise UnusableRecordError(f"intervals need two time stamps or more (found {len(stamps)})")
    clock = sampling_clock(stamps)
    return {
        "clock_rate": np.array(clock.rate),
        "jitter": np.array(clock.jitter),
        "longest": np.array(np.diff(stamps).max()),
        "gaps": np.array(clock.gaps),
        "backwards": np.array(clock.backwards),
    }
