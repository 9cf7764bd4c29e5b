"""Filters of finite length: SciPy's numbers and own tests, an exact twin, and buffers' ends."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.filter import fir_loops
from hpcflow_kernels.filter.fir import (
    COST,
    _ring,
    _spectrum,
    filter_centred,
    fir,
    oaconvolve,
    odd_ends,
    transform_size,
)
from hpcflow_kernels.filter.fir_contracts import _check
from tests.kernels import scipys


def twin(taps, x):
    """What is meant: the sum over the taps at each sample of the continued signal, exactly."""
    half = len(taps) // 2
    head, tail = odd_ends(x, half)
    whole = [Fraction(float(v)) for v in np.concatenate([head, x, tail])]
    exact = [Fraction(float(h)) for h in taps[::-1]]
    return np.array(
        [
            float(sum(h * v for h, v in zip(exact, whole[i : i + len(taps)], strict=True)))
            for i in range(len(x))
        ]
    )


@pytest.mark.parametrize("count", [1, 3, 33])
def test_the_twin_agrees(count):
    rng = np.random.default_rng(count)
    taps, x = rng.standard_normal(count), rng.standard_normal(90)
    expected = twin(taps, x)
    assert np.abs(filter_centred(taps, x) - expected).max() <= 1e-15 * np.abs(expected).max() * count


@pytest.mark.parametrize("n", [0, *COST])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("samples", [1, 50, 5000, 40_001])
def test_every_way_of_summing_gives_the_convolution(n, dtype, samples):
    rng = np.random.default_rng(samples)
    taps = rng.standard_normal(101)
    x = (rng.standard_normal(samples) + 3).astype(dtype)
    head, tail = rng.standard_normal(60).astype(dtype), rng.standard_normal(70).astype(dtype)
    whole = np.concatenate([np.zeros(40), head, x, tail, np.zeros(30)]).astype(np.float64)
    expected = np.convolve(whole, taps, "valid")
    y = np.empty(len(expected), dtype)
    if n == 0:
        fir_loops.direct(x, head, tail, taps[::-1].astype(dtype), 100, y)
    else:
        h = _spectrum(taps.tobytes(), n, np.dtype(dtype).str)
        r = _ring(n, np.dtype(dtype).str)
        fir_loops.overlap_save(x, head, tail, h, 101, r.stages, r.leaves, 100, y)
    largest = np.abs(taps).sum() * np.abs(whole).max()
    assert np.abs(y - expected).max() <= 6 * np.finfo(dtype).eps * largest


@settings(max_examples=80, deadline=None)
@given(
    samples=st.integers(1, 3000),
    count=st.integers(1, 400),
    mode=st.sampled_from(["full", "same", "valid"]),
    single=st.booleans(),
)
def test_any_lengths_are_scipys(samples, count, mode, single):
    rng = np.random.default_rng(samples + count)
    dtype = np.float32 if single else np.float64
    x, taps = rng.standard_normal(samples).astype(dtype), rng.standard_normal(count).astype(dtype)
    expected = signal.oaconvolve(x, taps, mode)
    got = oaconvolve(x, taps, mode)
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    bound = (4 + count / 50) * np.finfo(dtype).eps * np.abs(taps).sum() * max(np.abs(x).max(), 1)
    assert np.abs(got - expected).max(initial=0) <= bound


@pytest.mark.parametrize("count", [4001, 11_999, 12_001])
def test_long_filters(count):
    rng = np.random.default_rng(1)
    x, taps = rng.standard_normal(30_000), rng.standard_normal(count)
    bound = 1e-13 * np.abs(taps).sum()
    assert np.abs(oaconvolve(x, taps, "same") - signal.oaconvolve(x, taps, "same")).max() <= bound
    padded = np.concatenate([odd_ends(x, count // 2)[0], x, odd_ends(x, count // 2)[1]])
    assert np.abs(filter_centred(taps, x) - signal.oaconvolve(padded, taps, "valid")).max() <= bound


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_rows_along_any_axis(axis):
    rng = np.random.default_rng(2)
    x, taps = rng.standard_normal((70, 3, 80)), rng.standard_normal(31)
    shape = [1, 1, 1]
    shape[axis] = 3 if axis == 1 else 31
    for mode in ("full", "same", "valid"):
        h = taps[: shape[axis]].reshape(shape)
        np.testing.assert_allclose(oaconvolve(x, h, mode), signal.oaconvolve(x, h, mode), rtol=0, atol=1e-13)
    moved = filter_centred(taps[:3], x, axis)
    for index in np.ndindex(np.moveaxis(x, axis, -1).shape[:-1]):
        row = np.moveaxis(x, axis, -1)[index]
        assert np.array_equal(np.moveaxis(moved, axis, -1)[index], filter_centred(taps[:3], row))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (np.ones((6, 5)), np.ones((2, 3))),
        (np.ones(5) + 1j, np.ones(3)),
        (np.ones(3), np.ones(5)),
        (np.ones(5, np.longdouble), np.ones(3, np.longdouble)),
    ],
)
def test_what_is_not_one_filter_along_one_axis_is_scipys(a, b):
    got, expected = oaconvolve(a, b), signal.oaconvolve(a, b)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, atol=1e-14)


@pytest.mark.parametrize(
    "name",
    ["test_1d_axes", "test_1d_noaxes", "test_2d_axes", "test_2d_noaxes", "test_empty", "test_real_manylens"]
    + ["test_single_element", "test_zero_rank"],
)
def test_scipys_own_tests(name, monkeypatch):
    from scipy.signal.tests import test_signaltools as theirs

    monkeypatch.setattr(theirs, "oaconvolve", oaconvolve)
    assert scipys.run(theirs.TestOAConvolve, name, monkeypatch) > 0


def test_tones_pass_or_stop_and_nothing_is_delayed():
    rate, t = 1000.0, np.arange(4000) / 1000.0
    slow, mid, fast = (np.sin(2 * np.pi * f * t + 1) for f in (10, 100, 300))
    x = slow + mid + fast
    inner = slice(300, -300)
    for given_, kept in (
        ({"high": 50.0}, slow),
        ({"low": 200.0}, fast),
        ({"low": 50.0, "high": 200.0}, mid),
        ({"low": 50.0, "high": 200.0, "stop": True}, slow + fast),
    ):
        assert np.abs(fir(x, rate=rate, **given_) - kept)[inner].max() < 4e-3  # Hamming: 53 dB


def test_an_offset_and_a_slope_have_no_ends():
    x = 5 + 0.01 * np.arange(1000.0)
    assert fir(x, rate=1000.0, high=40.0) == pytest.approx(x, rel=1e-12)
    assert np.abs(fir(x, rate=1000.0, low=40.0)).max() < 0.02


def test_direct_sums_give_the_same_bits_wherever_a_signal_begins():
    x = np.random.default_rng(0).standard_normal(9001).astype(np.float32)
    taps = signal.firwin(31, 0.2)
    assert transform_size(31, 9001) == 0 < transform_size(33, 9001)
    whole = filter_centred(taps, x)
    for first in (1, 7, 64, 1000):
        assert np.array_equal(filter_centred(taps, x[first:])[15:], whole[first + 15 :])


def test_nothing_is_written_beyond_the_outputs():
    x = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    none, taps = np.empty(0, np.float32), np.ones(33, np.float32)
    h, r = _spectrum(np.ones(33).tobytes(), 256, "<f4"), _ring(256, "<f4")
    for size in (1, 63, 64, 65, 223, 224, 225, 1791, 1792, 1793, 3600):
        around = np.full(size + 64, np.float32(7.25))
        fir_loops.direct(x, none, none, taps, 16, around[32:-32])
        fir_loops.overlap_save(x, none, none, h, 33, r.stages, r.leaves, 16, around[32:-32])
        assert (around[:32] == 7.25).all()
        assert (around[-32:] == 7.25).all()
        assert (around[32:-32] != 7.25).all()


def test_wrong_arguments_are_told_with_a_remedy():
    with pytest.raises(ValueError, match="give one more"):
        filter_centred(np.ones(4), np.ones(50))
    with pytest.raises(ValueError, match="at most 9 taps"):
        filter_centred(np.ones(11), np.ones(5))
    right = {"low": 10.0, "high": 20.0, "taps": 31}
    assert _check(right, 100.0) == []
    for wrong, word in (
        ({"low": None, "high": None}, "needs an edge"),
        ({"low": 30.0}, "exchange"),
        ({"taps": 30}, "give 31"),
        ({"high": 50.0}, "half the sampling rate"),
    ):
        assert any(word in text for text in _check(right | wrong, 100.0))
