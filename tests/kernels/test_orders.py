"""Order tracking: run-ups with known lines, tachometers, gaps, slow moments, and a bearing's outer race."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from hpcflow import api
from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.spectral.orders import (
    order_spectrum,
    order_spectrum_of_record,
    turns_of_speed,
    turns_of_tacho,
)
from hpcflow_kernels.spectral.orders_contracts import CONTRACTS

FS = 5000.0
LINES = {1.0: 1.0, 3.5: 0.5, 12.0: 0.2}


def run_up(seconds=20.0, low=10.0, high=40.0):
    """Speed, turns by the integral of its formula, and a signal with three orders and a fixed tone."""
    t = np.arange(int(seconds * FS)) / FS
    speed = low + (high - low) * t / seconds + 2 * np.sin(2 * np.pi * 0.3 * t)
    turns = (
        low * t
        + (high - low) * t**2 / (2 * seconds)
        - 2 / (2 * np.pi * 0.3) * (np.cos(2 * np.pi * 0.3 * t) - 1)
    )
    x = sum(a * np.cos(2 * np.pi * order * turns + order) for order, a in LINES.items())
    return speed, turns, x + 3 + 0.3 * np.sin(2 * np.pi * 137 * t)


def test_a_run_up_has_its_lines_and_a_spectrum_in_hertz_has_not():
    speed, turns, x = run_up()
    assert turns_of_speed(speed, FS) == pytest.approx(turns, abs=1e-6)
    got = order_spectrum(x, FS, turns_of_speed(speed, FS))
    assert got.orders[-1] == 20
    for order, amplitude in LINES.items():
        assert got.amplitude[got.orders == order][0] == pytest.approx(amplitude, rel=0.01)
    lines = np.min(np.abs(got.orders[:, None] - np.array(list(LINES))), axis=1) < 0.2
    assert got.amplitude[~lines].max() < 0.1  # the fixed tone, 0.3, is smeared
    assert got.amplitude[0] == 0
    assert got.speed.min() > 10
    assert got.speed.max() < 42
    f, power = signal.periodogram(x, FS, "hann", scaling="spectrum")
    assert np.sqrt(2 * power[(f > 5) & (f < 130)]).max() < 0.25


@pytest.mark.parametrize(("order", "bound"), [(25.0, 3e-6), (50.0, 3e-4)])
def test_the_spline_keeps_what_is_stated(order, bound):
    """Lines at a tenth and a fifth of the sampling rate."""
    turns = 20.03 * np.arange(40_000) / FS
    got = order_spectrum(np.cos(2 * np.pi * order * turns), FS, turns, max_order=60)
    assert got.amplitude[got.orders == order][0] == pytest.approx(1, rel=bound)
    assert got.amplitude[np.abs(got.orders - order) > 0.3].max() < bound


@pytest.mark.parametrize("pulses", [1, 4])
def test_a_tachometer_tells_the_turns(pulses):
    _, turns, x = run_up()
    rng = np.random.default_rng(1)
    tacho = 5.0 * ((turns * pulses) % 1 < 0.3) + 0.2 * rng.standard_normal(len(turns))
    tacho = signal.sosfiltfilt(signal.butter(2, 1500, fs=FS, output="sos"), tacho)
    found = turns_of_tacho(tacho, pulses)
    inside = np.isfinite(found)
    assert inside.mean() > 0.98
    shift = np.round((turns - found)[inside].mean() * pulses) / pulses
    assert np.abs(found - turns + shift)[inside].max() < 0.02
    got = order_spectrum(x, FS, found)
    for order in (1.0, 3.5):
        assert got.amplitude[got.orders == order][0] == pytest.approx(LINES[order], rel=0.03)
    with pytest.raises(ValueError, match="two pulses"):
        turns_of_tacho(np.zeros(1000))


def test_gaps_and_slow_moments_are_left_out():
    speed, _, x = run_up()
    whole = order_spectrum(x, FS, turns_of_speed(speed, FS))
    x[30_000:30_010] = np.nan
    holed = order_spectrum(x, FS, turns_of_speed(speed, FS))
    assert 0 < len(whole.blocks) - len(holed.blocks) <= 2
    kept = [row for row in whole.blocks if np.abs(holed.blocks - row).max(axis=1).min() < 1e-4]
    assert len(kept) == len(holed.blocks)
    fast = order_spectrum(x, FS, turns_of_speed(speed, FS), min_speed=25)
    assert fast.speed.min() >= 25
    assert order_spectrum(x, FS, turns_of_speed(speed, FS), min_speed=100).amplitude.shape == (321,)


def test_records_by_speed_tachometer_shaft_and_class():
    speed, turns, x = run_up()
    given = {"max_order": 15.0, "revolutions": 8, "speeds": [10.0, 20.0, 30.0, 100.0, 200.0]}
    record = Rows(x.astype(np.float32), FS, "m s-2", {})
    slow = Rows(speed[::50], FS / 50, "Hz", {})
    got = order_spectrum_of_record(signal=record, speed=slow, **given)
    fields = CONTRACTS[0].fields({"pulses": 1, "min_speed": 0.5, **given})
    assert set(got) == {field.name for field in fields}
    for field in fields:
        assert got[field.name].shape == tuple(len(dim.values) for dim in field.dims)
    assert got["amplitude"][8] == pytest.approx(1, rel=0.01)
    assert got["amplitude_by_speed"][:3, 8] == pytest.approx(np.ones(3), rel=0.02)
    assert np.isnan(got["amplitude_by_speed"][3]).all()
    assert got["lowest_speed"] < 13 < 38 < got["highest_speed"]
    tacho = Rows((turns % 1 < 0.5).astype(float), FS, "V", {})
    assert order_spectrum_of_record(signal=record, tacho=tacho, **given)["amplitude"][8] == pytest.approx(
        1, rel=0.03
    )
    steady = Rows(np.cos(2 * np.pi * 50 * np.arange(20_000) / FS), FS, "V", {})
    at = order_spectrum_of_record(signal=steady, shaft=25.0, max_order=5.0)
    assert at["amplitude"][32] == pytest.approx(1, rel=1e-3)
    for how in ({}, {"shaft": 0.1}, {"tacho": steady._replace(values=np.zeros(20_000))}):
        with pytest.raises(UnusableRecordError):
            order_spectrum_of_record(signal=steady, **how)


WORKFLOW = """\
hpcflow: 1
name: runup
datasets:
  made: {files: "in/*.csv", reader: csv}
