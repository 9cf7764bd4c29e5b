"""Zero-phase filtering in eight lanes of time: SciPy's numbers and own tests, and a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.filter import memory as filter_memory
from hpcflow_kernels.filter import states_loops as filter_states_loops
from hpcflow_kernels.filter import zero_phase as filters
from hpcflow_kernels.filter import zero_phase_loops as filter_loops
from hpcflow_kernels.filter.zero_phase import sosfiltfilt


def twin(sos, x, padlen):
    """What is meant: transposed direct form II in extended precision, one section and sample at a time."""
    y = np.concatenate((2 * x[0] - x[padlen:0:-1], x, 2 * x[-1] - x[-2 : -padlen - 2 : -1]))
    y = y.astype(np.longdouble)
    for _ in range(2):
        states = signal.sosfilt_zi(sos) * y[0]
        for (b0, b1, b2, _, a1, a2), (u, v) in zip(sos, states, strict=True):
            for n, sample in enumerate(y):
                y[n] = b0 * sample + u
                u, v = b1 * sample - a1 * y[n] + v, b2 * sample - a2 * y[n]
        y = y[::-1]
    return y[padlen : len(y) - padlen].astype(np.float64)


DESIGNS = {
    "high band": signal.butter(4, [2000, 5000], "bandpass", fs=12000, output="sos"),
    "wide band": signal.butter(4, [10, 1000], "bandpass", fs=25600, output="sos"),
    "low band": signal.butter(2, [0.5, 3], "bandpass", fs=100, output="sos"),
    "odd sections": signal.butter(5, 0.3, output="sos"),
    "one section": signal.butter(2, 0.01, "highpass", output="sos"),
    "sharp": signal.ellip(9, 0.1, 80, 0.2, output="sos"),
    "notch": signal.tf2sos(*signal.iirnotch(50, 60, fs=1000)),
    "no memory": np.array([[0.5, 0.25, 0.25, 1, 0, 0]]),
}


@pytest.mark.parametrize(("design", "bound"), [("high band", 1e-15), ("wide band", 2e-11), ("sharp", 1e-12)])
def test_the_twin_agrees(design, bound):
    x = np.random.default_rng(1).standard_normal(1000) + 3
    expected = twin(DESIGNS[design], x, 27)
    got = sosfiltfilt(DESIGNS[design], x, padlen=27)
    assert np.abs(got - expected).max() <= bound * np.abs(expected).max()


@pytest.mark.parametrize("samples", [60, 1000, 1024, 40_001])
@pytest.mark.parametrize("design", DESIGNS)
def test_doubles_are_scipys_to_rounding(design, samples):
    sos = DESIGNS[design]
    x = np.random.default_rng(samples).standard_normal(samples) + 3
    expected = signal.sosfiltfilt(sos, x)
    assert np.abs(sosfiltfilt(sos, x) - expected).max() <= 2e-11 * np.abs(expected).max()


def test_both_ways_of_starting_a_lane_are_used_and_agree():
    x = np.random.default_rng(3).standard_normal(30_000)
    sos = DESIGNS["high band"]
    settled = filters._plan(sos.tobytes(), len(x), 27)
    assert settled.carry is None
    carried = settled._replace(
        settle=settled.length, carry=filter_memory.power(filter_memory.transition(sos), settled.length)
    )
    results = []
    for plan in (settled, carried):
        y = np.empty_like(x)
        filters._filter_row(sos, plan, x, 27, filter_loops.ODD, np.dtype(np.float64), y)
        results.append(y)
    assert np.abs(results[0] - results[1]).max() <= 1e-14 * np.abs(results[0]).max()
    assert filters._plan(DESIGNS["wide band"].tobytes(), len(x), 27).carry is not None


def test_a_filter_that_rings_is_not_taken_for_silent():
    slow = signal.butter(1, [0.0999, 0.1001], "bandpass", output="sos")
    h = signal.sosfilt(slow, np.eye(1, 400_000)[0])
    settle = filter_memory.forgetting(slow, 400_000)
    assert np.abs(h[settle:]).max() <= filter_memory.FORGOTTEN * np.abs(h).max()
    assert np.abs(h[settle - 2000 :]).max() > filter_memory.FORGOTTEN * np.abs(h).max()
    assert filter_memory.forgetting(slow, 1000) > 1000


@pytest.mark.parametrize("inside", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("edges", "bound"), [((0.05, 0.4), 2e-6), ((0.01, 0.1), 2e-5), ((0.001, 0.01), 1e-2)]
)
def test_single_precision_inside_stays_within_what_is_stated(edges, bound, inside):
    sos = signal.butter(4, edges, "bandpass", output="sos")
    x = np.random.default_rng(4).standard_normal(50_000).astype(np.float32)
    expected = signal.sosfiltfilt(sos, x.astype(np.float64))
    got = sosfiltfilt(sos, x, inside=inside)
    assert got.dtype == np.float32
    allowed = bound if inside == np.float32 else 6e-8
    assert np.abs(got - expected).max() <= allowed * np.abs(expected).max()


@settings(max_examples=40, deadline=None)
@given(
    samples=st.integers(1, 700),
    padlen=st.integers(0, 100),
    padtype=st.sampled_from(["odd", "even", "constant", None]),
    order=st.integers(1, 6),
    edge=st.floats(0.02, 0.9),
    seed=st.integers(0, 99),
)
def test_any_length_and_any_extension(samples, padlen, padtype, order, edge, seed):
    padlen = min(padlen, samples - 1)
    sos = signal.butter(order, edge, output="sos")
    x = np.random.default_rng(seed).standard_normal(samples)
    expected = signal.sosfiltfilt(sos, x, padtype=padtype, padlen=padlen)
    got = sosfiltfilt(sos, x, padtype=padtype, padlen=padlen)
    assert np.abs(got - expected).max() <= 1e-11 * max(np.abs(expected).max(), np.abs(x).max())


def test_rows_are_independent_and_axes_are_only_a_matter_of_view():
    sos = DESIGNS["high band"]
    x = np.random.default_rng(5).standard_normal((3, 900, 2)).astype(np.float32)
    got = sosfiltfilt(sos, x, axis=1)
    for i in range(3):
        for j in range(2):
            assert np.array_equal(got[i, :, j], sosfiltfilt(sos, x[i, :, j].copy()))
    assert np.array_equal(sosfiltfilt(sos, x.T, axis=1), got.T)
    assert sosfiltfilt(sos, np.arange(100)).dtype == np.float64
    assert sosfiltfilt(sos, np.empty((0, 50))).shape == (0, 50)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_sample_that_is_not_finite_is_felt_everywhere_as_with_scipy(bad):
    x = np.random.default_rng(7).standard_normal((2, 30_000))
    x[1, 29_990] = bad
    got, expected = sosfiltfilt(DESIGNS["high band"], x), signal.sosfiltfilt(DESIGNS["high band"], x)
    assert np.isnan(got[1]).all()
    assert np.isnan(expected[1]).all()
    assert np.abs(got[0] - expected[0]).max() < 1e-14


def test_what_cannot_be_filtered_is_refused_in_words():
    x, sos = np.ones(100), DESIGNS["high band"]
    with pytest.raises(ValueError, match="longer than its extension"):
        sosfiltfilt(sos, x[:20])
    with pytest.raises(ValueError, match="padtype"):
        sosfiltfilt(sos, x, padtype="mirror")
    with pytest.raises(ValueError, match="sections, 6"):
        sosfiltfilt(np.ones((2, 5)), x)
    with pytest.raises(ValueError, match="all ones"):
        sosfiltfilt(np.full((1, 6), 2.0), x)


@pytest.mark.parametrize("name", ["test_basic", "test_sine", "test_axis", "test_equivalence"])
def test_scipys_own_tests(name, monkeypatch):
    from scipy.signal.tests import test_signaltools as scipys

    monkeypatch.setattr(scipys, "sosfiltfilt", sosfiltfilt)
    getattr(scipys.TestSOSFiltFilt(), name)(np)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("length", [8, 128, 136, 1000])
def test_states_without_outputs_are_those_of_the_sections(design, length):
    sos, x = DESIGNS[design], np.random.default_rng(length).standard_normal(8 * length) + 3
    weights, advance = filter_memory.impulse_states(sos.tobytes(), "<f8")
    around = np.full(8 * len(weights) // filter_loops.BLOCK + 64, -7.25)
    states, lanes = around[32:-32], np.ascontiguousarray(x.reshape(8, length).T).ravel()
    for backwards in (False, True):
        if backwards:
            filter_states_loops.end_backward(weights, advance, lanes, states)
        else:
            filter_states_loops.end_forward(weights, advance, x, 0, length, 0, filter_loops.ODD, states)
        for lane, part in enumerate(x.reshape(8, length)):
            turned = part[::-1] if backwards else part
            expected = signal.sosfilt(sos, turned, zi=np.zeros((len(sos), 2)))[1].ravel()
            got = states.reshape(-1, 8)[: len(expected), lane]
            assert np.abs(got - expected).max() <= 1e-11 * np.abs(expected).max()
    assert (around[:32] == -7.25).all()
    assert (around[-32:] == -7.25).all()


def test_loops_write_nothing_beyond_their_buffers():
    rng, canary = np.random.default_rng(6), -7.25
    sos = DESIGNS["odd sections"].ravel()
    x = rng.standard_normal(1000)
    length, origin = 136, 1000 + 5 - 8 * 136
    around = np.full(8 * length + 64, canary)
    states = np.full(16 * 3 + 32, canary)
    states[16:-16] = 0
    result = np.full(1000 + 64, canary)
    lanes, y = around[32:-32], result[32:-32]
    inner = states[16:-16]
    filter_loops.forward(sos, inner, x, origin, length, -128, 0, 5, filter_loops.ODD, lanes[:0])
    filter_loops.forward(sos, inner, x, origin, length, 0, length, 5, filter_loops.ODD, lanes)
    filter_loops.settle_backward(sos, inner, lanes, 0.5, 128)
    filter_loops.backward(sos, inner, lanes, origin, length, y)
    for buffer, margin in ((around, 32), (states, 16), (result, 32)):
        assert (buffer[:margin] == canary).all()
        assert (buffer[-margin:] == canary).all()
    assert np.isfinite(y).all()
    assert not (y == canary).any()
