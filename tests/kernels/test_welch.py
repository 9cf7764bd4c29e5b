"""Welch spectra against SciPy: numbers, SciPy's own tests, windows with gaps, and buffers' ends."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.finite import all_finite
from hpcflow_kernels.spectral import welch as spectral
from hpcflow_kernels.spectral import welch_loops as spectral_loops
from hpcflow_kernels.spectral.welch import welch, welch_windows


def periodograms_one_by_one(x, n, step, weights):
    """What is meant: each segment, less its mean and weighted, transformed by the definition."""
    k = np.arange(n)
    kernel = np.exp(-2j * np.pi * np.outer(k, k) / n)
    power = [
        np.abs(kernel @ (weights * (x[s : s + n] - x[s : s + n].mean()))) ** 2
        for s in range(0, len(x) - n + 1, step)
    ]
    mean = np.mean(power, axis=0)[: n // 2 + 1] / np.sum(weights**2)
    mean[1:-1] *= 2
    return mean


@pytest.mark.parametrize("n", [8, 16, 32, 64, 128])
def test_the_twin_agrees(n):
    x = np.random.default_rng(n).standard_normal(40 * n + 3) + 5
    expected = periodograms_one_by_one(x, n, n // 2, signal.get_window("hann", n))
    assert np.abs(welch(x, nperseg=n)[1] - expected).max() <= 1e-14 * expected.max()


@pytest.mark.parametrize("n", [8, 16, 32, 256, 512, 1024, 2048, 4096, 1 << 14])
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2e-6), (np.float64, 1e-14)])
def test_all_sizes_are_scipys(n, dtype, bound):
    x = (np.random.default_rng(n).standard_normal(9 * n + 5) + 3).astype(dtype)
    f, expected = signal.welch(x.astype(np.float64), 25.6, nperseg=n)
    g, got = welch(x, 25.6, nperseg=n)
    assert np.array_equal(f, g)
    assert got.dtype == dtype
    assert np.abs(got - expected).max() <= bound * expected.max()


def test_many_segments_lose_nothing_and_an_offset_leaves_nothing():
    x = (np.random.default_rng(1).standard_normal(1 << 20) + 1000).astype(np.float32)
    expected = signal.welch(x.astype(np.float64), nperseg=64)[1]
    got = welch(x, nperseg=64)[1]
    assert np.abs(got - expected).max() <= 2e-6 * expected.max()


@settings(max_examples=60, deadline=None)
@given(
    n=st.sampled_from([8, 16, 64, 128]),
    segments=st.integers(1, 40),
    more=st.integers(0, 7),
    shared=st.floats(0, 0.99),
    window=st.sampled_from(["hann", "boxcar", ("kaiser", 5.0)]),
    detrend=st.sampled_from(["constant", False]),
    scaling=st.sampled_from(["density", "spectrum"]),
)
def test_any_arguments(n, segments, more, shared, window, detrend, scaling):
    noverlap = int(n * shared)
    samples = n + (segments - 1) * (n - noverlap) + more % (n - noverlap)
    x = np.random.default_rng(samples).standard_normal((2, samples))
    given_to_both = {"fs": 3.0, "window": window, "nperseg": n, "noverlap": noverlap, "detrend": detrend}
    expected = signal.welch(x, scaling=scaling, **given_to_both)[1]
    got = welch(x, scaling=scaling, **given_to_both)[1]
    assert np.abs(got - expected).max() <= 1e-13 * expected.max()


DEVIATIONS = {
    "test_short_data": "a segment that SciPy shortens, and so computes, against one of ours: 5e-34 is not 0"
}
"""SciPy's tests that ours does not pass, and why."""


def scipys_tests():
    """Names of SciPy's tests of welch, asked for when they are run: their module is slow to import."""
    from scipy.signal.tests import test_spectral

    found = test_spectral.TestWelch
    return [name for name, _ in inspect.getmembers(found, inspect.isfunction) if name.startswith("test_")]


def test_scipys_own_tests(monkeypatch):
    from scipy.signal.tests import test_spectral

    fast = []
    monkeypatch.setattr(test_spectral, "welch", welch)
    monkeypatch.setattr(
        spectral, "_frame_powers", lambda *args, call=spectral._frame_powers: (fast.append(1), call(*args))[1]
    )
    names = scipys_tests()
    assert len(names) >= 25
    failed = set()
    for name in names:
        try:
            getattr(test_spectral.TestWelch(), name)()
        except AssertionError:
            failed.add(name)
    assert failed == set(DEVIATIONS)
    assert len(fast) >= 15


def test_one_spectrum_for_each_window_and_none_where_a_sample_is_missing():
    rate, n = 1000.0, 64
    x = np.random.default_rng(2).standard_normal(5500).astype(np.float32)
    x[2999] = np.nan
    x[4000] = np.inf
    power = welch_windows(x, rate=rate, window=1.0, nperseg=n)["power"]
    assert power.shape == (5, 33)
    for row in range(5):
        if row in (2, 4):
            assert np.isnan(power[row]).all()
        else:
            expected = signal.welch(x[1000 * row : 1000 * (row + 1)].astype(np.float64), rate, nperseg=n)[1]
            assert np.abs(power[row] - expected).max() <= 2e-6 * expected.max()


def test_a_tone_has_its_power_in_its_bin():
    x = 3 * np.sin(2 * np.pi * 125 * np.arange(20_000) / 1000)
    power = welch_windows(x, rate=1000.0, window=10.0, nperseg=256, scaling="spectrum")
    assert power["power"][:, 32] == pytest.approx(4.5, rel=1e-9)


@pytest.mark.parametrize("size", [0, 1, 7, 31, 32, 33, 64, 100])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_missing_sample_is_seen_wherever_it_is(size, dtype):
    x = np.ones(size, dtype)
    assert all_finite(x)
    for i in range(size):
        for bad in (np.nan, np.inf, -np.inf):
            x[i] = bad
            assert not all_finite(x)
        x[i] = 1


def test_a_frame_depends_on_nothing_but_its_samples():
    rate, n = 1000.0, 64
    for segments in (1, 5, 16, 18, 31, 100):
        frame = 32 * (segments - 1) + n
        x = np.random.default_rng(segments).standard_normal(13 * frame).astype(np.float32)
        x[3 * frame + 5] = np.nan
        options = {"rate": rate, "window": frame / rate, "nperseg": n}
        together = welch_windows(x, **options)["power"]
        for row in range(13):
            alone = welch_windows(x[row * frame : (row + 1) * frame], **options)["power"]
            assert np.array_equal(alone[0], together[row], equal_nan=True)


def test_loops_read_and_write_nothing_beyond_their_buffers():
    n, canary, frame = 32, -7.25, 16 * 20 + 32
    x = np.full(3 * frame + 64, np.nan)
    inner = x[32:-32]
    inner[:] = np.random.default_rng(3).standard_normal(len(inner))
    power = np.full((5, n // 2 + 1), canary)
    args = np.ones(n), *spectral._tables(n, "<f8"), True, True, 1.0
    spectral_loops.power_spectra(inner, frame, 17, 20, *args, power[1:4])
    assert (power[::4] == canary).all()
    assert np.isfinite(power).all()
