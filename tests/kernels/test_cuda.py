"""CUDA kernels beside those of the processor, in Numba's simulator of a GPU: threads of Python's."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pytest

from hpcflow_kernels import Rows, contracts
from hpcflow_kernels.contract import Records
from hpcflow_kernels.similarity.dtw_loops import all_pairs
from hpcflow_kernels.similarity.neighbours import dtw_distances
from hpcflow_kernels.similarity.profile import matrix_profile
from tests.kernels import in_simulator

CUDA = "hpcflow_kernels.cuda"


@pytest.fixture(scope="module")
def simulated():
    """Call a function in a process with Numba's simulator: Numba reads the variable when it is imported."""
    before = os.environ.get("NUMBA_ENABLE_CUDASIM")
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        try:
            assert pool.submit(in_simulator.is_simulated).result()
        finally:
            del os.environ["NUMBA_ENABLE_CUDASIM"]
            if before is not None:
                os.environ["NUMBA_ENABLE_CUDASIM"] = before
        yield lambda function, *args, **kwargs: pool.submit(function, *args, **kwargs).result()


def test_receipts_would_call_it_a_simulator(simulated):
    found = simulated(in_simulator.called, f"{CUDA}.device:name")
    assert found.startswith("numba.cuda ")
    assert found.endswith(" on its simulator")


def series(count: int, samples: int, dtype: type) -> np.ndarray:
    return np.random.default_rng(samples).standard_normal((count, samples)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("n", "m", "left", "right"),
    [(12, 12, 3, 3), (9, 14, 2, 7), (14, 9, 7, 2), (1, 1, 0, 0), (5, 1, 4, 0), (8, 9, 7, 8)],
)
def test_warping_of_pairs_is_that_of_the_processor(simulated, dtype, n, m, left, right):
    x, y = series(2, n, dtype), series(2, m, dtype)
    expected = np.zeros((2, 2), dtype)
    all_pairs(x, y, False, left, right, expected)
    found = simulated(in_simulator.warped, x, y, False, left, right, 4, 3, True)
    assert found == pytest.approx(expected, rel=float((n + m) * np.finfo(dtype).eps))
    assert found.dtype == dtype
    for blocks, threads, shared in ((1, 1, True), (2, 5, True), (7, 4, False)):
        again = simulated(in_simulator.warped, x, y, False, left, right, blocks, threads, shared)
        np.testing.assert_array_equal(again, found, f"{blocks} blocks of {threads} threads")


def test_of_one_table_only_its_upper_half_is_computed(simulated):
    x = series(4, 9, np.float64)
    expected = np.zeros((4, 4))
    all_pairs(x, x, True, 2, 2, expected)
    found = simulated(in_simulator.warped, x, x, True, 2, 2, 3, 2, True)
    assert found == pytest.approx(expected, rel=1e-14)
    assert not np.tril(found).any()


SHORT = {"template": [0.0, 1.0, 0.0, -1.0], "window": 0.012, "overlap": 0.5, "band": 0.2}
PROMISED = [
    ("template_distance", SHORT),
    ("dtw_distances", {"band": 0.05}),
    ("matrix_profile", {"window": 0.0004}),
    ("profile_join", {"window": 0.0004}),
]


@pytest.mark.parametrize(
    ("kernel", "params"), PROMISED, ids=lambda value: value if isinstance(value, str) else ""
)
def test_promises_are_kept(simulated, kernel, params):
    held, broken = simulated(in_simulator.broken_promises, kernel, params)
    assert len(held) >= 3
    assert not broken


def test_a_wrong_kernel_is_noticed(simulated):
    found = simulated(in_simulator.broken_promises_of_a_wrong_kernel)
    assert any("of its largest value from the processor's" in one for one in found)


def test_every_kernel_with_cuda_is_held_to_its_promises():
    assert {kernel for kernel, _ in PROMISED} == {n for n, c in contracts().items() if "cuda" in c.backends}


def record(values: np.ndarray) -> Rows:
    return Rows(values, 10.0, "1", {})


def test_records_are_compared_with_references_of_several_lengths(simulated):
    others = tuple(record(series(1, n, np.float32)[0]) for n in (15, 12, 15)) + (None,)
    gone = record(np.array([1.0, np.nan, 2.0]))
    given = {"signal": record(series(1, 14, np.float32)[0]), "references": Records((*others, gone))}
    found = simulated(in_simulator.called, f"{CUDA}.dtw:dtw_distances", **given, band=0.2)["distance"]
    expected = dtw_distances(**given, band=0.2)["distance"]
    assert np.isfinite(expected).sum() == 3
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def walk(samples: int, dtype: type) -> np.ndarray:
    return np.cumsum(np.random.default_rng(samples).standard_normal(samples)).astype(dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("other", [None, 30, 64])
def test_a_profile_is_that_of_the_processor(simulated, dtype, other):
    x, y = walk(70, dtype), None if other is None else walk(other, dtype)
    x[30:32] = np.nan
    x[50:62] = 1  # constant stretches have distances of their own
    expected = matrix_profile(x, 8, y)
    calls = partial(simulated, in_simulator.profiled, x, 8, y)
    for threads, strip in ((16, 20), (3, 1000), (64, 7)):
        distance, neighbour = calls(threads, strip)
        np.testing.assert_array_equal(neighbour, expected.neighbour, f"{threads} threads, strips of {strip}")
        np.testing.assert_array_equal(distance, expected.distance)


def test_of_neighbours_equally_near_the_first_is_given(simulated):
    x = np.tile([0.0, 3.0, 1.0, 7.0, 2.0, 5.0], 8)
    distance, neighbour = simulated(in_simulator.profiled, x, 6, None, 8, 100)
    assert distance == pytest.approx(0, abs=1e-6)
    assert neighbour.tolist() == [6, 7, 8, 9, 10, 11, *(k % 6 for k in range(6, 43))]


def test_a_signal_without_neighbours_has_none(simulated):
    for x in (np.full(30, np.nan), walk(9, np.float64)):
        distance, neighbour = simulated(in_simulator.profiled, x, 8, None, 8, 100)
        assert np.isinf(distance).all()
        assert (neighbour == -1).all()
