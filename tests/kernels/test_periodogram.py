"""Periodograms against SciPy: numbers, SciPy's own tests, and grids that a frame's bins miss."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.spectral import periodogram as module
from hpcflow_kernels.spectral.periodogram import periodogram, periodogram_frames

DEVIATIONS: dict[str, str] = {}
"""SciPy's tests that ours does not pass, and why: none."""


@pytest.mark.parametrize("n", [32, 1024, 4096, 1000, 7])
@pytest.mark.parametrize("window", ["boxcar", "hann", ("kaiser", 8.0)])
@pytest.mark.parametrize("scaling", ["density", "spectrum"])
def test_every_axis_is_scipys(n, window, scaling):
    x = np.random.default_rng(n).standard_normal((3, n, 2)) + 4
    f, expected = signal.periodogram(x, 8.0, window, scaling=scaling, axis=1)
    g, got = periodogram(x, 8.0, window, scaling=scaling, axis=1)
    assert np.array_equal(f, g)
    assert np.abs(got - expected).max() <= 2e-14 * expected.max()
    single = periodogram(x.astype(np.float32), 8.0, window, scaling=scaling, axis=1)[1]
    assert single.dtype == np.float32
    assert np.abs(single - expected).max() <= 4e-6 * expected.max()


def test_scipys_own_tests(monkeypatch):
    from scipy.signal.tests import test_spectral

    fast = []
    monkeypatch.setattr(test_spectral, "periodogram", periodogram)
    monkeypatch.setattr(
        module, "frame_powers", lambda *args, call=module.frame_powers: (fast.append(1), call(*args))[1]
    )
    names = [n for n, _ in inspect.getmembers(test_spectral.TestPeriodogram, inspect.isfunction)]
    names = [name for name in names if name.startswith("test_")]
    assert len(names) >= 15
    failed = set()
    for name in names:
        try:
            getattr(test_spectral.TestPeriodogram(), name)()
        except AssertionError:
            failed.add(name)
    assert failed == set(DEVIATIONS)
    assert fast == []  # they try lengths below 32 and odd ones: only what is handed over


def test_frames_are_scipys_up_to_the_end_of_the_grid():
    rate, x = 1000.0, np.random.default_rng(1).standard_normal(5300) + 2
    got = periodogram_frames(x, rate=rate, window=0.5, overlap=0.5, max_frequency=100.0)["power"]
    assert got.shape == (20, 51)
    for row in range(20):
        f, expected = signal.periodogram(x[250 * row : 250 * row + 500], rate, "hann")
        assert f[50] == 100.0
        assert np.abs(got[row] - expected[:51]).max() <= 1e-13 * expected.max()


def test_a_window_between_two_lengths_keeps_its_grid():
    rate, window = 1000.0, 0.5005
    n = int(window * rate + 0.5)
    tone = 3 * np.sin(2 * np.pi * (40 / window) * np.arange(4 * n) / rate)
    got = periodogram_frames(tone, rate=rate, window=window, max_frequency=120.0, scaling="spectrum")["power"]
    assert got.shape[1] == 61
    assert (np.argmax(got, axis=1) == 40).all()
    assert got[:, 40] == pytest.approx(4.5, rel=1e-3)
    direct = np.exp(-2j * np.pi * np.outer(np.arange(61) / window, np.arange(n)) / rate)
    weights = signal.get_window("hann", n)
    expected = 2 * np.abs(direct @ (weights * (tone[:n] - tone[:n].mean()))) ** 2 / weights.sum() ** 2
    assert got[0, 1:] == pytest.approx(expected[1:], abs=1e-9)
