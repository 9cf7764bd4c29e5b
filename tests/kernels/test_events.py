"""Events: peaks against SciPy and its own tests, crossings and bursts against slow twins, steps in a run."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal
from scipy.io import loadmat, savemat

from hpcflow import api
from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.detection import events, events_loops
from hpcflow_kernels.detection.events_records import bursts, crossings, peaks
from hpcflow_kernels.registry import get
from hpcflow_kernels.rolling.statistics import rolling_mean, rolling_std

ANY = (None, None)

WAVES = st.lists(st.integers(-3, 3) | st.just(float("nan")), max_size=60).map(np.array)
"""Few values, so that plateaus and ties are common."""


def agree(x, **asked):
    places, found = signal.find_peaks(x.astype(np.float64), **asked)
    ours, ours_found = events.find_peaks(x, **asked)
    assert np.array_equal(places, ours)
    assert list(found) == list(ours_found)
    for name, values in found.items():
        assert np.array_equal(values, ours_found[name]), name


def noises():
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.standard_normal(20_011))
    smooth = signal.sosfiltfilt(signal.butter(2, [0.01, 0.06], "bandpass", output="sos"), walk)
    yield from (walk, np.round(walk / 3), smooth, rng.standard_normal(5003).astype(np.float32))
    holed = smooth.astype(np.float32)
    holed[rng.integers(0, len(holed), 30)] = np.nan
    yield holed


@pytest.mark.parametrize("x", list(noises()))
def test_all_properties_are_scipys_bit_for_bit(x):
    agree(x, height=ANY, threshold=ANY, prominence=ANY, width=ANY, plateau_size=ANY)
    agree(x, height=0.1, prominence=(0.3, 4), rel_height=0.8, width=3)
    agree(x, threshold=(0.01, 2), plateau_size=(None, 2), prominence=0.5, wlen=101)
    agree(x, height=(-np.abs(x), np.abs(x) + 1), distance=1)


@settings(max_examples=150, deadline=None)
@given(x=WAVES)
def test_plateaus_ties_and_gaps_are_scipys(x):
    agree(x.astype(np.float64), height=ANY, threshold=ANY, prominence=ANY, width=ANY, plateau_size=ANY)


@pytest.mark.parametrize("distance", [1.0, 2.0, 7.5, 40.0, 1e5])
def test_peaks_are_kept_apart_as_by_scipy(distance):
    for x in noises():
        if len(np.unique(x)) == len(x):  # else SciPy leaves it to an unstable sort which of equals goes
            agree(x, distance=distance, prominence=0.2)


def test_of_equal_peaks_that_are_too_close_the_later_stays():
    assert events.find_peaks([0, 2, 0, 2, 0, 2, 0], distance=3)[0].tolist() == [1, 5]
    assert events.find_peaks([0, 2, 0, 2, 0], distance=3)[0].tolist() == [3]
    assert events.find_peaks([0, 2, 0] * 100, distance=4)[0].tolist() == list(range(1, 300, 3))[1::2]


def scipys_tests():
    from scipy.signal.tests.test_peak_finding import TestFindPeaks

    return [name for name, _ in inspect.getmembers(TestFindPeaks, inspect.isfunction) if name[:5] == "test_"]


def test_scipys_own_tests(monkeypatch):
    from scipy.signal.tests import test_peak_finding

    monkeypatch.setattr(test_peak_finding, "find_peaks", events.find_peaks)
    names = scipys_tests()
    assert len(names) >= 10
    for name in names:
        test = getattr(test_peak_finding.TestFindPeaks(), name)
        marks = {mark.name: mark for mark in getattr(test, "pytestmark", [])}
        if "parametrize" in marks:
            for kwargs in marks["parametrize"].args[1]:
                test(kwargs)
        elif "filterwarnings" in marks:
            with pytest.warns(signal._peak_finding_utils.PeakPropertyWarning):
                test()
        else:
            test()


def crossings_one_by_one(x, high, low):
    state, found = None, []
    for i, v in enumerate(x):
        if np.isnan(v):
            state = None
        elif state is None:
            state = bool(v >= high)
        elif state and v < low:
            state = False
            found.append((i - 1 + (low - x[i - 1]) / (v - x[i - 1]), False))
        elif not state and v >= high:
            state = True
            found.append((i - 1 + (high - x[i - 1]) / (v - x[i - 1]), True))
    return found


def bursts_one_by_one(x, high, low, least, merge):
    above, state = np.zeros(len(x), bool), False
    for i, v in enumerate(x):
        state = bool(v >= (low if state else high))
        above[i] = state
    for i in np.flatnonzero(above):  # bridge what is short and without a gap
        following = np.flatnonzero(above[i + 1 :])
        if len(following) and following[0] <= merge and not np.isnan(x[i : i + following[0] + 1]).any():
            above[i : i + 1 + following[0]] = True
    edges = np.flatnonzero(np.diff(np.concatenate([[0], above, [0]])))
    runs = []
    for a, b in edges.reshape(-1, 2):
        for part in np.split(np.arange(a, b), np.flatnonzero(np.isnan(x[a:b]))):
            runs += [(part[0], part[-1] + 1)] if len(part) else []
    return [(a, b, a + int(np.argmax(x[a:b])), float(np.mean(x[a:b]))) for a, b in runs if b - a >= least]


@settings(max_examples=300, deadline=None)
@given(
    x=WAVES,
    high=st.integers(-2, 3),
    hysteresis=st.integers(0, 3),
    least=st.integers(1, 5),
    merge=st.integers(0, 4),
)
def test_crossings_and_bursts_are_those_of_the_twins(x, high, hysteresis, least, merge):
    x, low = x.astype(np.float32), high - hysteresis
    found = events.threshold_crossings(x, high, low)
    expected = crossings_one_by_one(x.astype(np.float64), high, low)
    assert found.upward.tolist() == [up for _, up in expected]
    assert found.place == pytest.approx([place for place, _ in expected], abs=1e-12)
    got = events.bursts(x, high, low, least, merge)
    rows = bursts_one_by_one(x.astype(np.float64), high, low, least, merge)
    assert list(zip(got.start, got.stop, got.top, strict=True)) == [row[:3] for row in rows]
    assert got.mean == pytest.approx([row[3] for row in rows], abs=1e-12)


def test_a_burst_at_a_gap_or_an_end_is_not_whole():
    found = events.bursts(np.array([3, 0, 3, 0, 3, np.nan, 3, 0, 3]), 2)
    assert found.whole.tolist() == [False, True, False, False, False]


def test_noise_about_a_threshold_is_no_crossing_with_hysteresis():
    rng = np.random.default_rng(2)
    x = np.sin(2 * np.pi * np.arange(10_000) / 500) + 0.05 * rng.standard_normal(10_000)
    assert len(events.threshold_crossings(x, 0.0).place) > 100
    found = events.threshold_crossings(x, 0.3, -0.3)
    assert found.upward.sum() == 20
    assert np.diff(found.place[found.upward]) == pytest.approx(500, abs=30)


def test_what_cannot_be_asked_is_refused_in_words():
    x = np.zeros(5)
    with pytest.raises(ValueError, match="exchange them"):
        events.threshold_crossings(x, 1, 2)
    with pytest.raises(ValueError, match="one sample or more"):
        events.bursts(x, 1, least=0)
    with pytest.raises(ValueError, match="along one axis"):
        events.bursts(np.zeros((2, 5)), 1)
    with pytest.raises(ValueError, match="must have one for each of 5"):
        events.find_peaks(np.array([0, 1.0, 0, 1, 0]), height=np.ones(4))
    with pytest.raises(UnusableRecordError, match="mend its time stamps"):
        crossings(signal=Rows(x, np.nan, "1", {}), high=1.0, low=None)
    assert "exchange" in get("bursts").check({"high": 1.0, "low": 2.0}, None)[0]


def test_loops_write_nothing_beyond_their_buffers():
    x = np.random.default_rng(3).integers(0, 4, 1001).astype(np.float64)
    around = np.full((4, 601), -7, np.int32)
    edges = around[:, 50:551]
    count, lows, missing = events_loops.extremes(x, *edges)
    prominence = np.full(count + 100, -7.25)
    places = np.full((2, count + 100), -7, np.int32)
    inner = slice(50, 50 + count)
    columns = prominence[inner], *places[:, inner]
    events_loops.prominences(x, *edges[:2, :count], *edges[2:, :lows], missing, *columns)
    found, mean = np.full((601, 3), -7), np.full(601, -7.25)
    events_loops.find_bursts(x, 2, 2, 1, 0, found[50:551], mean[50:551])
    for buffer in (*around, prominence, *places, *found.T, mean):
        assert (buffer[:50] == buffer[0]).all()
        assert (buffer[-50:] == buffer[0]).all()


def test_what_steps_find_follows_their_contracts():
    x = signal.sosfiltfilt(
        signal.butter(2, 0.1, output="sos"), np.random.default_rng(4).standard_normal(5000)
    )
    rows = Rows(x.astype(np.float32), 100.0, "m s-2", {})
    steps = {
        "peaks": (peaks, {"height": None, "prominence": 0.1, "distance": None, "width": None}),
        "crossings": (crossings, {"high": 0.1, "low": -0.1}),
        "bursts": (bursts, {"high": 0.2, "low": None, "least": 0.02, "merge": 0.05}),
    }
    for name, (call, asked) in steps.items():
        found = call(signal=rows, **asked)
        assert set(found) == {field.name for field in get(name).fields(asked)}
        count = len(next(iter(found.values())))
        assert 40 < count <= get(name).most_events(asked, len(x), 100.0) if get(name).most_events else count
        for values in found.values():
            assert values.shape == (count,)
            assert np.isfinite(values).all()
        assert (np.diff(found["start" if name == "bursts" else "time"]) > 0).all()


@pytest.mark.parametrize(("spacing", "rate"), [(None, 10.0), (0.3, 10.0), (0.29, 10.0), (2.0, np.nan)])
def test_room_is_enough_for_the_densest_events(spacing, rate):
    step = max(2, int(spacing * rate)) if spacing and np.isfinite(rate) else 2
    x = np.zeros(101)
    x[::step] = 1
    most = get("peaks").most_events({"distance": spacing}, len(x), rate)
    assert len(events.find_peaks(x)[0]) <= most <= len(x) // step + 1
    assert len(events.bursts(x, 0.5).start) <= get("bursts").most_events({"least": spacing}, len(x), rate)


def test_steps_in_a_run_find_what_the_functions_find_whatever_the_blocks(tmp_path):
    rng = np.random.default_rng(5)
    files = tmp_path / "files"
    files.mkdir()
    for name in "abcde":
        x = np.cumsum(rng.standard_normal(3000)).astype(np.float32)
        x[rng.integers(0, 3000, 5)] = np.nan
        savemat(files / f"{name}.mat", {"v": x, "rate": 50.0})
    text = """
