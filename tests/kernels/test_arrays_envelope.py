"""Envelopes, kurtograms and indicators on array libraries: beside the processor's, and beside SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from scipy import signal, stats

from hpcflow_kernels import Rows, get
from hpcflow_kernels.arrays import envelope, indicators
from hpcflow_kernels.arrays.kurtogram import kurtogram_of_record
from hpcflow_kernels.arrays.segments import longest_stretch
from tests.conftest import named

RATE = 1000.0
SINGLE, DOUBLE = 4e-6, 1e-11
ASARRAY: dict[str, Callable[[np.ndarray], Any]] = {
    "strict": array_api_strict.asarray,
    "torch": lambda x: torch.from_numpy(x.copy()),
}


@pytest.fixture(params=sorted(ASARRAY))
def asarray(request):
    """Of one library; the strict one knows what the standard of 2023 has, and no more."""
    with array_api_strict.ArrayAPIStrictFlags(api_version="2023.12"):
        yield ASARRAY[request.param]


def noise(samples: int) -> np.ndarray:
    x: np.ndarray = np.random.default_rng(samples).standard_normal(samples) + 5
    return x


WINDOWS = [
    (envelope.envelope_spectrum, {"window": 0.5, "max_frequency": 100.0}),
    (envelope.envelope_spectrum, {"window": 0.301, "max_frequency": 150.0, "overlap": 0.3}),
    (envelope.envelope_spectrum, {"window": 0.3003, "max_frequency": 150.0}),
    (envelope.envelope_spectrum, {"window": 0.5, "max_frequency": 100.0, "band": [50.0, 200.0]}),
    (envelope.envelope_spectrum, {"window": 0.512, "max_frequency": 100.0, "band": [0.0, 500.0]}),
    (envelope.envelope_spectrum, {"window": 0.2505, "max_frequency": 80.0, "band": [200.0, 400.0]}),
    (envelope.squared_envelope_spectrum, {"window": 0.5, "max_frequency": 100.0, "band": [50.0, 200.0]}),
    (envelope.squared_envelope_spectrum, {"window": 0.2505, "max_frequency": 200.0, "band": [300.0, 500.0]}),
    (indicators.condition_indicators, {"window": 0.25}),
    (indicators.condition_indicators, {"window": 0.25, "overlap": 0.5, "missing": 0.2}),
    (indicators.condition_indicators, {"window": 0.256, "overlap": 0.5, "band": [10.0, 100.0, 400.0]}),
    (indicators.condition_indicators, {"window": 0.301, "missing": 0.5, "band": [0.0, 100.0, 500.0, 700.0]}),
    (indicators.waveform_factors, {"window": 0.3, "overlap": 0.5}),
    (indicators.vibration_severity, {"window": 0.5, "high": 400.0}),
    (indicators.vibration_severity, {"window": 0.3003, "low": 20.0, "high": 500.0, "machine": "class II"}),
    (indicators.vibration_exposure, {"window": 1.0}),
    (indicators.vibration_exposure, {"window": 1.5, "overlap": 0.5}),
]


def every(ours: Callable[..., Any], params: dict[str, Any]) -> dict[str, Any]:
    return {p.name: params.get(p.name, p.default) for p in get(ours.__name__).params}


@pytest.mark.filterwarnings("ignore:(invalid value|divide by zero):RuntimeWarning")  # of NumPy
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("ours", "params"), WINDOWS, ids=named)
def test_silence_is_that_of_the_processor(ours, params, dtype, asarray):
    x = (np.random.default_rng(3).standard_normal(3001) + 3 * np.sin(0.56 * np.arange(3001)) + 5).astype(
        dtype
    )
    x[:1500] = 0.1
    x[2000:2004] = np.inf, np.nan, -np.inf, np.inf
    how = every(ours, params)
    made, expected = ours(asarray(x), rate=RATE, **how), get(ours.__name__).load()(x, rate=RATE, **how)
    for field, wanted in expected.items():
        got, there = np.asarray(made[field]), np.isfinite(wanted)
        assert np.array_equal(got[~there], wanted[~there], equal_nan=True), field
        bound = SINGLE if dtype == np.float32 else DOUBLE
        assert np.abs(got[there] - wanted[there]).max() <= bound * np.abs(wanted[there]).max(), field


def test_an_envelope_is_that_of_scipys_hilbert_transform(asarray):
    x = noise(400)
    how = {"window": 0.4, "max_frequency": 200.0}
    got = np.asarray(envelope.envelope_spectrum(asarray(x), rate=RATE, **how)["amplitude"])[0]
    modulus = np.abs(signal.hilbert(x))
    weights = signal.get_window("hann", 400)
    lines = 2 * np.abs(np.fft.rfft((modulus - modulus.mean()) * weights)) / weights.sum()
    assert np.abs(got[1:] - lines[1:81]).max() <= 1e-13 * lines.max()
    assert got[0] == pytest.approx(modulus.mean(), rel=1e-14)


def test_indicators_are_scipys(asarray):
    x = noise(256)
    how = {"window": 0.256, "band": [10.0, 100.0, 400.0]}
    got = indicators.condition_indicators(asarray(x), rate=RATE, **how)
    frequency, power = signal.periodogram(x, RATE, "hann", detrend="constant", scaling="spectrum")
    power *= signal.get_window("hann", 256).sum() ** 2 / (256 * np.sum(signal.get_window("hann", 256) ** 2))
    wanted = {
        "rms": x.std(),
        "kurtosis": stats.kurtosis(x, fisher=False),
        "skewness": stats.skew(x),
        "crest_factor": np.abs(x - x.mean()).max() / x.std(),
        "peak_to_peak": np.ptp(x),
    }
    for name, value in wanted.items():
        assert float(np.asarray(got[name])[0]) == pytest.approx(value, rel=1e-12)
    for j, (low, high) in enumerate(((10, 100), (100, 400))):
        inside = (frequency >= low) & (frequency < high)
        assert float(np.asarray(got["band_power"])[0, j]) == pytest.approx(power[inside].sum(), rel=1e-12)


def impacts(samples: int, dtype: type) -> np.ndarray:
    """Noise with a ringing at 180 Hz that something strikes again and again."""
    rng, time = np.random.default_rng(samples), np.arange(samples) / RATE
    since = np.mod(time, 0.31)
    x = rng.standard_normal(samples) + 20 * np.exp(-since / 0.01) * np.sin(2 * np.pi * 180 * since)
    return x.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("samples", "levels"), [(200_003, 5), (40_000, 7), (9000, 3), (500, 6)])
def test_a_kurtogram_is_that_of_the_processor(samples, levels, dtype, asarray):
    x = impacts(samples, dtype)
    made = kurtogram_of_record(signal=Rows(asarray(x), RATE, "m", {}), levels=levels)
    expected = get("kurtogram").load()(signal=Rows(x, RATE, "m", {}), levels=levels)
    for field, wanted in expected.items():
        got = np.asarray(made[field])
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        bound = 1e-4 if dtype == np.float32 else 1e-6  # the table is stored in float32
        assert np.allclose(got, wanted, rtol=bound, atol=bound, equal_nan=True), field
    assert samples < 9000 or made["band_low"] <= 180 <= made["band_high"]


def test_without_change_there_is_no_kurtogram(asarray):
    for x in (np.full(9000, 2.0), np.full(9000, np.nan), np.zeros(0)):
        made = kurtogram_of_record(signal=Rows(asarray(x), RATE, "m", {}), levels=3)
        assert all(np.isnan(np.asarray(values)).all() for values in made.values())


@pytest.mark.parametrize(
    ("x", "longest"),
    [
        ([1, 2], [1, 2]),
        ([np.nan, 1, 2, np.inf, 3, 4, np.nan], [1, 2]),
        ([1, np.nan, 2, 3], [2, 3]),
        ([np.nan], []),
    ],
)
def test_the_longest_stretch_is_the_first_of_the_longest(asarray, x, longest):
    assert np.asarray(longest_stretch(asarray(np.array(x, np.float64)))).tolist() == longest
