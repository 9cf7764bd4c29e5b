"""Quality of recordings on array libraries: the processor's counts, on records with every defect."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow_kernels import Rows
from hpcflow_kernels.arrays.namespace import Place, available
from hpcflow_kernels.arrays.quality import signal_quality
from hpcflow_kernels.quality import defects

HOW = {"flat": 0.05, "clip": 3, "spike": 8.0, "spike_window": 7}


@pytest.fixture(params=available(), ids=str)
def here(request) -> Place:
    return request.param


def defective(samples: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    x = 5 * np.sin(0.05 * np.arange(samples)) + 0.3 * rng.standard_normal(samples)
    x = np.maximum(x, -4.8)
    for start in rng.integers(0, samples - 90, 3):
        x[start : start + 80] = x[start]
        x[start + 85 : start + 85 + rng.integers(1, 40)] = np.nan
    x[samples // 2] = np.inf
    x[[9, 700, 1900]] += 60
    return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("seed", range(4))
def test_counts_are_the_processors(here, dtype, seed):
    x = defective(3001, seed).astype(dtype)
    expected = defects.signal_quality(signal=Rows(x, 1000.0, "m", {}), **HOW)
    made = signal_quality(signal=Rows(here.put(x), 1000.0, "m", {}), **HOW)
    assert {name: float(here.back(value)) for name, value in made.items()} == expected
    assert min(expected.values()) > 0


@pytest.mark.parametrize("x", [[], [1.0], [np.nan] * 9, [2.0] * 30, [1, 2, 3, 4.0, 5], [1, 2] * 9], ids=str)
@pytest.mark.parametrize("rate", [10.0, np.nan])
def test_short_and_dull_ones_too(here, x, rate):
    x = np.array(x, np.float64)
    expected = defects.signal_quality(signal=Rows(x, rate, "m", {}), **HOW)
    made = signal_quality(signal=Rows(here.put(x), rate, "m", {}), **HOW)
    np.testing.assert_equal({name: float(here.back(value)) for name, value in made.items()}, expected)
