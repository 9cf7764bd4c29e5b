"""Spectral kernels on array libraries: beside those of the processor, and beside SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch
from scipy import signal

from hpcflow_kernels import get
from hpcflow_kernels.arrays import frames, spectrum

RATE = 1000.0
SINGLE, DOUBLE = 4e-6, 1e-12
ASARRAY: dict[str, Callable[[np.ndarray], Any]] = {
    "strict": array_api_strict.asarray,
    "torch": lambda x: torch.from_numpy(x.copy()),
}


@pytest.fixture(params=sorted(ASARRAY))
def asarray(request):
    """Of one library; the strict one knows what the standard of 2023 has, and no more."""
    with array_api_strict.ArrayAPIStrictFlags(api_version="2023.12"):
        yield ASARRAY[request.param]


def noise(samples: int, dtype: type, gaps: bool = False) -> np.ndarray:
    """Noise with a tone and an offset; with gaps one in the middle and one sample at the end."""
    rng = np.random.default_rng(samples)
    x = (rng.standard_normal(samples) + 3 * np.sin(0.56 * np.arange(samples)) + 5).astype(dtype)
    if gaps:
        x[samples // 3 : samples // 3 + 7] = x[-1] = np.nan
    return x


LINES, BOXCAR = {"scaling": "spectrum"}, {"taper": "boxcar"}

WINDOWS = [
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 256}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 100, "overlap": 0.9, "taper": "boxcar"}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 77, "overlap": 0.3, "scaling": "spectrum"}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 32, "overlap": 0.0, "scaling": "magnitude"}),
    (spectrum.spectrogram_frames, "spectrogram", {"nperseg": 75, "scaling": "magnitude"}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.256, "max_frequency": 200.0}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.3, "overlap": 0.5, "max_frequency": 500.0}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.2505, "max_frequency": 100.0}),
    (spectrum.periodogram_frames, "periodogram", {"window": 0.0617, "max_frequency": 480.0, **LINES}),
    (spectrum.multitaper_frames, "multitaper", {"nperseg": 256}),
    (spectrum.multitaper_frames, "multitaper", {"nperseg": 101, "weighting": "uniform", **LINES}),
    (spectrum.multitaper_frames, "multitaper", {"nperseg": 96, "bandwidth": 2.5, "weighting": "adaptive"}),
    (spectrum.cepstrum_frames, "cepstrum", {"nperseg": 256}),
    (spectrum.cepstrum_frames, "cepstrum", {"nperseg": 75, "overlap": 0.75, **BOXCAR, "kind": "power"}),
]


@pytest.mark.parametrize("gaps", [False, True], ids=["whole", "gaps"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("ours", "name", "params"), WINDOWS, ids=str)
def test_windows_are_those_of_the_processor(ours, name, params, dtype, gaps, asarray):
    x = noise(5001, dtype, gaps)
    contract = get(name)
    every = {p.name: params.get(p.name, p.default) for p in contract.params}
    given = asarray(x)
    made, expected = ours(given, rate=RATE, **every), contract.load()(x, rate=RATE, **every)
    assert set(made) == set(expected)
    for field, wanted in expected.items():
        assert type(made[field]) is type(given)
        got = np.asarray(made[field])
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        assert np.array_equal(np.isnan(got), np.isnan(wanted))
        bound = SINGLE if dtype == np.float32 else DOUBLE
        assert np.nanmax(np.abs(got - wanted)) <= bound * np.nanmax(np.abs(wanted))
    assert np.array_equal(np.asarray(given), x, equal_nan=True)


def test_a_spectrogram_is_scipys(asarray):
    x = noise(4001, np.float64)
    for n, shared, taper, scaling in ((128, 96, "hann", "density"), (75, 25, "hamming", "spectrum")):
        how = {"nperseg": n, "overlap": shared / n, "taper": taper, "scaling": scaling}
        got = spectrum.spectrogram_frames(asarray(x), rate=RATE, **how)["spectrogram"]
        expected = signal.spectrogram(x, RATE, taper, n, shared, scaling=scaling)[2].T
        assert np.abs(np.asarray(got) - expected).max() <= 1e-13 * expected.max()


def test_a_periodogram_is_that_of_the_definition_on_any_grid(asarray):
    x, rate, window = noise(700, np.float64), 1024.0, 0.3003
    how = {"window": window, "max_frequency": 500.0, "taper": "hann"}
    got = np.asarray(spectrum.periodogram_frames(asarray(x), rate=rate, **how)["power"])
    n = round(window * rate)
    weights = signal.get_window("hann", n)
    frequency = np.arange(151) / window
    turning = np.exp(-2j * np.pi * np.outer(frequency, np.arange(n)) / rate)
    for row in range(2):
        frame = x[row * n : (row + 1) * n]
        expected = 2 * np.abs(turning @ ((frame - frame.mean()) * weights)) ** 2
        expected[0] /= 2
        expected /= rate * np.sum(weights**2)
        assert np.abs(got[row] - expected).max() <= 1e-12 * expected.max()


def test_a_multitaper_spectrum_is_the_mean_over_tapers(asarray):
    x = noise(256, np.float64)
    how = {"nperseg": 256, "weighting": "uniform"}
    got = np.asarray(spectrum.multitaper_frames(asarray(x), rate=RATE, **how)["power"])[0]
    tapers = signal.windows.dpss(256, 4.0, 7)
    expected = np.mean([signal.periodogram(x, RATE, taper)[1] for taper in tapers], axis=0)
    assert np.abs(got - expected).max() <= 1e-13 * expected.max()


@pytest.mark.parametrize(("ours", "name", "params"), WINDOWS, ids=str)
def test_how_many_frames_go_together_changes_no_bit(ours, name, params, asarray, monkeypatch):
    every = {p.name: params.get(p.name, p.default) for p in get(name).params}
    x = asarray(noise(3001, np.float32, gaps=True))
    whole = {field: np.asarray(values) for field, values in ours(x, rate=RATE, **every).items()}
    for near in (1, 2000):
        monkeypatch.setattr(frames, "NEAR", near)
        for field, values in ours(x, rate=RATE, **every).items():
            assert np.array_equal(np.asarray(values), whole[field], equal_nan=True)
