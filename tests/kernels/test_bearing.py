"""The diagnosis, on recordings with known faults and on machines that are simulated."""

from __future__ import annotations

import math
import zipfile
from io import StringIO

import numpy as np
import pytest

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.filter.zero_phase import bandpass
from hpcflow_kernels.machine.bearing import bearing_faults
from hpcflow_kernels.machine.bearing_bands import band_spectra, bands
from hpcflow_kernels.machine.bearing_contracts import CONTRACTS, DIAGNOSES, FAULTS, REASONS
from hpcflow_kernels.machine.bearing_simulation import Machine, simulate
from hpcflow_kernels.machine.envelope import envelope_spectrum

DRIVE_END, FAN_END = "SKF 6205-2RS JEM", "SKF 6203-2RS JEM"
CONTRACT = next(contract for contract in CONTRACTS if contract.name == "bearing_faults")


def rows(x: np.ndarray, rate: float) -> Rows:
    return Rows(x, rate, "m s-2", {})


def label(out: dict[str, np.ndarray]) -> tuple[str, str]:
    return DIAGNOSES[int(out["diagnosis"])], REASONS[int(out["reason"])]


def ask(machine: Machine, **changes: object) -> tuple[str, str]:
    given: dict[str, object] = {"speed": machine.speed, "bearing": machine.bearing}
    return label(bearing_faults(signal=rows(simulate(machine), machine.rate), **(given | changes)))


def cwru(shared_data, name: str, sensor: str) -> tuple[np.ndarray, float]:
    from scipy.io import loadmat

    (path,) = (shared_data / "industrial/bearing_cwru").glob(f"{name}_*.mat")
    content = loadmat(path)
    (speed,) = (value for key, value in content.items() if key.endswith("RPM"))
    return content[f"X{name}_{sensor}_time"].ravel(), float(speed.ravel()[0]) / 60


# What must be named, and what must not be called anything else. Base plate and fan end hear the same fault.
RECORDINGS = [
    ("097", "DE", 48_000.0, DRIVE_END, {"none"}),
    ("097", "FE", 48_000.0, FAN_END, {"none", "uncertain"}),
    ("105", "DE", 12_000.0, DRIVE_END, {"inner"}),
    ("105", "FE", 12_000.0, DRIVE_END, {"inner", "uncertain"}),
    ("105", "BA", 12_000.0, DRIVE_END, {"inner", "uncertain"}),
    ("105", "FE", 12_000.0, FAN_END, {"uncertain"}),
    ("130", "DE", 12_000.0, DRIVE_END, {"outer"}),
    ("130", "FE", 12_000.0, DRIVE_END, {"outer", "uncertain"}),
    ("130", "BA", 12_000.0, DRIVE_END, {"outer", "uncertain"}),
    ("130", "FE", 12_000.0, FAN_END, {"uncertain"}),
    ("222", "DE", 12_000.0, DRIVE_END, {"rolling", "uncertain"}),
    ("222", "FE", 12_000.0, DRIVE_END, {"rolling", "uncertain"}),
    ("222", "FE", 12_000.0, FAN_END, {"uncertain"}),
    ("222", "BA", 12_000.0, DRIVE_END, {"rolling", "uncertain"}),
]


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "sensor", "rate", "bearing", "allowed"), RECORDINGS)
def test_case_western_recordings(shared_data, name, sensor, rate, bearing, allowed):
    x, speed = cwru(shared_data, name, sensor)
    out = bearing_faults(signal=rows(x, rate), speed=speed, bearing=bearing)
    assert label(out)[0] in allowed, (label(out), out["fault_score"])


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "fault", "lines"),
    [("InnerRaceFault_vload_1", "inner", (117.9, 235.8)), ("OuterRaceFault_vload_4", "outer", (80.3, 160.5))],
)
def test_mfpt_recordings_and_the_lines_they_rest_on(shared_data, file, fault, lines):
    from scipy.io import loadmat

    path = shared_data / "industrial/bearing_mfpt_noncommercial" / f"{file}.mat"
    bearing = loadmat(path, squeeze_me=True, struct_as_record=False)["bearing"]
    out = bearing_faults(
        signal=rows(bearing.gs, float(bearing.sr)), speed=float(bearing.rate), bearing="NICE"
    )
    assert label(out) == (fault, "fault_lines")
    found = out["line_found"][FAULTS.index(fault)]
    assert found[:2] == pytest.approx(lines, abs=0.5)
    assert out["line_ratio"][FAULTS.index(fault), 0] > 5
    assert out["shaft_frequency"] == pytest.approx(24.8, abs=0.15)
    others = [i for i, name in enumerate(FAULTS) if name != fault]
    assert np.isnan(out["line_found"][others]).all()


