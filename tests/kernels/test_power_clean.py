"""The rules of docs/power.md by which samples come onto the 1 Hz grid, one test each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcflow_kernels import Rows, UnusableRecordError, get
from hpcflow_kernels.sport.activity import (
    INTERPOLATED,
    MISSING,
    PAUSED,
    RECORDED,
    _fill_distance,
    clean_activity,
    fill_gaps,
)

UNITS = {"heart_rate": "bpm", "cadence": "rpm", "latitude": "degree", "longitude": "degree"}
NAN = np.nan


def clean(time, *, max_gap=60.0, max_power_gap=10.0, elapsed=None, **channels):
    time = np.asarray(time, np.float64)
    ports = {k: Rows(np.asarray(x, np.float64), NAN, UNITS.get(k, "1"), {}) for k, x in channels.items()}
    return clean_activity(
        time=Rows(time, NAN, "s", {}),
        elapsed=float(np.nanmax(time)) if elapsed is None else elapsed,
        max_gap=max_gap,
        max_power_gap=max_power_gap,
        **ports,
    )


def test_regular_samples_pass_unchanged():
    power = np.arange(100.0)
    out = clean(np.arange(100), power=power)
    np.testing.assert_array_equal(out["power"], power)
    assert (out["gap"] == RECORDED).all()
    assert np.isnan(out["timer"]).all()


def test_stamps_round_to_the_nearest_second_and_share_it_by_mean():
    out = clean([0.0, 0.98, 2.02, 2.4, 3.0], power=[100, 110, 120, 140, 150])
    np.testing.assert_array_equal(out["power"], [100, 110, 130, 150])


def test_stamps_may_go_backward_and_repeat():
    out = clean([0, 2, 1, 3, 3], power=[10, 30, 20, 40, 60], distance=[0, 20, 10, 30, 31])
    np.testing.assert_array_equal(out["power"], [10, 20, 30, 50])
    np.testing.assert_array_equal(out["distance"], [0, 10, 20, 31])


def test_gaps_up_to_the_limit_are_straight_lines_and_longer_ones_stay():
    time = [0, 1, 5, 20]
    out = clean(
        time, max_gap=3.0, max_power_gap=2.0, heart_rate=[100, 100, 140, 150], power=[200, 200, 240, 250]
    )
    np.testing.assert_allclose(out["heart_rate"][1:6], [100, 110, 120, 130, 140])
    assert np.isnan(out["power"][2:5]).all()
    assert np.isnan(out["heart_rate"][6:20]).all()
    np.testing.assert_array_equal(
        out["gap"][:7], [0, 0, INTERPOLATED, INTERPOLATED, INTERPOLATED, 0, MISSING]
    )


def test_a_silent_power_or_cadence_sensor_is_no_gap_in_recording():
    ten = np.arange(10)
    silent = np.where((ten > 2) & (ten < 5), NAN, 200.0)
    out = clean(ten, power=silent, cadence=silent / 2, heart_rate=silent / 2, altitude=ten)
    assert np.isnan(out["power"][3:5]).all()
    assert np.isnan(out["cadence"][3:5]).all()
    np.testing.assert_array_equal(out["heart_rate"], 100)
    assert (out["gap"] == RECORDED).all()


def test_a_pause_is_marked_and_never_crossed():
    # Stopped at 3 s, started again at 8 s; the samples written at both moments count.
    time = [0, 1, 2, 3, 8, 9, 10]
    out = clean(
        time,
        timer=[1, 1, 1, 0, 1, 1, 1],
        power=[100] * 4 + [200] * 3,
        heart_rate=[100] * 4 + [120] * 3,
        distance=[0, 5, 10, 15, 15, 20, 25],
    )
    np.testing.assert_array_equal(out["gap"], [0, 0, 0, 0, PAUSED, PAUSED, PAUSED, PAUSED, 0, 0, 0])
    np.testing.assert_array_equal(out["timer"], [1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1])
    assert np.isnan(out["power"][4:8]).all()
    assert np.isnan(out["heart_rate"][4:8]).all()
    np.testing.assert_array_equal(out["distance"], [0, 5, 10, 15, 15, 15, 15, 15, 15, 20, 25])


def test_samples_written_during_a_pause_keep_heart_rate_but_not_power():
    out = clean(np.arange(6), timer=[1, 0, 0, 0, 1, 1], power=[100] * 6, heart_rate=[90] * 6, speed=[3] * 6)
    np.testing.assert_array_equal(out["gap"], [0, 0, PAUSED, PAUSED, 0, 0])
    np.testing.assert_array_equal(np.isnan(out["power"]), [0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(np.isnan(out["speed"]), [0, 0, 1, 1, 0, 0])
    np.testing.assert_array_equal(out["heart_rate"], 90)


def test_a_stop_at_the_end_pauses_only_what_follows():
    out = clean([0, 1, 2, 3, 4], timer=[1, 1, 0, 0, 0], power=[1, 2, 3, NAN, NAN])
    np.testing.assert_array_equal(out["timer"], [1, 1, 1, 0, 0])


@pytest.mark.parametrize(
    ("name", "bad", "good"),
    [
        ("power", [-5, 65535], 250),
        ("heart_rate", [0, 255], 140),
        ("cadence", [-1, 500], 90),
        ("speed", [-1, 400], 8),
        ("altitude", [-2000, 20000], 80),
    ],
)
def test_impossible_values_are_missing(name, bad, good):
    values = np.full(9, float(good))
    values[[2, 6]] = bad
    out = clean(np.arange(9), max_gap=0, max_power_gap=0, **{name: values})
    np.testing.assert_array_equal(np.flatnonzero(np.isnan(out[name])), [2, 6])


def test_an_altitude_spike_is_removed_and_a_steep_way_is_not():
    climb = np.arange(40) * 25.0
    spiked = climb.copy()
    spiked[[0, 20]] += 600
    for given_, missing in ((climb, []), (spiked, [0, 20])):
        out = clean(np.arange(40), max_gap=0, altitude=given_)
        assert list(np.flatnonzero(np.isnan(out["altitude"]))) == missing


def test_a_few_wrong_altitudes_at_the_start_are_removed_and_a_new_calibration_stays():
    wrong = np.full(60, 56.0)
    wrong[1:4] = 142.0
    out = clean(np.arange(60), max_gap=0, altitude=wrong)
    assert list(np.flatnonzero(np.isnan(out["altitude"]))) == [0, 1, 2, 3]
    step = np.repeat([56.0, 142.0], 30)
    np.testing.assert_array_equal(clean(np.arange(60), altitude=step)["altitude"], step)


def test_positions_at_null_island_and_jumps_there_and_back_are_removed():
    lat, lon = 64.22 + np.arange(10) * 1e-5, np.full(10, 27.7)
    lat[3] = lon[3] = 0.0
    lat[6] += 0.05
    out = clean(np.arange(10), max_gap=0, latitude=lat, longitude=lon)
    assert list(np.flatnonzero(np.isnan(out["latitude"]))) == [3, 6]
    np.testing.assert_array_equal(np.isnan(out["latitude"]), np.isnan(out["longitude"]))
    assert out["latitude"].dtype == np.float64


def test_longitude_is_bridged_across_the_date_line():
    out = clean([0, 4], latitude=[0.1, 0.1], longitude=[179.9999, -179.9999])
    np.testing.assert_allclose(out["longitude"][1:4], [179.99995, -180.0, -179.99995], atol=1e-9)


def test_distance_never_falls_and_restarts_are_joined():
    out = clean(np.arange(9), distance=[0, 10, 20, 19.5, 30, 0, 10, 5000, 20])
    np.testing.assert_allclose(out["distance"], [0, 10, 20, 20, 30, 30, 40, 45, 50])


def test_distance_runs_straight_over_gaps_of_any_length():
    out = clean([0, 1000], max_gap=10, distance=[0, 3000])
    np.testing.assert_allclose(out["distance"], np.arange(1001) * 3.0)
    assert (out["gap"][1:-1] == MISSING).all()


def test_rates_arrive_in_hertz_and_leave_per_minute():
    beats = Rows(np.full(5, 2.0), NAN, "s-1", {})
    out = clean_activity(
        time=Rows(np.arange(5.0), NAN, "s", {}), elapsed=4.0, max_gap=10, max_power_gap=10, heart_rate=beats
    )
    np.testing.assert_array_equal(out["heart_rate"], 120)


def test_speed_comes_from_distance_only_where_the_device_stores_none():
    out = clean(np.arange(60), distance=np.arange(60) * 4.0)
    np.testing.assert_allclose(out["speed"], 4.0)
    out = clean(np.arange(60), distance=np.arange(60) * 4.0, speed=np.full(60, 3.0))
    np.testing.assert_allclose(out["speed"], 3.0)


@pytest.mark.parametrize(("time", "elapsed"), [([NAN, NAN], 5.0), ([0.0, 1.0], None), ([], 3.0)])
def test_a_record_without_time_is_set_aside(time, elapsed):
    with pytest.raises(UnusableRecordError, match="time stamps"):
        clean_activity(
            time=Rows(np.array(time, float), NAN, "s", {}), elapsed=elapsed, max_gap=10, max_power_gap=10
        )


@settings(max_examples=150, deadline=None)
@given(
    steps=st.lists(st.floats(0, 30), min_size=1, max_size=40),
    data=st.data(),
)
def test_properties_hold_for_any_recording(steps, data):
    n = len(steps)
    time = np.concatenate([[0.0], np.cumsum(steps)[:-1]]) if n > 1 else np.zeros(1)
    heart = np.array(data.draw(st.lists(st.one_of(st.just(NAN), st.floats(60, 180)), min_size=n, max_size=n)))
    timer = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0, NAN]), min_size=n, max_size=n)))
    distance = np.array(data.draw(st.lists(st.floats(0, 1e4), min_size=n, max_size=n)))
    order = np.array(data.draw(st.permutations(range(n))))
    out = clean(
        time[order], heart_rate=heart[order], timer=timer[order], distance=distance[order], elapsed=time[-1]
    )
    length = get("clean_activity").length
    assert length is not None
    seconds = length({}, n, NAN, {"elapsed": float(time[-1])})
    assert all(x.shape == (seconds,) for x in out.values())
    assert set(np.unique(out["gap"])) <= {0, 1, 2, 3}
    beats = out["heart_rate"][np.isfinite(out["heart_rate"])]
    if len(beats):
        assert np.nanmin(heart) - 1e-3 <= beats.min()
        assert beats.max() <= np.nanmax(heart) + 1e-3
    far = out["distance"][np.isfinite(out["distance"])]
    assert (np.diff(far) >= 0).all()
    assert ((out["gap"] == PAUSED) == (out["timer"] == 0)).all()


@settings(max_examples=150, deadline=None)
@given(
    x=st.lists(st.one_of(st.just(NAN), st.floats(-10, 10)), min_size=1, max_size=40),
    limit=st.integers(0, 6),
    data=st.data(),
)
def test_filling_equals_a_walk_from_gap_to_gap(x, limit, data):
    x = np.array(x)
    walls = np.array(data.draw(st.lists(st.booleans(), min_size=len(x), max_size=len(x)))) & np.isnan(x)
    expected = x.copy()
    known = np.flatnonzero(np.isfinite(x))
    for a, b in pairwise(known):
        if 0 < b - a - 1 <= limit and not walls[a:b].any():
            for k in range(a + 1, b):
                expected[k] = x[a] + (x[b] - x[a]) * (k - a) / (b - a)
    np.testing.assert_allclose(fill_gaps(x, limit, walls), expected, atol=1e-12)


def test_a_distance_between_seconds_never_passes_the_next_one():
    known = np.array([1.7616999996312188, NAN, 4098.681812294036])
    out = _fill_distance(known, np.array([False, False, True]))
    assert known[0] + (known[2] - known[0]) > known[2]  # rounded up
    assert (np.diff(out) >= 0).all()
