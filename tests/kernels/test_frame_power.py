"""One spectrum per frame: against the definition and SciPy, and what a frame's bits depend on."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.spectral.frame_power import band_powers, frame_powers, power_moments


def by_definition(frame, weights):
    """One-sided powers by the sum that a transform stands for."""
    n = len(frame)
    k = np.arange(n // 2 + 1)
    bins = np.exp(-2j * np.pi * np.outer(k, np.arange(n)) / n) @ (weights * (frame - frame.mean()))
    power = 2 * np.abs(bins) ** 2
    power[0] /= 2
    if n % 2 == 0:
        power[-1] /= 2
    return power


@pytest.mark.parametrize("n", [32, 64, 128, 256, 512, 17, 100])
def test_the_twin_agrees(n):
    x = np.random.default_rng(n).standard_normal(30 * n) + 5
    hop, weights = n // 3, signal.get_window("hamming", n)
    starts = range(0, 29 * n + 1, hop)
    expected = np.array([by_definition(x[s : s + n], weights) for s in starts])
    got = frame_powers(x, hop, weights, 1.0)
    assert np.abs(got - expected).max() <= 1e-13 * expected.max()
    edges = [0, 1, 5, n // 2 + 1]
    sums = np.stack([expected[:, a:b].sum(axis=1) for a, b in pairwise(edges)], axis=1)
    assert np.abs(band_powers(x, hop, weights, 1.0, edges) - sums).max() <= 1e-13 * sums.max()


@pytest.mark.parametrize("n", [1024, 2048, 4096, 1 << 14, 1 << 16])
@pytest.mark.parametrize(("dtype", "bound"), [(np.float32, 4e-6), (np.float64, 2e-14)])
def test_all_sizes_are_scipys(n, dtype, bound):
    x = (np.random.default_rng(n).standard_normal(3 * n) + 3).astype(dtype)
    hop, weights = n // 2 + 1, signal.get_window("hann", n)
    expected = np.array(
        [signal.periodogram(x[s : s + n].astype(float), window="hann")[1] for s in range(0, 2 * n, hop)]
    )
    got = frame_powers(x, hop, weights, 1 / np.sum(weights**2))
    assert got.dtype == dtype
    assert np.abs(got - expected).max() <= bound * expected.max()


@pytest.mark.parametrize("n", [64, 100])
def test_a_frame_does_not_know_its_neighbours(n):
    x = np.random.default_rng(n).standard_normal(20 * n).astype(np.float32)
    weights = signal.get_window("hann", n)
    whole, sums = frame_powers(x, n // 2, weights, 1.0), band_powers(x, n // 2, weights, 1.0, [0, 5, 20])
    for row in range(12):
        y = x[row * n // 2 : row * n // 2 + 6 * n].copy()
        y[n:] *= 1e6
        y[3 * n] = np.nan
        assert np.array_equal(frame_powers(y, n // 2, weights, 1.0)[0], whole[row])
        assert np.array_equal(band_powers(y, n // 2, weights, 1.0, [0, 5, 20])[0], sums[row])


@pytest.mark.parametrize("n", [64, 100])
def test_missing_and_infinite_samples_make_their_frames_nan(n):
    x = np.random.default_rng(n).standard_normal(4 * n)
    x[n], x[3 * n - 1] = np.nan, np.inf
    for got in (frame_powers(x, n, np.ones(n), 1.0), band_powers(x, n, np.ones(n), 1.0, [0, 9, 30])):
        assert np.isnan(got[1:3]).all()
        assert np.isfinite(got[[0, 3]]).all()


@pytest.mark.parametrize("n", [32, 64, 50])
def test_moments_are_sums_over_the_segments_of_a_frame(n):
    x = np.random.default_rng(n).standard_normal(23 * n) + 4
    x[9 * n] = np.nan
    hop, frame, step, weights = 2 * n, 7 * n + 5, n // 4, signal.get_window("hann", n)
    got = power_moments(x, hop, frame, step, weights)
    assert len(got) == (len(x) - frame) // hop + 1
    for row, (once, twice) in enumerate(got):
        stretch = x[row * hop : row * hop + frame]
        power = np.array([by_definition(stretch[s : s + n], weights) for s in range(0, frame - n + 1, step)])
        if np.isnan(power).any():
            assert np.isnan(once).all()
            continue
        assert np.abs(once - power.sum(axis=0)).max() <= 1e-13 * once.max()
        assert np.abs(twice - (power**2).sum(axis=0)).max() <= 1e-13 * twice.max()
