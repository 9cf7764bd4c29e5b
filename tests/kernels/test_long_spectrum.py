"""The spectrum over ranks against NumPy's and SciPy's of the whole record, and tones of known size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal as scipy_signal

from hpcflow_kernels.contract import UnusableRecordError
from hpcflow_kernels.mpi.contracts import TAPERS, transform_length, two_factors
from hpcflow_kernels.mpi.long_spectrum import UNIT, long_spectrum
from tests.kernels.over_ranks import on_threads, spread

COUNTS = [1, 2, 3, 5]
LENGTHS = [16, 17, 250, 4096, 10_007, 44_100, 65_610, 100_003]
BOUND = {np.float32: 2e-6, np.float64: 4e-15}


def made(x, count=1, rate=1000.0, fit="cut", taper="hann", scaling="amplitude"):
    return on_threads(count, long_spectrum, signal=spread(x, rate), fit=fit, taper=taper, scaling=scaling)


def noise(samples, dtype=np.float64):
    rng = np.random.default_rng(samples)
    return (rng.standard_normal(samples) + np.sin(0.3 * np.arange(samples)) + 5).astype(dtype)


def by_numpy(x, taper, fit):
    """Amplitudes in float64."""
    n = transform_length(len(x), fit)
    y = x[: min(n, len(x))].astype(np.float64)
    weights = scipy_signal.get_window(taper, len(y))
    out = 2 * np.abs(np.fft.rfft((y - y.mean()) * weights, n)) / weights.sum()
    out[[0, -1]] /= 2
    return out


@pytest.mark.parametrize("fit", ["cut", "pad"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("samples", LENGTHS)
def test_amplitudes_are_numpys(samples, dtype, fit):
    x = noise(samples, dtype)
    for taper in TAPERS:
        found, expected = made(x, fit=fit, taper=taper), by_numpy(x, taper, fit)
        assert found["amplitude"].dtype == dtype
        assert found["frequency"].dtype == np.float64
        assert np.abs(found["amplitude"] - expected).max() <= BOUND[dtype] * expected.max()
        n = transform_length(samples, fit)
        np.testing.assert_allclose(found["frequency"], np.fft.rfftfreq(n, 1e-3), rtol=1e-15)


@pytest.mark.parametrize("taper", TAPERS)
def test_densities_are_scipys(taper):
    x = noise(30_000)
    frequency, density = scipy_signal.periodogram(x, 250.0, taper, detrend="constant")
    found = made(x, rate=250.0, taper=taper, scaling="density")
    np.testing.assert_allclose(found["frequency"], frequency, rtol=1e-15)
    assert np.abs(found["density"] - density).max() <= 1e-14 * density.max()


@pytest.mark.parametrize("count", COUNTS[1:])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("samples", LENGTHS)
def test_the_bits_are_those_of_one_rank(samples, dtype, count):
    x = noise(samples, dtype)
    for fit in ("cut", "pad"):
        one, several = made(x, fit=fit), made(x, count, fit=fit)
        for name, values in one.items():
            assert np.array_equal(several[name], values), name


def test_more_ranks_than_groups():
    x = noise(16 * UNIT)
    assert np.array_equal(made(x, 11)["amplitude"], made(x)["amplitude"])


@pytest.mark.parametrize("count", [1, 4])
def test_tones_have_their_amplitude(count):
    """Whole periods at a bin, and a slow one beside it that no shorter transform tells from it."""
    samples, rate = 1_000_000, 10_000.0
    time = np.arange(samples) / rate
    x = 3.0 * np.sin(2 * np.pi * 1234.0 * time) + 0.25 * np.cos(2 * np.pi * 1234.05 * time) + 7
    found = made(x, count, rate, taper="boxcar")
    top = np.argsort(found["amplitude"])[-2:]
    np.testing.assert_allclose(found["frequency"][top], [1234.05, 1234.0], rtol=1e-12)
    np.testing.assert_allclose(found["amplitude"][top], [0.25, 3.0], rtol=1e-9)
    assert np.delete(found["amplitude"], top).max() < 1e-9


def test_density_adds_up_to_the_variance():
    x = noise(43_200)
    found = made(x, 3, taper="boxcar", scaling="density")
    np.testing.assert_allclose(found["density"].sum() * found["frequency"][1], x.var(), rtol=1e-12)


@pytest.mark.parametrize("count", COUNTS)
def test_records_that_have_none(count):
    x = noise(1000)
    assert made(x[:15], count)["amplitude"].shape == (0,)
    with pytest.raises(UnusableRecordError, match="no rate"):
        made(x, count, rate=np.nan)
    x[[3, 700, 999]] = np.nan, np.inf, np.nan
    with pytest.raises(UnusableRecordError, match="3 of 1000 samples are missing"):
        made(x, count)


def smooth(n):
    for factor in (2, 3, 5, 7):
        while n % factor == 0:
            n //= factor
    return n == 1


@given(st.integers(16, 5000))
def test_lengths_are_the_nearest(samples):
    fine = [n for n in range(2, 2 * samples + 2, 2) if smooth(n)]
    assert transform_length(samples, "cut") == max(n for n in fine if n <= samples)
    assert transform_length(samples, "pad") == min(n for n in fine if n >= samples)


@given(st.integers(16, 10**12))
def test_long_lengths_lose_little(samples):
    cut, pad = transform_length(samples, "cut"), transform_length(samples, "pad")
    assert cut <= samples <= pad
    assert smooth(cut)
    assert smooth(pad)
    assert cut % 2 == pad % 2 == 0
    larger, smaller = two_factors(cut)
    assert larger * smaller == cut
    assert larger >= smaller
