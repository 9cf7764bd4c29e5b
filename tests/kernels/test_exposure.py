"""Exposure to vibration: sines, printed examples of standards and authorities, a day from files to A(8)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.io import savemat

from hpcflow import api
from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.filter.weighting_design import analogue
from hpcflow_kernels.machine.exposure import DailyVibration, total_of_record, vibration_exposure
from hpcflow_kernels.registry import get

HOUR = 3600.0


def operation(rms, hours, kind="hand-arm", quad=None, **other):
    """Three axes of known size, in two windows of a minute."""
    axes = {}
    for name, a, q in zip("xyz", rms, quad or rms, strict=True):
        rows = {"weighted_rms": np.full(2, a), "rmq": np.full(2, q)}
        axes[name] = {field: Rows(values, 1 / 60, "m s-2", {}) for field, values in rows.items()}
    return total_of_record(**axes, duration=None if hours is None else hours * HOUR, kind=kind, **other)


def day(operations, kind="hand-arm", shifts=1, at=None):
    """Reduced in one piece and in two, which must agree."""
    rows = [{k: Rows(v[None], np.nan, "", {}) for k, v in one.items()} for one in operations]
    at = at or [None] * len(rows)

    def states(part):
        state = DailyVibration.start(kind=kind, shifts=shifts)
        for k in part:
            state = DailyVibration.add(state, k, total=rows[k], shift=at[k])
        return state

    half = len(rows) // 2
    whole = states(range(len(rows)))
    joined = DailyVibration.merge(states(range(half)), states(range(half, len(rows))))
    for name, values in whole.items():
        assert joined[name] == pytest.approx(values)
    return DailyVibration.finish(whole, kind=kind, shifts=shifts)


def test_the_forestry_workers_day_is_that_of_the_standard():
    """ISO 5349-2:2001, E.2.1 and E.3: total values and hours give these numbers, printed to a decimal.

    As cited in the reference data of github.com/jmrplens/phonometry.
    """
    tool = operation([7.4 * 0.6, 0.0, 7.4 * 0.8], 2.5)
    assert tool["total_value"] == pytest.approx(7.4)
    assert round(float(tool["a8"]), 1) == 4.1
    work = [((4.6, 2), 2.3), ((6.0, 1), 2.1), ((3.6, 2), 1.8)]
    done = [operation(a / math.sqrt(3) * np.ones(3), hours) for (a, hours), _ in work]
    assert [round(float(one["a8"]), 1) for one in done] == [partial for _, partial in work]
    found = day(done)
    assert round(float(found["a8"][0]), 1) == 3.6
    assert found["duration"][0] == 5 * HOUR
    assert found["records"][0] == 3
    assert found["by_a8"][0] == 1
    assert found["by_vdv"][0] == -1, "the directive has no dose value for hand and arm"


@pytest.mark.parametrize(("a", "hours", "points"), [(5.0, 3.0, 150), (2.5, 8.0, 100), (5.0, 8.0, 400)])
def test_exposure_points_are_those_of_the_ready_reckoner(a, hours, points):
    """Health and Safety Executive, hse.gov.uk/vibration/hav/readyreckoner.htm: A(8) of 2.5 is 100 points."""
    one = operation([0.0, a, 0.0], hours)
    assert 100 * float(one["a8"] / 2.5) ** 2 == pytest.approx(points)
    found = day([operation([a, 0.0, 0.0], hours / 6)] * 6)
    assert 100 * float(found["a8"][0] / 2.5) ** 2 == pytest.approx(points)


def test_for_the_whole_body_the_largest_axis_counts_with_its_factor():
    """The Control of Vibration at Work Regulations 2005 (S.I. 2005/1093), schedule 2."""
    lorry = operation([0.5, 0.3, 0.6], 2.0, "whole-body", quad=[0.6, 0.4, 0.9])
    root = math.sqrt(2 / 8)
    assert lorry["a8_axis"] == pytest.approx([1.4 * 0.5 * root, 1.4 * 0.3 * root, 0.6 * root])
    assert lorry["a8"] == pytest.approx(1.4 * 0.5 * root), "x with its factor, not z"
    assert lorry["total_value"] == pytest.approx(math.hypot(0.7, 0.42, 0.6))
    assert lorry["vdv"] == pytest.approx(0.9 * (2 * HOUR) ** 0.25), "z, for its shocks"
    train = operation([0.1, 0.1, 1.2], 6.0, "whole-body")
    found = day([lorry, train], "whole-body")
    z = math.hypot(0.6 * root, 1.2 * math.sqrt(6 / 8))
    assert found["a8_axis"][0] == pytest.approx(
        [math.hypot(0.7 * root, 0.14 * math.sqrt(6 / 8)), math.hypot(0.42 * root, 0.14 * math.sqrt(6 / 8)), z]
    )
    assert found["a8"][0] == pytest.approx(z), "axes are summed over the day before the largest is taken"
    assert found["vdv"][0] == pytest.approx((0.9**4 * 2 * HOUR + 1.2**4 * 6 * HOUR) ** 0.25)
    assert found["by_a8"][0] == 1
    assert found["by_vdv"][0] == 1
    comfort = operation([0.5, 0.3, 0.6], 2.0, "whole-body", factors=[1.0, 1.0, 1.0])
    assert comfort["total_value"] == pytest.approx(math.hypot(0.5, 0.3, 0.6))


def test_a_dose_doubles_in_sixteen_times_the_time_and_limits_are_those_of_the_directive():
    short, long = (operation([0.2, 0.2, 1.0], hours, "whole-body") for hours in (0.5, 8.0))
    assert long["vdv"] == pytest.approx(2 * short["vdv"])
    for a, a8, dose in [(0.49, 0, 0), (0.51, 1, 0), (0.71, 1, 1), (1.14, 1, 1), (1.16, 2, 1), (1.63, 2, 2)]:
        found = day([operation([0.0, 0.0, a], 8.0, "whole-body")], "whole-body")
        assert (found["by_a8"][0], found["by_vdv"][0]) == (a8, dose)
    assert [day([operation([a, 0.0, 0.0], 8.0)])["by_a8"][0] for a in (2.4, 2.6, 4.9, 5.1)] == [0, 1, 1, 2]


def test_shifts_are_apart_and_what_has_none_is_counted():
    one, two = operation([3.0, 0.0, 0.0], 8.0), operation([4.0, 0.0, 0.0], 8.0)
    aside = {name: np.full_like(values, np.nan) for name, values in one.items()}
    found = day([one, two, two, aside, one, one], shifts=3, at=[1.0, 3.0, 3.0, 1.0, None, 4.0])
    assert found["a8"] == pytest.approx([3.0, np.nan, 4 * math.sqrt(2)], nan_ok=True)
    assert found["records"].tolist() == [1, 0, 2]
    assert found["by_a8"].tolist() == [1, -1, 2]
    assert found["left_out"] == 2


def test_windows_with_gaps_in_an_axis_are_left_out_and_the_rest_stands_for_them():
    axes = {
        name: {
            "weighted_rms": Rows(np.array([1.0, 2.0, np.nan if name == "y" else 9.0]), 1 / 60, "", {}),
            "rmq": Rows(np.array([1.0, 2.0, 9.0]), 1 / 60, "", {}),
        }
        for name in "xyz"
    }
    out = total_of_record(**axes, kind="hand-arm")
    assert out["weighted_rms"] == pytest.approx(np.full(3, math.sqrt(2.5)))
    assert out["duration"] == pytest.approx(180)
    assert out["measured"] == pytest.approx(120)
    assert out["vdv_axis"] == pytest.approx(np.full(3, (17 / 2 * 180) ** 0.25))
    with pytest.raises(UnusableRecordError, match="longer than 0 s"):
        total_of_record(**axes, duration=-1.0, kind="hand-arm")
    for name in "xyz":
        axes[name]["rmq"] = axes[name]["rmq"]._replace(values=np.full(3, np.nan))
    with pytest.raises(UnusableRecordError, match="no window"):
        total_of_record(**axes, kind="hand-arm")
    with pytest.raises(UnusableRecordError, match="connect the steps"):
        total_of_record(**(axes | {"x": axes["x"]["rmq"]}), kind="hand-arm")
    assert "[1.4, 1.4, 1]" in get("vibration_total").check({"factors": [1.4]}, None)[0]


WORKFLOW = """
hpcflow: 1
name: seats
datasets:
  seat:
    files: "files/*.mat"
    reader: matlab
    variables:
      x: {select: x, units: m s-2}
      y: {select: y, units: m s-2}
      z: {select: z, units: m s-2}
    facts:
      sampling_rate: {select: rate, units: Hz}
      exposed: {select: hours, units: h}
      shift: {select: shift, units: "1"}
