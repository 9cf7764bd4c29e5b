"""The large set of features against the values that tsfresh gives, and their properties."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hpcflow_kernels.features.feature_set import NAMES, feature_set, feature_set_windows

PUBLISHED = json.loads((Path(__file__).parent / "tsfresh_values.json").read_text())
"""What tsfresh 0.21.2 with SciPy 1.17.1 and statsmodels 0.15.0 gives for each of `series`; null is NaN.

Where samples tie, NumPy sorted without AVX (NPY_DISABLE_CPU_FEATURES), which keeps their order."""


def series() -> dict[str, np.ndarray]:
    """Scattered values, their running sum, and few whole ones; exact in any version of NumPy."""
    scattered = np.arange(257, dtype=np.int64) * 2_654_435_761 % 2**32 / 2**29 - 4
    return {
        "scattered": scattered[:130],
        "walk": np.cumsum(scattered[:100] + 0.25),
        "whole": np.floor(scattered),
        "short": scattered[:64] ** 3,
    }


@pytest.mark.parametrize("name", series())
def test_values_are_those_of_tsfresh(name):
    got = dict(zip(NAMES, feature_set(series()[name]), strict=True))
    assert set(got) == set(PUBLISHED[name])
    for feature, value in PUBLISHED[name].items():
        expected = np.nan if value is None else value
        assert got[feature] == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True), feature


def test_windows_are_series_of_their_own():
    x = np.cumsum(np.random.default_rng(1).standard_normal((11, 100)), axis=1).astype(np.float32)
    alone = np.array([feature_set(row) for row in x])
    assert np.array_equal(feature_set(x), alone, equal_nan=True)
    assert np.array_equal(feature_set(x.T, axis=0), alone.T, equal_nan=True)
    steps = feature_set_windows(x.ravel(), rate=50.0, window=2.0)["features"]
    assert np.array_equal(steps, alone.astype(np.float32), equal_nan=True)
    beyond = [
        int(name.rpartition("_")[2]) > 50 if name.startswith("fft_coefficient") else False for name in NAMES
    ]
    assert np.array_equal(np.isnan(alone), np.tile(beyond, (11, 1)))


def test_gaps_harm_their_own_window():
    x = np.random.default_rng(2).standard_normal(400)
    whole = feature_set_windows(x, rate=100.0)["features"]
    x[250] = np.nan
    holed = feature_set_windows(x, rate=100.0)["features"]
    assert np.isnan(holed[2]).all()
    assert np.array_equal(np.delete(holed, 2, axis=0), np.delete(whole, 2, axis=0), equal_nan=True)


def test_a_constant_has_values_where_they_mean_something():
    got = dict(zip(NAMES, feature_set(np.full(100, 3.0)), strict=True))
    assert got["mean"] == got["maximum"] == got["quantile__q_0.9"] == 3
    assert got["sum_of_reoccurring_values"] == 3
    assert got["sum_of_reoccurring_data_points"] == got['fft_coefficient__attr_"real"__coeff_0'] == 300
    assert got["percentage_of_reoccurring_values_to_all_values"] == 1
    assert got["lempel_ziv_complexity__bins_100"] == 0.13  # phrases of 1, 2, ... 13 samples, the last 9 none
    assert got["cid_ce__normalize_True"] == got["number_peaks__n_1"] == got["standard_deviation"] == 0
    assert np.isnan(
        [
            got["skewness"],
            got["autocorrelation__lag_1"],
            got['linear_trend__attr_"rvalue"'],
            got["ar_coefficient__coeff_1__k_10"],
        ]
    ).all()


def test_an_autoregression_that_made_the_samples_is_found():
    x = np.random.default_rng(3).standard_normal(20_000)
    for i in range(2, len(x)):
        x[i] += 1.2 * x[i - 1] - 0.6 * x[i - 2]
    got = dict(zip(NAMES, feature_set(1e-3 * x + 5), strict=True))
    weights = [got[f"ar_coefficient__coeff_{lag}__k_10"] for lag in range(11)]
    assert weights[1:] == pytest.approx([1.2, -0.6, *[0] * 8], abs=0.03)
    assert weights[0] == pytest.approx(5 * (1 - sum(weights[1:])), abs=1e-4)


def test_samples_that_earlier_ones_tell_exactly_have_no_one_autoregression():
    got = dict(zip(NAMES, feature_set(np.sin(0.3 * np.arange(400))), strict=True))
    assert np.isnan([got[f"ar_coefficient__coeff_{lag}__k_10"] for lag in range(11)]).all()


def test_windows_beside_the_largest_floats_are_not_harmed():
    x = np.random.default_rng(4).standard_normal((3, 200))
    alone = feature_set(x[[0, 2]])
    x[1] = np.where(x[1] > 0, 1.7e308, -1.7e308)
    assert np.array_equal(feature_set(x)[[0, 2]], alone)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_first_digits_are_those_that_are_written(dtype):
    scale = 10.0 ** np.arange(-20, 20, 5)
    x = (np.array([[0.3], [0.29999], [7], [6.9999], [0.1], [0.0999], [1], [20], [-400]]) * scale).ravel()
    x = np.concatenate([x.astype(dtype), np.zeros(9, dtype)]).astype(np.float64)
    found = np.array([int(np.format_float_scientific(abs(v))[0]) for v in x])
    shares = [np.mean(found == d) for d in range(1, 10)]
    law = np.log10(1 + 1 / np.arange(1, 10))
    got = dict(zip(NAMES, feature_set(x), strict=True))["benford_correlation"]
    assert got == pytest.approx(np.corrcoef(law, shares)[0, 1], rel=1e-12)


def test_short_series_are_refused():
    with pytest.raises(ValueError, match="64 samples or more, not 63"):
        feature_set(np.zeros(63))
