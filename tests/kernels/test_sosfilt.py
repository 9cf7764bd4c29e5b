"""One pass of second-order sections in eight lanes of time: SciPy's numbers, states and own tests."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.filter import zero_phase as filters
from hpcflow_kernels.filter import zero_phase_loops as filter_loops
from hpcflow_kernels.filter.memory import memory
from hpcflow_kernels.filter.zero_phase import sosfilt
from tests.kernels.test_sosfiltfilt import DESIGNS


@pytest.mark.parametrize("samples", [10, 1025, 1100, 4096, 32_832, 40_001])
@pytest.mark.parametrize("design", DESIGNS)
def test_doubles_and_states_are_scipys_to_rounding(design, samples):
    sos, rng = DESIGNS[design], np.random.default_rng(samples)
    x, zi = rng.standard_normal(samples) + 3, rng.standard_normal((len(DESIGNS[design]), 2))
    expected, states = signal.sosfilt(sos, x, zi=zi)
    got, zf = sosfilt(sos, x, zi=zi)
    assert np.abs(got - expected).max() <= 5e-11 * np.abs(expected).max()
    assert np.abs(zf - states).max() <= 1e-10 * np.abs(states).max()
    at_rest = signal.sosfilt(sos, x)
    assert np.abs(sosfilt(sos, x) - at_rest).max() <= 5e-11 * np.abs(at_rest).max()


def test_both_ways_of_starting_a_lane_are_used():
    x = np.random.default_rng(1).standard_normal(20_000)
    lane = len(x) // 64 * 8
    assert memory(DESIGNS["high band"].tobytes(), lane)[1] is None
    assert memory(DESIGNS["wide band"].tobytes(), lane)[1] is not None


def test_single_precision_is_rounded_once_and_short_signals_are_no_exception():
    sos = DESIGNS["high band"]
    for samples in (100, 5000):
        x = np.random.default_rng(2).standard_normal(samples).astype(np.float32)
        got = sosfilt(sos, x)
        assert got.dtype == np.float32
        expected = signal.sosfilt(sos, x.astype(np.float64))
        assert np.abs(got - expected).max() <= 6e-8 * np.abs(expected).max()


@settings(max_examples=30, deadline=None)
@given(
    samples=st.integers(1, 6000),
    cut=st.floats(0, 1),
    order=st.integers(1, 6),
    edge=st.floats(0.01, 0.9),
)
def test_a_signal_may_be_filtered_in_two_parts(samples, cut, order, edge):
    sos, stop = signal.butter(order, edge, output="sos"), int(cut * samples)
    x = np.random.default_rng(samples).standard_normal((2, samples))
    whole, end = sosfilt(sos, x, zi=np.zeros((len(sos), 2, 2)))
    first, between = sosfilt(sos, x[:, :stop], zi=np.zeros((len(sos), 2, 2)))
    second, last = sosfilt(sos, x[:, stop:], zi=between)
    assert np.abs(np.concatenate([first, second], axis=1) - whole).max() <= 1e-12 * np.abs(whole).max()
    assert np.abs(last - end).max() <= 1e-11 * max(1, np.abs(end).max())


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_is_felt_from_there_on(bad):
    x = np.random.default_rng(3).standard_normal((2, 9000))
    x[1, 5000] = bad
    got, expected = sosfilt(DESIGNS["high band"], x), signal.sosfilt(DESIGNS["high band"], x)
    assert np.array_equal(np.isfinite(got), np.isfinite(expected))
    assert np.abs(got[0] - expected[0]).max() < 1e-14


def test_an_integrator_and_a_filter_that_grows_are_scipys():
    x = np.random.default_rng(4).standard_normal(3000)
    for sos in ([[1.0, 0, 0, 1, -1, 0]], [[1.0, 0, 0, 1, -1.01, 0]]):
        assert np.array_equal(sosfilt(np.array(sos), x), signal.sosfilt(np.array(sos), x))


DEVIATIONS = {
    ("test_initial_conditions", "float32"),
    ("test_initial_conditions_3d_axis1", "float32"),
    ("test_sosfilt_zi", "float32"),
}
"""SciPy's tests that ours does not pass: float32 stays float32, where SciPy gives float64."""


def test_scipys_own_tests(monkeypatch):
    from scipy.signal.tests import test_signaltools as scipys

    monkeypatch.setattr(scipys, "sosfilt", sosfilt)
    monkeypatch.setattr(filters, "FEW", 0)
    names = [
        n for n, _ in inspect.getmembers(scipys.TestSOSFilt, inspect.isfunction) if n.startswith("test_")
    ]
    assert len(names) >= 9
    failed = set()
    for name in names:
        for dtype in ("float32", "float64", "complex64", "complex128"):
            try:
                given_ = inspect.signature(getattr(scipys.TestSOSFilt, name)).parameters
                more = {"dt": dtype, "xp": np}
                getattr(scipys.TestSOSFilt(), name)(**{k: v for k, v in more.items() if k in given_})
            except AssertionError:
                failed.add((name, dtype))
    assert failed == DEVIATIONS


def test_the_loop_writes_nothing_beyond_its_buffers():
    canary, length, origin = -7.25, 136, 11
    x = np.random.default_rng(5).standard_normal(origin + 8 * length)
    around, states = np.full(len(x) + 64, canary), np.full(16 * 3 + 32, canary)
    states[16:-16] = 0
    sos = DESIGNS["odd sections"].ravel()
    filter_loops.forward_in_order(sos, states[16:-16], x, origin, length, around[32:-32])
    assert (around[: 32 + origin] == canary).all()
    assert (around[-32:] == canary).all()
    assert (states[:16] == canary).all()
    assert (states[-16:] == canary).all()
    assert not (around[32 + origin : -32] == canary).any()
