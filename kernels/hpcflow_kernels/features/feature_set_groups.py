"""The features of the large set, group by group, for a batch of windows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from hpcflow_kernels.features.feature_set_contracts import (
    CHUNKS,
    CORRIDORS,
    ENTROPY_BINS,
    FURTHEST,
    LAGS,
    PEAKS,
    QUANTILES,
    SEGMENTS,
    SHARES,
    SIGMAS,
    TREND,
    WELCH,
)

Features = Iterator[tuple[str, np.ndarray]]
"""Names and values, each of shape (windows,)."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Windows, and what several groups need of them.

    Attributes
    ----------
    x, ordered, away : ndarray of float64, shape (windows, n)
        Samples, in rising order, and their distance from the mean.
    step : ndarray of float64, shape (windows, n - 1)
        Differences of successive samples.
    mean, variance : ndarray of float64, shape (windows,)
    """

    x: np.ndarray
    ordered: np.ndarray
    away: np.ndarray
    step: np.ndarray
    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def of(cls, x: np.ndarray) -> Batch:
        """From samples alone."""
        mean = x.mean(axis=1)
        away = x - mean[:, None]
        return cls(x, np.sort(x, axis=1), away, np.diff(x, axis=1), mean, np.mean(away * away, axis=1))

    @property
    def n(self) -> int:
        """Samples of a window."""
        return int(self.x.shape[1])

    def quantile(self, q: float) -> np.ndarray:
        """Between neighbours in proportion, as numpy.quantile."""
        place = q * (self.n - 1)
        left = min(int(place), self.n - 2)
        low, high = self.ordered[:, left], self.ordered[:, left + 1]
        between: np.ndarray = low + (high - low) * (place - left)
        return between


def _values(b: Batch) -> Features:
    x, n, deviation = b.x, b.n, np.sqrt(b.variance)
    square = b.away * b.away
    squares, third, fourth = (np.sum(p, axis=1) for p in (square, square * b.away, square * square))
    s2 = squares / (n - 1)
    yield "sum_values", x.sum(axis=1)
    yield "mean", b.mean
    yield "median", (b.ordered[:, (n - 1) // 2] + b.ordered[:, n // 2]) / 2
    yield "minimum", b.ordered[:, 0]
    yield "maximum", b.ordered[:, -1]
    yield "absolute_maximum", np.maximum(np.abs(b.ordered[:, 0]), np.abs(b.ordered[:, -1]))
    yield "standard_deviation", deviation
    yield "variance", b.variance
    yield "variation_coefficient", np.where(b.mean == 0, np.nan, deviation / b.mean)
    yield "root_mean_square", np.sqrt(np.mean(x * x, axis=1))
    yield "skewness", n / ((n - 1) * (n - 2)) * third / s2**1.5
    excess = n * (n + 1) / ((n - 1) * (n - 2) * (n - 3)) * fourth / s2**2
    yield "kurtosis", excess - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    yield "abs_energy", np.sum(x * x, axis=1)
    yield "variance_larger_than_standard_deviation", (b.variance > deviation) * 1.0
    for q in QUANTILES:
        yield f"quantile__q_{q}", b.quantile(q)
    span = b.ordered[:, -1] - b.ordered[:, 0]
    apart = np.abs(b.mean - (b.ordered[:, (n - 1) // 2] + b.ordered[:, n // 2]) / 2)
    for r in SHARES:
        if r:
            yield f"large_standard_deviation__r_{r}", (deviation > r * span) * 1.0
        yield f"symmetry_looking__r_{r}", (apart < r * span) * 1.0
    size = np.abs(b.away)
    for r in SIGMAS:
        yield f"ratio_beyond_r_sigma__r_{r}", np.mean(size > (r * deviation)[:, None], axis=1)
    yield "mean_n_absolute_max__number_of_maxima_7", np.sort(np.abs(x), axis=1)[:, -7:].mean(axis=1)
    yield "binned_entropy__max_bins_10", _binned_entropy(x, 10)


def _counts(b: Batch) -> Features:
    from hpcflow_kernels.features.feature_set_loops import longest_runs, peaks

    x, n, found = b.x, b.n, np.empty(len(b.x))
    above, below = b.away > 0, b.away < 0
    yield "count_above_mean", above.sum(axis=1) * 1.0
    yield "count_below_mean", below.sum(axis=1) * 1.0
    longest_runs(above, found)
    yield "longest_strike_above_mean", found.copy()
    longest_runs(below, found)
    yield "longest_strike_below_mean", found.copy()
    for name, end, place in (("maximum", -1, np.argmax), ("minimum", 0, np.argmin)):
        yield f"first_location_of_{name}", place(x, axis=1) / n
        yield f"last_location_of_{name}", 1 - place(x[:, ::-1], axis=1) / n
        ties = np.sum(x == b.ordered[:, end : b.n if end else 1], axis=1)
        yield f"has_duplicate_{name[:3]}", (ties >= 2) * 1.0
    values = 1 + np.sum(b.ordered[:, 1:] != b.ordered[:, :-1], axis=1)
    yield "ratio_value_number_to_time_series_length", values / n
    for m in (0, -1, 1):
        over = x > m
        yield f"number_crossing_m__m_{m}", np.sum(over[:, 1:] != over[:, :-1], axis=1) * 1.0
    yield "count_above__t_0", np.mean(x >= 0, axis=1)
    yield "count_below__t_0", np.mean(x <= 0, axis=1)
    yield "range_count__max_1__min_-1", np.sum((x >= -1) & (x < 1), axis=1) * 1.0
    supports = np.array(PEAKS)
    of_peaks = np.empty((len(x), len(PEAKS)))
    peaks(x, supports, of_peaks)
    for k, support in enumerate(PEAKS):
        yield f"number_peaks__n_{support}", of_peaks[:, k]


def _steps(b: Batch) -> Features:
    from hpcflow_kernels.features.feature_set_loops import changes

    x, n, size = b.x, b.n, np.abs(b.step)
    yield "absolute_sum_of_changes", size.sum(axis=1)
    yield "mean_abs_change", size.mean(axis=1)
    yield "mean_change", (x[:, -1] - x[:, 0]) / (n - 1)
    yield "mean_second_derivative_central", (x[:, -1] - x[:, -2] - x[:, 1] + x[:, 0]) / (2 * (n - 2))
    length = np.sqrt(np.sum(b.step * b.step, axis=1))
    yield "cid_ce__normalize_False", length
    yield "cid_ce__normalize_True", np.where(b.variance > 0, length / np.sqrt(b.variance), 0.0)
    for lag in (1, 2, 3):
        here, next_, last = x[:, : n - 2 * lag], x[:, lag : n - lag], x[:, 2 * lag :]
        yield f"c3__lag_{lag}", np.mean(last * next_ * here, axis=1)
        turned = np.mean(last * last * next_ - next_ * here * here, axis=1)
        yield f"time_reversal_asymmetry_statistic__lag_{lag}", turned
    ends = {q: b.quantile(q) for corridor in CORRIDORS for q in corridor}
    low, high = (np.stack([ends[corridor[k]] for corridor in CORRIDORS], axis=1) for k in (0, 1))
    found = np.empty((len(x), len(CORRIDORS), 4))
    changes(x, low, high, found)
    for c, (ql, qh) in enumerate(CORRIDORS):
        for k, (flag, f) in enumerate(((False, "mean"), (False, "var"), (True, "mean"), (True, "var"))):
            yield f'change_quantiles__f_agg_"{f}"__isabs_{flag}__qh_{qh}__ql_{ql}', found[:, c, k]


def _lags(b: Batch) -> Features:
    n = b.n
    sums = [np.sum(b.away[:, : n - lag] * b.away[:, lag:], axis=1) for lag in range(FURTHEST + 1)]
    covariance = np.stack([total / (n - lag) for lag, total in enumerate(sums)], axis=1)
    r = covariance / b.variance[:, None]
    flat = b.variance < 1e-10
    for lag in range(LAGS):
        yield f"autocorrelation__lag_{lag}", np.where(b.variance < 1e-8, np.nan, r[:, lag])
    for f, of in (("mean", np.mean), ("median", np.median), ("var", np.var)):
        values = np.where(flat, 0.0, of(r[:, 1:], axis=1))
        yield f'agg_autocorrelation__f_agg_"{f}"__maxlag_{FURTHEST}', values
    for lag, values in enumerate(_partial(covariance[:, :LAGS])):
        yield f"partial_autocorrelation__lag_{lag}", values


def _partial(covariance: np.ndarray) -> Iterator[np.ndarray]:
    """Partial autocorrelations at lags 0, 1, ...: the last weight of each order, by Durbin's recursion."""
    yield np.ones(len(covariance))
    weights = np.empty((len(covariance), 0))
    rest = covariance[:, 0]
    for lag in range(1, covariance.shape[1]):
        missed = covariance[:, lag] - np.sum(weights * covariance[:, lag - 1 : 0 : -1], axis=1)
        last = missed / rest
        yield last
        weights = np.concatenate([weights - last[:, None] * weights[:, ::-1], last[:, None]], axis=1)
        rest = rest * (1 - last**2)


