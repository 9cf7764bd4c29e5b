"""Octave bands: names and edges from the standards, tones through the whole kernel within class 1, noise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.spectral.octave import octave_bands
from hpcflow_kernels.spectral.octave_bands import OCTAVE, bands, edges, middle, nominal
from hpcflow_kernels.spectral.octave_contracts import CONTRACTS, least_bins

ISO_266 = [25, 31.5, 40, 50, 63, 80, 100, 125, 160, 200, 250, 315, 400, 500, 630, 800, 1000, 1250, 1600, 2000]

EXPONENTS = np.array([0, 1 / 8, 1 / 4, 3 / 8, 1 / 2, 1 / 2, 1, 2, 3, 4])
THIRDS = [1, 1.02667, 1.05575, 1.08746, 1.12202, 1.12202, 1.29437, 1.88173, 3.05365, 5.39195]
"""Frequencies of the limits over the middle: exponents of G for octaves, and the thirds' as printed."""
LEAST = np.array([-0.3, -0.3, -0.3, -0.3, -0.3, 2.0, 17.5, 42.0, 61.0, 70.0])
MOST = np.array([0.3, 0.4, 0.6, 1.3, 5.0, np.inf, np.inf, np.inf, np.inf, np.inf])
"""Attenuation in dB, class 1 of IEC 61260:1995 table 1; the edition of 2014 allows 0.1 to 1.5 dB more."""


def test_names_and_exact_middles():
    assert [nominal(k, 3) for k in bands(25, 2000, 3)] == ISO_266
    assert [nominal(k, 1) for k in bands(16, 16_000, 1)] == [
        *(16, 31.5, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16_000)
    ]
    assert middle(-16, 3) == pytest.approx(25.119, abs=5e-4)  # IEC 61260-1:2014 table E.1
    assert edges(0, 3) == pytest.approx((891.251, 1122.018), abs=5e-4)
    for fraction in (1, 2, 3, 6, 12, 24):
        found = bands(20, 20_000, fraction)
        for k in found[:-1]:
            assert edges(k, fraction)[1] == pytest.approx(edges(k + 1, fraction)[0])


def limits(ratio, fraction):
    """Least and most attenuation at a frequency over the middle, straight lines over its logarithm."""
    omega = OCTAVE**EXPONENTS
    omega = 1 + (OCTAVE ** (1 / (2 * fraction)) - 1) / (OCTAVE**0.5 - 1) * (omega - 1)
    if fraction == 3:
        assert omega == pytest.approx(THIRDS, abs=6e-6)
    at, x = abs(np.log(ratio)), np.log(omega)
    if at < x[4]:
        return LEAST[0], np.interp(at, x[:5], MOST[:5])
    return np.interp(at, x[5:], LEAST[5:]), np.inf


@pytest.mark.parametrize("fraction", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("rate", [16_384.0, 16_000.0])
def test_tones_are_let_through_and_stopped_as_class_1_asks(fraction, rate):
    """With the shortest window that the contract allows, at frequencies that the window resolves."""
    centre, (lower, upper) = middle(0, fraction), edges(0, fraction)
    window = np.ceil(least_bins(fraction) / (upper - lower) * rate) / rate
    t, half = np.arange(round(window * rate)) / rate, OCTAVE ** (1 / (2 * fraction))
    steps = np.concatenate([np.linspace(-1.4, 1.4, 29), np.linspace(-9, 9, 31)])
    tried = 0
    for f in centre * half ** steps[np.abs(np.abs(steps) - 1) > 0.01]:
        if not 1.2 / window < f < rate / 2 - 1.2 / window:
            continue
        powers = []
        for phase in np.pi * np.arange(4) / 4:
            tone = np.sqrt(2) * np.cos(2 * np.pi * f * t + phase)
            how = {"low": centre, "high": centre, "fraction": fraction, "window": window}
            powers.append(octave_bands(tone, rate=rate, **how)["rms"][0, 0] ** 2)
        attenuation = -10 * np.log10(np.mean(powers) + 1e-30)
        least, most = limits(f / centre, fraction)
        assert least <= attenuation <= most, (f, attenuation, least, most)
        tried += 1
    assert tried > 40


def test_the_bands_are_those_of_filters():
    """Against SciPy's band-passes of the same order, in the middle of a long stretch of noise."""
    rate = 8192.0
    x = np.random.default_rng(1).standard_normal(64 * 8192)
    got = octave_bands(x, rate=rate, low=100, high=1000, fraction=3, window=1.0, overlap=0.5)
    mean = np.sqrt((got["rms"] ** 2).mean(axis=0))
    for place, k in enumerate(bands(100, 1000, 3)):
        sos = signal.butter(3, edges(k, 3), "bandpass", fs=rate, output="sos")
        assert mean[place] == pytest.approx(signal.sosfilt(sos, x).std(), rel=0.03)


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 1e-6), (np.float64, 1e-12)])
def test_white_noise_rises_by_three_decibels_an_octave_and_a_tone_has_its_level(dtype, bound):
    rate = 16_384.0
    noise = np.random.default_rng(2).standard_normal(64 * 16_384).astype(dtype)
    level = octave_bands(noise, rate=rate, low=63, high=4000, fraction=1)["level"]
    assert level.dtype == dtype
    rise = np.diff(10 * np.log10((10 ** (level.astype(float) / 10)).mean(axis=0)))
    assert rise == pytest.approx(np.full(6, 3.0), abs=0.25)
    pascal = 2 * np.sqrt(2) * np.sin(2 * np.pi * 1000 * np.arange(16_384) / rate)
    got = octave_bands(pascal.astype(dtype), rate=rate, low=500, high=2000, fraction=1, reference=2e-5)
    assert got["rms"][0, 1] == pytest.approx(2, rel=max(bound, 1e-7))
    assert got["level"][0, 1] == pytest.approx(100, abs=1e-4)


def test_what_cannot_be_is_told():
    check = CONTRACTS[0].check
    params = {"low": 31.5, "high": 8000.0, "fraction": 3, "window": 1.0, "overlap": 0.0, "reference": 1.0}
    assert not check(params, 48_000.0)
    assert "half the sampling rate" in check(params, 12_000.0)[0]
    assert "needs 6 bins" in check({**params, "window": 0.1}, 48_000.0)[0]
    assert "no middle" in check({**params, "low": 101.0, "high": 102.0}, 48_000.0)[0]
    with pytest.raises(ValueError, match="half the sampling rate"):
        octave_bands(np.zeros(4096), rate=4096.0, low=1000, high=2000)
