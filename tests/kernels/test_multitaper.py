"""Multitaper spectra: the definition, what the adaptive weights must fulfil, noise, lines and leakage."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal
from scipy.signal.windows import dpss

from hpcflow_kernels.spectral.multitaper import adapt, multitaper, multitaper_frames


def eigenspectra(x, fs, nw, count):
    """One-sided density by each taper, by NumPy's transform."""
    tapers, kept = dpss(len(x), nw, count, return_ratios=True)
    power = np.abs(np.fft.rfft(tapers * (x - x.mean()), axis=1)) ** 2 / fs
    power[:, 1 : len(x) // 2 if len(x) % 2 == 0 else None] *= 2
    return power, kept


@pytest.mark.parametrize("n", [256, 1024, 500, 501])
@pytest.mark.parametrize(("nw", "count"), [(4.0, None), (2.5, 3)])
def test_weighted_means_of_eigenspectra(n, nw, count):
    x = np.random.default_rng(n).standard_normal((2, n)) + 3
    for weighting in ("uniform", "eigenvalues"):
        f, got = multitaper(x, 50.0, nw, count, weighting)
        assert np.array_equal(f, np.fft.rfftfreq(n, 1 / 50))
        single = multitaper(x.astype(np.float32).T, 50.0, nw, count, weighting, axis=0)[1]
        assert single.dtype == np.float32
        for row in range(2):
            power, kept = eigenspectra(x[row], 50.0, nw, count or int(2 * nw) - 1)
            expected = np.average(power, axis=0, weights=kept if weighting == "eigenvalues" else None)
            assert np.abs(got[row] - expected).max() <= 1e-13 * expected.max()
            assert np.abs(single[:, row] - expected).max() <= 4e-6 * expected.max()


@pytest.mark.parametrize("n", [256, 300])
def test_adaptive_weights_settle_where_thomsons_equation_holds(n):
    fs, b = 8.0, signal.butter(4, 0.2)
    x = signal.lfilter(*b, np.random.default_rng(n).standard_normal(5 * n))[-n:]
    power, kept = eigenspectra(x, fs, 4.0, 7)
    sided = np.full(n // 2 + 1, 2.0)
    sided[[0, -1]] = 1
    got = multitaper(x, fs, 4.0, weighting="adaptive")[1] / sided
    leak = (1 - kept[:, None]) * x.var() / fs
    weights = kept[:, None] * (got / (kept[:, None] * got + leak)) ** 2
    assert got == pytest.approx((weights * power / sided).sum(0) / weights.sum(0), rel=1e-8)
    assert np.isnan(adapt(np.ones((3, 4)), np.ones(3), np.nan)).all()


def test_noise_is_flat_with_a_seventh_of_the_variance():
    x = np.random.default_rng(1).standard_normal((300, 512))
    for weighting in ("eigenvalues", "uniform", "adaptive"):
        got = multitaper(x, 1.0, weighting=weighting)[1][:, 8:-8]
        assert got.mean() == pytest.approx(2, rel=0.01)
        assert got.var() / got.mean() ** 2 == pytest.approx(1 / 7, rel=0.1)
    assert signal.periodogram(x)[1][:, 8:-8].var() / 4 == pytest.approx(1, rel=0.1)


def test_a_tone_has_its_power_and_leaks_less_than_hanns():
    n, at = 1024, 100
    x = 3 * np.cos(2 * np.pi * at * np.arange(n) / n + 0.4)
    for weighting in ("eigenvalues", "uniform"):
        assert multitaper(x, weighting=weighting, scaling="spectrum")[1][at] == pytest.approx(4.5, rel=1e-3)
    # between two bins a tone is seen, far away, over each taper's own side lobes
    x = np.cos(2 * np.pi * (at + 0.5) * np.arange(n) / n)
    plain = signal.periodogram(x)[1]
    ours = multitaper(x, weighting="adaptive")[1]
    assert ours[at + 100 :].max() < 1e-4 * plain[at + 100 :].max()


def test_bad_arguments_are_told():
    x = np.zeros(64)
    with pytest.raises(ValueError, match="half bandwidth"):
        multitaper(x, nw=40)
    with pytest.raises(ValueError, match="1 to 64 tapers"):
        multitaper(x, kmax=65)
    with pytest.raises(ValueError, match="`weighting`"):
        multitaper(x, weighting="some")


def test_segments_are_signals_of_their_own():
    x = np.random.default_rng(2).standard_normal(1100)
    x[700] = np.nan
    for weighting in ("eigenvalues", "adaptive"):
        got = multitaper_frames(x, rate=10.0, nperseg=256, overlap=0.5, weighting=weighting)["power"]
        for row in range(len(got)):
            expected = multitaper(x[128 * row : 128 * row + 256], 10.0, weighting=weighting)[1]
            assert np.array_equal(got[row], expected, equal_nan=True)
        assert np.isnan(got).all(axis=1).tolist() == [128 * r <= 700 < 128 * r + 256 for r in range(len(got))]