steps:
  wx: {kernel: frequency_weighting, input: seat.x, with: {weighting: Wd}}
  wy: {kernel: frequency_weighting, input: seat.y, with: {weighting: Wd}}
  wz: {kernel: frequency_weighting, input: seat.z, with: {weighting: Wk}}
  x: {kernel: vibration_exposure, input: wx, with: {window: 10 s}}
  y: {kernel: vibration_exposure, input: wy, with: {window: 10 s}}
  z: {kernel: vibration_exposure, input: wz, with: {window: 10 s}}
  ride: {kernel: vibration_total, input: {x: x, y: y, z: z, duration: seat.exposed}}
  day: {kernel: daily_vibration, input: {total: ride, shift: seat.shift}, with: {shifts: 2}}
save: [ride, day]
"""


def test_a_day_from_files_to_what_the_directive_says(tmp_path):
    (tmp_path / "files").mkdir()
    rate, t = 512.0, np.arange(512 * 60) / 512.0
    rides = [("lorry", 2.0, 6.0, 1, (0.2, 0.8, 0.9)), ("fork", 4.0, 1.0, 1, (0.9, 0.1, 1.5))]
    rides.append(("digger", 2.0, 8.0, 2, (0.1, 0.1, 4.0)))
    wanted = np.zeros((2, 3))
    for name, frequency, hours, shift, size in rides:
        axes = {a: s * np.sin(2 * np.pi * frequency * t) for a, s in zip("xyz", size, strict=True)}
        savemat(tmp_path / f"files/{name}.mat", axes | {"rate": rate, "hours": hours, "shift": float(shift)})
        for k, (weighting, factor) in enumerate([("Wd", 1.4), ("Wd", 1.4), ("Wk", 1.0)]):
            gain = math.prod(section.gain(frequency) for section in analogue(weighting))
            wanted[shift - 1, k] += (factor * gain * size[k]) ** 2 / 2 * hours / 8
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    made = api.start(api.ask(tmp_path / "w.yaml"), runs=tmp_path / "runs")
    api.compute(made, executor="serial")
    steps = api.open_results(made)
    found = steps["day"]
    assert found["a8_axis"].values == pytest.approx(np.sqrt(wanted), rel=0.02)
    assert found["a8"].values == pytest.approx(np.sqrt(wanted.max(axis=1)), rel=0.02)
    assert found["by_a8"].values.tolist() == [1, 2]
    assert found["by_a8"].attrs["flag_meanings"].split()[2] == "above_limit_value"
    assert found["axis"].values.tolist() == ["x", "y", "z"]
    assert sorted(steps["ride"]["duration"].values / 3600) == pytest.approx([1.0, 6.0, 8.0])


def test_exposure_of_a_sine_and_of_a_shock():
    rate = 400.0
    x = 0.8 * np.sin(2 * np.pi * 8 * np.arange(int(180 * rate)) / rate)
    x[int(130 * rate) : int(130.25 * rate)] *= 10
    out = vibration_exposure(x, rate=rate, window=60.0)
    calm = {name: values[:2] for name, values in out.items()}
    assert calm["weighted_rms"] == pytest.approx(0.8 / np.sqrt(2), rel=1e-9)
    assert calm["rmq"] == pytest.approx((3 / 8) ** 0.25 * 0.8, rel=1e-9)
    assert calm["vdv"] == pytest.approx((3 / 8 * 0.8**4 * 60) ** 0.25, rel=1e-9)
    assert calm["mtvv"] == pytest.approx(0.8 / np.sqrt(2), rel=1e-6)
    assert calm["crest_factor"] == pytest.approx(np.sqrt(2), rel=3e-3)
    third = {name: values[2] for name, values in out.items()}
    assert third["mtvv"] == pytest.approx(0.8 / np.sqrt(2) * np.sqrt(0.75 + 0.25 * 100), rel=1e-6)
    assert third["vdv"] == pytest.approx((3 / 8 * 0.8**4 * (59.75 + 0.25 * 10**4)) ** 0.25, rel=1e-9)
    assert third["peak"] == pytest.approx(8, rel=1e-2)


def test_exposure_of_windows_with_gaps_and_of_silence():
    x = np.zeros(4000, np.float32)
    x[2500] = np.nan
    out = vibration_exposure(x, rate=1000.0, window=1.0)
    assert np.isnan(out["vdv"]).tolist() == [False, False, True, False]
    assert out["weighted_rms"][0] == 0
    assert np.isnan(out["crest_factor"]).all()
    assert "lengthen" in get("vibration_exposure").check({"window": 0.5, "overlap": 0.0}, 1000.0)[0]
