"""Correlations of all pairs over ranks against SciPy's, and delays that are put in by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from scipy.signal import correlate

from hpcflow_kernels.contract import UnusableRecordError
from hpcflow_kernels.mpi import pair_correlations as module
from hpcflow_kernels.mpi.pair_correlations import pair_correlations
from tests.kernels.over_ranks import on_threads, spread

SIZES = [(1, 0), (2, 1), (50, 3), (300, 400), (5000, 40), (20_011, 700), (50_001, 0)]
"""Samples, and largest lag."""


def made(x, lags, count=1, rate=1000.0):
    signals = {f"s{i}": spread(row, rate) for i, row in enumerate(x)}
    return on_threads(count, pair_correlations, signals=signals, max_lag=lags / 1000)


def noise(samples, dtype=np.float64):
    """Four signals: the second follows the first one three samples later, and offsets differ."""
    x = np.random.default_rng(samples).standard_normal((4, samples)) + np.arange(4)[:, None]
    x[1, 3:] += 2 * x[0, :-3] if samples > 3 else 0
    return x.astype(dtype)


def by_scipy(x, lags):
    """All pairs in float64, shape (lags, pairs); missing samples are 0 once the mean is off."""
    y = x.astype(np.float64)
    y = np.nan_to_num(y - np.nanmean(y, axis=1, keepdims=True))
    most, last = min(lags, y.shape[1] - 1), y.shape[1] - 1
    return np.stack(
        [
            correlate(b, a, "full", "direct" if len(a) < 6000 else "fft")[last - most : last + most + 1]
            / np.sqrt((a**2).sum() * (b**2).sum())
            for a, b in combinations(y, 2)
        ],
        axis=1,
    )


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize(("samples", "lags"), SIZES[1:])
def test_correlations_are_scipys(samples, lags, dtype, bound):
    x = noise(samples, dtype)
    found, expected = made(x, lags), by_scipy(x, lags)
    most = min(lags, samples - 1)
    assert found["correlation"].dtype == dtype
    assert np.abs(found["correlation"] - expected).max() <= bound
    np.testing.assert_allclose(found["lag"], np.arange(-most, most + 1) / 1000, rtol=1e-15)


@pytest.mark.parametrize("count", [2, 3, 5])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("samples", "lags"), SIZES)
def test_the_bits_are_those_of_one_rank(samples, lags, dtype, count):
    x = noise(samples, dtype)
    if samples > 100:
        x[2, 30:60] = np.nan
    one, several = made(x, lags), made(x, lags, count)
    for name, values in one.items():
        assert several[name].dtype == values.dtype
        assert np.array_equal(several[name], values, equal_nan=True), name


@pytest.mark.parametrize("count", [1, 3])
def test_blocks_that_do_not_fit_in_memory_at_once(count, monkeypatch):
    x = noise(60_007)
    whole = made(x, 40, count)["correlation"]
    monkeypatch.setattr(module, "AT_ONCE", 3 * 4 * 4096)
    parts = made(x, 40, count)["correlation"]
    assert np.abs(parts - by_scipy(x, 40)).max() <= 1e-14
    assert np.abs(parts - whole).max() <= 1e-14


def test_a_signal_that_comes_later_peaks_at_its_delay():
    x = np.random.default_rng(70).standard_normal(30_000)
    late = np.roll(x, 25)
    late[:25] = 0
    found = made(np.stack([x, late, -x]), 100, 3)
    peaks = found["correlation"].argmax(axis=0)
    assert found["lag"][peaks[0]] == 0.025
    np.testing.assert_allclose(found["correlation"][100, 1], -1, rtol=1e-12)


@pytest.mark.parametrize("count", [1, 2])
def test_missing_samples_add_nothing(count):
    x = noise(9000)
    x[0, :700] = np.nan
    x[1, 4000:4100] = np.inf
    x[3] = np.nan
    found = made(x, 30, count)["correlation"]
    x[1, 4000:4100] = np.nan
    expected = by_scipy(x[:3], 30)
    assert np.abs(found[:, [0, 1, 3]] - expected).max() <= 1e-14
    assert np.isnan(found[:, [2, 4, 5]]).all()


@pytest.mark.parametrize("count", [1, 3])
def test_records_that_have_none(count):
    x = noise(100)
    with pytest.raises(UnusableRecordError, match="resample it"):
        made(x, 3, count, np.nan)
    signals = {"a": spread(x[0]), "b": spread(x[1, :50])}
    with pytest.raises(UnusableRecordError, match="100 at 1000 Hz and 50 at 1000 Hz"):
        on_threads(count, pair_correlations, signals=signals, max_lag=0.01)
    assert made(x[:, :0], 3, count)["correlation"].shape == (0, 6)
