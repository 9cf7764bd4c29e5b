"""The simulated machine: the same again, impacts where they belong, files that others can read."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import sys

import numpy as np
import pytest
from scipy import signal

from hpcflow_kernels.machine.bearing_simulation import Machine, simulate


def test_the_same_machine_gives_the_same_samples_and_another_seed_does_not():
    machine = Machine(fault="inner", seconds=1.0, seed=4)
    assert np.array_equal(simulate(machine), simulate(Machine(fault="inner", seconds=1.0, seed=4)))
    assert not np.array_equal(simulate(machine), simulate(Machine(fault="inner", seconds=1.0, seed=5)))


def test_impacts_come_at_the_fault_frequency_and_ring_at_the_resonance():
    machine = Machine(
        fault="outer",
        level=50.0,
        jitter=0.0,
        slip=0.01,
        seconds=4.0,
        shaft_lines=(),
        resonances=((3200.0, 0.03),),
    )
    x = simulate(machine)
    frequency, power = signal.welch(x, machine.rate, nperseg=4096)
    assert frequency[np.argmax(power)] == pytest.approx(3200, abs=60)
    envelope = np.abs(signal.hilbert(x))
    lines = np.abs(np.fft.rfft((envelope - envelope.mean()) * np.hanning(len(x))))
    expected = 3.5848 * 1.01 * machine.speed
    assert np.argmax(lines[40:2000]) / 4.0 + 10 == pytest.approx(expected, abs=0.3)


def test_the_level_is_what_was_asked_for():
    healthy = Machine(seconds=4.0, shaft_lines=(), seed=6)
    faulty = Machine(seconds=4.0, shaft_lines=(), seed=6, fault="rolling", level=2.0)
    fault = simulate(faulty) - simulate(healthy)
    assert fault.std() == pytest.approx(2.0, rel=0.05)
    assert simulate(healthy).std() == pytest.approx(1.0, rel=0.01)


def test_the_script_writes_the_same_readable_files(repo, tmp_path):
    from scipy.io import loadmat

    spec = importlib.util.spec_from_file_location(
        "simulate_machine", repo / "scripts" / "simulate_machine.py"
    )
    script = importlib.util.module_from_spec(spec)
    sys.modules["simulate_machine"] = script
    try:
        spec.loader.exec_module(script)
        paths = script.write(tmp_path / "one")
        again = script.mat_bytes(script.RECORDINGS[2])
    finally:
        del sys.modules["simulate_machine"]
    assert len(paths) == 8
    assert hashlib.sha256(paths[2].read_bytes()).digest() == hashlib.sha256(again).digest()
    content = loadmat(paths[1], squeeze_me=True)
    assert content["acceleration"].dtype == np.float32
    assert float(content["rate"]) == 12_800
    assert "SIMULATED" in str(content["note"])
    assert b"SIMULATED" in paths[0].read_bytes()[:116]
    with (tmp_path / "one" / "index.csv").open(encoding="utf-8") as stream:
        index = list(csv.DictReader(stream))
    assert [row["file"] for row in index] == [path.name for path in paths]
    assert {row["truth"].split()[1] for row in index} == {"none", "inner", "outer", "rolling"}
    assert "speed" not in loadmat(paths[-1])
