"""Session summaries, best efforts and totals: definitions, missing values, order of merging."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow_kernels import Rows, get
from hpcflow_kernels.sport.power import mean_max, session_summary
from hpcflow_kernels.sport.power_totals import BestEfforts, Totals

NAN = np.nan


def rows(values, units="W"):
    return Rows(np.asarray(values, np.float32), 1.0, units, {})


def session(power, **given):
    given = {k: rows(v, "min-1") if isinstance(v, np.ndarray) else v for k, v in given.items()}
    return session_summary(power=rows(power), moving_speed=0.5, **given)


def test_an_hour_at_threshold_is_close_to_a_load_of_hundred():
    out = session(np.full(3601, 250.0), ftp=250.0)
    assert out["average_power"] == out["normalized_power"] == 250
    assert out["intensity_factor"] == out["variability_index"] == 1
    assert out["training_load"] == pytest.approx(100 * (3601 - 29) / 3600)
    assert out["work"] == 250 * 3601
    assert out["elapsed_time"] == out["recorded_time"] == 3600


def test_without_power_nothing_about_power_is_a_number():
    out = session(np.full(600, NAN), ftp=250.0, heart_rate=np.full(600, 140.0))
    for name in (
        "average_power",
        "max_power",
        "normalized_power",
        "intensity_factor",
        "training_load",
        "work",
    ):
        assert np.isnan(out[name]), name
    assert out["power_coverage"] == 0
    assert out["average_heart_rate"] == 140


@pytest.mark.parametrize("ftp", [None, NAN, 0.0])
def test_without_threshold_power_there_is_no_load(ftp):
    out = session(np.full(600, 200.0), ftp=ftp)
    assert out["normalized_power"] == 200
    assert np.isnan(out["training_load"])
    assert np.isnan(out["intensity_factor"])


def test_missing_seconds_are_left_out_of_means_and_zeros_are_not():
    power = np.tile([0.0, 200.0, NAN, 200.0], 100)
    out = session(power, heart_rate=np.tile([NAN, 120.0, 130.0, NAN], 100))
    assert out["average_power"] == pytest.approx(400 / 3)
    assert out["power_coverage"] == 0.75
    assert out["average_heart_rate"] == 125


def test_paused_seconds_count_for_nothing_but_elapsed_time():
    timer = np.ones(1001)
    timer[401:600] = 0
    power = np.where(timer == 0, NAN, 200.0)
    heart = np.where(timer == 0, 60.0, 150.0)
    out = session(power, heart_rate=heart, timer=timer, distance=np.linspace(0, 4000, 1001))
    assert out["elapsed_time"] == out["clock_time"] == 1000
    assert out["timer_time"] == 800
    assert out["average_heart_rate"] == 150
    assert out["average_speed"] == pytest.approx(5.0)
    assert out["power_coverage"] == 1


def test_the_device_s_own_times_win_over_counted_ones():
    out = session(np.full(1001, 200.0), timer=np.ones(1001), elapsed_time=1003.5, timer_time=999.25)
    assert (out["elapsed_time"], out["clock_time"], out["timer_time"]) == (1003.5, 1000, 999.25)


def test_without_a_timer_missing_seconds_are_no_recorded_time():
    gap = rows(np.array([0] * 300 + [2] * 500 + [0] * 201), "1")
    out = session(np.full(1001, NAN), gap=gap, distance=np.linspace(0, 1000, 1001))
    assert np.isnan(out["timer_time"])
    assert out["recorded_time"] == 299 + 200
    assert out["average_speed"] == pytest.approx(1000 / 499)


def test_cadence_averages_without_zeros_and_speed_decides_what_moves():
    cadence = np.tile([0.0, 80.0, 90.0, NAN], 50)
    speed = np.tile([0.0, 6.0, 8.0, 8.0], 50)
    out = session(
        np.full(200, NAN), cadence=cadence, speed=speed, heart_rate=np.tile([100.0, 110, 120, 130], 50)
    )
    assert out["average_cadence"] == 85
    assert out["moving_time"] == 150
    assert out["max_speed"] == 8
    beats = np.array([110.0, 120.0, 130.0])
    assert out["average_moving_heart_rate"] == pytest.approx(np.average(beats, weights=beats), rel=1e-6)


def test_every_declared_field_comes_out_and_nothing_else():
    declared = {f.name for f in get("session_summary").fields({"moving_speed": 0.5})}
    assert set(session(np.full(60, 100.0))) == declared
    declared = {f.name for f in get("totals").fields({})}
    assert set(Totals.finish(Totals.start())) == declared
    curve = mean_max(power=rows(np.full(60, 100.0)), durations=[1, 5], missing="zero")
    assert set(curve) == {
        f.name for f in get("mean_max").fields({"durations": (1.0, 5.0), "missing": "zero"})
    }
    declared = {f.name for f in get("best_efforts").fields({"durations": (1.0, 5.0)})}
    assert set(BestEfforts.finish(BestEfforts.start(durations=[1, 5]), durations=[1, 5])) == declared


DURATIONS = (1.0, 10.0, 60.0)


def curve(power):
    made = mean_max(power=rows(power), durations=DURATIONS, missing="zero")
    coords = {"duration": np.array(DURATIONS)}
    return {name: Rows(value[None], NAN, "W", coords) for name, value in made.items()}


@pytest.fixture
def curves():
    rng = np.random.default_rng(3)
    rides = [rng.integers(0, 600, rng.integers(5, 200)).astype(float) for _ in range(9)]
    rides[4][:] = NAN
    return [curve(ride) for ride in rides]


def reduced(items, port, kernel, parts, **params):
    """Reduce in contiguous parts and merge them from the left."""
    states = []
    for part in np.array_split(np.arange(len(items)), parts):
        state = kernel.start(**params)
        for i in part:
            state = kernel.add(state, int(i), **{port: items[i]})
        states.append(state)
    while len(states) > 1:
        states[:2] = [kernel.merge(*states[:2])]
    return kernel.finish(states[0], **params)


@pytest.mark.parametrize("parts", [1, 2, 4, 9])
def test_best_efforts_are_elementwise_maxima_however_they_are_merged(curves, parts):
    out = reduced(curves, "curve", BestEfforts, parts, durations=DURATIONS)
    table = np.array([c["mean_maximal_power"].values[0] for c in curves])
    np.testing.assert_array_equal(out["best_power"], np.nanmax(table, axis=0))
    np.testing.assert_array_equal(out["record"], np.nanargmax(table, axis=0))
    np.testing.assert_array_equal(out["activities"], np.isfinite(table).sum(axis=0))
    holder = [curves[r]["start"].values[0][d] for d, r in enumerate(out["record"])]
    np.testing.assert_array_equal(out["start"], holder)


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_of_equal_efforts_the_first_counts(parts):
    out = reduced([curve(np.full(100, 200.0))] * 3, "curve", BestEfforts, parts, durations=DURATIONS)
    np.testing.assert_array_equal(out["record"], 0)


def test_best_efforts_of_nothing_are_missing():
    out = reduced([curve(np.full(5, NAN))], "curve", BestEfforts, 1, durations=DURATIONS)
    assert np.isnan(out["best_power"]).all()
    np.testing.assert_array_equal(out["record"], -1)


def test_another_grid_of_durations_is_refused():
    state = BestEfforts.start(durations=[1.0, 5.0])
    with pytest.raises(ValueError, match="same `durations`"):
        BestEfforts.add(state, 0, curve=curve(np.full(5, 100.0)))


def summary(power, **given):
    return {k: Rows(np.array([v]), NAN, "1", {}) for k, v in session(power, **given).items()}


@pytest.mark.parametrize("parts", [1, 3])
def test_totals_add_up_and_say_over_how_many(parts):
    items = [
        summary(np.full(601, 200.0), ftp=250.0, timer=np.ones(601), distance=np.linspace(0, 3000, 601)),
        summary(np.full(301, NAN), heart_rate=np.full(301, 120.0)),
        summary(np.full(101, 300.0), heart_rate=np.full(101, 160.0)),
    ]
    out = reduced(items, "session", Totals, parts)
    assert out["activities"] == 3
    assert out["activities_with_power"] == 2
    assert out["activities_with_load"] == 1
    assert out["activities_with_distance"] == 1
    assert out["elapsed_time"] == out["timer_time"] == 600 + 300 + 100
    assert out["longest_time"] == 600
    assert out["distance"] == 3000
    assert out["average_power"] == pytest.approx((601 * 200 + 101 * 300) / 702)
    assert out["average_heart_rate"] == pytest.approx((301 * 120 + 101 * 160) / 402)
    assert np.isnan(out["ascent"])


def test_an_activity_that_was_set_aside_does_not_count():
    nothing = {name: Rows(np.array([NAN]), NAN, "1", {}) for name in summary(np.full(60, 100.0))}
    out = reduced([nothing, summary(np.full(61, 100.0))], "session", Totals, 1)
    assert out["activities"] == 1
    assert out["elapsed_time"] == 60