def _places(b: Batch) -> Features:
    mass = np.cumsum(np.abs(b.x), axis=1)
    mass /= np.sum(np.abs(b.x), axis=1)[:, None]
    for q in QUANTILES:
        place = (np.argmax(mass >= q, axis=1) + 1) / b.n
        yield f"index_mass_quantile__q_{q}", np.where(np.isnan(mass[:, 0]), np.nan, place)
    energy = np.sum(b.x**2, axis=1)
    for k, part in enumerate(np.array_split(b.x, SEGMENTS, axis=1)):
        name = f"energy_ratio_by_chunks__num_segments_{SEGMENTS}__segment_focus_{k}"
        yield name, np.sum(part**2, axis=1) / energy


def _trends(b: Batch) -> Features:
    for attr, values in _line(b.x).items():
        yield f'linear_trend__attr_"{attr}"', values
    for length in CHUNKS:
        whole = b.n // length * length
        parts, rest = b.x[:, :whole].reshape(len(b.x), -1, length), b.x[:, whole:]
        for f, of in (("max", np.max), ("min", np.min), ("mean", np.mean), ("var", np.var)):
            last = [of(rest, axis=1)[:, None]] if whole < b.n else []
            found = _line(np.concatenate([of(parts, axis=2), *last], axis=1))
            for attr in TREND[1:]:
                yield f'agg_linear_trend__attr_"{attr}"__chunk_len_{length}__f_agg_"{f}"', found[attr]