@pytest.mark.shared_data
@pytest.mark.parametrize("factor", [0.4, 0.5, 0.6667, 0.75, 0.87, 1.15, 1.32, 1.5, 2.0])
@pytest.mark.parametrize(("name", "fault"), [("105", "inner"), ("130", "outer")])
def test_a_wrong_speed_never_names_another_fault(shared_data, name, fault, factor):
    x, speed = cwru(shared_data, name, "DE")
    out = bearing_faults(signal=rows(x, 12_000.0), speed=speed * factor, bearing=DRIVE_END)
    assert label(out)[0] in {"uncertain", fault}


@pytest.mark.shared_data
def test_snapshots_of_a_tenth_of_a_second_are_too_short(shared_data):
    with zipfile.ZipFile(shared_data / "industrial/bearing_pronostia/Bearing1_1_snapshots.zip") as archive:
        for name in archive.namelist()[-2:]:
            table = np.loadtxt(StringIO(archive.read(name).decode()), delimiter=",")
            out = bearing_faults(signal=rows(table[:, 4], 25_600.0), speed=30.0, bearing="PRONOSTIA")
            assert label(out) == ("uncertain", "too_short")


@pytest.mark.shared_data
def test_the_spectrum_alone_names_faults_but_never_none(shared_data):
    for name, fault in (("105", "inner"), ("130", "outer"), ("097", "uncertain")):
        x, speed = cwru(shared_data, name, "DE")
        rate = 48_000.0 if name == "097" else 12_000.0
        band = bandpass(x.astype(np.float32), rate=rate, low=2000.0, high=5000.0)
        frames = envelope_spectrum(band, rate=rate)["amplitude"]
        spectrum = Rows(frames, 2.0, "m s-2", {"frequency": np.arange(1001.0)})
        for given in (spectrum, {"amplitude": spectrum}):
            assert label(bearing_faults(spectrum=given, speed=speed, bearing=DRIVE_END))[0] == fault


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(
    ("bearing", "speed", "rate", "slip"),
    [
        (DRIVE_END, 29.2, 12_000.0, 0.015),
        ("UER204", 37.3, 25_600.0, -0.006),
        ("ZA-2115", 32.7, 20_000.0, -0.004),
    ],
)
def test_simulated_faults_with_slip_are_named(fault, bearing, speed, rate, slip):
    machine = Machine(
        rate=rate,
        seconds=5.0,
        speed=speed,
        bearing=bearing,
        fault=fault,
        level=0.8,
        slip=slip,
        jitter=0.006,
        seed=11,
    )
    assert ask(machine) == (fault, "fault_lines")


def test_impacts_that_do_not_slip_at_all_are_named_too():
    for fault, seed in (("outer", 1), ("inner", 2)):
        machine = Machine(fault=fault, level=1.0, slip=-0.015, jitter=0.0, seconds=6.0, speed=29.2, seed=seed)
        assert ask(machine)[0] == fault


def test_any_gain_any_offset_and_both_float_types_give_the_same_answer():
    machine = Machine(fault="inner", level=0.8, seconds=4.0, seed=3)
    x = simulate(machine)
    first = bearing_faults(signal=rows(x, machine.rate), speed=machine.speed, bearing=machine.bearing)
    for other in (1e-6 * x, 1e6 * x + 3e6, x.astype(np.float32)):
        again = bearing_faults(signal=rows(other, machine.rate), speed=machine.speed, bearing=machine.bearing)
        assert label(again) == label(first)
        assert again["line_found"] == pytest.approx(first["line_found"], abs=1e-2, nan_ok=True)
        assert again["line_depth"] == pytest.approx(first["line_depth"], rel=1e-2, nan_ok=True)


def test_the_line_stands_where_the_simulation_put_it():
    machine = Machine(fault="outer", level=1.0, slip=-0.012, jitter=0.002, seed=5)
    out = bearing_faults(signal=rows(simulate(machine), machine.rate), speed=machine.speed, bearing=DRIVE_END)
    expected = 3.5848 * machine.speed
    row = FAULTS.index("outer")
    assert out["line_expected"][row] == pytest.approx(expected * np.arange(1, 6), rel=2e-3)
    assert out["line_found"][row, 0] == pytest.approx(expected * (1 - 0.012), abs=0.15)
    # the evidence spectrum shows it at its order, above its background
    at = round(3.5848 * 0.988 * 32)
    assert np.argmax(out["spectrum"][96:128]) + 96 == pytest.approx(at, abs=1)
    assert out["spectrum"][at - 1 : at + 2].max() > 3 * out["background"][at]


