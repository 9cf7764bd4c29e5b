"""The large set of features against the values that tsfresh gives, and their properties."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hpcflow_kernels.features.feature_set import NAMES, feature_set, feature_set_windows

PUBLISHED = json.loads((Path(__file__).parent / "tsfresh_values.json").read_text())
"""What tsfresh 0.21.2 with SciPy 1.17.1 and statsmodels 0.15.0 gives for each of `series`; null is NaN."""


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
    assert np.isfinite(alone).all()


def test_gaps_harm_their_own_window():
    x = np.random.default_rng(2).standard_normal(400)
    whole = feature_set_windows(x, rate=100.0)["features"]
    x[250] = np.nan
    holed = feature_set_windows(x, rate=100.0)["features"]
    assert np.isnan(holed[2]).all()
    assert np.array_equal(np.delete(holed, 2, axis=0), np.delete(whole, 2, axis=0))


def test_a_constant_has_values_where_they_mean_something():
    got = dict(zip(NAMES, feature_set(np.full(100, 3.0)), strict=True))
    assert got["mean"] == got["maximum"] == got["quantile__q_0.9"] == 3
    assert got["cid_ce__normalize_True"] == got["number_peaks__n_1"] == got["standard_deviation"] == 0
    assert np.isnan(
        [got["skewness"], got["autocorrelation__lag_1"], got['linear_trend__attr_"rvalue"']]
    ).all()


def test_short_series_are_refused():
    with pytest.raises(ValueError, match="64 samples or more, not 63"):
        feature_set(np.zeros(63))
