"""Rolling statistics on array libraries: beside the processor's, and the same bits for any cut."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import array_api_strict
import numpy as np
import pytest
import torch

from hpcflow_kernels.arrays.rolling import means, rolling, stds
from hpcflow_kernels.arrays.rolling_order import quantiles, ranks
from hpcflow_kernels.rolling.contracts import STATISTICS
from hpcflow_kernels.rolling.statistics import rolling as processors

ASARRAY: dict[str, Callable[[np.ndarray], Any]] = {
    "strict": array_api_strict.asarray,
    "torch": lambda x: torch.from_numpy(x.copy()),
}
EXACT = ("min", "max", "median", "rank")


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=sorted(ASARRAY))
def asarray(request):
    """Of one library; the strict one knows what the standard of 2023 has, and no more."""
    with array_api_strict.ArrayAPIStrictFlags(api_version="2023.12"):
        yield ASARRAY[request.param]


def noise(samples: int, dtype: type = np.float64) -> np.ndarray:
    return (np.random.default_rng(samples).standard_normal(samples) + 5).astype(dtype)


def windows(x: np.ndarray, n: int) -> np.ndarray:
    return np.lib.stride_tricks.sliding_window_view(x, n)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("align", ["centre", "trailing"])
@pytest.mark.parametrize("n", [1, 2, 3, 8, 37, 256, 999, 1000, 1001])
@pytest.mark.parametrize("statistic", STATISTICS)
def test_statistics_agree_with_the_processors(asarray, statistic, n, align, dtype):
    x = noise(1000, dtype)
    params = {"rate": 1.0, "window": float(n), "statistic": statistic, "align": align, "quantile": 0.9}
    put = asarray(x)
    got, wanted = np.asarray(rolling(put, **params)), processors(x, **params)
    assert got.dtype == dtype
    assert np.array_equal(np.isnan(got), np.isnan(wanted))
    bound = 0 if statistic in EXACT else (4e-6 if dtype == np.float32 else 1e-14)
    assert np.nanmax(np.abs(got - wanted), initial=0) <= bound * np.nanmax(np.abs(wanted), initial=1)
    assert np.array_equal(np.asarray(put), x), "the input was written to"


@pytest.mark.parametrize("n", [1, 5, 6, 37, 64, 100])
@pytest.mark.parametrize("samples", [100, 127, 128, 129])
def test_equal_samples(asarray, samples, n):
    x = np.round(noise(samples))
    for q in (0.0, 0.25, 0.5, 0.9, 1.0):
        wanted = np.quantile(windows(x, n), q, axis=1)
        np.testing.assert_allclose(np.asarray(quantiles(asarray(x), n, q)), wanted, rtol=1e-14)
    own = x[n // 2 : len(x) - n + 1 + n // 2, np.newaxis]
    below, equal = (windows(x, n) < own).sum(axis=1), (windows(x, n) == own).sum(axis=1)
    wanted = (below + (equal + 1) / 2) / n
    np.testing.assert_allclose(np.asarray(ranks(asarray(x), n, n // 2)), wanted, rtol=1e-15)


@pytest.mark.parametrize("value", [0.0, -0.0, 3.0])
def test_a_signal_that_does_not_vary(asarray, value):
    x = asarray(np.full(50, value))
    assert np.asarray(quantiles(x, 7, 0.3)).tolist() == [value] * 44
    assert np.asarray(ranks(x, 7, 3)).tolist() == [4 / 7] * 44
    assert np.asarray(stds(x, 7)).tolist() == [0.0] * 44


@pytest.mark.parametrize("n", [2, 31, 32, 33, 100, 500])
def test_an_offset_costs_few_digits(asarray, n):
    x = (noise(3000) + 1e4).astype(np.float32)
    wide = windows(x.astype(np.float64), n)
    error = np.abs(np.asarray(stds(asarray(x), n)) - wide.std(axis=1, ddof=1)).max()
    assert error <= 4 * np.finfo(np.float32).eps * 1e4
    error = np.abs(np.asarray(means(asarray(x), n)) - wide.mean(axis=1)).max()
    assert error <= (2 * np.log2(n) + 2) * np.finfo(np.float32).eps / 2 * 1.01e4


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("n", [3, 100])
def test_bits_depend_on_a_windows_samples_alone(asarray, statistic, n):
    x = noise(4001, np.float32)
    params = {"rate": 1.0, "window": float(n), "statistic": statistic, "align": "trailing", "quantile": 0.3}
    whole = np.asarray(rolling(asarray(x), **params))
    for start, stop in ((1, 4001), (700, 1511), (1024, 2048), (4001 - n, 4001)):
        part = np.asarray(rolling(asarray(x[start:stop]), **params))
        assert np.array_equal(part[n - 1 :], whole[start + n - 1 : stop])
