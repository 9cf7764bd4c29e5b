"""Gears: averages, indicators and sidebands of simulated meshes whose faults were put in by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.io import savemat

from hpcflow import api
from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.machine.gears import (
    gear_indicators,
    gear_parts,
    mesh_sidebands,
    na4,
    phase_of_pulses,
    sideband_energy_ratio,
    synchronous_average,
)
from hpcflow_kernels.machine.gears_records import (
    average_of_record,
    indicators_of_average,
    sidebands_of_record,
)
from hpcflow_kernels.registry import get

TEETH, RATE = 21, 10_000.0


def turn(angle, fault=0.0):
    """Acceleration by angle in turns: three harmonics of the mesh, and a tooth that rings once a turn."""
    mesh = sum(a * np.cos(2 * np.pi * k * TEETH * angle + k) for k, a in ((1, 1.0), (2, 0.5), (3, 0.2)))
    since = np.mod(angle - 0.3, 1)
    return mesh + fault * np.exp(-since * 150) * np.sin(2 * np.pi * 83 * since)


def machine(seconds=20.0, fault=0.0, noise=0.0, seed=0):
    """Vibration and tachometer of a shaft whose speed wanders by 4 %."""
    time = np.arange(int(seconds * RATE)) / RATE
    angle = 17 * time + 17 * 0.04 / (2 * np.pi * 0.3) * np.sin(2 * np.pi * 0.3 * time)
    rng = np.random.default_rng(seed)
    x = turn(angle, fault) + noise * rng.standard_normal(len(time))
    tacho = np.where(np.mod(angle, 1) < 0.1, 5.0, 0.0) + 0.1 * rng.standard_normal(len(time))
    return x.astype(np.float32), tacho.astype(np.float32), angle


ASKED = {"points": 1024, "ratio": 1.0, "pulses": 1, "high": None, "low": None}


def averaged(x, tacho=None, speed=None, **other):
    timed = None if tacho is None else Rows(tacho, RATE, "V", {})
    return average_of_record(signal=Rows(x, RATE, "m s-2", {}), tacho=timed, speed=speed, **(ASKED | other))


def test_the_average_is_the_waveform_and_noise_falls_as_the_root_of_the_turns():
    x, _, angle = machine(fault=2.0, noise=1.0)
    out = synchronous_average(x, angle, 1024)
    assert out.turns == 339
    error = out.mean - turn(np.arange(1024) / 1024, 2.0)
    assert error.std() == pytest.approx(1 / np.sqrt(339), rel=0.25)
    clean = synchronous_average(turn(angle), angle, 1024).mean - turn(np.arange(1024) / 1024)
    assert np.abs(clean).max() < 0.01  # the spline's


def test_a_tachometer_tells_the_phase_through_changes_of_speed():
    x, tacho, _ = machine()
    out = averaged(x, tacho)
    assert out["speed"] == pytest.approx(17.0, rel=2e-3)
    # a pulse begins at a whole turn, to within a sample
    assert out["average"] == pytest.approx(turn(np.arange(1024) / 1024), abs=0.15)
    constant = averaged(x, speed=17.0)
    assert np.std(constant["average"]) < 0.5 * np.std(out["average"])
    faster = averaged(x, tacho, ratio=2.0)
    assert faster["turns"] == pytest.approx(2 * out["turns"], abs=2)


def test_more_pulses_than_one_and_none():
    place = np.array([10.0, 20.5, 31.0, 41.0])
    phase = phase_of_pulses(place, 50, per_turn=2)
    assert np.interp(20.5, np.arange(50)[10:42], phase[10:42]) == pytest.approx(0.5, abs=0.01)
    assert np.isnan(phase[[0, 9, 42]]).all()
    assert np.isnan(phase_of_pulses(place[:1], 50)).all()


def test_turns_that_touch_a_gap_are_left_out():
    x, _, angle = machine(seconds=5.0)
    whole = synchronous_average(x, angle, 512)
    x[20_000] = np.nan
    holed = synchronous_average(x, angle, 512)
    assert holed.turns == whole.turns - 1
    assert holed.mean == pytest.approx(whole.mean, abs=0.02)
    assert synchronous_average(np.full(5000, np.nan), angle[:5000]).turns == 0


def test_parts_add_up_and_each_line_lies_in_its_part():
    angle = np.arange(512) / 512
    orders = {1: 0.7, 5: 0.1, 20: 0.3, 21: 2.0, 22: 0.4, 42: 1.0, 50: 0.2}
    x = 3 + sum(a * np.sin(2 * np.pi * k * angle + k) for k, a in orders.items())
    parts = gear_parts(x, 21)

    def lines(part):
        found = np.abs(np.fft.rfft(part)) * 2 / 512
        return {int(k): round(float(found[k]), 9) for k in np.flatnonzero(found > 1e-9)}

    assert lines(parts.difference) == {5: 0.1, 50: 0.2}
    assert lines(parts.residual) == {5: 0.1, 20: 0.3, 22: 0.4, 50: 0.2}
    assert lines(parts.regular) == {20: 0.3, 21: 2.0, 22: 0.4, 42: 1.0}
    with pytest.raises(ValueError, match="average with more points"):
        gear_parts(x[:64], 21)


def test_indicators_by_their_definitions():
    angle = np.arange(2048) / 2048
    x = turn(angle, 1.5)
    out = gear_indicators(x, TEETH, harmonics=3)
    d = gear_parts(x, TEETH).difference
    assert out["fm4"] == pytest.approx(stats.kurtosis(d, fisher=False))
    assert out["m6a"] == pytest.approx(stats.moment(d, 6) / d.var() ** 3)
    assert out["m8a"] == pytest.approx(stats.moment(d, 8) / d.var() ** 4)
    amplitude = np.abs(np.fft.rfft(x)) / 1024
    assert out["fm0"] == pytest.approx(np.ptp(x) / amplitude[[21, 42, 63]].sum())
    assert out["sideband_level"] == pytest.approx((amplitude[20] + amplitude[22]) / x.std())
    healthy = gear_indicators(turn(angle) + 0.01 * np.random.default_rng(1).standard_normal(2048), TEETH)
    assert healthy["fm4"] == pytest.approx(3, abs=0.6)
    assert out["fm4"] > 8
    assert out["energy_ratio"] > 5 * healthy["energy_ratio"]
    assert np.isnan(list(gear_indicators(np.full(256, np.nan), TEETH).values())).all()


def test_a_fault_under_noise_shows_in_the_average_alone():
    healthy, cracked = (machine(fault=f, noise=1.0, seed=3) for f in (0.0, 1.0))
    found = []
    for x, tacho, _ in (healthy, cracked):
        row = Rows(averaged(x, tacho)["average"][None], np.nan, "", {})
        found.append(indicators_of_average(average=row, teeth=TEETH, harmonics=3))
    assert found[1]["fm4"] > 2 * found[0]["fm4"]
    assert stats.kurtosis(cracked[0], fisher=False) < 3.3


def test_na4_rises_with_damage_that_grows():
    rng = np.random.default_rng(4)
    calm = na4(rng.standard_normal((20, 4096)))
    assert calm == pytest.approx(3, abs=0.6)
    grown = rng.standard_normal((20, 4096))
    grown[15:] *= 2
    assert (na4(grown)[15:] > 10).all()


def test_sidebands_are_those_of_the_modulation():
    time = np.arange(100_000) / RATE
    shaft, mesh = 17.0, 17.0 * TEETH
    x = 2 * (1 + 0.4 * np.cos(2 * np.pi * shaft * time)) * np.cos(2 * np.pi * mesh * time)
    x += 0.5 * np.cos(2 * np.pi * 2 * mesh * time)
    found = mesh_sidebands(x, RATE, mesh, shaft, harmonics=2, sidebands=2)
    assert found[0] == pytest.approx([0, 0.4, 2, 0.4, 0], abs=1e-3)
    assert found[1] == pytest.approx([0, 0, 0.5, 0, 0], abs=1e-3)
    assert sideband_energy_ratio(found) == pytest.approx([0.4, 0], abs=5e-3)
    rows = Rows(x.astype(np.float32), RATE, "m s-2", {})
    asked = {"teeth": TEETH, "ratio": 1.0, "harmonics": 2, "sidebands": 2}
    off = sidebands_of_record(signal=rows, speed=17.02, tolerance=0.0, **asked)
    near = sidebands_of_record(signal=rows, speed=17.02, tolerance=0.002, **asked)
    assert off["amplitude"][0, 2] < 0.1
    assert near["amplitude"] == pytest.approx(found, abs=1e-3)
    high = mesh_sidebands(x, RATE, 4999.0, shaft, harmonics=2, sidebands=1)
    assert np.isnan(high[1]).all()
    with pytest.raises(UnusableRecordError, match="give the speed"):
        sidebands_of_record(signal=rows, speed=None, tolerance=0.0, **asked)


def test_what_is_missing_is_said():
    x, tacho, _ = machine(seconds=1.0)
    with pytest.raises(UnusableRecordError, match="connect one"):
        averaged(x)
    with pytest.raises(UnusableRecordError, match="no whole turn"):
        averaged(x[:100], tacho[:100])
    assert "give `high`" in get("synchronous_average").check({"high": None, "low": 1.0}, None)[0]
    assert get("synchronous_average").check({"high": 2.0, "low": 1.0}, None) == []


def test_steps_follow_one_another_in_a_run(tmp_path):
    (tmp_path / "files").mkdir()
    for name, fault in (("a", 0.0), ("b", 1.0)):
        x, tacho, _ = machine(seconds=4.0, fault=fault)
        savemat(tmp_path / f"files/{name}.mat", {"x": x, "tacho": tacho, "rate": RATE, "speed": 17.0})
    (tmp_path / "w.yaml").write_text("""
