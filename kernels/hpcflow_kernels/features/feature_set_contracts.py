"""Contract of the large set of features, with tsfresh's names."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import FRAMES, geometry_frames

LEAST = 64
"""Fewest samples: autocorrelations reach 40 lags, and trends of chunks need two chunks of 50."""

QUANTILES = (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9)
SIGMAS = (0.5, 1, 1.5, 2, 2.5, 3, 5, 6, 7, 10)
SHARES = tuple(r * 0.05 for r in range(20))
CORRIDORS = tuple(
    (low, high) for low in (0.0, 0.2, 0.4, 0.6, 0.8) for high in (0.2, 0.4, 0.6, 0.8, 1.0) if low < high
)
CHUNKS = (5, 10, 50)
PEAKS = (1, 3, 5, 10, 50)
LAGS = 10
FURTHEST = 40
SEGMENTS = 10
TREND = ("pvalue", "rvalue", "intercept", "slope", "stderr")
ENTROPY_BINS = (2, 3, 5, 10, 100)
WELCH = (2, 5, 8)
COUNTED = (0, 1, -1)
RANGES = ((-1e12, 0), (0, 1e12))
ORDERS = (3, 4, 5, 6, 7)
PHRASE_BINS = (2, 3, 5, 10, 100)
FOURIER = 100
WIDTHS = (2, 5, 10, 20)
WAVELET = 15
AR_ORDER = 10

PLAIN = (
    "sum_values",
    "mean",
    "median",
    "minimum",
    "maximum",
    "absolute_maximum",
    "standard_deviation",
    "variance",
    "variation_coefficient",
    "root_mean_square",
    "skewness",
    "kurtosis",
    "abs_energy",
    "absolute_sum_of_changes",
    "mean_abs_change",
    "mean_change",
    "mean_second_derivative_central",
    "count_above_mean",
    "count_below_mean",
    "longest_strike_above_mean",
    "longest_strike_below_mean",
    "first_location_of_maximum",
    "last_location_of_maximum",
    "first_location_of_minimum",
    "last_location_of_minimum",
    "has_duplicate_max",
    "has_duplicate_min",
    "ratio_value_number_to_time_series_length",
    "variance_larger_than_standard_deviation",
)

REPEATS = (
    "has_duplicate",
    "length",
    "percentage_of_reoccurring_values_to_all_values",
    "percentage_of_reoccurring_datapoints_to_all_datapoints",
    "sum_of_reoccurring_values",
    "sum_of_reoccurring_data_points",
)


def _names() -> Iterator[str]:
    yield from PLAIN
    yield from (f"quantile__q_{q}" for q in QUANTILES)
    yield from (f"large_standard_deviation__r_{r}" for r in SHARES[1:])
    yield from (f"symmetry_looking__r_{r}" for r in SHARES)
    yield from (f"ratio_beyond_r_sigma__r_{r}" for r in SIGMAS)
    yield from (f"number_crossing_m__m_{m}" for m in (0, -1, 1))
    yield from ("count_above__t_0", "count_below__t_0", "range_count__max_1__min_-1")
    yield from ("mean_n_absolute_max__number_of_maxima_7", "binned_entropy__max_bins_10")
    yield from (f"c3__lag_{lag}" for lag in (1, 2, 3))
    yield from (f"time_reversal_asymmetry_statistic__lag_{lag}" for lag in (1, 2, 3))
    yield from (f"cid_ce__normalize_{flag}" for flag in (True, False))
    yield from (f"autocorrelation__lag_{lag}" for lag in range(LAGS))
    yield from (f"partial_autocorrelation__lag_{lag}" for lag in range(LAGS))
    yield from (f'agg_autocorrelation__f_agg_"{f}"__maxlag_{FURTHEST}' for f in ("mean", "median", "var"))
    yield from (f"number_peaks__n_{n}" for n in PEAKS)
    yield from (f"index_mass_quantile__q_{q}" for q in QUANTILES)
    yield from (
        f"energy_ratio_by_chunks__num_segments_{SEGMENTS}__segment_focus_{k}" for k in range(SEGMENTS)
    )
    yield from (f'linear_trend__attr_"{attr}"' for attr in TREND)
    yield from (
        f'agg_linear_trend__attr_"{attr}"__chunk_len_{length}__f_agg_"{f}"'
        for f in ("max", "min", "mean", "var")
        for length in CHUNKS
        for attr in TREND[1:]
    )
    yield from (
        f'change_quantiles__f_agg_"{f}"__isabs_{flag}__qh_{high}__ql_{low}'
        for low, high in CORRIDORS
        for flag in (False, True)
        for f in ("mean", "var")
    )
    yield from (f'fft_aggregated__aggtype_"{kind}"' for kind in ("centroid", "variance", "skew"))
    yield from (f"fourier_entropy__bins_{bins}" for bins in ENTROPY_BINS)
    yield from (f"spkt_welch_density__coeff_{k}" for k in WELCH)
    yield from REPEATS
    yield from (f"value_count__value_{value}" for value in COUNTED)
    yield from (f"range_count__max_{high}__min_{low}" for low, high in RANGES)
    yield "benford_correlation"
    yield from (f"permutation_entropy__dimension_{order}__tau_1" for order in ORDERS)
    yield from (f"lempel_ziv_complexity__bins_{bins}" for bins in PHRASE_BINS)
    yield from (
        f'fft_coefficient__attr_"{attr}"__coeff_{k}'
        for attr in ("real", "imag", "abs", "angle")
        for k in range(FOURIER)
    )
    yield 'fft_aggregated__aggtype_"kurtosis"'
    yield from (
        f"cwt_coefficients__coeff_{k}__w_{width}__widths_{WIDTHS}" for k in range(WAVELET) for width in WIDTHS
    )
    yield from (f"ar_coefficient__coeff_{k}__k_{AR_ORDER}" for k in range(AR_ORDER + 1))


NAMES = tuple(_names())
"""tsfresh's names, without that of the signal."""


def _check(params: Params, rate: float | None) -> Sequence[str]:
    if rate is not None and math.isfinite(rate) and int(params["window"] * rate + 0.5) < LEAST:
        return [
            f"a window of {params['window']:g} s holds fewer than {LEAST} samples at {rate:g} Hz, too few "
            f"for autocorrelations at {FURTHEST} lags: lengthen `window` to {LEAST / rate:g} s"
        ]
    return []


CONTRACTS = (
    Contract(
        name="feature_set",
        version=2,
        pattern=Pattern.WINDOW,
        summary="Some 770 features of each window with the names and the meaning that they have in tsfresh.",
        ports=(Port("signal", "signal", "samples"),),
        params=FRAMES,
        fields=lambda params: (Field("features", "features", dtype="same", dims=(Dim("feature", NAMES),)),),
        implementation="hpcflow_kernels.features.feature_set:feature_set_windows",
        axis="frame",
        geometry=geometry_frames,
        check=_check,
        bytes_per_sample=256.0,
        flops_per_sample=2000.0,
        error="rounding of the float type (float64 inside); features that compare may jump where rounding "
        "decides",
        source="Christ et al., Time series feature extraction on basis of scalable hypothesis tests "
        "(tsfresh), Neurocomputing 307 (2018)",
    ),
)
