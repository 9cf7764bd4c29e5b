"""Quality of recordings: faults that were put in by hand, clocks that were made to drift."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal as scipy_signal

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.quality.alignment import clock_drift, lag
from hpcflow_kernels.quality.defects import clipped, flat_lines, gaps, sampling_clock, signal_quality, spikes

RATE = 100.0


def clean(samples=6000):
    rng = np.random.default_rng(3)
    return (np.sin(np.arange(samples) / 9) + 0.2 * rng.standard_normal(samples)).astype(np.float32)


def judged(x):
    return signal_quality(signal=Rows(x, RATE, "m s-2", {}), flat=0.1, clip=3, spike=8.0, spike_window=7)


def test_a_clean_record_has_no_fault():
    assert set(judged(clean()).values()) == {0.0}


def test_each_fault_is_found_where_it_was_put():
    x = clean()
    x[1000:1500] = np.nan
    x[2000:2040] = x[2000]
    places = np.array([100, 3000, 5500])
    x[places] += 9
    found = judged(x)
    assert found["missing"] == 500 / 6000
    assert found["longest_gap"] == 5.0
    assert found["flat"] == 40 / 5500
    assert found["longest_flat"] == pytest.approx(0.4)
    assert np.array_equal(spikes(x), places)
    assert found["clipped"] == 0
    assert gaps(x).start.tolist() == [1000]
    assert flat_lines(x, 10).start.tolist() == [2000]


def test_an_overdriven_converter_is_clipped_and_its_stretches_are_those_beyond_the_limit():
    x = clean()
    beyond = (x > 0.8) | (x < -0.8)
    limited = np.clip(x, -0.8, 0.8)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], beyond, [0]])))
    long = (edges[1::2] - edges[::2]) >= 3
    found = clipped(limited)
    assert np.array_equal(found.start, edges[::2][long])
    assert found.length.sum() == (edges[1::2] - edges[::2])[long].sum()


@pytest.mark.parametrize("x", [np.zeros(0), np.full(50, np.nan), np.full(50, 3.0), np.arange(3.0)])
def test_odd_records_are_judged_without_an_error(x):
    found = judged(x.astype(np.float32))
    assert found["clipped"] == 0 or np.isnan(found["clipped"])
    if len(x) == 50:
        assert (found["missing"], found["longest_flat"]) == ((1, 0) if np.isnan(x[0]) else (0, 0.5))


def test_a_clock_with_jitter_and_gaps():
    rng = np.random.default_rng(4)
    time = np.arange(10_000) / 50 + rng.normal(0, 1e-4, 10_000)
    time = np.delete(time, slice(4000, 4100))
    clock = sampling_clock(time)
    assert clock.rate == pytest.approx(50, rel=1e-4)
    assert clock.jitter == pytest.approx(1e-4 * np.sqrt(2), rel=0.03)
    assert (clock.gaps, clock.backwards) == (1, 0)
    with pytest.raises(ValueError, match="two time stamps"):
        sampling_clock(time[:1])


@pytest.mark.parametrize("shift", [-37.0, 0.0, 12.0, 5.3])
def test_a_shift_is_found_to_a_part_of_a_sample(shift):
    rng = np.random.default_rng(8)
    wide = scipy_signal.resample_poly(rng.standard_normal(2000), 10, 1)  # smooth, ten times oversampled
    x = wide[1000:11_000:10]
    first = round(1000 - 10 * shift)
    y = wide[first : first + 10_000 : 10] * 3 + 7
    smooth = scipy_signal.butter(4, 0.3, output="sos")
    found = lag(scipy_signal.sosfiltfilt(smooth, x), scipy_signal.sosfiltfilt(smooth, y), 50)
    assert found.samples == pytest.approx(shift, abs=0.1)
    assert found.correlation > 0.98


def test_a_drifting_clock_is_measured():
    rng = np.random.default_rng(9)
    t = np.arange(100_000.0)
    source = scipy_signal.sosfiltfilt(scipy_signal.butter(4, 0.2, output="sos"), rng.standard_normal(101_000))
    at = np.arange(len(source))
    x = np.interp(t + 500, at, source)
    y = np.interp(t + 500 - (4 + 200e-6 * t), at, source)
    y[30_000:40_000] = rng.standard_normal(10_000)  # a stretch that matches nothing
    found = clock_drift(x, y, block=5000, most=60)
    assert found.rate == pytest.approx(200e-6, rel=0.02)
    assert found.offset == pytest.approx(4, abs=0.2)
    assert found.blocks == 18


def test_what_cannot_be_aligned_is_refused_or_unknown():
    with pytest.raises(ValueError, match="resample"):
        lag(np.zeros(9), np.zeros(8), 2)
    with pytest.raises(ValueError, match="at least 10"):
        lag(np.zeros(9), np.zeros(9), 9)
    assert np.isnan(lag(np.zeros(9), np.arange(9.0), 2).samples)
    with pytest.raises(ValueError, match="odd"):
        spikes(np.arange(20.0), window=4)