hpcflow: 1
name: events
datasets:
  d:
    files: "files/*.mat"
    reader: matlab
    variables: {v: {select: v, units: V}}
    facts: {sampling_rate: {select: rate, units: Hz}}
steps:
  tops: {kernel: peaks, input: d.v, with: {prominence: 3, distance: 200 ms}}
  sides: {kernel: crossings, input: d.v, with: {high: 1, low: -1}}
  smooth: {kernel: rolling, input: d.v, with: {window: 1 s, statistic: mean}}
  long: {kernel: bursts, input: smooth, with: {high: 5, low: 4, least: 1 s, merge: 200 ms}}
save: [tops, sides, long]
run: {block_size: SIZE}
"""
    opened = []
    for size in ("16 KiB", "64 MiB"):
        (tmp_path / "w.yaml").write_text(text.replace("SIZE", size))
        made = api.start(api.ask(tmp_path / "w.yaml"), runs=tmp_path / f"runs{len(opened)}")
        api.compute(made, executor="serial")
        opened.append(api.open_results(made))
    for step in ("tops", "sides", "long"):
        for name in opened[0][step].data_vars:
            if opened[0][step][name].dtype.kind in "if":
                assert np.array_equal(opened[0][step][name], opened[1][step][name], equal_nan=True), name
    tops, long = opened[0]["tops"], opened[0]["long"]
    for record, name in enumerate("abcde"):
        x = loadmat(files / f"{name}.mat")["v"].ravel()
        place = signal.find_peaks(x, prominence=3, distance=10)[0]
        mine = tops["record_index"] == record
        assert int(mine.sum()) == tops["row_size"][record] == len(place)
        assert np.array_equal(tops["time"][mine], place / 50)
        assert tops["height"].attrs["units"] == "V"
        found = events.bursts(rolling_mean(x, 50), 5, 4, 50, 10)
        assert int(long["row_size"][record]) == len(found.start)
    assert tops.sizes["event"] == int(tops["row_size"].sum())


@pytest.mark.shared_data
def test_the_beats_of_a_recording(shared_data):
    packed = np.fromfile(shared_data / "physio/ecg_mitdb/100.dat", np.uint8).reshape(-1, 3).astype(np.int32)
    counts = packed[:, 0] | (packed[:, 1] & 15) << 8
    x = ((np.where(counts > 2047, counts - 4096, counts) - 1024) / 200).astype(np.float32)
    ecg = Rows(x, 360.0, "mV", {})
    out = peaks(signal=ecg, height=None, prominence=0.6, distance=0.25, width=None)
    # README: cardiologists marked 2273 beats, 371 of them in the first five minutes
    assert len(out["time"]) == pytest.approx(2273, abs=3)
    assert np.sum(out["time"] < 300) == pytest.approx(371, abs=1)
    assert np.mean(np.diff(out["time"])) == pytest.approx(0.79459, rel=2e-3)


@pytest.mark.shared_data
def test_the_bursts_of_a_muscle(shared_data):
    x = np.loadtxt(shared_data / "physio/emg/emg_1.txt")
    level = rolling_std(x - np.median(x), 100)
    usual = float(np.nanmedian(level))
    out = bursts(signal=Rows(level, 1000.0, "1", {}), high=3 * usual, low=None, least=0.2, merge=0.3)
    # README: about 1.45-1.84, 15.5-16.9, 25.6-25.9, 26.4-26.7 s; a window's value stands at its end
    assert out["start"] == pytest.approx([1.45, 15.5, 25.6, 26.4], abs=0.2)
    assert out["start"] + out["duration"] == pytest.approx([1.84, 16.9, 25.9, 26.7], abs=0.3)
