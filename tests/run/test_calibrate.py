"""A machine is measured into one text file, and finished runs correct it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpcflow.api import ask, start
from hpcflow.errors import RunError, StoreError
from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.plan.calibration import Calibration, KernelTimes, stage_key
from hpcflow.plan.model import Cut
from hpcflow.plan.time import stage_seconds
from hpcflow.run import calibrate
from hpcflow.run.ledger import Ledger, append
from hpcflow.run.peak import peak_memory
from hpcflow_kernels.probes import PROBES, prepared
from tests import toy

SLOW = KernelTimes(1, ((1000, 1e-3), (100_000, 1e-1)))


@pytest.fixture
def known(toy_kernels: None) -> Calibration:
    return Calibration(
        "a processor", 2, "2026-01-01", dict.fromkeys(toy.CONTRACTS, SLOW), 1e8, 1e8, 1e-3, 1.0
    )


def test_each_machine_has_its_own_entry(tmp_path: Path, known: Calibration) -> None:
    file = tmp_path / "deep" / "calibration.json"
    assert calibrate.load_calibration(file=file) is None
    calibrate.save_calibration(known, file=file)
    calibrate.save_calibration(replace(known, cores=128), "a-cluster", file)
    assert calibrate.load_calibration(file=file) == known
    ordered = known.seen("tiles", "z-old", 2.0).seen("tiles", "a-new", 3.0)
    calibrate.save_calibration(ordered, file=file)
    again = calibrate.load_calibration(file=file)
    assert again is not None
    assert list(again.observed["tiles"]) == ["z-old", "a-new"], "the newest stays last"
    other = calibrate.load_calibration("a-cluster", file)
    assert other is not None
    assert other.cores == 128


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": "other/1"}', '{"schema": "hpcflow.calibration/1"}'])
def test_a_damaged_file_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(StoreError, match="hpcflow calibrate"):
        calibrate.load_calibration(file=file)


def test_the_environment_names_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HPCFLOW_LUMI_CALIBRATION", str(tmp_path / "mine.json"))
    assert calibrate.calibration_file() == tmp_path / "mine.json"
    monkeypatch.delenv("HPCFLOW_LUMI_CALIBRATION")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert calibrate.calibration_file() == tmp_path / "hpcflow-lumi" / "calibration.json"


def test_busy_time_counts_commits_between_blocks_and_no_worker_twice() -> None:
    receipts = [
        {"worker": "a", "end": 10.0, "seconds": 1.0},
        {"worker": "a", "end": 14.0, "seconds": 2.0},
        {"worker": "b", "end": 12.0, "seconds": 3.0},
        {"worker": "b", "end": 20.0, "seconds": 3.0, "failed": "no"},
        {"seconds": 0.0, "reused": 1},
    ]
    assert calibrate.busy_seconds(receipts) == pytest.approx(5.0 + 3.0)


def test_a_run_moves_the_prediction_onto_itself(tmp_path: Path, known: Calibration) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    cut = Cut.from_dict(folder.cut)
    for stage in cut.stages:
        for block in range(stage.blocks):
            append(
                folder.receipts / f"{stage.name}.jsonl",
                {
                    "stage": stage.name, "blocks": [block, block + 1], "seconds": 5.0, "samples": 1,
                    "computed": 1, "reused": 0, "worker": "w", "end": 100.0 + 5 * block,
                },
            )  # fmt: skip
    file = tmp_path / "calibration.json"
    assert calibrate.refine(folder, file=file) == 0, "who never calibrated gets no file"
    assert not file.exists()
    calibrate.save_calibration(known, file=file)
    assert calibrate.refine(folder, file=file) == len({stage_key(cut, s) for s in cut.stages})
    once = file.read_bytes()
    calibrate.refine(folder, file=file)
    assert file.read_bytes() == once, "a run is seen once"
    after = calibrate.load_calibration(file=file)
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    found = stage_seconds(cut, tiles, after)
    assert (found.low * found.high) ** 0.5 == pytest.approx(5.0 * tiles.blocks, rel=1e-3)


def test_stages_that_took_records_over_teach_nothing(tmp_path: Path, known: Calibration) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    cut = Cut.from_dict(folder.cut)
    tiles = next(s for s in cut.stages if s.kind == "tiles")
    receipt = {"stage": tiles.name, "blocks": [0, tiles.blocks], "seconds": 9.0, "worker": "w", "end": 9.0}
    append(folder.receipts / "w.jsonl", {**receipt, "samples": 1, "computed": 0, "reused": 6})
    assert not dict(calibrate.ratios(folder, known))


@pytest.mark.parametrize("name", list(PROBES))
def test_every_probe_calls_its_kernel(name: str) -> None:
    assert len(prepared(name, PROBES[name].sizes[0])()) > 0


def test_measurements_come_from_processes_of_their_own(tmp_path: Path) -> None:
    found = calibrate.run_probe("kernel", "condition_indicators", "30000", "60000")
    assert [n for n, _ in found["points"]] == [30_000, 60_000]
    assert all(t > 0 for _, t in found["points"])
    rates = calibrate.run_probe("blocks", str(tmp_path))
    assert 0 < rates["seconds_per_block"] < 1
    assert not list(tmp_path.iterdir()), "nothing stays behind"


def test_a_failed_measurement_says_why() -> None:
    with pytest.raises(RunError, match="KeyError"):
        calibrate.run_probe("kernel", "no_such_kernel", "10")


WORKFLOW = """\
hpcflow: 1
name: bounds
datasets:
  m: {{zarr: m.zarr, defaults: {{bearing: SKF 6205-2RS JEM, speed: 1500 rpm, sampling_rate: 25600 Hz}}}}
