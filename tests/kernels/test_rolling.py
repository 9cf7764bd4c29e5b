"""Rolling statistics against every window taken by itself."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hpcflow_kernels.rolling import statistics_loops, sums_loops
from hpcflow_kernels.rolling.contracts import CONTRACTS
from hpcflow_kernels.rolling.order import rolling_median, rolling_quantile, rolling_rank
from hpcflow_kernels.rolling.statistics import rolling, rolling_max, rolling_mean, rolling_min, rolling_std

LENGTHS = [1, 2, 3, 4, 5, 7, 8, 16, 31, 32, 33, 63, 64, 99, 100, 127, 170, 255, 1000, 2500]
"""Whole powers of two, all digits, none but the first and last, and every other one."""


def windows(x, n):
    return np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), n)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_window_by_itself(n, dtype):
    x = (np.random.default_rng(n).standard_normal(5003) + 3).astype(dtype)
    view, eps = windows(x, n), np.finfo(dtype).eps
    assert np.array_equal(rolling_max(x, n)[n - 1 :], view.max(axis=1))
    assert np.array_equal(rolling_min(x, n)[n - 1 :], view.min(axis=1))
    bound = (np.log2(n) + 1) * eps * np.abs(view).mean(axis=1)
    mean = rolling_mean(x, n)
    assert mean.dtype == dtype
    assert (np.abs(mean[n - 1 :] - view.mean(axis=1)) <= bound).all()
    assert np.isnan(mean[: n - 1]).all()
    if n > 1:
        spread = view.std(axis=1, ddof=1)
        assert np.abs(rolling_std(x, n)[n - 1 :] - spread).max() <= 20 * eps * np.abs(x).max()


def test_an_offset_costs_the_spread_its_own_digits_not_their_square():
    base = np.random.default_rng(1).integers(-100, 100, 3000) / 64
    shifted = (base + 8192).astype(np.float32)  # exact in float32
    expected = windows(base, 100).std(axis=1, ddof=1)
    assert rolling_std(shifted, 100)[99:] == pytest.approx(expected, rel=4e-4)
    running = np.convolve(shifted**2, np.ones(100, np.float32), "valid")  # what running sums would do
    naive = np.sqrt(np.abs(running - np.convolve(shifted, np.ones(100, np.float32), "valid") ** 2 / 100) / 99)
    assert np.abs(naive / expected - 1).max() > 0.1


@settings(max_examples=60, deadline=None)
@given(samples=st.integers(0, 300), n=st.integers(1, 320), missing=st.integers(0, 3), seed=st.integers(0, 99))
def test_missing_samples_harm_their_own_windows_only(samples, n, missing, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(samples)
    x[rng.integers(0, samples, missing if samples else 0)] = np.nan
    for call, twin in (
        (rolling_max, np.max),
        (rolling_min, np.min),
        (rolling_mean, np.mean),
        (lambda x, n: rolling_std(x, n, 0), np.std),
    ):
        got = call(x, n)
        expected = np.full(samples, np.nan)
        if n <= samples:
            expected[n - 1 :] = twin(windows(x, n), axis=1)
        assert got == pytest.approx(expected, abs=1e-14, rel=1e-13, nan_ok=True)


@pytest.mark.parametrize("n", [3, 100, 1500])
def test_cutting_elsewhere_changes_no_bit(n):
    x = np.random.default_rng(2).standard_normal(20_000).astype(np.float32)
    for call in (rolling_mean, rolling_std):
        whole = call(x, n)
        for start in (1, 777, 9001):
            part = call(x[start : start + 6000], n)
            assert np.array_equal(part[n - 1 :], whole[start + n - 1 : start + 6000])


def test_a_sample_stands_in_the_middle_of_its_window_or_at_its_end():
    x = np.array([0, 0, 0, 9, 0, 0, 0, 0.0])
    centred = rolling(x, rate=1.0, window=3.0, statistic="max")
    assert np.array_equal(centred, [np.nan, 0, 9, 9, 9, 0, 0, np.nan], equal_nan=True)
    even = rolling(x, rate=1.0, window=4.0, statistic="max")
    assert np.array_equal(even, [np.nan, np.nan, 9, 9, 9, 9, 0, np.nan], equal_nan=True)
    trailing = rolling(x, rate=1.0, window=3.0, statistic="mean", align="trailing")
    assert trailing == pytest.approx([np.nan, np.nan, 0, 3, 3, 3, 0, 0], nan_ok=True)
    assert np.isnan(rolling(x, rate=1.0, window=99.0)).all()
    assert np.isnan(rolling(x[:1], rate=1.0, window=2.0, statistic="std")).all()


def test_rows_types_and_refusals():
    x = np.arange(12).reshape(2, 6)
    assert rolling_mean(x, 2).dtype == np.float64
    assert np.array_equal(rolling_max(x[:, ::2], 2)[:, 1:], x[:, 2::2])
    assert np.isnan(rolling_std(x, 1)).all()
    with pytest.raises(ValueError, match="at least one"):
        rolling_max(x, 0)
    (problem,) = CONTRACTS[0].check({"window": 0.001, "statistic": "std", "align": "centre"}, 100.0)
    assert "0.02 s" in problem


@pytest.mark.parametrize("n", [1, 5, 31, 64, 99, 3000])
@pytest.mark.parametrize("samples", [3001, 7777])
def test_loops_read_and_write_nothing_beyond_their_buffers(n, samples):
    canary = -7.25
    x = np.full(samples + 64, np.inf, np.float32)
    x[32:-32] = np.random.default_rng(n).standard_normal(samples)
    out = np.full(samples - n + 1 + 64, canary, np.float32)
    for call in (
        lambda: statistics_loops.extremes(x[32:-32], n, True, out[32:-32]),
        lambda: statistics_loops.extremes(x[32:-32], n, False, out[32:-32]),
        lambda: sums_loops.means(x[32:-32], n, out[32:-32]),
        lambda: sums_loops.spreads(x[32:-32], n, 0, out[32:-32]),
    ):
        out[32:-32] = np.nan
        call()
        assert (out[:32] == canary).all()
        assert (out[-32:] == canary).all()
        assert np.isfinite(out).all()


@pytest.mark.parametrize("n", [1, 2, 3, 7, 16, 100, 255, 1000, 1500])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_order_of_every_window_by_itself(n, dtype):
    rng = np.random.default_rng(n)
    for x in (
        rng.standard_normal(2503),
        rng.integers(-3, 4, 2503) * 1.0,
    ):  # then many equal samples
        x = x.astype(dtype)
        view = windows(x, n)
        median = rolling_median(x, n)
        assert median.dtype == dtype
        apart = np.abs(median[n - 1 :] - np.median(view, axis=1)).max()
        assert apart <= (0 if n % 2 else np.finfo(dtype).eps * np.abs(x).max())
        for q in (0.0, 0.05, 0.9):
            got = rolling_quantile(x, n, q)[n - 1 :]
            assert got == pytest.approx(np.quantile(view, q, axis=1), rel=1e-6, abs=1e-6)


def test_ranks_are_those_of_pandas():
    rng = np.random.default_rng(5)
    for n in (1, 2, 10, 101):
        x = rng.integers(0, 30, 2003) * 1.0
        x[[50, 700, 701]] = np.nan
        expected = pd.Series(x).rolling(n).rank(pct=True)
        assert rolling_rank(x, n) == pytest.approx(expected.to_numpy(), rel=1e-12, nan_ok=True)


def test_infinities_and_missing_samples_in_sorted_windows():
    x = np.arange(200.0) % 17
    x[[20, 90]] = np.inf, -np.inf
    x[[60, 61, 150]] = np.nan
    expected = np.full(200, np.nan)
    expected[8:] = np.median(np.lib.stride_tricks.sliding_window_view(x, 9), axis=1)
    assert np.array_equal(rolling_median(x, 9), expected, equal_nan=True)


def test_a_spike_stands_out_by_its_z_score_and_rank():
    x = np.random.default_rng(6).standard_normal(2000)
    x[1000] += 12
    z = rolling(x, rate=1.0, window=101.0, statistic="zscore")
    assert np.nanargmax(z) == 1000
    assert z[1000] == pytest.approx(stats.zscore(x[950:1051], ddof=1)[50], rel=1e-12)
    assert rolling(x, rate=1.0, window=101.0, statistic="rank")[1000] == 1
    assert np.isnan(rolling(np.full(50, 0.1), rate=1.0, window=5.0, statistic="zscore")).all()


def test_a_quantile_beyond_the_window_is_refused():
    with pytest.raises(ValueError, match="between 0 and 1"):
        rolling_quantile(np.zeros(9), 3, 1.5)
