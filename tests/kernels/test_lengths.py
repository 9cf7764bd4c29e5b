"""Transforms of lengths that are no power of two: SciPy's spectra in float64, in every order of factors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.spectral.coherence import csd
from hpcflow_kernels.spectral.coherence_matrix import csd_matrix
from hpcflow_kernels.spectral.frame_power import band_powers, frame_powers
from hpcflow_kernels.spectral.lengths import bin_order, divisor, is_transformed, twiddles
from hpcflow_kernels.spectral.spectrogram import spectrogram
from hpcflow_kernels.spectral.stft import stft
from hpcflow_kernels.spectral.welch import welch

LENGTHS = (24, 40, 72, 120, 200, 360, 1000, 1080, 1536, 1944, 2560, 3000, 5000)
"""Of one odd factor and of both, once and more often, with four and with eight points left at the end."""


@pytest.fixture(scope="module")
def pair():
    return np.random.default_rng(7).standard_normal((2, 9011))


@pytest.mark.parametrize("n", LENGTHS)
def test_spectra_are_scipys(pair, n):
    assert is_transformed(n)
    found = {
        "welch": welch(pair, nperseg=n)[1],
        "csd": csd(*pair, nperseg=n)[1],
        "all pairs": csd_matrix(pair, nperseg=n)[1][0, 1],
    }
    cross = signal.csd(*pair, nperseg=n)[1]
    expected = {"welch": signal.welch(pair, nperseg=n)[1], "csd": cross, "all pairs": cross}
    if n >= 32:
        found["stft"] = stft(pair, nperseg=n)[2]
        found["spectrogram"] = spectrogram(pair, window="hann", nperseg=n)[2]
        expected["stft"] = signal.stft(pair, nperseg=n)[2]
        expected["spectrogram"] = signal.spectrogram(pair, window="hann", nperseg=n)[2]
    for name, truth in expected.items():
        np.testing.assert_allclose(found[name], truth, rtol=0, atol=1e-13 * np.abs(truth).max(), err_msg=name)


@pytest.mark.parametrize("n", [1000, 1944])
def test_float32_stays_within_the_bound(pair, n):
    x = pair.astype(np.float32)
    f, power = welch(x, nperseg=n)
    truth = signal.welch(x.astype(np.float64), nperseg=n)[1]
    assert power.dtype == np.float32
    assert len(f) == n // 2 + 1
    assert np.abs(power - truth).max() < 2e-6 * truth.max()


@pytest.mark.parametrize("n", [40, 200, 1000])
def test_frames_and_bands_do_not_depend_on_their_neighbours(pair, n):
    x, hop, weights = pair[0], n // 2 + 3, signal.get_window("hann", n)
    together = frame_powers(x, hop, weights, 1.0)
    for k in (0, 5, len(together) - 1):
        alone = frame_powers(np.ascontiguousarray(x[k * hop : k * hop + n]), hop, weights, 1.0)
        assert np.array_equal(alone[0], together[k])
    bands = band_powers(x, hop, weights, 1.0, [0, 3, n // 4, n // 2 + 1])
    assert np.allclose(bands.sum(axis=1), together.sum(axis=1), rtol=1e-12)


@pytest.mark.parametrize("n", [4, 8, 20, 24, 60, 360, 1000])
def test_tables_take_a_transform_apart_and_say_where_its_bins_stand(n):
    """The stages as written down, in plain NumPy, against the definition."""
    z = np.random.default_rng(n).standard_normal((2, n)).T @ [1, 1j]
    table, work, m = twiddles(n, np.dtype(np.float64)), z.copy(), n
    while m > (8 if n & -n in (8, 32) else 4):
        r = divisor(m)
        factors = table[2 * n - 2 * m :][: 2 * (r - 1) * (m // r)].view(np.complex128).reshape(-1, r - 1).T
        for base in range(0, n, m):
            part = np.fft.fft(work[base : base + m].reshape(r, -1), axis=0)
            part[1:] *= factors
            work[base : base + m] = part.ravel()
        m //= r
    last = np.fft.fft(work.reshape(-1, m), axis=1)
    places = [0, 2, 4, 6, 1, 3, 5, 7] if m == 8 else range(m)
    np.testing.assert_allclose(last[:, list(places)].ravel(), np.fft.fft(z)[bin_order(n)], atol=1e-12 * n)