hpcflow: 1
name: gears
datasets:
  box:
    files: "files/*.mat"
    reader: matlab
    variables: {x: {select: x, units: m s-2}, tacho: {select: tacho, units: V}}
    facts: {sampling_rate: {select: rate, units: Hz}, speed: {select: speed, units: Hz}}
steps:
  turn: {kernel: synchronous_average, input: {signal: box.x, tacho: box.tacho}, with: {points: 512}}
  tooth: {kernel: gear_indicators, input: turn.average, with: {teeth: 21, harmonics: 3}}
  beside: {kernel: gear_sidebands, input: {signal: box.x, speed: box.speed}, with: {teeth: 21, sidebands: 2}}
save: [turn, tooth, beside]
""")
    made = api.start(api.ask(tmp_path / "w.yaml"), runs=tmp_path / "runs")
    api.compute(made, executor="serial")
    steps = api.open_results(made)
    x, tacho, _ = machine(seconds=4.0, fault=1.0)
    whole = averaged(x, tacho, points=512)
    assert np.array_equal(steps["turn"]["average"][1], whole["average"])
    assert float(steps["tooth"]["fm4"][1]) == gear_indicators(whole["average"], 21, 3)["fm4"]
    assert steps["tooth"]["fm4"][1] > 2 * steps["tooth"]["fm4"][0]
    assert steps["beside"]["amplitude"].shape == (2, 3, 5)
    assert steps["beside"]["amplitude"].attrs["units"] == "m s-2"


NA4_OF_ONEBONE = (
    "1.536982703280907 3.857738227803903 5.590250485891509 6.835250547872656 7.755227746173137 "
    "8.457654233606695 9.009683995782796 9.454160950683573 9.819352835339927 10.12454304712786"
)
"""Printed in the docstring of `onebone.feature.gear.na4` for ten recordings of a fault that grows.

