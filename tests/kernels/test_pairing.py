"""Zeros at 1 and -1 in one section: the same filter, little rounding, and four sections in one sweep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy import signal

from hpcflow_kernels.filter import cascade_loops
from hpcflow_kernels.filter.pairing import paired, roundings
from hpcflow_kernels.filter.zero_phase import sosfiltfilt
from tests.kernels.test_sosfiltfilt import twin

BAND = (0.1, 0.3)


@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize("design", ["butter", "cheby1", "bessel"])
def test_it_is_the_same_filter(design, order):
    ripple = (0.5,) if design == "cheby1" else ()
    sos = getattr(signal, design)(order, *ripple, BAND, "bandpass", output="sos")
    got = paired(sos.tobytes(), "f8")
    assert (got[:, 1] == 0).all()
    assert (got[:, 2] == -got[:, 0]).all()
    assert (got[1:, 0] == 1).all()
    _, expected = signal.sosfreqz(sos, 1000)
    assert np.abs(signal.sosfreqz(got, 1000)[1] - expected).max() <= 1e-12


@pytest.mark.parametrize(
    "sos",
    [
        signal.butter(4, 0.3, output="sos"),
        signal.butter(5, 0.3, "highpass", output="sos"),
        signal.cheby2(4, 40, BAND, "bandpass", output="sos"),
        signal.ellip(4, 0.5, 40, BAND, "bandpass", output="sos"),
        np.array([[0.0, 1, 0, 1, 0, 0]]),
    ],
)
def test_other_zeros_are_left_alone(sos):
    assert np.array_equal(paired(sos.tobytes(), "f8"), sos)


@settings(max_examples=30, deadline=None)
@given(order=st.integers(2, 6), low=st.floats(0.002, 0.8), width=st.floats(0.05, 1), single=st.booleans())
def test_little_is_rounded_wherever_it_is_done(order, low, width, single):
    high = low + width * (0.99 - low)
    sos = signal.butter(order, [low, high], "bandpass", output="sos")
    inside = np.dtype(np.float32 if single else np.float64)
    if np.array_equal(paired(sos.tobytes(), inside.str), sos):
        return
    x = np.random.default_rng(order).standard_normal(600) + 3
    expected = twin(sos, x, 30)
    error = np.abs(sosfiltfilt(sos, x, padlen=30, inside=inside) - expected).max() / np.abs(expected).max()
    assert error <= (1e-5 if single else 2e-11)


def test_a_wide_band_would_lose_its_digits_and_is_left_alone():
    sos = signal.butter(6, [20 / 6000, 5900 / 6000], "bandpass", output="sos")
    assert np.array_equal(paired(sos.tobytes(), "f8"), sos)
    together = sos[np.argsort(-sos[:, 5])]
    together[:, :3] = 1, 0, -1
    assert roundings(together) > 1e5 * roundings(sos)
    low = signal.butter(4, [0.01, 0.1], "bandpass", output="sos")
    assert not np.array_equal(paired(low.tobytes(), "f8"), low)
    assert np.array_equal(paired(low.tobytes(), "f4"), low)


@njit
def _by_fours(sos, states, source, block, first, count):
    cascade_loops._four_by_fours(sos, 0, states, source, block, first, count)


@njit
def _by_eights(sos, states, source, block, first, count):
    cascade_loops._four_by_eights(sos, 0, states, source, block, first, count)


@njit
def _cascade(sos, states, source, block, first, count):
    cascade_loops.cascade(sos, states, source, block, first, count)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("count", [4, 8, 13, 128])
def test_four_sections_in_a_sweep_are_scipys_with_states_before_and_after(count, backwards):
    sos = paired(signal.butter(4, BAND, "bandpass", output="sos").tobytes(), "f8").copy()
    rng, canary = np.random.default_rng(count), -7.25
    x, begin = rng.standard_normal((count, 8)) + 3, rng.standard_normal((4, 2, 8))
    turn = slice(None, None, -1) if backwards else slice(None)
    expected, end = signal.sosfilt(sos, x[turn], axis=0, zi=begin)
    results = []
    for loop in (_by_fours, _by_eights, _cascade):
        around, states = np.full(8 * count + 64, canary), begin.ravel().copy()
        around[32:-32] = x.ravel()
        block = around[32:-32]
        loop(sos.ravel(), states, block, block, count - 1 if backwards else 0, count)
        assert np.abs(block.reshape(count, 8)[turn] - expected).max() <= 1e-13 * np.abs(expected).max()
        assert np.abs(states.reshape(4, 2, 8) - end).max() <= 1e-13 * np.abs(end).max()
        assert (around[:32] == canary).all()
        assert (around[-32:] == canary).all()
        results.append((block.copy(), states))
    for block, states in results[1:]:
        assert np.array_equal(block, results[0][0])
        assert np.array_equal(states, results[0][1])


@pytest.mark.parametrize("order", [2, 3, 5, 8, 9])
def test_any_number_of_sections(order):
    sos = signal.butter(order, BAND, "bandpass", output="sos")
    x = np.random.default_rng(order).standard_normal(1500) + 3
    expected = signal.sosfiltfilt(sos, x)
    assert np.abs(sosfiltfilt(sos, x) - expected).max() <= 1e-12 * np.abs(expected).max()
