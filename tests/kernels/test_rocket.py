"""MiniRocket against its definition by convolutions, and on a data set with published accuracies."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hpcflow_kernels.features.rocket import KERNELS, MiniRocket, minirocket_fit, minirocket_transform
from hpcflow_kernels.features.rocket_windows import minirocket_windows, reference_noise


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
@pytest.mark.parametrize("own", [True, False], ids=["fitted", "step"])
def test_a_linear_classifier_tells_summer_from_winter(shared_data, own):
    """ItalyPowerDemand of the UCR archive: nearest neighbours reach 0.955, the best known 0.970."""

    def read(part: str) -> tuple[np.ndarray, np.ndarray]:
        path = shared_data / "benchmarks" / "ucr" / f"ItalyPowerDemand_{part}.ts"
        lines = [line for line in path.read_text().splitlines() if line[:1] in "0123456789-" and line]
        values = [line.rpartition(":") for line in lines]
        x = np.array([[float(v) for v in series.split(",")] for series, _, _ in values])
        return x, np.array([1.0 if label == "1" else -1.0 for _, _, label in values])

    (x, y), (new, truth) = read("TRAIN"), read("TEST")
    if own:
        fitted = minirocket_fit(x, 2000)
        a, b = minirocket_transform(x, fitted), minirocket_transform(new, fitted)
    else:
        a, b = (minirocket_windows(part.ravel(), rate=24.0, features=2000)["features"] for part in (x, new))
    a, b = a - (middle := a.mean(axis=0)), b - middle
    ridge = a.T @ np.linalg.solve(a @ a.T + np.eye(len(a)), y - y.mean())
    accuracy = np.mean(np.sign(b @ ridge + y.mean()) == truth)
    assert accuracy > 0.955


def test_windows_are_standardised_and_transformed_with_biases_of_noise():
    rng = np.random.default_rng(7)
    x = 3 * rng.standard_normal(2000).astype(np.float32) + 5
    x[700:710], x[1000:1200] = np.nan, 2
    found = minirocket_windows(x, rate=100.0, overlap=0.5, features=300)
    assert found["features"].shape == (39, 252)
    fitted = minirocket_fit(reference_noise(100), 300)
    for k in (0, 7, 20, 38):
        part = x[50 * k : 50 * k + 100].astype(np.float64)
        z = (part - part.mean()) / part.std() if np.ptp(part) else np.full(100, np.nan)
        if k == 20:
            assert np.isnan(found["features"][k]).all()
            assert (found["mean"][k], found["std"][k]) == (2, 0)
            continue
        expected = by_convolution(z, fitted)
        assert np.abs(found["features"][k] - expected).mean() < 1e-4  # a response may lie on a bias
        assert found["mean"][k] == pytest.approx(part.mean(), rel=1e-6)
        assert found["std"][k] == pytest.approx(part.std(), rel=1e-6)
    for name, values in found.items():
        assert np.isnan(values[13:14]).all(), name  # samples 650 to 749
    scaled = minirocket_windows(-2 + 4 * x[:600], rate=100.0, features=84)["features"]
    assert scaled == pytest.approx(
        minirocket_windows(x[:600], rate=100.0, features=84)["features"], abs=0.011
    )


def test_nearly_all_features_differ_between_windows_of_noise_and_of_walks():
    """Biases lie where responses are: few shares are always 0 or always 1, for either kind of window."""
    rng = np.random.default_rng(8)
    for x in (rng.standard_normal((30, 200)), np.cumsum(rng.standard_normal((30, 200)), axis=1)):
        shares = minirocket_windows(x.ravel(), rate=200.0, features=4200)["features"]
        assert np.mean(np.ptp(shares, axis=0) == 0) < 0.1
