"""Hampel's filter against a slow obvious twin, and spikes put into a recording."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import loadmat

from hpcflow_kernels.filter.despike import despike, hampel
from hpcflow_kernels.rolling import order_loops as rolling_order_loops


def twin(x: np.ndarray, n: int, threshold: float, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Window by window, as it is defined."""
    y, replaced, half = x.copy(), np.zeros(len(x), bool), n // 2
    for i in range(len(x)):
        start = min(max(i - half, 0), len(x) - n)
        window = x[start : start + n]
        median = np.median(window)
        limit = max(threshold * 1.482602218505602 * np.median(np.abs(window - median)), least)
        if abs(x[i] - median) > limit > 0:
            y[i], replaced[i] = median, True
    return y, replaced


@settings(max_examples=20, deadline=None)
@given(
    samples=st.integers(3, 150),
    half=st.integers(1, 20),
    threshold=st.floats(0.1, 5),
    least=st.sampled_from([0.0, 0.5]),
    coarse=st.booleans(),
)
def test_the_twin_agrees_exactly(samples, half, threshold, least, coarse):
    n = min(2 * half + 1, samples - 1 + samples % 2)
    x = np.random.default_rng(samples).standard_normal(samples)
    x = np.round(x * 2) if coarse else x
    values, replaced = twin(x, n, threshold, least)
    got = hampel(x, n, threshold, least)
    assert np.array_equal(got.replaced, replaced)
    assert np.array_equal(got.values, values)


def test_rows_and_lengths_beyond_one_stretch_of_lanes():
    x = np.random.default_rng(1).standard_normal((2, 70_001)).astype(np.float32)
    both = hampel(x, 7)
    assert both.values.dtype == np.float32
    for row in range(2):
        values, replaced = twin(x[row, -500:], 7, 3.0, 0.0)
        assert np.array_equal(both.values[row, -450:], values[-450:])
        assert np.array_equal(both.replaced[row, -450:], replaced[-450:])


def test_a_window_with_a_missing_sample_judges_nothing():
    x = np.random.default_rng(2).standard_normal(200)
    x[50], x[52], x[120] = np.nan, 1e3, 1e3
    found = hampel(x, 7)
    assert np.isnan(found.values[50])
    assert not found.replaced[47:54].any()
    assert found.replaced[120]
    assert np.array_equal(hampel(x[:5], 7).values, x[:5]), "shorter than a window: as it is"


def test_spikes_put_into_a_recording_are_found_and_little_else(shared_data):
    path = next((shared_data / "industrial" / "bearing_cwru").glob("097_*.mat"))
    x = loadmat(path)["X097_DE_time"].ravel()[:48_000]
    places = np.random.default_rng(3).choice(np.arange(10, 47_990), 60, replace=False)
    spiked = x.copy()
    spiked[places] += 2.0
    found = hampel(spiked, 9, threshold=6.0, least=0.3)
    assert found.replaced[places].all()
    assert found.replaced.sum() <= 62
    rest = np.abs(found.values - x)
    assert rest.max() <= 0.3


def test_the_step_gives_the_signal_or_the_places():
    x = np.sin(np.arange(3000) / 50.0).astype(np.float32)
    x[[100, 2000]] = 30
    clean = despike(x, rate=1000.0, window=0.011)
    marks = despike(x, rate=1000.0, window=0.011, result="replaced")
    assert np.abs(clean).max() <= 1
    assert marks.dtype == np.float32
    assert np.flatnonzero(marks)[[0, -1]].tolist() == [100, 2000]


@pytest.mark.parametrize("n", [1, 2, 8])
def test_a_window_without_a_middle_is_refused(n):
    with pytest.raises(ValueError, match="odd number of samples"):
        hampel(np.zeros(20), n)


def test_the_loop_writes_nothing_beyond_its_buffers():
    n, steps, canary = 5, 7, -7.25
    x = np.random.default_rng(4).standard_normal((steps + n - 1, 16))
    window = np.full((n + 1) * 16 + 64, canary)
    inner = window[32:-32].reshape(n + 1, 16)
    inner[:n], inner[n] = np.sort(x[:n], axis=0), np.inf
    out = np.full((2, 16 * steps + 64), canary)
    rolling_order_loops.medians_and_deviations(x.ravel(), n, window[32:-32], out[0, 32:-32], out[1, 32:-32])
    for lane in range(16):
        for t in range(steps):
            part = x[t : t + n, lane]
            assert out[0, 32 + 16 * t + lane] == np.median(part)
            assert out[1, 32 + 16 * t + lane] == np.median(np.abs(part - np.median(part)))
    for buffer in (window, out[0], out[1]):
        assert (buffer[:32] == canary).all()
        assert (buffer[-32:] == canary).all()
