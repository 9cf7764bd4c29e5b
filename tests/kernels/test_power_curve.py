"""Mean-maximal power and normalised power against twins that are slow and obvious."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow_kernels import Rows, get
from hpcflow_kernels.sport.power import climb, mean_max, normalized_power
from hpcflow_kernels.sport.power_contracts import DURATIONS

watts = st.one_of(st.just(np.nan), st.integers(0, 1500).map(float))


def rows(values: object, rate: float = 1.0) -> Rows:
    return Rows(np.asarray(values, np.float32), rate, "W", {})


def naive(values: np.ndarray, n: int, missing: str) -> tuple[float, float]:
    """Best mean over n samples and the first start that has it, by looking at every stretch."""
    best, at = np.nan, np.nan
    if np.isnan(values).all():
        return best, at
    for start in range(len(values) - n + 1):
        stretch = values[start : start + n].astype(np.float64)
        if missing == "exclude" and np.isnan(stretch).any():
            continue
        mean = np.nan_to_num(stretch).sum() / n
        if not mean <= best:
            best, at = mean, start
    return best, at


@settings(max_examples=150, deadline=None)
@given(
    values=st.lists(watts, min_size=1, max_size=60),
    durations=st.sets(st.integers(1, 70), min_size=1, max_size=8),
    missing=st.sampled_from(["zero", "exclude"]),
)
def test_every_duration_equals_the_naive_search(values, durations, missing):
    x = np.array(values, np.float32)
    wanted = sorted(durations)
    out = mean_max(power=rows(x), durations=wanted, missing=missing)
    expected = [naive(x, n, missing) for n in wanted]
    np.testing.assert_allclose(out["mean_maximal_power"], [e[0] for e in expected], rtol=1e-6)
    np.testing.assert_array_equal(out["start"], [e[1] for e in expected])


def test_durations_beyond_the_record_are_missing():
    out = mean_max(power=rows(np.full(100, 200.0)), durations=[50, 100, 101], missing="zero")
    np.testing.assert_array_equal(out["mean_maximal_power"], [200, 200, np.nan])
    np.testing.assert_array_equal(out["start"], [0, 0, np.nan])


def test_no_power_gives_no_curve_and_never_zero():
    out = mean_max(power=rows(np.full(100, np.nan)), durations=[1, 60], missing="zero")
    assert all(np.isnan(values).all() for values in out.values())


def test_coverage_is_the_known_share_of_the_best_stretch():
    x = np.zeros(20)
    x[5:9], x[7] = 300, np.nan
    out = mean_max(power=rows(x), durations=[4], missing="zero")
    assert out["mean_maximal_power"][0] == 225
    assert out["coverage"][0] == 0.75


def test_rows_at_four_hertz_count_in_seconds():
    x = np.zeros(400)
    x[100:140] = 400
    out = mean_max(power=rows(x, 4.0), durations=[10, 20], missing="zero")
    np.testing.assert_array_equal(out["mean_maximal_power"], [400, 200])
    np.testing.assert_array_equal(out["start"], [25, 15])


def test_long_records_keep_full_precision():
    rng = np.random.default_rng(1)
    x = rng.uniform(0, 400, 90_000).astype(np.float32)
    out = mean_max(power=rows(x), durations=[3600, 18000], missing="zero")
    for n, best in zip([3600, 18000], out["mean_maximal_power"], strict=True):
        exact = pd.Series(x.astype(np.float64)).rolling(n).mean().max()
        assert best == pytest.approx(exact, rel=1e-6)


def test_the_default_durations_are_allowed_and_bad_ones_are_named():
    check = get("mean_max").check
    assert check is not None
    assert check({"durations": DURATIONS}, 1.0) == []
    assert "empty" in check({"durations": ()}, 1.0)[0]
    assert "rise" in check({"durations": (5.0, 5.0)}, 1.0)[0]
    assert "1.5 s" in check({"durations": (1.0, 1.5)}, 1.0)[0]
    assert check({"durations": (1.0, 1.5)}, 2.0) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(watts, min_size=0, max_size=200))
def test_normalised_power_follows_its_definition(values):
    x = np.array(values, np.float64)
    rolling = pd.Series(x[~np.isnan(x)], dtype=float).rolling(30).mean().dropna()
    found = normalized_power(x)
    assert found.seconds == len(rolling)
    if len(rolling):
        assert found.power == pytest.approx((rolling**4).mean() ** 0.25, rel=1e-9, abs=1e-4)
    else:
        assert np.isnan(found.power)


def test_normalised_power_at_another_rate_counts_thirty_seconds():
    x = np.repeat([100.0, 300.0] * 60, 10)
    slow, fast = normalized_power(x), normalized_power(np.repeat(x, 4), 4.0)
    assert fast.power == pytest.approx(slow.power, rel=2e-3)
    assert fast.seconds == pytest.approx(slow.seconds, abs=1)


def test_climb_sums_between_turning_points():
    up_down_up = np.concatenate(
        [np.linspace(100, 180, 800), np.linspace(180, 150, 600), np.linspace(150, 250, 900)]
    )
    up, down = climb(up_down_up)
    assert up == pytest.approx(180, rel=0.02)
    assert down == pytest.approx(30, rel=0.04)


def test_climb_ignores_noise_below_a_metre_and_single_spikes():
    rng = np.random.default_rng(2)
    flat = 100 + rng.uniform(-0.4, 0.4, 3000)
    flat[1500] = 800
    assert climb(flat) == (0.0, 0.0)
    assert np.isnan(climb(np.full(10, np.nan))).all()


@pytest.mark.parametrize("shape", ["rise", "fall"])
def test_a_monotone_way_has_no_descent_or_ascent(shape):
    x = np.linspace(0, 500, 4000)
    up, down = climb(x if shape == "rise" else x[::-1])
    assert (up, down)[shape == "rise"] == 0.0
    assert (up, down)[shape == "fall"] == pytest.approx(500, rel=0.01)
