"""Functions with SciPy's signatures take what SciPy takes: any shape, axis, type and place in memory."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.detection.events import find_peaks
from hpcflow_kernels.features import entropy
from hpcflow_kernels.features.rocket import minirocket_fit, minirocket_transform
from hpcflow_kernels.filter.fir import oaconvolve
from hpcflow_kernels.filter.resample import decimate, resample_poly
from hpcflow_kernels.filter.smooth import savgol_filter
from hpcflow_kernels.filter.zero_phase import sosfilt, sosfiltfilt
from hpcflow_kernels.rolling.order import rolling_median
from hpcflow_kernels.rolling.statistics import rolling_mean
from hpcflow_kernels.spectral.cepstrum import real_cepstrum
from hpcflow_kernels.spectral.coherence import coherence, csd
from hpcflow_kernels.spectral.periodogram import periodogram
from hpcflow_kernels.spectral.spectrogram import spectrogram
from hpcflow_kernels.spectral.stft import stft
from hpcflow_kernels.spectral.welch import welch

SOS = signal.butter(3, [0.1, 0.4], "bandpass", output="sos")
TAPS = signal.firwin(21, 0.3)


def last(found):
    return found[-1] if isinstance(found, tuple) else found


PAIRS = {
    "welch": (welch, signal.welch, {"nperseg": 64}),
    "periodogram": (periodogram, signal.periodogram, {}),
    "spectrogram": (spectrogram, signal.spectrogram, {"nperseg": 64}),
    "stft": (stft, signal.stft, {"nperseg": 64}),
    "sosfilt": (lambda x, axis: sosfilt(SOS, x, axis), lambda x, axis: signal.sosfilt(SOS, x, axis), {}),
    "sosfiltfilt": (
        lambda x, axis: sosfiltfilt(SOS, x, axis),
        lambda x, axis: signal.sosfiltfilt(SOS, x, axis),
        {},
    ),
    "savgol_filter": (savgol_filter, signal.savgol_filter, {"window_length": 11, "polyorder": 2}),
    "resample_poly": (resample_poly, signal.resample_poly, {"up": 3, "down": 2}),
    "resample_poly, mirrored": (
        resample_poly,
        signal.resample_poly,
        {"up": 3, "down": 2, "padtype": "reflect"},
    ),
    "decimate": (decimate, signal.decimate, {"q": 4}),
    "decimate, fir": (decimate, signal.decimate, {"q": 4, "ftype": "fir"}),
}
"""Ours, SciPy's, parameters of both."""

TYPES = ("f8", "f4", ">f8", ">f4", "i2", ">i4", "c16")