github.com/Onepredict/onebone at 49c098a.
"""


def growing(t):
    """Their ten recordings: two shaft orders, two meshes with a harmonic each, and a fault at ten orders."""
    known = sum(
        a * (np.sin(2 * np.pi * f * t) + np.sin(4 * np.pi * f * t)) for a, f in ((1, 3), (3, 51), (4, 153))
    )
    return np.array([known + k / 3 * np.sin(2 * np.pi * 30 * t) for k in range(1, 11)])


def test_na4_is_what_another_library_prints():
    printed = np.array(NA4_OF_ONEBONE.split(), float)
    lines = np.fft.rfft(growing(np.arange(0, 1 / 3 - 2e-5, 2e-5)), axis=1)
    frequency = np.fft.rfftfreq(16_666, 2e-5)
    for f in (51, 102, 153, 306, 3, 6):
        lines[:, np.abs(frequency - f) <= 1.5] = 0
    assert na4(np.fft.irfft(lines, axis=1)) == pytest.approx(printed, rel=1e-12)
    turns = growing(np.arange(2048) / 2048 / 3)  # whole turns of 17 and 51 teeth, so that nothing leaks
    ours = na4(np.array([gear_parts(turn, 17).residual for turn in turns]))
    k = np.arange(1, 11)
    assert ours == pytest.approx(1.5 * k**4 / (np.cumsum(k**2) / k) ** 2, rel=1e-9)
    assert ours == pytest.approx(printed, rel=0.025)
