"""Short-time Fourier transforms against the definition and SciPy; SciPy's own tests; gaps, cuts, ends."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.spectral.spectrogram import spectrogram, spectrogram_frames
from hpcflow_kernels.spectral.stft import Transform, stft


def transforms_one_by_one(x, n, step, weights):
    """What is meant: each segment, weighted, transformed by the definition."""
    k = np.arange(n)
    kernel = np.exp(-2j * np.pi * np.outer(k[: n // 2 + 1], k) / n)
    return np.array([kernel @ (weights * x[s : s + n]) for s in range(0, len(x) - n + 1, step)]).T


@pytest.mark.parametrize("n", [32, 64, 128])
def test_the_twin_agrees(n):
    x, weights = np.random.default_rng(n).standard_normal(20 * n + 3), signal.get_window("hann", n)
    expected = transforms_one_by_one(x, n, n // 2, weights) / weights.sum()
    got = stft(x, nperseg=n, boundary=None, padded=False)[2]
    assert np.abs(got - expected).max() <= 1e-14 * np.abs(x).max()


@pytest.mark.parametrize("n", [32, 64, 256, 512, 1024, 4096, 1 << 14])
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 3e-7), (np.float64, 5e-15)])
def test_all_sizes_are_scipys(n, dtype, bound):
    x = (np.random.default_rng(n).standard_normal(9 * n + 5) + 3).astype(dtype)
    f, t, expected = signal.stft(x.astype(np.float64), 25.6, nperseg=n, detrend="constant")
    g, u, got = stft(x, 25.6, nperseg=n, detrend="constant")
    assert np.array_equal(f, g)
    assert np.array_equal(t, u)
    assert got.dtype == np.result_type(dtype, np.complex64)
    assert np.abs(got - expected).max() <= bound * np.abs(x).max()


@settings(max_examples=80, deadline=None)
@given(
    n=st.sampled_from([32, 64, 128]),
    samples=st.integers(0, 700),
    shared=st.floats(0, 0.97),
    window=st.sampled_from(["hann", "boxcar", ("kaiser", 5.0)]),
    detrend=st.sampled_from(["constant", False]),
    boundary=st.sampled_from(["zeros", "constant", "even", "odd", None]),
    padded=st.booleans(),
    scaling=st.sampled_from(["spectrum", "psd"]),
)
def test_any_arguments(n, samples, shared, window, detrend, boundary, padded, scaling):
    x = np.random.default_rng(samples).standard_normal((2, n + samples))
    given_to_both = {"window": window, "nperseg": n, "noverlap": int(n * shared), "detrend": detrend}
    given_to_both |= {"boundary": boundary, "padded": padded, "scaling": scaling}
    f, t, expected = signal.stft(x, 3.0, **given_to_both)
    g, u, got = stft(x, 3.0, **given_to_both)
    assert got.shape == expected.shape
    assert np.array_equal(f, g)
    assert np.array_equal(t, u)
    assert np.abs(got - expected).max() <= 1e-13 * np.abs(x).max()


def test_scipys_inverse_takes_it_back():
    x = np.random.default_rng(5).standard_normal((3, 5000)).astype(np.float32)
    back = signal.istft(stft(x, nperseg=256, noverlap=192)[2], nperseg=256, noverlap=192)[1]
    assert np.abs(back[:, :5000] - x).max() <= 2e-6


DEVIATIONS = {"test_roundtrip_scaling": "samples that are 0 come back as 6e-16 at most, and it asks for 0"}
"""SciPy's tests that ours does not pass, and why."""


def test_scipys_own_tests(monkeypatch):
    from scipy.signal.tests import test_spectral

    fast, failed, ran = [], set(), 0
    monkeypatch.setattr(test_spectral, "stft", stft)
    monkeypatch.setattr(test_spectral, "spectrogram", spectrogram)
    for method in ("spectra", "powers"):
        real = getattr(Transform, method)
        monkeypatch.setattr(Transform, method, lambda *args, real=real: (fast.append(real), real(*args))[1])
    for group in (test_spectral.TestSTFT, test_spectral.TestSpectrogram):
        for name, test in inspect.getmembers(group, inspect.isfunction):
            if not name.startswith("test_"):
                continue
            scaled = "scaling" in inspect.signature(test).parameters
            for arguments in [("spectrum",), ("psd",)] if scaled else [()]:
                ran += 1
                try:
                    getattr(group(), name)(*arguments)
                except AssertionError:
                    failed.add(name)
    assert failed == set(DEVIATIONS)
    assert ran >= 18
    assert len(fast) >= 25
    assert len(set(fast)) == 2


