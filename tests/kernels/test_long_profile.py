"""The matrix profile over ranks: the bits of one rank's, and every pair of stretches by the definition."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.mpi.long_profile import long_matrix_profile
from hpcflow_kernels.similarity.motifs import profile_of_record
from hpcflow_kernels.similarity.profile import Profile
from tests.kernels.over_ranks import on_threads, spread
from tests.kernels.test_profile import agree, every_pair, signals

COUNTS = [1, 2, 3, 5]


def same(found, expected):
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        assert np.array_equal(found[name], values, equal_nan=True), name


def equal_pairs():
    """Signals of which many subsequences are equal, so that many neighbours are equally near."""
    rng = np.random.default_rng(30)
    yield np.tile(rng.standard_normal(25), 40), 20
    yield np.tile(rng.integers(-3, 4, 11).astype(float), 100), 33
    yield rng.integers(0, 2, 900).astype(float), 4
    yield np.where(rng.random(1200) < 0.9, 0.0, rng.standard_normal(1200)), 12
    x = np.tile(rng.standard_normal(200), 6)
    x[300:330], x[700] = 2.0, np.nan
    yield x, 40


def in_both_types():
    for x, m in (*signals(), *equal_pairs()):
        yield x, m
        if 1e-30 < (np.abs(x[np.isfinite(x)]).max(initial=0) or 1.0) < 1e30:
            yield x.astype(np.float32), m


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("x", "m"), list(in_both_types()))
def test_the_bits_are_those_of_one_rank(x, m, count):
    alone = profile_of_record(signal=Rows(x, 1000.0, "m s-2", {}), window=m / 1000)
    same(on_threads(count, long_matrix_profile, signal=spread(x), window=m / 1000), alone)


def test_neighbours_are_the_nearest():
    x, m = np.cumsum(np.random.default_rng(31).standard_normal(900)), 30
    found = on_threads(3, long_matrix_profile, signal=spread(x), window=m / 1000)
    places = np.round(found["neighbour"] * 1000).astype(np.int64)
    agree(Profile(found["distance"], places), every_pair(x, m), 1e-5)


def test_more_ranks_than_groups_of_diagonals():
    x = np.random.default_rng(32).standard_normal(150)
    one = on_threads(1, long_matrix_profile, signal=spread(x), window=0.02)
    same(on_threads(13, long_matrix_profile, signal=spread(x), window=0.02), one)


@pytest.mark.parametrize("count", [1, 3])
def test_what_has_no_profile(count):
    x = np.arange(20.0)
    none = on_threads(count, long_matrix_profile, signal=spread(x), window=0.021)
    assert none["distance"].shape == none["neighbour"].shape == (0,)
    for rate, window in ((np.nan, 0.01), (1000.0, 0.002)):
        with pytest.raises(UnusableRecordError, match="fewer than 3 samples"):
            on_threads(count, long_matrix_profile, signal=spread(x, rate), window=window)
