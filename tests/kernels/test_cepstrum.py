"""Cepstra: a signal whose cepstrum is a known series, echoes, families of lines, a bearing."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow_kernels.spectral.cepstrum import cepstrum_frames, power_cepstrum, real_cepstrum


@pytest.mark.parametrize("echo", [0.5, -0.3])
def test_the_series_of_a_logarithm(echo):
    """log|1 + a exp(-i w d)| is the sum of -(-a)**m / m cos(m w d): half of each at m d and at -m d."""
    n, delay = 256, 16
    x = np.zeros(n)
    x[0], x[delay] = 2.0, 2.0 * echo
    got = real_cepstrum(x)
    expected = np.zeros(n)
    expected[0] = np.log(2)
    for m in range(1, 200):  # terms beyond half of n fold back
        for place in (m * delay, -m * delay):
            expected[place % n] -= (-echo) ** m / (2 * m)
    assert got == pytest.approx(expected, abs=1e-14)
    assert power_cepstrum(x) == pytest.approx(4 * expected**2, abs=1e-14)


def test_shapes_types_and_lengths():
    x = np.random.default_rng(1).standard_normal((2, 50, 3)).astype(np.float32)
    got = real_cepstrum(x, axis=1)
    assert got.shape == x.shape
    assert got.dtype == np.float32
    assert got[1, :, 2] == pytest.approx(real_cepstrum(x[1, :, 2].astype(float)), abs=1e-6)
    padded = np.concatenate([x[0, :, 0], np.zeros(14)])
    assert real_cepstrum(x[0, :, 0], 64) == pytest.approx(real_cepstrum(padded))
    by_definition = np.fft.ifft(np.log(np.abs(np.fft.fft(padded.astype(float))))).real
    assert real_cepstrum(padded.astype(float)) == pytest.approx(by_definition, abs=1e-13)


@pytest.mark.parametrize("nperseg", [2048, 2000])
def test_an_echo_is_found_in_noise(nperseg):
    rate, delay = 8000.0, 73
    source = np.random.default_rng(2).standard_normal(20_000 + delay)
    x = source[delay:] + 0.6 * source[:-delay]
    got = cepstrum_frames(x, rate=rate, nperseg=nperseg)["cepstrum"]
    assert got.shape[1] == nperseg // 2 + 1
    mean = got.mean(axis=0)
    assert np.argmax(mean[20:]) + 20 == delay
    assert mean[delay] == pytest.approx(0.3, abs=0.05)
    power = cepstrum_frames(x, rate=rate, nperseg=nperseg, kind="power")["cepstrum"]
    assert power == pytest.approx(4 * got**2, rel=1e-12)


def test_a_family_of_lines_becomes_its_period():
    rate, period = 10_000.0, 80
    t = np.arange(8192)
    x = np.sin(2 * np.pi * 0.23 * (t % period)) * np.exp(-(t % period) / 8.0)
    x = x + 0.01 * np.random.default_rng(3).standard_normal(len(t))
    got = cepstrum_frames(x, rate=rate, nperseg=4096)["cepstrum"][0]
    assert np.argmax(got[40:120]) + 40 == period


def test_segments_without_power_or_with_gaps_have_none():
    x = np.random.default_rng(4).standard_normal(1024).astype(np.float32)
    x[256:512] = 3
    x[600] = np.nan
    got = cepstrum_frames(x, rate=1.0, nperseg=256, overlap=0.0)["cepstrum"]
    assert got.dtype == np.float32
    assert np.isnan(got).all(axis=1).tolist() == [False, True, True, False]
