"""Frames that miss some samples, where the user says that they may."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal, stats

from hpcflow_kernels.features.condition import condition_indicators
from hpcflow_kernels.spectral.welch import welch_windows

FRAME = 4000


@pytest.fixture
def x() -> np.ndarray:
    """Four frames: whole; 10 % missing in two gaps; 60 % missing; a sample missing every 50."""
    x = np.random.default_rng(1).standard_normal(4 * FRAME) + 2
    x[FRAME + 100 : FRAME + 200] = np.nan
    x[FRAME + 3000 : FRAME + 3300] = np.nan
    x[2 * FRAME : 2 * FRAME + 2400] = np.nan
    x[3 * FRAME :: 50] = np.inf
    return x


@pytest.mark.parametrize("nperseg", [256, 250], ids=["own transform", "SciPy's"])
def test_a_spectrum_is_the_mean_over_segments_without_a_gap(x, nperseg):
    strict = welch_windows(x, rate=1000.0, window=4.0, nperseg=nperseg)["power"]
    assert np.isnan(strict[1:]).all()
    lenient = welch_windows(x, rate=1000.0, window=4.0, nperseg=nperseg, missing=0.2)["power"]
    assert np.array_equal(lenient[0], strict[0])
    for row in (1, 2):
        frame = x[row * FRAME : (row + 1) * FRAME]
        segments = [frame[s : s + nperseg] for s in range(0, FRAME - nperseg + 1, nperseg // 2)]
        whole = [s for s in segments if np.isfinite(s).all()]
        want = np.mean([signal.welch(s, 1000.0, nperseg=nperseg)[1] for s in whole], axis=0)
        most = welch_windows(x, rate=1000.0, window=4.0, nperseg=nperseg, missing=0.7)["power"]
        np.testing.assert_allclose(most[row], want, rtol=1e-10)
    np.testing.assert_array_equal(lenient[1], most[1])
    assert np.isnan(lenient[2]).all(), "more is missing than may be"
    assert np.isnan(most[3]).all(), "no segment is whole"


def test_indicators_are_those_of_the_samples_that_are_there(x):
    band = [0.0, 100.0, 400.0]
    strict = condition_indicators(x, rate=1000.0, window=4.0, band=band)
    found = condition_indicators(x, rate=1000.0, window=4.0, band=band, missing=0.2)
    assert all(np.isnan(values[1:]).all() for values in strict.values())
    for row in (0, 1, 3):
        there = x[row * FRAME : (row + 1) * FRAME]
        there = there[np.isfinite(there)]
        assert found["rms"][row] == pytest.approx(there.std(), rel=1e-12)
        assert found["peak"][row] == pytest.approx(np.abs(there - there.mean()).max(), rel=1e-12)
        assert found["kurtosis"][row] == pytest.approx(stats.kurtosis(there, fisher=False), rel=1e-10)
        assert found["skewness"][row] == pytest.approx(stats.skew(there), abs=1e-10)
    assert all(np.isnan(values[2]).all() for values in found.values()), "more is missing than may be"
    assert np.isnan(found["band_power"][1:]).all()
    assert np.array_equal(found["band_power"][0], strict["band_power"][0])


def test_nothing_there_is_nothing(x):
    x[:] = np.nan
    assert np.isnan(welch_windows(x, rate=1000.0, window=4.0, missing=0.99)["power"]).all()
    assert np.isnan(condition_indicators(x, rate=1000.0, window=4.0, missing=0.99)["rms"]).all()
