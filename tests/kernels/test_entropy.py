"""Entropies against published values, theory and slow twins."""

from __future__ import annotations

from itertools import permutations
from math import erf, log

import numpy as np
import pytest
from scipy import signal, stats

from hpcflow_kernels.features.entropy import (
    approximate_entropy,
    entropy_windows,
    lempel_ziv,
    permutation_entropy,
    sample_entropy,
    shannon_entropy,
    spectral_entropy,
)
from hpcflow_kernels.features.entropy_contracts import CONTRACTS
from hpcflow_kernels.features.entropy_loops import NARROW


def series(n: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    walk = np.cumsum(rng.standard_normal(n))
    return [rng.standard_normal(n), walk, np.sin(0.7 * np.arange(n)), rng.integers(0, 4, n).astype(float)]


def test_permutation_entropy_of_the_paper():
    """Bandt and Pompe (2002): six pairs, four rising; five triples, of three kinds."""
    x = np.array([4.0, 7, 9, 10, 6, 11, 3])
    assert permutation_entropy(x, 2) / log(2) == pytest.approx(0.918, abs=5e-4)
    assert permutation_entropy(x, 3) / log(2) == pytest.approx(1.522, abs=5e-4)


def test_approximate_entropy_of_a_repeating_heart_rate():
    """85, 80, 89 seventeen times, order 2, tolerance 3: the worked example of Wikipedia's article."""
    x = np.tile([85.0, 80, 89], 17)
    found = approximate_entropy(x, 2, 3.0, absolute=True)
    assert found == pytest.approx(-1.0996541107962594e-05, rel=1e-9)


def test_words_of_the_paper():
    """Kaspar and Schuster (1987): 0001101001000101 falls into 0, 001, 10, 100, 1000, 101."""
    from hpcflow_kernels.features.entropy_loops import words

    bits = np.array([int(c) for c in "0001101001000101"], bool)
    assert words(bits) == 6
    assert words(np.zeros(100, bool)) == 2
    assert words(np.tile([True, False], 50)) == 3


def test_sample_entropy_of_independent_gaussians():
    """Samples within r of one another: Richman and Moorman (2000) compare with -log(erf(r / 2))."""
    x = np.random.default_rng(1).standard_normal((20, 2000))
    for r in (0.2, 0.5):
        assert sample_entropy(x, 2, r).mean() == pytest.approx(-log(erf(r / 2)), abs=0.02)


def test_white_noise_and_tones():
    noise = np.random.default_rng(2).standard_normal((8, 4000))
    tone = np.sin(2 * np.pi * 50 * np.arange(4000) / 4000)
    assert permutation_entropy(noise, 4, normalize=True) == pytest.approx(1, abs=0.01)
    assert lempel_ziv(noise) == pytest.approx(1, abs=0.1)
    # The logarithm of an exponential variable has the mean -0.577.
    assert spectral_entropy(noise) == pytest.approx(log(2000) - (1 - 0.5772), abs=0.05)
    assert spectral_entropy(tone, normalize=True) < 1e-6
    assert lempel_ziv(tone) < 0.1
    assert sample_entropy(tone) < 0.2


def matches(x: np.ndarray, order: int, delay: int, r: float, templates: int) -> np.ndarray:
    """Whether each pair of templates agrees."""
    parts = np.stack([x[k * delay : k * delay + templates] for k in range(order)], axis=1)
    return np.abs(parts[:, None] - parts[None]).max(axis=2) <= r


def slow_sample(x: np.ndarray, order: int, delay: int, tolerance: float) -> float:
    r, templates = tolerance * x.std(), len(x) - order * delay
    pairs = np.triu_indices(templates, 1)
    b = matches(x, order, delay, r, templates)[pairs].sum()
    a = matches(x, order + 1, delay, r, templates)[pairs].sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(-np.log(a / b)) if b else np.nan


def slow_approximate(x: np.ndarray, order: int, delay: int, tolerance: float) -> float:
    def phi(m: int) -> float:
        templates = len(x) - (m - 1) * delay
        return float(np.log(matches(x, m, delay, tolerance * x.std(), templates).mean(axis=1)).mean())

    return phi(order) - phi(order + 1)


@pytest.mark.parametrize(
    ("order", "delay", "tolerance"), [(2, 1, 0.2), (1, 1, 0.5), (3, 2, 0.7), (2, 5, 1.0)]
)
@pytest.mark.parametrize("n", [17, 64, 150, 301])
def test_templates_are_compared_with_every_other(n, order, delay, tolerance):
    for x in series(n, n):
        expected = slow_sample(x, order, delay, tolerance)
        assert sample_entropy(x, order, tolerance, delay=delay) == pytest.approx(
            expected, rel=1e-12, nan_ok=True
        )
        expected = slow_approximate(x, order, delay, tolerance)
        found = approximate_entropy(x, order, tolerance, delay=delay)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("n", [NARROW, NARROW + 1])
def test_long_windows_are_counted_as_words_of_letters(n):
    for kinds in (1, 3):
        x = np.random.default_rng(n).integers(0, kinds, n)
        pairs = []
        for length in (2, 3):
            words = sum(x[k : n - 2 + k] * kinds**k for k in range(length))
            counts = np.bincount(words)
            pairs.append(np.sum(counts * (counts - 1.0)))
        expected = -log(pairs[1] / pairs[0])
        assert sample_entropy(x, 2, 0.5, absolute=True) == pytest.approx(expected, rel=1e-12, abs=1e-12)
        shares = [
            np.unique(sum(x[k : n - length + 1 + k] * kinds**k for k in range(length)), return_counts=True)[1]
            / (n - length + 1)
            for length in (2, 3)
        ]
        first, second = (np.sum(share * np.log(share)) for share in shares)
        found = approximate_entropy(x, 2, 0.5, absolute=True)
        assert found == pytest.approx(first - second, abs=1e-4)


def test_a_difference_equal_to_the_tolerance_agrees_and_none_is_below_zero():
    x = np.tile([0.0, 0.3], 40)
    assert sample_entropy(x, 2, 0.3, absolute=True) == 0
    assert np.isnan(sample_entropy(x, 2, -0.1, absolute=True))
    assert sample_entropy(x, 2, np.inf, absolute=True) == 0


@pytest.mark.parametrize(("order", "delay"), [(2, 1), (3, 1), (4, 3), (6, 2)])
def test_orders_are_counted(order, delay):
    kinds = {kind: i for i, kind in enumerate(permutations(range(order)))}
    for x in series(400, order):
        starts = range(len(x) - (order - 1) * delay)
        ranks = [np.argsort(x[i : i + order * delay : delay], kind="stable") for i in starts]
        counts = np.bincount([kinds[tuple(rank)] for rank in ranks])
        assert permutation_entropy(x, order, delay) == pytest.approx(
            stats.entropy(counts), rel=1e-12, abs=1e-15
        )


@pytest.mark.parametrize("n", [50, 101, 256])
def test_histograms_and_spectra_are_numpys_and_scipys(n):
    for x in series(n, n):
        counts, _ = np.histogram(x, 12)
        assert shannon_entropy(x, 12) == pytest.approx(stats.entropy(counts), rel=1e-12)
        _, power = signal.periodogram(x)
        assert spectral_entropy(x) == pytest.approx(stats.entropy(power), rel=1e-9)
        ours = spectral_entropy(x, normalize=True)
        assert ours == pytest.approx(stats.entropy(power, base=len(power)), rel=1e-9)


def test_words_are_new():
    """Each word is the shortest that does not occur in what comes before its own end."""

    def slow(bits: str) -> int:
        count, start = 0, 0
        while start < len(bits):
            length = 1
            while start + length < len(bits) and bits[start : start + length] in bits[: start + length - 1]:
                length += 1
            count, start = count + 1, start + length
        return count

    for x in series(200):
        bits = "".join("1" if v > np.median(x) else "0" for v in x)
        assert lempel_ziv(x, normalize=False) == slow(bits)


def test_axes_overlap_and_types():
    x = np.random.default_rng(3).standard_normal((3, 4, 90)).astype(np.float32)
    for entropy in (shannon_entropy, spectral_entropy, permutation_entropy, sample_entropy, lempel_ziv):
        alone = np.array([[entropy(row) for row in part] for part in x])
        assert np.array_equal(entropy(x), alone)
        assert np.array_equal(entropy(np.moveaxis(x, -1, 0), axis=0), alone)
    flat = x.ravel()
    found = entropy_windows(flat, rate=90.0, window=1.0, overlap=0.5, measure="sample")["entropy"]
    assert found.dtype == np.float32
    assert found == pytest.approx([sample_entropy(flat[i : i + 90]) for i in range(0, 991, 45)], rel=1e-6)


def test_gaps_and_constants():
    x = np.ones(200)
    x[150] = np.nan
    expected = {"permutation": 0, "shannon": 0, "spectral": np.nan, "sample": 0, "approximate": 0}
    for measure, value in expected.items():
        got = entropy_windows(x, rate=100.0, measure=measure)["entropy"]
        assert got == pytest.approx([value, np.nan], nan_ok=True, abs=1e-12), measure


def test_refusals():
    with pytest.raises(ValueError, match="5 samples or more, not 4"):
        permutation_entropy(np.arange(4.0), 3, 2)
    with pytest.raises(ValueError, match="3628800 kinds"):
        permutation_entropy(np.arange(40.0), 10)
    (contract,) = CONTRACTS
    params = {param.name: param.default for param in contract.params} | {"measure": "permutation", "order": 9}
    assert contract.check is not None
    assert "2 to 8" in contract.check(params, 1000.0)[0]
    assert "lengthen `window`" in contract.check(params | {"order": 5, "delay": 200}, 1000.0)[0]
