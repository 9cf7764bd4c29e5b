"""Shapes of spectra and spectral kurtosis: definitions written out, known answers, a recording."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.spectral.shape import spectral_kurtosis, spectral_kurtosis_frames, spectral_shape


def written_out(frame, rate, low, high, fraction):
    """The definitions, one bin after another."""
    f, p = signal.periodogram(frame, rate, "hann")
    pairs = [(a, b) for a, b in zip(f, p, strict=True) if a > 0 and low <= a <= high]
    total = sum(b for _, b in pairs)
    centroid = sum(a * b for a, b in pairs) / total
    spread = (sum((a - centroid) ** 2 * b for a, b in pairs) / total) ** 0.5
    below, rolloff = 0.0, None
    for a, b in pairs:
        below += b
        if rolloff is None and below >= fraction * total:
            rolloff = a
    flatness = np.exp(np.mean([np.log(b) for _, b in pairs])) / (total / len(pairs))
    entropy = -sum(b / total * np.log(b / total) for _, b in pairs) / np.log(len(pairs))
    return {
        "centroid": centroid,
        "spread": spread,
        "rolloff": rolloff,
        "flatness": flatness,
        "entropy": entropy,
    }


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-5), (np.float64, 1e-12)])
@pytest.mark.parametrize(("low", "high", "fraction"), [(0.0, None, 0.85), (50.0, 300.0, 0.5)])
@pytest.mark.parametrize("window", [0.512, 0.5])
def test_the_definitions(dtype, bound, low, high, fraction, window):
    rate, rng = 1000.0, np.random.default_rng(3)
    b, a = signal.butter(2, [60, 200], "bandpass", fs=rate)
    x = (signal.lfilter(b, a, rng.standard_normal(5000)) + 3).astype(dtype)
    got = spectral_shape(x, rate=rate, window=window, low=low, high=high, rolloff=fraction)
    n = round(window * rate)
    for row in range(len(x) // n):
        frame = x[row * n : (row + 1) * n].astype(float)
        for name, value in written_out(frame, rate, low, high or rate / 2, fraction).items():
            assert got[name].dtype == dtype
            weak = 100 if name == "flatness" and dtype is np.float32 else 1
            assert got[name][row] == pytest.approx(value, rel=bound * weak), name


def test_known_spectra():
    rate, n = 8192.0, 8192
    t = np.arange(4 * n) / rate
    lines = np.sin(2 * np.pi * 1000 * t) + np.sin(2 * np.pi * 3000 * t)
    got = spectral_shape(lines, rate=rate)
    assert got["centroid"] == pytest.approx(2000, abs=0.01)
    assert got["spread"] == pytest.approx(1000, abs=0.01)
    assert got["flatness"].max() < 1e-9
    noise = spectral_shape(np.random.default_rng(4).standard_normal(64 * n), rate=rate)
    assert noise["centroid"].mean() == pytest.approx(rate / 4, rel=5e-3)
    assert noise["spread"].mean() == pytest.approx(rate / 2 / np.sqrt(12), rel=5e-3)
    assert noise["rolloff"].mean() == pytest.approx(0.85 * rate / 2, rel=5e-3)
    assert noise["flatness"].mean() == pytest.approx(np.exp(-np.euler_gamma), rel=5e-3)


def test_a_tone_between_bins_is_found():
    rate = 1000.0
    for f in np.linspace(100, 101, 11):
        got = spectral_shape(np.cos(2 * np.pi * f * np.arange(1000) / rate + 0.3), rate=rate)
        assert got["peak_frequency"][0] == pytest.approx(f, abs=0.02)


def test_nothing_and_gaps_have_no_shape():
    x = np.random.default_rng(5).standard_normal(4096)
    x[1024:2048] = 0.1
    x[2500] = np.nan
    got = spectral_shape(x, rate=1024.0)
    for name, values in got.items():
        assert np.isnan(values[1:3]).all(), name
        assert np.isfinite(values[[0, 3]]).all(), name
    with pytest.raises(ValueError, match="4 bins"):
        spectral_shape(x, rate=1024.0, low=10.0, high=12.0)


@pytest.mark.parametrize("n", [64, 100])
def test_kurtosis_is_the_estimate_written_out(n):
    x = np.random.default_rng(n).standard_normal((2, 30 * n)) ** 3
    f, got = spectral_kurtosis(x, 10.0, nperseg=n, noverlap=n // 4)
    assert np.array_equal(f, np.fft.rfftfreq(n, 0.1))
    weights = signal.get_window("hann", n)
    starts = range(0, 29 * n + 1, n - n // 4)
    for row in range(2):
        power = np.array(
            [
                np.abs(np.fft.rfft((x[row, s : s + n] - x[row, s : s + n].mean()) * weights)) ** 2
                for s in starts
            ]
        )
        m = len(power)
        expected = m / (m - 1) * ((m + 1) * (power**2).sum(0) / power.sum(0) ** 2 - 2)
        expected[[0, -1]] -= 1
        assert got[row] == pytest.approx(expected, abs=1e-11)


def test_noise_has_none_tones_have_minus_one_and_bursts_have_much():
    rng, n = np.random.default_rng(6), 128
    noise = rng.standard_normal(n * 20_000)
    value = spectral_kurtosis(noise, nperseg=n, noverlap=0)[1]
    assert np.abs(value).max() < 5 * 2 / np.sqrt(20_000)
    assert value[1:-1].std() == pytest.approx(2 / np.sqrt(20_000), rel=0.3)
    tone = np.sin(2 * np.pi * 16 / n * np.arange(n * 400)) + 1e-3 * rng.standard_normal(n * 400)
    assert spectral_kurtosis(tone, nperseg=n)[1][16] == pytest.approx(-1, abs=0.01)
    bursts = rng.standard_normal(n * 400) * (np.arange(n * 400) // n % 10 == 0)
    assert np.median(spectral_kurtosis(bursts, nperseg=n, noverlap=0)[1]) == pytest.approx(
        2 * 10 - 2, rel=0.15
    )
    with pytest.raises(ValueError, match="needs two segments"):
        spectral_kurtosis(noise[: n + 5], nperseg=n)


def test_windows_are_signals_of_their_own():
    x = np.random.default_rng(7).standard_normal(5000).astype(np.float32)
    x[1999] = np.nan
    got = spectral_kurtosis_frames(x, rate=1000.0, window=1.0, nperseg=64)["kurtosis"]
    assert got.dtype == np.float32
    for row in range(5):
        if row == 1:
            assert np.isnan(got[row]).all()
        else:
            expected = spectral_kurtosis(x[1000 * row : 1000 * (row + 1)], nperseg=64)[1]
            assert got[row] == pytest.approx(expected, rel=1e-6)


@pytest.mark.shared_data
def test_a_faulty_bearing_is_impulsive_where_it_resonates(shared_data):
    """The outer race of record 130 makes the machine ring at 2.5 to 4 kHz; the healthy one rings nowhere."""
    from scipy.io import loadmat

    folder = shared_data / "industrial/bearing_cwru"
    faulty = loadmat(folder / "130_OR007at6_0hp_12kHz.mat")["X130_DE_time"].ravel()
    f, value = spectral_kurtosis(faulty, 12_000.0, nperseg=64)
    assert value[(f > 2500) & (f < 4000)].max() > 1
    healthy = loadmat(folder / "097_normal_0hp_48kHz.mat")["X097_DE_time"].ravel()
    assert spectral_kurtosis(healthy, 48_000.0, nperseg=256)[1][2:-1].max() < value.max()