def _line(y: np.ndarray) -> dict[str, np.ndarray]:
    """The best line through y at 0, 1, ..., as scipy.stats.linregress tells it; y of shape (rows, points)."""
    from scipy.special import stdtr

    m = y.shape[1]
    x = np.arange(m) - (m - 1) / 2
    middle = y.mean(axis=1)
    away = y - middle[:, None]
    sxx, syy, sxy = np.sum(x * x), np.sum(away * away, axis=1), np.sum(away * x, axis=1)
    r = np.clip(np.where(syy > 0, sxy / np.sqrt(sxx * syy), np.nan), -1, 1)
    slope, df = sxy / sxx, m - 2
    out = {"rvalue": r, "slope": slope, "intercept": middle - slope * (m - 1) / 2}
    if df == 0:
        return {**out, "pvalue": np.where(syy > 0, 0.0, 1.0), "stderr": np.zeros(len(y))}
    t = r * np.sqrt(df / ((1 - r + 1e-20) * (1 + r + 1e-20)))
    return {
        **out,
        "pvalue": 2 * stdtr(df, -np.abs(t)),
        "stderr": np.sqrt((1 - r**2) * syy / sxx / df),
    }


def _spectra(b: Batch) -> Features:
    from scipy.fft import rfft

    from hpcflow_kernels.spectral.welch import welch

    magnitude = np.abs(rfft(b.x))
    k = np.arange(magnitude.shape[1], dtype=np.float64)
    weight = magnitude.sum(axis=1)
    first, second, third = (np.sum(magnitude * p, axis=1) / weight for p in (k, k * k, k * k * k))
    variance = second - first**2
    yield 'fft_aggregated__aggtype_"centroid"', first
    yield 'fft_aggregated__aggtype_"variance"', variance
    skew = (third - 3 * first * variance - first**3) / variance**1.5
    yield 'fft_aggregated__aggtype_"skew"', np.where(variance < 0.5, np.nan, skew)
    _, power = welch(b.x, nperseg=min(b.n, 256))
    for bins in ENTROPY_BINS:
        yield f"fourier_entropy__bins_{bins}", _binned_entropy(power / power.max(axis=1, keepdims=True), bins)
    for coefficient in WELCH:
        yield f"spkt_welch_density__coeff_{coefficient}", power[:, coefficient]


def _binned_entropy(values: np.ndarray, bins: int) -> np.ndarray:
    """Entropy of the histogram of each row, nats; bins as numpy.histogram has them."""
    from hpcflow_kernels.features.feature_set_loops import histogram_entropies

    out = np.empty(len(values))
    histogram_entropies(values, bins, out)
    return out


GROUPS: tuple[Callable[[Batch], Features], ...] = (
    _values,
    _counts,
    _steps,
    _lags,
    _places,
    _trends,
    _spectra,
)