@settings(max_examples=60, deadline=None)
@given(
    n=st.sampled_from([32, 64, 100]),
    samples=st.integers(0, 700),
    shared=st.one_of(st.none(), st.floats(0, 0.97)),
    detrend=st.sampled_from(["constant", False, "linear"]),
    scaling=st.sampled_from(["density", "spectrum"]),
    mode=st.sampled_from(["psd", "magnitude", "complex"]),
    axis=st.sampled_from([0, -1]),
)
def test_any_spectrogram(n, samples, shared, detrend, scaling, mode, axis):
    x = np.random.default_rng(samples).standard_normal((2, n + samples))
    noverlap = None if shared is None else int(n * shared)
    how = {"nperseg": n, "noverlap": noverlap, "detrend": detrend, "scaling": scaling, "mode": mode}
    how |= {"axis": axis}
    x = x if axis == -1 else x.T
    for theirs, ours in zip(signal.spectrogram(x, 3.0, **how), spectrogram(x, 3.0, **how), strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-13 * np.abs(theirs).max()


@pytest.mark.parametrize("n", [32, 100, 101, 1024])
@pytest.mark.parametrize("scaling", ["density", "spectrum", "magnitude"])
def test_spectrograms_are_scipys(n, scaling):
    x = (np.random.default_rng(n).standard_normal(20 * n + 5) + 2).astype(np.float32)
    kind = {
        "density": ("density", "psd"),
        "spectrum": ("spectrum", "psd"),
        "magnitude": ("spectrum", "magnitude"),
    }
    how = {"detrend": "constant", "scaling": kind[scaling][0], "mode": kind[scaling][1]}
    expected = signal.spectrogram(x.astype(np.float64), 3.0, "hann", n, (n + 1) // 2, **how)[2].T
    got = spectrogram_frames(x, rate=3.0, nperseg=n, scaling=scaling)["spectrogram"]
    assert got.dtype == np.float32
    assert np.abs(got - expected).max() <= 2e-6 * expected.max()


@pytest.mark.parametrize("nperseg", [64, 60])
@pytest.mark.parametrize("scaling", ["density", "magnitude"])
def test_a_missing_sample_takes_its_segments_and_no_others(nperseg, scaling):
    x = np.random.default_rng(4).standard_normal(2000).astype(np.float32)
    clean = spectrogram_frames(x, rate=1.0, nperseg=nperseg, scaling=scaling)["spectrogram"]
    for bad in (np.nan, np.inf, -np.inf):
        x[700] = bad
        rows = spectrogram_frames(x, rate=1.0, nperseg=nperseg, scaling=scaling)["spectrogram"]
        starts = np.arange(len(rows)) * nperseg // 2
        touched = (starts <= 700) & (starts + nperseg > 700)
        assert touched.sum() == 2
        assert np.isnan(rows[touched]).all()
        assert np.array_equal(rows[~touched], clean[~touched])


def test_a_chirp_is_where_it_should_be():
    rate, seconds = 1000.0, 20.0
    t = np.arange(int(rate * seconds)) / rate
    x = 2 * np.sin(2 * np.pi * (50 * t + 10 * t**2))  # 50 Hz + 20 Hz for each second
    rows = spectrogram_frames(x, rate=rate, nperseg=256, scaling="magnitude")["spectrogram"]
    middles = (np.arange(len(rows)) * 128 + 128) / rate
    found = rows.argmax(axis=1) * rate / 256
    assert np.abs(found - (50 + 20 * middles)).max() <= rate / 256
    assert rows.max() == pytest.approx(1.0, abs=0.02)  # half the amplitude, as SciPy has it


def test_loops_read_and_write_nothing_beyond_their_buffers():
    n, canary = 32, -7.25
    transform = Transform.of(np.ones(n), np.dtype(np.float64))
    for segments in (1, 7, 8, 9):
        around = np.full(n + (segments - 1) * 20 + 64, np.nan)
        inner = around[32:-32]
        inner[:] = np.random.default_rng(segments).standard_normal(len(inner))
        out = np.full((segments + 2, n // 2 + 1), canary * (1 + 1j))
        transform.spectra(inner, 20, False, out[1:-1])
        assert (out[[0, -1]] == canary * (1 + 1j)).all()
        assert np.isfinite(out).all()
        sizes = np.full((segments + 2) * (n // 2 + 1), canary)
        powers_into(transform, inner, sizes[n // 2 + 1 : -(n // 2 + 1)])
        assert (sizes[: n // 2 + 1] == canary).all()
        assert (sizes[-(n // 2 + 1) :] == canary).all()
        expected = np.abs(out[1:-1]) ** 2
        assert np.abs(sizes[n // 2 + 1 : -(n // 2 + 1)] - expected.ravel()).max() <= 1e-13 * expected.max()


def powers_into(transform, x, out):
    from hpcflow_kernels.spectral.stft_loops import powers

    powers(x, 20, *transform, False, False, 1.0, out)


def test_short_signals_give_no_rows():
    for nperseg in (64, 60):
        rows = spectrogram_frames(np.zeros(50), rate=1.0, nperseg=nperseg)["spectrogram"]
        assert rows.shape == (0, nperseg // 2 + 1)
