"""Cyclic coherence on array libraries: the processor's, on noise whose strength comes and goes."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.arrays import cyclic as arrays
from hpcflow_kernels.arrays.namespace import Place, available
from hpcflow_kernels.machine import cyclic

RATE = 1000.0


@pytest.fixture(params=available(), ids=str)
def here(request) -> Place:
    return request.param


def both(here: Place, x: np.ndarray, **asked) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    how = {"speed": None, "frequencies": None, "orders": None, "tolerance": 0.0, "nperseg": 64, **asked}
    expected = cyclic.coherence_of_record(signal=Rows(x, RATE, "m", {}), **how)
    made = arrays.coherence_of_record(signal=Rows(here.put(x), RATE, "m", {}), **how)
    back = {name: here.back(values) for name, values in made.items()}
    assert set(back) == set(expected)
    return back, {name: np.asarray(values) for name, values in expected.items()}


def pulsing(samples: int, dtype: type) -> np.ndarray:
    """Noise that is strongest 37 times a second."""
    strength = 1 + 0.9 * np.cos(2 * np.pi * 37 * np.arange(samples) / RATE)
    return (strength * np.random.default_rng(5).standard_normal(samples) + 3).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "asked",
    [
        {"frequencies": [37.0, 74.0, 300.0, 490.0, 900.0]},
        {"orders": [1.0, 2.0], "speed": 36.9, "tolerance": 0.01},
        {"frequencies": [37.0], "nperseg": 101},
    ],
    ids=str,
)
def test_it_is_the_processors(here, asked, dtype):
    x = pulsing(8003, dtype)
    x[4000:4100] = np.nan
    made, expected = both(here, x, **asked)
    bound = 1e-5 if dtype == np.float32 else 1e-12
    for name, wanted in expected.items():
        np.testing.assert_allclose(made[name], wanted, rtol=bound, atol=bound, equal_nan=True)
    assert made["mean_coherence"][0] > 10 * made["expected"]


@pytest.mark.parametrize("x", [np.full(500, np.nan), np.zeros(0), np.ones(70), np.arange(500.0) * 0], ids=len)
def test_where_nothing_can_be_told_nothing_is(here, x):
    with np.errstate(invalid="ignore"):
        made, expected = both(here, x, frequencies=[37.0])
    for name, wanted in expected.items():
        np.testing.assert_array_equal(made[name], wanted)
    assert np.isnan(made["mean_coherence"]).all()


def test_orders_need_a_speed(here):
    with pytest.raises(UnusableRecordError, match="give the speed"):
        both(here, np.ones(500), orders=[1.0])
