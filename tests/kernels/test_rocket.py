"""MiniRocket against its definition by convolutions, and on a data set with published accuracies."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hpcflow_kernels.features.rocket import KERNELS, MiniRocket, minirocket_fit, minirocket_transform


def by_convolution(x: np.ndarray, fitted: MiniRocket) -> np.ndarray:
    """Shares of one series."""
    shares: list[float] = []
    n = len(x)
    for j, (d, count) in enumerate(zip(fitted.dilations, fitted.counts, strict=True)):
        for k, taps in enumerate(combinations(range(9), 3)):
            weights = np.zeros(8 * d + 1)
            weights[::d] = -1
            weights[np.array(taps) * d] = 2
            c = np.correlate(np.pad(x, 4 * d), weights, "valid")
            if (j + k) % 2:
                c = c[4 * d : n - 4 * d]
            biases = fitted.biases[len(shares) : len(shares) + count]
            shares += [float((c > bias).mean()) for bias in biases]
    return np.array(shares)


@pytest.mark.parametrize(("n", "features"), [(9, 84), (10, 1000), (24, 840), (77, 500), (256, 10_000)])
def test_shares_are_those_of_convolutions(n, features):
    x = np.random.default_rng(n).integers(-9, 10, (5, n)).astype(float)
    fitted = minirocket_fit(x, features)
    assert len(fitted.biases) == max(features // KERNELS, 1) * KERNELS == KERNELS * fitted.counts.sum()
    assert 8 * fitted.dilations[-1] <= n - 1
    for row, series in zip(minirocket_transform(x, fitted), x, strict=True):
        assert row == pytest.approx(by_convolution(series, fitted), abs=1e-7)


def test_biases_are_quantiles_of_responses():
    x = np.random.default_rng(1).standard_normal((1, 300)).astype(np.float32)
    fitted = minirocket_fit(x, 84 * 40, max_dilations=1)
    golden = np.arange(1, 84 * 40 + 1) * ((1 + np.sqrt(5)) / 2) % 1
    whole = np.repeat(np.arange(84) % 2 == 0, 40)  # every second kernel looks at the inner part alone
    shares = minirocket_transform(x, fitted)[0]
    assert shares[whole] == pytest.approx(1 - golden[whole], abs=1 / 300)


def test_what_is_fitted_can_be_kept(tmp_path):
    x = np.random.default_rng(2).standard_normal((8, 50))
    fitted = minirocket_fit(x, 500, seed=3)
    fitted.save(tmp_path / "rocket.npz")
    again = MiniRocket.load(tmp_path / "rocket.npz")
    assert np.array_equal(minirocket_transform(x, again), minirocket_transform(x, fitted))
    assert not np.array_equal(minirocket_fit(x, 500, seed=4).biases, fitted.biases)


def test_rows_are_by_themselves():
    x = np.random.default_rng(5).standard_normal((2, 3, 60)).astype(np.float32)
    fitted = minirocket_fit(x.reshape(6, 60), 168)
    whole = minirocket_transform(x, fitted)
    assert whole.shape == (2, 3, 168)
    assert whole.dtype == np.float32
    x[1, 1, 7] = np.nan
    holed = minirocket_transform(x, fitted)
    assert np.isnan(holed[1, 1]).all()
    holed[1, 1] = whole[1, 1]
    assert np.array_equal(holed, whole)


def test_refusals():
    with pytest.raises(ValueError, match="9 samples or more"):
        minirocket_fit(np.zeros((3, 8)))
    with pytest.raises(ValueError, match="finite values"):
        minirocket_fit(np.full((3, 20), np.nan))
    fitted = minirocket_fit(np.random.default_rng(6).standard_normal((3, 20)), 84)
    with pytest.raises(ValueError, match=r"length that was fitted \(20 samples\), not 21"):
        minirocket_transform(np.zeros((1, 21)), fitted)


@pytest.mark.shared_data
def test_a_linear_classifier_tells_summer_from_winter(shared_data):
    """ItalyPowerDemand of the UCR archive: nearest neighbours reach 0.955, the best known 0.970."""

    def read(part: str) -> tuple[np.ndarray, np.ndarray]:
        path = shared_data / "benchmarks" / "ucr" / f"ItalyPowerDemand_{part}.ts"
        lines = [line for line in path.read_text().splitlines() if line[:1] in "0123456789-" and line]
        values = [line.rpartition(":") for line in lines]
        x = np.array([[float(v) for v in series.split(",")] for series, _, _ in values])
        return x, np.array([1.0 if label == "1" else -1.0 for _, _, label in values])

    (x, y), (new, truth) = read("TRAIN"), read("TEST")
    fitted = minirocket_fit(x, 2000)
    a, b = minirocket_transform(x, fitted), minirocket_transform(new, fitted)
    a, b = a - (middle := a.mean(axis=0)), b - middle
    ridge = a.T @ np.linalg.solve(a @ a.T + np.eye(len(a)), y - y.mean())
    accuracy = np.mean(np.sign(b @ ridge + y.mean()) == truth)
    assert accuracy > 0.955
