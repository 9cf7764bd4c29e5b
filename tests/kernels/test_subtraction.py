"""Spectral subtraction: its definition, known signals under known noise, gaps, and an infrasound array."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from scipy.io import savemat

from hpcflow import api
from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.spectral.subtraction import spectral_subtraction, subtraction_of_record

ASKED = {"nperseg": 256, "overlap": 0.75, "quantile": 0.5, "excess": 1.0, "reduction": 20.0}


def chirps(samples=60_000, seed=0):
    """A short chirp now and then, a tenth of the time, and coloured noise."""
    rng = np.random.default_rng(seed)
    clean, one = np.zeros(samples), signal.chirp(np.arange(1000), 0.02, 1000, 0.2) * signal.windows.hann(1000)
    for start in range(3000, samples - 1000, 10_000):
        clean[start : start + 1000] = one
    noise = 0.2 * signal.lfilter([1, 0.9], [1], rng.standard_normal(samples))
    return clean, noise


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize("nperseg", [256, 300])
def test_it_is_its_definition(dtype, bound, nperseg):
    clean, noise = chirps(20_000)
    x = (clean + noise).astype(dtype)
    wide = x.astype(np.float64)
    shared = nperseg - (nperseg - int(nperseg * 0.75 + 0.5))
    z = signal.stft(wide - wide.mean(), nperseg=nperseg, noverlap=shared)[2]
    power = np.abs(z) ** 2
    floor = np.quantile(power, 0.4, axis=1, keepdims=True) / -np.log(0.6)
    z *= np.sqrt(np.maximum(1 - 1.5 * floor / power, 0.01))
    expected = signal.istft(z, nperseg=nperseg, noverlap=shared)[1][: len(x)] + wide.mean()
    got = spectral_subtraction(x, nperseg=nperseg, quantile=0.4, excess=1.5)
    assert got.signal.dtype == dtype
    assert np.abs(got.signal - expected).max() <= bound * np.abs(x).max()
    assert got.noise == pytest.approx(floor.ravel(), rel=1e-4)


def test_noise_is_found_and_chirps_come_out_of_it():
    clean, noise = chirps()
    found = spectral_subtraction(clean + noise, nperseg=256, excess=2.0)
    true = signal.stft(noise, nperseg=256, noverlap=192)[2]
    true = np.mean(np.abs(true) ** 2, axis=1)
    assert found.noise[2:-2].sum() == pytest.approx(true[2:-2].sum(), rel=0.15)
    before, after = np.std(noise), np.std(found.signal - clean)
    assert after < before / 2.5
    quiet = clean == 0
    assert np.std(found.signal[quiet]) < np.std(noise[quiet]) / 3
    top = found.signal[3000:4000] @ clean[3000:4000] / (clean[3000:4000] @ clean[3000:4000])
    assert top == pytest.approx(1, abs=0.1), "a chirp keeps its size to a tenth"


def test_without_noise_or_reduction_nothing_changes():
    clean, noise = chirps()
    assert spectral_subtraction(clean + 5, nperseg=256).signal == pytest.approx(
        clean + 5, abs=1e-6
    )  # the mean
    x = clean + noise
    assert spectral_subtraction(x, nperseg=256, reduction=0.0).signal == pytest.approx(x, abs=1e-12)
    assert spectral_subtraction(x, nperseg=256, excess=0.0).signal == pytest.approx(x, abs=1e-12)


def test_gaps_stay_and_short_stretches_have_nothing():
    clean, noise = chirps()
    x = (clean + noise + 3).astype(np.float32)
    x[30_000:30_010], x[30_100] = np.nan, np.inf
    got = subtraction_of_record(signal=Rows(x, 1000.0, "Pa", {}), **ASKED)["cleaned"]
    assert np.array_equal(np.flatnonzero(np.isnan(got)), np.arange(30_000, 30_101))
    whole = spectral_subtraction((clean + noise + 3).astype(np.float32), nperseg=256).signal
    assert got[:29_000] == pytest.approx(whole[:29_000], abs=0.02)
    with pytest.raises(UnusableRecordError, match="256 samples of a segment"):
        subtraction_of_record(signal=Rows(x[30_000:30_101], 1000.0, "Pa", {}), **ASKED)


def test_a_run_from_end_to_end(tmp_path):
    clean, noise = chirps(20_000)
    (tmp_path / "in").mkdir()
    savemat(tmp_path / "in/a.mat", {"x": clean + noise, "rate": 1000.0})
    (tmp_path / "w.yaml").write_text("""
hpcflow: 1
name: quiet
datasets:
  mic:
    files: "in/*.mat"
    reader: matlab
    variables: {x: {select: x, units: Pa}}
    facts: {sampling_rate: {select: rate, units: Hz}}
steps:
  quiet: {kernel: spectral_subtraction, input: mic.x, with: {nperseg: 256, quantile: 60 %, reduction: 30}}
  level: {kernel: rolling, input: quiet, with: {window: 100 ms, statistic: std}}
save: [quiet, level]
""")
    run = api.start(api.ask(tmp_path / "w.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    found = api.open_step(run, "quiet")["cleaned"]
    stored = (clean + noise).astype(found.dtype)
    expected = spectral_subtraction(stored, nperseg=256, quantile=0.6, reduction=30.0).signal
    assert np.array_equal(found.values.ravel(), expected)
    assert found.attrs["units"] == "Pa"


@pytest.mark.shared_data
def test_an_infrasound_signal_stands_out_of_the_wind(shared_data):
    """The published detection is at 18:07:05 UTC; the wind before it goes down more than the signal does."""
    path = next((shared_data / "environment").rglob("YJ.BRP1..EDF.1800.SAC"))
    x = np.frombuffer(path.read_bytes()[632:], np.float32)
    x = signal.sosfiltfilt(signal.butter(2, [1, 20], "bandpass", fs=100, output="sos"), x)
    y = spectral_subtraction(x, nperseg=512, excess=2.0).signal
    event, before = slice(42_300, 42_700), slice(20_000, 40_000)
    contrast = [np.std(v[event]) / np.std(v[before]) for v in (x, y)]
    assert contrast[1] > 2.5 * contrast[0]
    assert np.std(y[event]) > 0.98 * np.std(x[event])