steps: {steps}
save: {save}
run: {{block_size: {block}}}
"""

BAND = "band: {kernel: bandpass, input: m.acceleration, with: {low: 2 kHz, high: 5 kHz}}"
SPECTRUM = "envelope: {kernel: envelope_spectrum, input: band, with: {window: 1 s}}"
PORTS = "{signal: m.acceleration, speed: m.speed, bearing: m.bearing}"


@pytest.mark.parametrize(
    ("steps", "save", "samples", "block"),
    [
        (f"{{{BAND}, {SPECTRUM}}}", "[envelope]", 3_000_000, "4 MiB"),
        (f"{{{BAND}}}", "[band]", 30_000_000, "1 GiB"),
        (f"{{d: {{kernel: bearing_faults, input: {PORTS}}}}}", "[d]", 400_000, "64 MiB"),
    ],
    ids=["frames", "one block of 30 million filtered samples", "a diagnosis"],
)
def test_a_workers_peak_stays_below_its_bound(
    tmp_path: Path, steps: str, save: str, samples: int, block: str
) -> None:
    import zarr

    group = zarr.open_group(tmp_path / "m.zarr", mode="w")
    array = group.create_array("acceleration", shape=(1, samples), chunks=(1, 200_000), dtype="float32")
    array.attrs["units"] = "m s-2"
    array[:] = np.random.default_rng(5).standard_normal((1, samples), dtype=np.float32)
    (tmp_path / "w.yaml").write_text(WORKFLOW.format(steps=steps, save=save, block=block))
    folder = start(ask(tmp_path / "w.yaml"), tmp_path / "runs")
    stage = next(s for s in folder.cut["stages"] if s["kind"] in ("tiles", "records"))
    command = [sys.executable, "-m", "hpcflow.run.worker", str(folder.path), "--stage", stage["name"]]
    paths = os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)
    subprocess.run(
        [*command, "--blocks", f"0:{stage['blocks']}"], env={**os.environ, "PYTHONPATH": paths}, check=True
    )
    peaks = [r["memory_bytes"] for r in Ledger(folder).receipts(stage["name"])]
    assert 0 < max(peaks) <= stage["memory_bytes"]


def test_a_small_process_is_not_blamed_for_the_large_one_that_started_it() -> None:
    ours = np.ones(40_000_000)
    code = "from hpcflow.run.peak import peak_memory; print(peak_memory())"
    paths = os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=True,
    )
    assert 4e6 < int(done.stdout) < ours.nbytes < peak_memory()


def test_a_real_run_teaches(tmp_path: Path, known: Calibration) -> None:
    folder = toy.prepare(tmp_path, toy.signals())
    execute(folder, SerialExecutor())
    for key, ratio in calibrate.ratios(folder, known):
        assert key
        assert ratio > 0
    json.dumps(calibrate.refined(folder, known).to_dict())