steps:
  orders: {kernel: order_spectrum, input: {signal: made.level, speed: made.speed}, with: {max_order: 5}}
save: [orders]
"""


def test_a_run_up_from_end_to_end(tmp_path):
    fs, n = 1000.0, 8000
    t = np.arange(n) / fs
    speed, turns = 10 + 2 * t, 10 * t + t**2
    (tmp_path / "in").mkdir()
    rows = [f"{a:.3f},{np.cos(4 * np.pi * b):.7f},{c:.4f}" for a, b, c in zip(t, turns, speed, strict=True)]
    (tmp_path / "in" / "one.csv").write_text("\n".join(["time [s],level [V],speed [Hz]", *rows]) + "\n")
    (tmp_path / "runup.yaml").write_text(WORKFLOW)
    run = api.start(api.ask(tmp_path / "runup.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    found = api.open_step(run, "orders")
    line = found["amplitude"].squeeze()
    assert line.attrs["units"] == "V"
    assert float(line.idxmax("order")) == 2
    assert float(line.max()) == pytest.approx(1, rel=0.01)


@pytest.mark.shared_data
def test_the_outer_race_of_a_bearing_is_at_its_order(shared_data):
    """Record 130: 3.5848 impacts a turn by the bearing's geometry, 1797 turns a minute by the data sheet."""
    from scipy.io import loadmat

    x = loadmat(shared_data / "industrial/bearing_cwru/130_OR007at6_0hp_12kHz.mat")["X130_DE_time"].ravel()
    sos = signal.butter(4, [2500, 4000], "bandpass", fs=12_000, output="sos")
    envelope = Rows(np.abs(signal.hilbert(signal.sosfiltfilt(sos, x))), 12_000.0, "1", {})
    got = order_spectrum_of_record(signal=envelope, shaft=1797 / 60, max_order=8.0, revolutions=32)
    orders = np.arange(8 * 32 + 1) / 32
    assert orders[np.argmax(got["amplitude"])] == pytest.approx(3.5848, rel=0.01)
