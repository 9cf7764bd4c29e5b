"""Changes of rate: SciPy's numbers and own tests, an exact twin, gaps, tones, and buffers' ends."""

from __future__ import annotations

from fractions import Fraction
from math import gcd
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow_kernels.filter import resample_loops
from hpcflow_kernels.filter.resample import decimate, decimated, phases, resample_poly, resampled
from hpcflow_kernels.filter.resample_contracts import _check_resample, geometry, nearest, ratio
from tests.kernels import scipys


def twin(x, taps, up, down, start):
    """What is meant: zeros put between samples, a filter, samples left out; exactly."""
    h, v = [Fraction(float(t)) for t in taps], [Fraction(float(s)) for s in x]
    middle, y = (len(h) - 1) // 2, []
    for k in range(-(-(len(x) * up - start) // down)):
        at = middle + start + k * down
        y.append(float(sum(h[at - s * up] * v[s] for s in range(len(v)) if 0 <= at - s * up < len(h))))
    return np.array(y)


@pytest.mark.parametrize(("up", "down"), [(1, 2), (1, 9), (3, 2), (8, 15), (7, 1), (10, 3)])
@pytest.mark.parametrize("taps", [1, 2, 21, 64])
@pytest.mark.parametrize("start", [0, 1])
def test_the_twin_agrees(up, down, taps, start):
    rng = np.random.default_rng(taps)
    x, h = rng.standard_normal(60), rng.standard_normal(taps)
    expected = twin(x, h, up, down, start)
    y, none = np.empty(len(expected)), np.empty(0)
    resample_loops.polyphase(x, none, none, *phases(h.tobytes(), up, down, start, "<f8"), y)
    assert np.abs(y - expected).max() <= 1e-15 * taps * max(np.abs(expected).max(), 1)


@settings(max_examples=100, deadline=None)
@given(
    samples=st.integers(2, 3000),  # SciPy divides by zero at one
    up=st.integers(1, 40),
    down=st.integers(1, 40),
    padtype=st.sampled_from(
        ["constant", "mean", "median", "minimum", "maximum", "edge", "symmetric", "reflect", "antireflect"]
        + ["line", "wrap"]
    ),
    dtype=st.sampled_from([np.float32, np.float64, np.int32]),
)
def test_any_ratio_is_scipys(samples, up, down, padtype, dtype):
    x = (np.random.default_rng(samples).standard_normal(samples) * 9 + 20).astype(dtype)
    expected = signal.resample_poly(x.astype(np.float64), up, down, padtype=padtype)
    got = resample_poly(x, up, down, padtype=padtype)
    assert got.shape == expected.shape
    # Whole numbers by the ratio 1 are copied as they are, as by SciPy.
    assert got.dtype == (dtype if dtype == np.float32 or up == down else np.float64)
    bound = 2e-5 if dtype == np.float32 else 1e-12
    assert np.abs(got - expected).max() <= bound * np.abs(x).max()


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("window", ["hann", ("kaiser", 8.0), np.ones(7) / 7, [0.25, 0.5, 0.25, 0.0]])
def test_any_axis_and_window(axis, window):
    x = np.random.default_rng(1).standard_normal((50, 60, 70))
    expected = signal.resample_poly(x, 3, 4, axis, window, cval=1.5)
    got = resample_poly(x, 3, 4, axis, window, cval=1.5)
    assert np.abs(got - expected).max() <= 1e-14 * np.abs(expected).max()
    for ftype in ("fir", "iir"):
        expected = signal.decimate(x, 3, ftype=ftype, axis=axis)
        assert np.abs(decimate(x, 3, ftype=ftype, axis=axis) - expected).max() <= 1e-12


RESAMPLE = [
    *("test_basic", "test_dc", "test_gh_15620", "test_input_domain", "test_mutable_window"),
    *("test_output_float32", "test_output_match_dtype", "test_poly_vs_filtfilt", "test_resample_methods"),
]
DECIMATE = [
    *("test_auto_n", "test_bad_args", "test_basic_FIR", "test_basic_IIR", "test_complex_fir_dlti"),
    *("test_complex_iir_dlti", "test_float16_upcast", "test_long_float32", "test_phaseshift_FIR"),
    *("test_phaseshift_IIR", "test_shape", "test_zero_phase_FIR", "test_zero_phase_IIR"),
]


@pytest.mark.parametrize("name", RESAMPLE + DECIMATE)
def test_scipys_own_tests(name, monkeypatch):
    from scipy.signal.tests import test_signaltools as theirs

    replaced = vars(signal) | {"resample_poly": resample_poly, "decimate": decimate}
    monkeypatch.setattr(theirs, "signal", SimpleNamespace(**replaced))
    case = theirs.TestResample if name in RESAMPLE else theirs.TestDecimate
    # With taps of float64, SciPy gives float64 for float32.
    wide = {"dtype": np.float32} if name == "test_poly_vs_filtfilt" else {"": None}
    assert scipys.run(case, name, monkeypatch, lambda given: wide.items() <= given.items()) > 0


def test_tones_below_the_new_half_rate_stay_and_those_above_go():
    t = np.arange(25_600) / 25_600
    low, high = np.sin(2 * np.pi * 700 * t + 1), np.sin(2 * np.pi * 9000 * t)
    for got, rate in (
        (decimated(low + high, rate=25_600.0, factor=4)["decimated"], 6400.0),
        (resampled(low + high, rate=25_600.0, to=12_000.0)["resampled"], 12_000.0),
        (resampled(low + high, rate=25_600.0, to=11_025.0)["resampled"], 11_025.0),
    ):
        wanted = np.sin(2 * np.pi * 700 * np.arange(len(got)) / rate + 1)
        assert len(got) == np.ceil(rate)
        assert np.abs(got - wanted)[100:-100].max() < 5e-3


def test_an_offset_does_not_droop_at_ends_or_gaps():
    x = np.full(4000, 9.81)
    x[1000:1010] = np.nan
    y = decimated(x, rate=100.0, factor=8)["decimated"]
    assert np.isnan(y[125:127]).all()
    assert np.delete(y, [125, 126]) == pytest.approx(9.81, rel=1e-12)


@pytest.mark.parametrize(("to", "up", "down"), [(480.0, 12, 25), (1500.0, 3, 2), (250.0, 1, 4)])
def test_each_stretch_is_a_record_of_its_own_at_the_records_phase(to, up, down):
    x = np.random.default_rng(3).standard_normal(6000).astype(np.float32)
    gaps = [(0, 7), (1003, 1004), (2500, 2611), (2620, 2621), (5990, 6000)]
    for start, stop in gaps:
        x[start:stop] = np.nan
    got = resampled(x, rate=1000.0, to=to)["resampled"]
    at = np.arange(len(got)) * down // up
    edges = [0, *(i for gap in gaps for i in gap), len(x)]
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        mine = (at >= start) & (at < stop)
        if stop - start <= geometry(up, down).after:
            assert np.isnan(got[mine]).all()
            continue
        # The same stretch with its odd continuation as data, so that zeros begin far away, and its first
        # sample at a multiple of `down` in the longer signal.
        room = 40 * max(up, down) // up
        lead = room + (start - room) % down
        part = np.pad(x[start:stop].astype(np.float64), (lead, room), "reflect", reflect_type="odd")
        whole = signal.resample_poly(part, up, down)
        first = -(-start * up // down) - (start - lead) // down * up
        assert np.abs(got[mine] - whole[first : first + mine.sum()]).max() < 3e-6
    for start, stop in gaps:
        assert np.isnan(got[(at >= start) & (at < stop)]).all()


def test_nothing_is_written_beyond_the_outputs():
    x = np.random.default_rng(0).standard_normal(5000).astype(np.float32)
    none = np.empty(0, np.float32)
    for up, down in ((1, 4), (8, 15), (3, 2)):
        plan = phases(np.ones(41).tobytes(), up, down, 0, "<f4")
        for size in (1, 7, 8, 63, 512, 513, 1200):
            around = np.full(size + 64, np.float32(7.25))
            resample_loops.polyphase(x, none, none, *plan, around[32:-32])
            assert (around[:32] == 7.25).all()
            assert (around[-32:] == 7.25).all()
            assert (around[32:-32] != 7.25).all()


@given(up=st.integers(1, 1000), down=st.integers(1, 1000), rate=st.floats(0.01, 1e7))
def test_ratios_of_rates_are_found(up, down, rate):
    g = gcd(up, down)
    assert ratio(rate * up / down, rate) == (up // g, down // g)


def test_a_rate_without_a_ratio_is_refused_with_the_nearest():
    (text,) = _check_resample({"to": 100.1234567}, 25_600.0)
    up, down = nearest(100.1234567, 25_600.0)
    close = 25_600.0 * up / down
    assert repr(close) in text
    assert _check_resample({"to": close}, 25_600.0) == []
    assert "two steps" in _check_resample({"to": 1.0}, 25_600.0)[0]
    with pytest.raises(ValueError, match="whole numbers"):
        resampled(np.zeros(9), rate=25_600.0, to=1.0)
