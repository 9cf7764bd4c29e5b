"""Condition indicators against scipy.stats and scipy.signal."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import signal, stats

from hpcflow_kernels.features.condition import condition_indicators
from hpcflow_kernels.machine.bearing_contracts import CONTRACTS

KERNELS = {contract.name: contract for contract in CONTRACTS}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_frame_is_scipys(dtype):
    x = (np.random.default_rng(6).standard_gamma(1.5, 25_000) + 3).astype(dtype)
    got = condition_indicators(x, rate=10_000.0, window=0.5, overlap=0.5)
    frames = np.lib.stride_tricks.sliding_window_view(x, 5000)[::2500].astype(np.float64)
    tolerance = 1e-6 if dtype is np.float32 else 1e-12
    assert {values.dtype for values in got.values()} == {np.dtype(dtype)}
    assert got["kurtosis"] == pytest.approx(stats.kurtosis(frames, axis=1, fisher=False), rel=tolerance)
    assert got["skewness"] == pytest.approx(stats.skew(frames, axis=1), rel=tolerance)
    assert got["rms"] == pytest.approx(frames.std(axis=1), rel=tolerance)
    assert got["peak"] == pytest.approx(
        np.abs(frames - frames.mean(axis=1, keepdims=True)).max(axis=1), rel=tolerance
    )
    assert got["peak_to_peak"] == pytest.approx(np.ptp(frames, axis=1), rel=tolerance)
    assert got["crest_factor"] == pytest.approx(got["peak"] / got["rms"], rel=1e-5)


def test_known_values():
    time = np.arange(10_000) / 10_000
    got = condition_indicators(3 * np.sin(2 * np.pi * 50 * time), rate=10_000.0)
    assert got["rms"][0] == pytest.approx(3 / np.sqrt(2))
    assert got["crest_factor"][0] == pytest.approx(np.sqrt(2))
    assert got["kurtosis"][0] == pytest.approx(1.5)
    assert got["skewness"][0] == pytest.approx(0, abs=1e-12)
    noise = np.random.default_rng(7).standard_normal(400_000)
    assert condition_indicators(noise, rate=400_000.0)["kurtosis"][0] == pytest.approx(3, abs=0.05)


def test_band_power_is_the_periodogram_and_adds_up():
    rate = 5000.0
    x = np.random.default_rng(8).standard_normal(15_000) + 2
    edges = [0.0, 100.0, 1000.0, 2501.0]
    got = condition_indicators(x, rate=rate, band=edges)["band_power"]
    frequency, density = signal.periodogram(x[:5000] - x[:5000].mean(), rate, window="hann", detrend=False)
    for j, (low, high) in enumerate(pairwise(edges)):
        assert got[0, j] == pytest.approx(density[(frequency >= low) & (frequency < high)].sum(), rel=1e-9)
    tone = 4 * np.sin(2 * np.pi * 440 * np.arange(15_000) / rate)
    assert condition_indicators(tone, rate=rate, band=[400.0, 500.0])["band_power"][:, 0] == pytest.approx(8)
    assert got.shape == (3, 3)


def test_gaps_constants_and_short_records():
    x = np.random.default_rng(9).standard_normal(4000)
    x[1500] = np.nan
    x[2000:3000] = 0.1
    got = condition_indicators(x, rate=1000.0, band=[10.0, 100.0])
    for name, values in got.items():
        assert np.isnan(values[1]).all(), name
        assert np.isfinite(values[[0, 3]]).all(), name
    assert got["rms"][2] == pytest.approx(0, abs=1e-15)
    assert np.isnan(got["kurtosis"][2])
    assert condition_indicators(x[:10], rate=1000.0)["rms"].shape == (0,)


def test_fields_match_what_is_computed():
    contract = KERNELS["condition_indicators"]
    for band in (None, [100.0, 200.0, 400.0]):
        params = {"window": 1.0, "overlap": 0.0, "band": band}
        got = contract.load()(np.ones(3000), rate=1000.0, **params)
        fields = contract.fields(params)
        assert {field.name for field in fields} == set(got)
        for field in fields:
            assert got[field.name].shape[1:] == tuple(len(dim.values) for dim in field.dims)
    assert contract.check({"window": 1.0, "overlap": 0.0, "band": [200.0, 100.0]}, 1000.0)
    assert contract.check({"window": 1.0, "overlap": 0.0, "band": [100.0, 600.0]}, 1000.0)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("name", "variable", "rate", "rms", "kurtosis"),
    [
        ("097_normal_0hp_48kHz", "X097_DE_time", 48_000.0, 0.0727, 2.76),
        ("105_IR007_0hp_12kHz", "X105_DE_time", 12_000.0, 0.2912, 5.40),
        ("130_OR007at6_0hp_12kHz", "X130_DE_time", 12_000.0, 0.6691, 7.65),
    ],
)
def test_the_levels_of_recordings(shared_data, name, variable, rate, rms, kurtosis):
    from scipy.io import loadmat

    x = loadmat(shared_data / f"industrial/bearing_cwru/{name}.mat")[variable].ravel()
    got = condition_indicators(x, rate=rate, window=len(x) / rate)
    assert got["rms"][0] == pytest.approx(rms, abs=6e-5)
    assert got["kurtosis"][0] == pytest.approx(kurtosis, abs=6e-3)
