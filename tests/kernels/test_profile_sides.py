"""Profiles that look one way: by the definition, pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow_kernels.similarity.profile import matrix_profile
from hpcflow_kernels.similarity.profile_sides import matrix_profile_sides


@pytest.mark.parametrize(("dtype", "bound"), [(np.float64, 1e-9), (np.float32, 1e-3)])
@pytest.mark.parametrize(("samples", "m"), [(300, 16), (211, 33)])
def test_each_side_is_the_least_of_its_pairs(samples, m, dtype, bound):
    x = np.cumsum(np.random.default_rng(samples).standard_normal(samples)).astype(dtype)
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), m)
    normal = (windows - windows.mean(axis=1, keepdims=True)) / windows.std(axis=1, keepdims=True)
    table = np.linalg.norm(normal[:, None] - normal[None], axis=2)
    i, j = np.indices(table.shape)
    zone = -(-m // 4)
    sides = matrix_profile_sides(x, m)
    for found, there in ((sides.left, j < i - zone), (sides.right, j > i + zone)):
        expected = np.where(there, table, np.inf).min(axis=1)
        assert found.distance.dtype == dtype
        some = np.isfinite(expected)
        assert found.distance[some] == pytest.approx(expected[some], abs=bound)
        assert np.isinf(found.distance[~some]).all()
        assert (found.neighbour[~some] == -1).all()
        assert table[np.flatnonzero(some), found.neighbour[some]] == pytest.approx(expected[some], abs=bound)
    both = matrix_profile(x, m)
    assert np.minimum(sides.left.distance, sides.right.distance) == pytest.approx(both.distance, abs=bound)


def test_stretches_with_missing_samples_take_no_part():
    x = np.random.default_rng(2).standard_normal(200)
    x[90] = np.nan
    sides = matrix_profile_sides(x, 20)
    for found in sides:
        assert (found.neighbour[71:91] == -1).all()
        assert not np.isin(found.neighbour, np.arange(71, 91)).any()
    with pytest.raises(ValueError, match="change m"):
        matrix_profile_sides(x, 2)