def laid_out(x: np.ndarray, layout: str) -> np.ndarray | list:
    """The same numbers, elsewhere in memory."""
    if layout == "strided":
        wide = np.zeros([2 * size for size in x.shape], x.dtype)
        view = wide[tuple(slice(None, None, 2) for _ in x.shape)]
        view[...] = x
        return view
    if layout == "backwards":
        return x[..., ::-1].copy()[..., ::-1]
    made = np.asfortranarray(x) if layout == "fortran" else x.copy()
    made.flags.writeable = layout != "read-only"
    return made


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=40, deadline=None)
@given(
    shape=st.lists(st.integers(1, 3), min_size=0, max_size=2),
    place=st.integers(0, 2),
    samples=st.sampled_from([64, 200, 257]),
    dtype=st.sampled_from(TYPES),
    layout=st.sampled_from(["plain", "strided", "backwards", "fortran", "read-only"]),
    negative=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_result_is_scipys(name, shape, place, samples, dtype, layout, negative, seed):
    ours, scipys, params = PAIRS[name]
    dtype = "f8" if name == "savgol_filter" and dtype == "c16" else dtype  # SciPy drops what is imaginary
    axis = min(place, len(shape))
    rng = np.random.default_rng(seed)
    x = 20 * rng.standard_normal([*shape[:axis], samples, *shape[axis:]])
    x = (x + 1j * rng.standard_normal(x.shape) if dtype == "c16" else x).astype(dtype)
    axis = axis - x.ndim if negative else axis
    given_to = laid_out(x, layout)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Input data is complex")
        warnings.simplefilter("error", np.exceptions.ComplexWarning)
        found = last(ours(given_to, axis=axis, **params))
        truth = last(scipys(x, axis=axis, **params))
    assert found.shape == truth.shape
    assert np.array_equal(given_to, x)
    bound = 1e-10 if np.finfo(truth.dtype).bits == 64 and dtype not in ("f4", ">f4") else 1e-5
    np.testing.assert_allclose(found, truth, rtol=0, atol=bound * np.abs(truth).max())


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize(
    "x", [np.float64(3.0), np.zeros((0,)), np.zeros((2, 0))], ids=["no axis", "empty", "rows"]
)
def test_nothing_to_compute_from_is_as_with_scipy(name, x):
    ours, scipys, params = PAIRS[name]
    try:
        truth = last(scipys(x, axis=-1, **params))
    except (ValueError, IndexError, AttributeError):
        try:
            assert last(ours(x, axis=-1, **params)).size == 0
        except (ValueError, IndexError):
            return
    else:
        assert last(ours(x, axis=-1, **params)).shape == truth.shape


@pytest.mark.parametrize("call", [csd, coherence])
def test_pairs_of_any_type(call):
    rng = np.random.default_rng(1)
    x, y = rng.standard_normal((2, 3, 300))
    x.flags.writeable = False
    truth = getattr(signal, call.__name__)(x, y, nperseg=64)[1]
    for other in (y, np.asfortranarray(y), y.astype(">f8"), y[:, ::-1].copy()[:, ::-1]):
        np.testing.assert_allclose(call(x, other, nperseg=64)[1], truth, rtol=1e-9)


@pytest.mark.parametrize("call", [rolling_mean, rolling_median])
def test_windows_roll_over_real_numbers_along_an_axis(call):
    for x in (np.float64(3.0), np.ones(8, complex)):
        with pytest.raises(ValueError, match="along the last axis of real numbers"):
            call(x, 3)
    assert call(np.zeros((2, 0)), 3).shape == (2, 0)
    x = np.arange(12, dtype=">i2").reshape(2, 6)
    assert np.array_equal(call(x, 3)[:, 2:], x[:, 1:-1])


def test_what_has_no_meaning_for_complex_numbers_is_refused():
    x = np.ones(16, complex)
    with pytest.raises(ValueError, match="cepstra are of real signals"):
        real_cepstrum(x)
    with pytest.raises(ValueError, match="smooth real and imaginary part"):
        savgol_filter(x, 5, 2)
    with pytest.raises(TypeError, match="complex"):
        find_peaks(x)


@pytest.mark.parametrize(
    "measure",
    [
        entropy.shannon_entropy,
        entropy.spectral_entropy,
        entropy.permutation_entropy,
        entropy.sample_entropy,
        entropy.approximate_entropy,
        entropy.lempel_ziv,
    ],
)
def test_entropies_do_not_depend_on_the_byte_order(measure):
    x = np.random.default_rng(4).standard_normal((3, 200))
    for order in ("=", "<", ">"):
        given_to = x.astype(x.dtype.newbyteorder(order))
        assert np.array_equal(measure(given_to), measure(x))
        assert np.array_equal(measure(given_to[0]), measure(x)[0])


def test_convolution_of_read_only_arrays():
    x = np.random.default_rng(2).standard_normal((2, 300))
    x.flags.writeable = False
    truth = signal.oaconvolve(x, TAPS[None], axes=-1)
    np.testing.assert_allclose(oaconvolve(x, TAPS[None], axes=-1), truth, atol=1e-12)


def test_no_series_give_no_features():
    fitted = minirocket_fit(np.random.default_rng(3).standard_normal((4, 50)), 84)
    assert minirocket_transform(np.empty((0, 50)), fitted).shape == (0, 84)
