"""Trends and change points: against published cases, brute force and what was put in by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.detection.changes import cusum, medians, pelt, trend
from hpcflow_kernels.detection.changes_records import change_points
from hpcflow_kernels.detection.changes_records import cusum as cusum_step
from hpcflow_kernels.registry import get


def of(x, points=100, rate=10.0):
    return trend(signal=Rows(np.asarray(x, np.float32), rate, "K", {}), points=points)


def test_a_slope_under_noise_and_gaps():
    rng = np.random.default_rng(1)
    x = 3e-3 * np.arange(20_000) / 10 + rng.standard_normal(20_000)
    x[rng.integers(0, 20_000, 500)] = 400  # outliers that a least-squares line would follow
    x[4000:9000] = np.nan
    found = of(x)
    assert found["slope"] == pytest.approx(3e-3, rel=0.05)
    assert found["tau"] > 0.9
    assert found["p_value"] < 1e-12


def test_no_trend_is_seldom_called_one():
    rng = np.random.default_rng(2)
    p = [of(rng.standard_normal(4000), points=40)["p_value"] for _ in range(200)]
    assert 2 <= sum(each < 0.05 for each in p) <= 20


def test_records_without_a_trend_to_tell():
    assert all(np.isnan(v) for v in of([1.0, 2, 3]).values())
    assert all(np.isnan(v) for v in of(np.full(50, np.nan)).values())
    assert of(np.full(50, 2.0)) == {"slope": 0.0, "tau": 0.0, "p_value": 1.0}
    unknown = of(np.arange(50.0), rate=np.nan)
    assert (unknown["tau"], np.isnan(unknown["slope"])) == (1, True)
    assert medians(np.arange(10.0), 5).value.tolist() == [0.5, 2.5, 4.5, 6.5, 8.5]


def cost(x, cuts):
    return sum(((part - part.mean()) ** 2).sum() for part in np.split(x, cuts))


@pytest.mark.parametrize("seed", range(12))
def test_pelt_finds_the_best_cut_of_all(seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(13) + np.repeat(rng.standard_normal(4) * 3, [3, 4, 2, 4])
    for penalty, least in ((0.5, 1), (2.0, 2), (5.0, 3)):
        every = (
            cuts
            for many in range(5)
            for cuts in itertools.combinations(range(least, 14 - least), many)
            if all(b - a >= least for a, b in itertools.pairwise(cuts))
        )
        best = min(cost(x, cuts) + penalty * len(cuts) for cuts in every)
        found = pelt(x, penalty, least)
        if len(found) < 5:
            assert cost(x, found) + penalty * len(found) == pytest.approx(best)
        assert (np.diff(np.concatenate([[0], found, [13]])) >= least).all()


def test_pelt_finds_levels_and_nothing_in_noise():
    rng = np.random.default_rng(4)
    x = rng.standard_normal(5000) + np.repeat([0, 3, -2, 0], [1000, 500, 2500, 1000]) + 1e4
    assert pelt(x) == pytest.approx([1000, 1500, 4000], abs=3)
    assert len(pelt(rng.standard_normal(5000))) == 0
    with pytest.raises(ValueError, match="missing"):
        pelt(np.array([1.0, np.nan]))


def test_cusum_alarms_soon_after_a_shift_and_seldom_without():
    rng = np.random.default_rng(5)
    x = rng.standard_normal(4000)
    assert len(cusum(x, 0, 1).alarm) <= 1  # one in about 1e5 samples by theory
    x[2000:] += 1.5
    x[100:150] = np.nan
    found = cusum(x, 0, 1)
    first = np.searchsorted(found.alarm, 2000)
    assert 2000 <= found.alarm[first] < 2030
    assert found.onset[first] == pytest.approx(2000, abs=10)
    assert found.upward[first]
    assert not cusum(-x, 0, 1).upward[first]
    with pytest.raises(ValueError, match="above 0"):
        cusum(x, 0, 0)


def test_the_step_finds_levels_of_a_long_record_to_within_a_stretch():
    rng = np.random.default_rng(6)
    x = (rng.standard_normal(100_000) + np.repeat([0, 2, -1], [30_000, 20_000, 50_000])).astype(np.float32)
    x[31_000:36_000] = np.nan
    asked = {"penalty": None, "least": 0.0}
    found = change_points(signal=Rows(x, 10.0, "K", {}), points=1000, **asked)
    assert found["time"] == pytest.approx([3000, 5000], abs=10)
    assert found["level"] == pytest.approx([2, -1], abs=0.05)
    assert found["change"] == pytest.approx([2, -3], abs=0.05)
    for few in (x[:0], x[:1], np.full(50, np.nan)):
        assert len(change_points(signal=Rows(few, 10.0, "K", {}), points=9, **asked)["time"]) == 0


def test_a_short_level_is_not_found_where_levels_last():
    x = np.random.default_rng(7).standard_normal(600)
    x[200:220] += 20
    rows = Rows(x, 1.0, "K", {})
    asked = {"signal": rows, "points": 600, "penalty": None}
    assert change_points(least=0.0, **asked)["time"].tolist() == [200, 220]
    long = change_points(least=100.0, **asked)
    assert (np.diff(np.concatenate([[0], long["time"], [600]])) >= 100).all()


def test_the_step_learns_what_is_normal_from_the_reference():
    rng = np.random.default_rng(8)
    x = 40 + 3 * rng.standard_normal(5000)
    x[3000:] += 4.5
    x[:50] = 900  # an outlier at the start moves neither median nor deviation much
    common = {"drift": 0.5, "threshold": 9.0}
    rows = Rows(x[50:], 5.0, "K", {})
    found = cusum_step(signal=rows, mean=None, std=None, reference=300.0, **common)
    stated = cusum_step(signal=rows, mean=40.0, std=3.0, reference=None, **common)
    for out in (found, stated):
        assert out["time"][0] == pytest.approx(590, abs=10)
        assert out["onset"][0] == pytest.approx(590, abs=3)
        assert out["direction"][0] == 1
        assert len(out["time"]) > 3
    with pytest.raises(UnusableRecordError, match="lengthen"):
        cusum_step(signal=rows, mean=None, std=None, reference=1.0, **common)
    flat = Rows(np.ones(100), 1.0, "K", {})
    with pytest.raises(UnusableRecordError, match="one value"):
        cusum_step(signal=flat, mean=None, std=None, reference=50.0, **common)


def test_what_is_normal_must_be_told_in_one_way():
    check, none = get("cusum").check, {"mean": None, "std": None, "reference": None}
    assert check(none | {"reference": 9.0}, None) == check(none | {"mean": 0.0, "std": 1.0}, None) == []
    assert "`reference` alone" in check(none, None)[0]
    assert "`reference` alone" in check({"mean": 0.0, "std": 1.0, "reference": 9.0}, None)[0]
    assert "above 0" in check(none | {"mean": 0.0, "std": 0.0}, None)[0]
