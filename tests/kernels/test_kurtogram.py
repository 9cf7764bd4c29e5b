"""The kurtogram against its definition band by band, on simulated faults and on a recording."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import fft, signal, stats

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.bearing_simulation import Machine, simulate
from hpcflow_kernels.machine.kurtogram import kurtogram
from hpcflow_kernels.machine.kurtogram_contracts import band_counts
from hpcflow_kernels.registry import get

CONTRACT = get("kurtogram")


def record(x: np.ndarray, rate: float, levels: int = 7) -> dict[str, np.ndarray]:
    return CONTRACT.load()(signal=Rows(x, rate, "m s-2", {}), levels=levels)


def test_each_band_has_the_kurtosis_of_its_analytic_signal():
    x = np.random.default_rng(1).standard_t(4, 4 * 3 * 2**9) + 5
    found = kurtogram(x, levels=4)
    assert tuple(found.counts) == (1, 2, 3, 4, 6, 8, 12, 16)
    inner, fade = x[288:-288], np.sin(np.pi / 2 * (np.arange(288) + 0.5) / 288) ** 2
    assert found.kurtosis[0][0] == pytest.approx(stats.kurtosis(inner), rel=1e-12)
    spectrum = fft.fft((x - inner.mean()) * np.concatenate([fade, np.ones(len(inner)), fade[::-1]]))
    spectrum[0] = 0
    for count, row in zip(found.counts[1:], found.kurtosis[1:], strict=True):
        width = len(x) // 2 // count
        for band in range(count):
            kept = np.zeros_like(spectrum)
            kept[band * width : (band + 1) * width] = spectrum[band * width : (band + 1) * width]
            power = np.abs(fft.ifft(kept)[288:-288][:: 2 * count]) ** 2
            assert row[band] == pytest.approx(np.mean(power**2) / np.mean(power) ** 2 - 2, abs=1e-9)
    single = kurtogram(x.astype(np.float32), levels=4)
    for one, two in zip(single.kurtosis, found.kurtosis, strict=True):
        assert np.abs(one - two).max() <= 1e-4 * (1 + np.abs(two).max())


def test_blocks_are_parts_of_one_record():
    x = np.random.default_rng(8).standard_t(4, 300_000)
    found = kurtogram(x, levels=4)
    assert 0.95 * len(x) < found.samples[0] < len(x)
    frequency = np.fft.rfftfreq(len(x))
    for band in (0, 5, 15):
        kept = fft.rfft(x) * (frequency >= band / 32) * (frequency < (band + 1) / 32)
        power = np.abs(signal.hilbert(fft.irfft(kept, len(x)))[1000 : found.samples[0]]) ** 2
        expected = np.mean(power**2) / np.mean(power) ** 2 - 2
        assert found.kurtosis[-1][band] == pytest.approx(expected, abs=0.1)


def test_noise_has_kurtosis_zero_with_the_stated_spread():
    found = kurtogram(np.random.default_rng(2).standard_normal(3 * 2**18), levels=7)
    for row, samples in list(zip(found.kurtosis, found.samples, strict=True))[8:]:
        assert np.std(row) == pytest.approx(math.sqrt(4 / samples), rel=0.35)
        assert abs(np.mean(row)) < 4 * math.sqrt(4 / samples / len(row))


def test_bursts_in_a_band_are_found_there():
    rate, rng = 20_000.0, np.random.default_rng(3)
    x = rng.standard_normal(200_000)
    sos = signal.butter(4, [6300.0, 7400.0], "bandpass", fs=rate, output="sos")
    bursts = np.zeros(len(x))
    bursts[rng.integers(0, len(x), 400)] = 25.0
    out = record(x + signal.sosfilt(sos, bursts), rate)
    assert out["band_low"] < 6850 < out["band_high"]
    assert out["band_high"] - out["band_low"] <= 2500
    assert out["band_kurtosis"] > 20 * out["kurtosis_noise"]


@pytest.mark.parametrize("fault", ["inner", "outer", "rolling"])
def test_the_band_of_a_simulated_fault_is_its_resonance(fault):
    machine = Machine(fault=fault, level=0.5, seconds=8.0, rate=25_600.0, resonances=((4700.0, 0.04),))
    out = record(simulate(machine).astype(np.float32), machine.rate)
    assert out["band_low"] < 4700 < out["band_high"]
    assert out["band_kurtosis"] > 10 * out["kurtosis_noise"]


@pytest.mark.shared_data
def test_the_band_of_a_recording_shows_its_fault(shared_data):
    from scipy.io import loadmat

    from hpcflow_kernels.machine.envelope_band import squared_envelope_spectrum

    x = loadmat(shared_data / "industrial/bearing_cwru/130_OR007at6_0hp_12kHz.mat")["X130_DE_time"].ravel()
    out = record(x, 12_000.0)
    band = (float(out["band_low"]), float(out["band_high"]))
    assert out["band_kurtosis"] > 1
    last = min(400.0, band[1] - band[0])
    rows = squared_envelope_spectrum(x, rate=12_000.0, band=band, max_frequency=last)
    mean = rows["squared_amplitude"].mean(axis=0)
    # README: the outer race's line stands at 107.67 Hz
    near = mean[106:110].max()
    assert near > 10 * np.median(mean[20:])


def test_rows_follow_the_contract_and_what_cannot_be_told_is_missing():
    x = np.random.default_rng(4).standard_normal(9999)
    for values, levels in ((x, 5), (x[:40], 2), (x[:3], 7), (np.ones(5000), 3), (np.full(50, np.nan), 3)):
        out = record(values, 1000.0, levels)
        fields = CONTRACT.fields({"levels": levels})
        assert {field.name for field in fields} == set(out)
        for field in fields:
            assert out[field.name].shape == tuple(len(dim.values) for dim in field.dims)
            assert out[field.name].dtype == np.float32
        whole = len(values) > 1000 and values[0] != 1
        assert np.isfinite(out["band_low"]) == whole
    assert np.isfinite(record(x, 1000.0, 5)["kurtosis"]).all()


def test_a_step_between_the_records_ends_is_no_impulse():
    # a slow drift; the upper half of the noise is 60 dB below the lower
    rng = np.random.default_rng(6)
    x = signal.sosfilt(signal.butter(8, 0.5, output="sos"), rng.standard_normal(60_000))
    x += np.linspace(-5, 5, len(x)) + 1e-3 * rng.standard_normal(len(x))
    found = kurtogram(x, levels=6)
    assert max(np.nanmax(row) for row in found.kurtosis[1:]) < 1


def test_a_gap_leaves_the_longest_stretch_and_gain_changes_nothing():
    x = np.random.default_rng(5).standard_t(5, 20_000)
    first = record(x[3001:], 1000.0, 4)
    cut = x.copy()
    cut[3000] = np.nan
    again = record(1e-6 * cut, 1000.0, 4)
    assert again["kurtosis"] == pytest.approx(first["kurtosis"], rel=1e-5)
    assert again["band_low"] == first["band_low"]


def test_levels_are_halves_and_thirds():
    assert band_counts(7) == (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128)
