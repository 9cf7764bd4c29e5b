"""Order maps: lines that grow in a run-up, a resonance met by orders in turn, gaps, a runner's strides."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
from scipy import signal
from scipy.io import savemat

from hpcflow import api
from hpcflow_kernels import Rows, UnusableRecordError
from hpcflow_kernels.spectral.order_map import order_map, order_map_of_record
from hpcflow_kernels.spectral.orders import order_spectrum, turns_of_tacho
from hpcflow_kernels.spectral.orders_contracts import CONTRACTS

FS = 5000.0


def run_up(seconds=30.0, low=10.0, high=40.0):
    """Time, and turns of a shaft that speeds up evenly."""
    t = np.arange(int(seconds * FS)) / FS
    return t, low * t + (high - low) * t**2 / (2 * seconds)


def test_a_line_that_grows_is_read_at_its_time():
    t, turns = run_up()
    x = 0.1 * t * np.cos(2 * np.pi * 3.5 * turns) + np.cos(2 * np.pi * 7 * turns)
    found = order_map(x, FS, turns, step=0.5, max_order=10, revolutions=8)
    assert found.amplitude.shape == (60, 81)
    middles = (np.arange(60) + 0.5) * 0.5
    known = np.isfinite(found.amplitude[:, 0])
    assert known[[0, -1]].tolist() == [False, True], "8 turns at 10 Hz are not there in the first half second"
    assert known.sum() >= 58
    assert found.speed[known] == pytest.approx(10 + middles[known], rel=1e-2)
    growing = found.amplitude[known][:, found.orders == 3.5].ravel()
    assert growing == pytest.approx(0.1 * middles[known], rel=0.01)
    assert found.amplitude[known][:, found.orders == 7].ravel() == pytest.approx(
        np.ones(known.sum()), rel=0.01
    )
    off = np.min(np.abs(found.orders[:, None] - [3.5, 7.0]), axis=1) > 0.3
    assert found.amplitude[known][:, off].max() < 0.02


def test_orders_meet_a_resonance_one_after_the_other():
    """Order k is largest when the speed is the resonance over k: its line in a map of order and time."""
    _, turns = run_up(60.0, 10.0, 60.0)
    force = sum(np.cos(2 * np.pi * k * turns) for k in (3, 4, 6))
    resonance, damping = 150.0, 0.02
    b = signal.bilinear_zpk(
        [], resonance * 2 * np.pi * np.exp(1j * np.array([1, -1]) * (np.pi / 2 + damping)), 1, FS
    )
    x = signal.sosfilt(signal.zpk2sos(*b), force)
    found = order_map(x, FS, turns, step=0.5, max_order=8, revolutions=8)
    for k in (3, 4, 6):
        line = found.amplitude[:, found.orders == k].ravel()
        assert found.speed[np.nanargmax(line)] == pytest.approx(resonance / k, rel=0.03)
        assert np.nanmax(line) > 5 * np.nanmedian(line)


def test_at_a_steady_speed_a_row_is_a_block_of_the_order_spectrum():
    turns = 20.0 * np.arange(40_000) / FS
    x = np.cos(2 * np.pi * 5 * turns) + 0.1 * np.random.default_rng(1).standard_normal(40_000)
    blocks = order_spectrum(x, FS, turns, revolutions=16)  # 0.8 s, every 0.4 s
    rows = order_map(
        x[1000:], FS, turns[1000:], step=0.4, revolutions=16
    )  # their middles are those of blocks
    assert rows.amplitude[1:-1] == pytest.approx(blocks.blocks[1 : len(rows.speed) - 1], abs=1e-6)
    assert len(rows.speed) == 19


def test_gaps_standstill_and_unknown_angles_have_no_row():
    _, turns = run_up()
    x = np.cos(2 * np.pi * turns)
    x[47_500] = np.nan
    turns[:20_000] = np.nan
    found = order_map(x, FS, turns, revolutions=8)
    missing = np.flatnonzero(np.isnan(found.amplitude).all(axis=1))
    assert missing.tolist() == [0, 1, 2, 3, 9]
    assert np.isnan(found.speed[:4]).all()
    assert np.isfinite(found.speed[9])
    still = order_map(np.ones(20_000), FS, np.zeros(20_000))
    assert still.amplitude.shape == (4, 321)
    assert np.isnan(still.amplitude).all()
    assert order_map(x[:10], FS, turns[:10]).amplitude.shape == (0, 321)


def test_records_by_tachometer_and_a_run_from_end_to_end(tmp_path):
    _, turns = run_up(12.0, 10.0, 20.0)
    x = (2 * np.cos(2 * np.pi * 4 * turns)).astype(np.float32)
    tacho = np.where(turns % 1 < 0.3, 5.0, 0.0)
    given = {"step": 2.0, "max_order": 6.0, "revolutions": 8}
    got = order_map_of_record(signal=Rows(x, FS, "g", {}), tacho=Rows(tacho, FS, "V", {}), **given)
    assert got["amplitude"][1:5, 32] == pytest.approx(np.full(4, 2.0), rel=0.01)
    assert CONTRACTS[1].length(given, len(x), FS, {}) == len(got["speed"]) == 6
    with pytest.raises(UnusableRecordError, match="has no speed"):
        order_map_of_record(signal=Rows(x, FS, "g", {}))
    (tmp_path / "in").mkdir()
    savemat(tmp_path / "in/a.mat", {"x": x, "tacho": tacho, "rate": FS})
    (tmp_path / "w.yaml").write_text("""
hpcflow: 1
name: runup
datasets:
  made:
    files: "in/*.mat"
    reader: matlab
    variables: {x: {select: x, units: m s-2}, tacho: {select: tacho, units: V}}
    facts: {sampling_rate: {select: rate, units: Hz}}
steps:
  map:
    kernel: order_map
    input: {signal: made.x, tacho: made.tacho}
    with: {step: 2 s, max_order: 6, revolutions: 8}
save: [map]
""")
    run = api.start(api.ask(tmp_path / "w.yaml"), runs=tmp_path / "runs")
    api.compute(run, executor="serial")
    found = api.open_step(run, "map")
    assert np.array_equal(found["amplitude"].values, got["amplitude"].astype(np.float32), equal_nan=True)
    assert found["amplitude"].attrs["units"] == "m s-2"
    assert float(found["amplitude"][2].idxmax("order")) == 4
    assert found["speed"].values[1:5] == pytest.approx(10 + np.array([3, 5, 7, 9]) * 10 / 12, rel=0.01)


@pytest.mark.shared_data
def test_a_runners_strides_are_at_half_of_the_steps_order(shared_data):
    """The steps themselves are the tachometer: a stride is two of them, so its line is at one half."""
    path = next((shared_data / "sport").rglob("running_left_hip_0-600s.csv.gz"))
    with gzip.open(path, "rt") as file:
        x = np.loadtxt(file, delimiter=",", skiprows=1, usecols=2, max_rows=18_000)
    steps = signal.sosfiltfilt(signal.butter(2, [1.8, 3.5], "bandpass", fs=100, output="sos"), x)
    found = order_map(x, 100.0, turns_of_tacho(steps, threshold=0.0), step=5.0, max_order=4)
    line = np.nanmedian(found.amplitude, axis=0)
    assert np.nanmedian(found.speed) == pytest.approx(2.65, abs=0.1)
    for order in (0.5, 1.0, 2.0):
        at = int(order * 16)
        beside = np.r_[line[at - 5 : at - 2], line[at + 3 : at + 6]]
        assert line[at] > 3 * np.median(beside)