def test_healthy_machines_are_called_healthy_and_busy_ones_not_faulty():
    quiet = [ask(Machine(seconds=4.0, seed=seed, shaft_modulation=0.1)) for seed in range(5)]
    assert quiet.count(("none", "no_fault_lines")) >= 4
    busy = [
        Machine(seconds=4.0, gear=(23.0, 3.0), seed=1),
        Machine(seconds=4.0, gear=(31.0, 1.0), shaft_modulation=0.3, seed=2),
        Machine(seconds=4.0, mains=(50.0, 1.0), seed=3),
        Machine(seconds=4.0, mains=(60.0, 1.0), speed=29.6, seed=4),
        Machine(seconds=4.0, shocks=(5.0, 20.0), seed=5),
        Machine(seconds=4.0, shocks=(80.0, 20.0), seed=6),
        Machine(seconds=4.0, shaft_modulation=0.8, seed=7),
        Machine(seconds=4.0, shaft_lines=(5.0, 4.0, 3.0, 3.0, 2.0, 2.0, 2.0), seed=8),
    ]
    for machine in busy:
        assert ask(machine)[0] in {"none", "uncertain"}, machine


def test_what_cannot_be_judged_says_why():
    machine = Machine(fault="outer", level=1.0, seconds=4.0)
    x = simulate(machine)
    missing = np.full_like(x, np.nan)
    cases = [
        ({"speed": None}, x, "no_speed"),
        ({"speed": float("nan")}, x, "no_speed"),
        ({"speed": 0.0}, x, "no_speed"),
        ({"bearing": None}, x, "no_bearing"),
        ({"bearing": "  "}, x, "no_bearing"),
        ({"bearing": "<script>alert(1)</script>"}, x, "unknown_bearing"),
        ({}, missing, "no_signal"),
        ({}, x[:0], "no_signal"),
        ({}, np.full_like(x, 3.0), "constant_signal"),
        ({}, np.clip(x, -0.5 * x.std(), 0.5 * x.std()), "saturated_signal"),
        ({}, x[:10_000], "too_short"),
        ({"speed": 900.0}, x, "sampling_rate_too_low"),
    ]
    for changes, samples, reason in cases:
        given = {"speed": machine.speed, "bearing": machine.bearing} | changes
        assert label(bearing_faults(signal=rows(samples, machine.rate), **given)) == ("uncertain", reason), (
            reason
        )


def test_gaps_leave_the_longest_stretch():
    machine = Machine(fault="outer", level=1.0, seconds=8.0, seed=2)
    x = simulate(machine)
    x[::50_000] = np.nan
    given = {"speed": machine.speed, "bearing": machine.bearing}
    assert label(bearing_faults(signal=rows(x, machine.rate), **given)) == ("outer", "fault_lines")


def test_noise_keeps_the_stated_false_alarm_rate():
    # at a tenth per record the bound is testable: 40 records, at most 10 by chance (binomial, 1 in 600)
    alarms = 0
    for seed in range(40):
        x = np.random.default_rng(seed).standard_normal(18_000)
        out = bearing_faults(signal=rows(x, 12_000.0), speed=29.95, bearing=DRIVE_END, false_alarm=0.1)
        alarms += int(np.max(out["fault_score"]) >= 1)
    assert alarms <= 10


def test_a_bin_of_noise_exceeds_its_threshold_as_often_as_stated():
    chances = []
    for seed in range(12):
        x = np.random.default_rng(seed).standard_normal(36_000)
        for view in band_spectra(x, 12_000.0, 1.6, 840.0, 1200.0, 30.0):
            chances.append(view.surprise[20::2])
    surprise = np.concatenate(chances)
    for decades in (1, 2, 3):
        share = np.mean(surprise > decades * math.log(10))
        assert share == pytest.approx(10.0**-decades, rel=0.35)


def test_bands_cover_the_range_and_stay_wide_enough():
    for rate in (8_000.0, 12_000.0, 48_828.0, 97_656.0):
        found = bands(rate, 800.0)
        assert min(low for low, _ in found) >= min(200.0, rate / 40)
        assert max(high for _, high in found) <= 0.48 * rate + 1e-6
        assert all(high - low >= 800.0 for low, high in found[1:])


def test_outputs_are_those_of_the_contract():
    params = {param.name: param.default for param in CONTRACT.params}
    given = {"signal": rows(np.zeros(100), 1000.0), "speed": 10.0, "bearing": DRIVE_END}
    full = Machine(fault="rolling", seconds=4.0, seed=1)
    for out in (
        CONTRACT.load()(**given, **params),
        CONTRACT.load()(
            signal=rows(simulate(full), full.rate), speed=full.speed, bearing=DRIVE_END, **params
        ),
    ):
        fields = CONTRACT.fields(params)
        assert {field.name for field in fields} == set(out)
        for field in fields:
            assert out[field.name].dtype == np.dtype(field.dtype), field.name
            assert out[field.name].shape == tuple(len(dim.values) for dim in field.dims), field.name
    with pytest.raises(ValueError, match="signal"):
        CONTRACT.load()(speed=10.0, bearing=DRIVE_END)
