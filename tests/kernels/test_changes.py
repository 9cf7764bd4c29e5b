"""Trends and change points: against published cases, brute force and what was put in by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hpcflow_kernels.changes import cusum, medians, pelt, trend
from hpcflow_kernels.contract import Rows


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
