"""The inverse short-time Fourier transform: there and back, against SciPy, on SciPy's own tests."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.spectral import istft as module
from hpcflow_kernels.spectral.istft import istft
from hpcflow_kernels.spectral.stft import Transform, stft, tables
from tests.kernels.test_stft import DEVIATIONS


@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 2e-6), (np.float64, 1e-14)])
@pytest.mark.parametrize("n", [32, 64, 128, 1024, 65_536])
def test_there_and_back(n, dtype, bound):
    x = np.random.default_rng(n).standard_normal((2, 9 * n + 5)).astype(dtype)
    for shared in (n // 2, 3 * n // 4, 2 * n // 3):
        back = istft(stft(x, nperseg=n, noverlap=shared)[2], nperseg=n, noverlap=shared)[1]
        assert back.dtype == dtype
        assert np.abs(back[:, : x.shape[1]] - x).max() <= bound * np.abs(x).max()
        assert np.abs(back[:, x.shape[1] :]).max(initial=0) <= bound * np.abs(x).max()


@settings(max_examples=60, deadline=None)
@given(
    n=st.sampled_from([32, 64, 128]),
    segments=st.integers(1, 21),
    shared=st.floats(0, 0.97),
    window=st.sampled_from(["hann", "boxcar", ("kaiser", 5.0), "own"]),
    boundary=st.booleans(),
    scaling=st.sampled_from(["spectrum", "psd"]),
    axes=st.sampled_from([(-1, -2), (0, 1), (2, 0), (1, -1)]),
    wide=st.booleans(),
)
def test_any_transforms_not_only_those_of_signals(n, segments, shared, window, boundary, scaling, axes, wide):
    """Bins that no real signal has (imaginary ends) are read as SciPy reads them."""
    rng = np.random.default_rng(n + segments)
    shape = [2, 2, 2]
    shape[axes[0]], shape[axes[1]] = segments, n // 2 + 1
    z = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    how = {"noverlap": int(n * shared), "boundary": boundary, "scaling": scaling}
    how |= {"window": 0.1 + rng.random(n) if window == "own" else window}
    how |= {"time_axis": axes[0], "freq_axis": axes[1]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # samples without weight, where both leave them alone
        t, expected = signal.istft(z, 3.0, **how)
        u, got = istft(z if wide else z.astype(np.complex64), 3.0, **how)
    assert got.shape == expected.shape
    assert got.dtype == (np.float64 if wide else np.float32)
    assert np.array_equal(t, u)
    assert np.abs(got - expected).max(initial=0) <= (1e-12 if wide else 1e-5) * np.abs(expected).max(
        initial=0
    )


def test_scipys_own_tests(monkeypatch):
    """Of both ways, on ours."""
    from scipy.signal.tests import test_spectral

    fast, failed = [], set()
    monkeypatch.setattr(test_spectral, "stft", stft)
    monkeypatch.setattr(test_spectral, "istft", istft)
    real = module._add
    monkeypatch.setattr(module, "_add", lambda *args: (fast.append(1), real(*args))[1])
    for name, test in inspect.getmembers(test_spectral.TestSTFT, inspect.isfunction):
        if name.startswith("test_"):
            scaled = "scaling" in inspect.signature(test).parameters
            for arguments in [("spectrum",), ("psd",)] if scaled else [()]:
                try:
                    getattr(test_spectral.TestSTFT(), name)(*arguments)
                except AssertionError:
                    failed.add(name)
    assert failed <= set(DEVIATIONS)
    assert len(fast) >= 10


@pytest.mark.filterwarnings("ignore:NOLA")
def test_no_bit_depends_on_what_else_is_transformed():
    n, shared = 64, 48
    z = stft(np.random.default_rng(2).standard_normal(5000).astype(np.float32), nperseg=n, noverlap=shared)[2]
    whole = istft(z, nperseg=n, noverlap=shared, boundary=False)[1]
    for first, stop in ((0, 30), (3, 40), (8, 100), (101, 310)):
        part = istft(z[:, first:stop], nperseg=n, noverlap=shared, boundary=False)[1]
        inside = slice(n, len(part) - n)
        assert np.array_equal(part[inside], whole[first * 16 :][: len(part)][inside])


def test_samples_without_weight_are_told_of():
    z = stft(np.ones(1000), nperseg=64, boundary=None)[2]
    with pytest.warns(UserWarning, match="Possibly due to missing boundary"):
        got = istft(z, nperseg=64, boundary=False)[1]
    with pytest.warns(UserWarning, match="Possibly due to missing boundary"):
        assert got == pytest.approx(signal.istft(z, nperseg=64, boundary=False)[1], abs=1e-13)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        istft(stft(np.ones(1000), nperseg=64)[2], nperseg=64)
    with pytest.raises(ValueError, match="differing time and frequency"):
        istft(z, time_axis=1, freq_axis=1)


def test_the_loop_reads_and_writes_nothing_beyond_its_buffers():
    from hpcflow_kernels.spectral.istft_loops import overlap_add

    n, step, canary = 32, 20, -7.25
    window = np.full(n, 1 / n)
    for segments in (1, 7, 8, 9):
        x = np.random.default_rng(segments).standard_normal(n + (segments - 1) * step)
        z = np.full((segments + 2, n // 2 + 1), np.nan * 1j)
        Transform.of(np.ones(n), np.dtype(np.float64)).spectra(x, step, False, z[1:-1])
        out = np.full(len(x) + 2 * n, canary)
        out[n:-n] = 0
        overlap_add(z[1:-1].reshape(-1).view(float), step, window, *tables(n, "<f8"), out[n:-n])
        assert (out[:n] == canary).all()
        assert (out[-n:] == canary).all()
        often = np.zeros(len(x))
        for s in range(segments):
            often[s * step : s * step + n] += 1
        assert out[n:-n] == pytest.approx(x * often, abs=1e-14)
