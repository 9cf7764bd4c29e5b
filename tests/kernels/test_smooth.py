"""Smoothing and detrending against SciPy, SciPy's own tests, and records with gaps."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

from hpcflow.units import derive
from hpcflow_kernels.contract import Rows
from hpcflow_kernels.filter.smooth import detrend, savgol_filter, savitzky_golay
from hpcflow_kernels.registry import get


@settings(max_examples=40, deadline=None)
@given(
    samples=st.integers(1, 200),
    half=st.integers(0, 40),
    even=st.booleans(),
    polyorder=st.integers(0, 5),
    deriv=st.integers(0, 3),
    mode=st.sampled_from(["interp", "mirror", "nearest", "constant", "wrap"]),
    dtype=st.sampled_from([np.float32, np.float64]),
)
def test_any_arguments_as_scipy(samples, half, even, polyorder, deriv, mode, dtype):
    window = 2 * half + 1 + even
    x = (np.random.default_rng(samples).standard_normal((2, samples)) + 3).astype(dtype)
    more = {"deriv": deriv, "delta": 0.5, "mode": mode, "cval": 1.5}
    try:
        expected = signal.savgol_filter(x, window, polyorder, **more)
    except ValueError:
        with pytest.raises(ValueError, match=r"must be"):
            savgol_filter(x, window, polyorder, **more)
        return
    wide = signal.savgol_filter(x.astype(np.float64), window, polyorder, **more)
    got = savgol_filter(x, window, polyorder, **more)
    assert got.dtype == dtype
    assert got.shape == expected.shape
    size = max(np.abs(wide).max(), 3.0 * 0.5**-deriv)
    if dtype == np.float64:
        assert np.abs(got - wide).max() <= 1e-9 * size
    else:
        assert np.abs(got - wide).max() <= 3e-5 * size


def test_scipys_own_tests(monkeypatch):
    from scipy.signal.tests import test_savitzky_golay as scipys

    found = [n for n, _ in inspect.getmembers(scipys) if n.startswith("test_sg_filter")]
    assert len(found) >= 5
    monkeypatch.setattr(scipys, "savgol_filter", savgol_filter)
    for name in found:
        test = getattr(scipys, name)
        if "xp" in inspect.signature(test).parameters:
            test(xp=np)
        else:
            test()


def test_other_axes_and_whole_numbers():
    x = np.arange(60).reshape(20, 3) ** 2
    expected = signal.savgol_filter(x, 7, 2, axis=0)
    got = savgol_filter(x, 7, 2, axis=0)
    assert got.dtype == np.float64
    assert got == pytest.approx(expected, abs=1e-9)


def test_the_step_counts_in_seconds():
    rate = 200.0
    t = np.arange(2000) / rate
    x = t**3 + np.random.default_rng(1).standard_normal(2000) * 1e-3
    got = savitzky_golay(x, rate=rate, window=0.5, degree=3, derivative=1)
    assert got == pytest.approx(3 * t**2, abs=0.05)
    assert np.array_equal(got, savgol_filter(x, 101, 3, 1, 1 / rate))
    (field,) = get("savitzky_golay").fields({"derivative": 2})
    assert derive(field.units, "m") == "m s-2"


def test_a_window_that_is_too_short_is_refused():
    check = get("savitzky_golay").check
    given_ = {"window": 0.01, "degree": 4, "derivative": 0}
    assert "lengthen `window` to 0.07 s" in check(given_, 100.0)[0]
    assert check(given_ | {"window": 0.07}, 100.0) == []
    assert "no derivative" in check(given_ | {"derivative": 5}, None)[0]


@pytest.mark.parametrize("type", ["linear", "constant"])
@pytest.mark.parametrize("window", [0.0, 2.5])
def test_detrend_is_scipys(type, window):
    x = np.cumsum(np.random.default_rng(2).standard_normal(1033)) + 1e4
    ends = list(range(250, 1033, 250)) if window else []
    expected = np.concatenate([signal.detrend(part, type=type) for part in np.split(x, ends)])
    got = detrend(signal=Rows(x, 100.0, "m", {}), type=type, window=window)["detrended"]
    assert np.abs(got - expected).max() <= 1e-9
    single = detrend(signal=Rows(x.astype(np.float32), 100.0, "m", {}), type=type, window=window)
    assert single["detrended"].dtype == np.float32


def test_missing_samples_leave_the_line_where_it_is():
    x = 3.0 + 0.5 * np.arange(100)
    x[20:60] = np.nan
    got = detrend(signal=Rows(x, 1.0, "m", {}))["detrended"]
    assert np.isnan(got[20:60]).all()
    assert np.abs(got[~np.isnan(x)]).max() <= 1e-12
    nothing = detrend(signal=Rows(np.full(10, np.nan), 1.0, "m", {}))["detrended"]
    assert np.isnan(nothing).all()
    assert detrend(signal=Rows(np.array([5.0]), 1.0, "m", {}))["detrended"].tolist() == [0.0]


def test_a_detrended_record_has_the_rows_of_its_source():
    contract = get("detrend")
    assert contract.length({}, 1033, 50.0, {}) == 1033
    assert contract.row_rate({}, 50.0) == 50.0
