"""Stages on a device: the processor's values, moved once, the same bits for any blocks and after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.plan.compile import compile_cut
from hpcflow.plan.model import Cut
from hpcflow.run import faults
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow_kernels.arrays import namespace
from hpcflow_kernels.arrays.namespace import VARIABLE, Place, available
from tests import toy, toy_arrays
from tests.conftest import REPO
from tests.run.test_execute import hashes, opened

PLACES = [place for place in available() if not place.is_gpu]


@pytest.fixture(autouse=True)
def kernels(monkeypatch, toy_kernels):
    monkeypatch.setattr("hpcflow_kernels.registry.contracts", lambda: toy_arrays.CONTRACTS)
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture(params=PLACES, ids=str)
def here(request, monkeypatch) -> Place:
    name = f"{request.param.library}:{request.param.device}".rstrip(":")
    monkeypatch.setenv(VARIABLE, name)
    return request.param


def prepared(folder: Path, device: str, block_bytes: int | None = None) -> RunFolder:
    return toy.prepare(folder, toy.signals(), block_bytes, steps=toy_arrays.STEPS, device=device)


def computed(folder: Path, device: str, block_bytes: int | None = None) -> RunFolder:
    run = prepared(folder, device, block_bytes)
    execute(run, SerialExecutor())
    return run


@pytest.fixture(scope="module")
def on_processor(tmp_path_factory) -> dict[str, dict[str, np.ndarray]]:
    patch = pytest.MonkeyPatch()
    patch.setattr("hpcflow_kernels.registry.contracts", lambda: toy_arrays.CONTRACTS)
    patch.setattr("hpcflow.run.stages.ingest.get_reader", lambda name: toy.READER)
    patch.setattr("hpcflow.run.stages.ingest.checksum", toy.checksum)
    patch.setattr("hpcflow.run.stages.ingest.read_stored", toy.read)
    run = computed(tmp_path_factory.mktemp("processor"), "cpu")
    patch.undo()
    return values(run)


def values(run: RunFolder) -> dict[str, dict[str, np.ndarray]]:
    cut = Cut.from_dict(run.cut)
    return {s.name: {f.name: opened(run, s.name)[f.name].values for f in s.fields} for s in cut.steps}


@pytest.fixture(scope="module")
def runs() -> dict[str, RunFolder]:
    return {}


@pytest.fixture
def undisturbed(here, runs, tmp_path) -> RunFolder:
    """One run of each place, in blocks of a tile."""
    if str(here) not in runs:
        runs[str(here)] = computed(tmp_path / "whole", "gpu", 1 << 20)
    return runs[str(here)]


class TestPlanning:
    def cut(self, tmp_path, device):
        table = toy.table_of([1000, 300_000])
        return compile_cut(toy.workflow(tmp_path, steps=toy_arrays.STEPS, device=device), {"made": table})

    def test_steps_that_can_go_to_the_device(self, tmp_path):
        cut = self.cut(tmp_path, "gpu")
        there = {step.name for step in cut.steps if step.backend == "array"}
        assert there == {"soft", "softer", "frames", "after", "sums", "more"}
        devices = {stage.name: stage.device for stage in cut.stages if stage.device}
        assert devices == {"tiles.made": "gpu", "records.made": "gpu"}
        note = next(note for note in cut.notes if note.startswith("device gpu"))
        assert "soft, softer, frames" in note
        assert note.endswith("on the processor, as their kernels have no other: aside, all")

    def test_keys_and_ids_change_with_what_computes_and_with_nothing_else(self, tmp_path):
        here, auto, there = (self.cut(tmp_path, device) for device in ("cpu", "auto", "gpu"))
        assert here.id == auto.id != there.id
        keys = {step.name: step.key for step in here.steps}
        assert all(step.key != keys[step.name] for step in there.steps)  # each reads one on the device, or is

    def test_a_cut_of_the_processor_is_written_as_before_there_were_devices(self, tmp_path):
        body = self.cut(tmp_path, "cpu").body()
        assert all("backend" not in step for step in body["steps"])
        assert all("device" not in stage for stage in body["stages"])
        there = self.cut(tmp_path, "gpu")
        assert Cut.from_dict({**there.body(), "id": there.id}) == Cut.from_dict(there.body())
        assert Cut.from_dict(there.body()).id == there.id

    def test_memory_has_room_for_the_library_and_for_its_arrays(self, tmp_path):
        here, there = (self.cut(tmp_path, device).stage("tiles.made") for device in ("cpu", "gpu"))
        kernels = (64 * 4 - 64) * (1 << 18)  # 64 copies of a tile of float32, where kernels say 64 bytes
        assert there.memory_bytes >= here.memory_bytes + (2 << 30) + kernels

    def test_a_workflow_without_such_kernels_says_so(self, tmp_path, monkeypatch):
        monkeypatch.setattr("hpcflow_kernels.registry.contracts", lambda: toy.CONTRACTS)
        cut = compile_cut(toy.workflow(tmp_path, device="gpu"), {"made": toy.table_of([5000])})
        assert not any(stage.device for stage in cut.stages)
        assert any("so none is used" in note for note in cut.notes)


def test_values_are_those_of_the_processor(undisturbed, on_processor):
    for name, fields in values(undisturbed).items():
        for field, got in fields.items():
            expected = on_processor[name][field]
            assert got.dtype == expected.dtype
            assert np.array_equal(np.isnan(got), np.isnan(expected)), (name, field)
            apart = np.nanmax(np.abs(got - expected), initial=0)
            assert apart <= 1e-6 * np.nanmax(np.abs(expected), initial=0), (name, field)


def test_blocks_of_any_size_give_the_same_bits(tmp_path, undisturbed):
    assert hashes(computed(tmp_path, "gpu", 1 << 30)) == hashes(undisturbed)


def test_receipts_say_what_computed(here, undisturbed):
    ledger = Ledger(undisturbed)
    for stage in ledger.stages:
        said = {receipt.get("device") for receipt in ledger.receipts(stage)}
        assert said == ({str(here)} if stage in ("tiles.made", "records.made") else {None}), stage


def test_rows_of_an_earlier_run_are_told_of_no_device(here, tmp_path):
    computed(tmp_path, "gpu")
    again = toy.prepare(tmp_path, toy.signals()[:2], steps=toy_arrays.STEPS, device="gpu", store="other")
    execute(again, SerialExecutor())
    receipts = Ledger(again).receipts("tiles.made")
    assert [sum(receipt[what] for receipt in receipts) for what in ("reused", "computed")] == [2, 0]
    assert {receipt.get("device") for receipt in receipts} == {None}


def test_samples_go_there_once_and_come_back_once(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "array_api_strict")
    records = [np.random.default_rng(5).standard_normal(250_000).astype(np.float32)]
    run = toy.prepare(tmp_path, records, steps=toy_arrays.STEPS, device="gpu")
    moved: Counter[tuple[str, int]] = Counter()
    put, back = Place.put, Place.back
    monkeypatch.setattr(Place, "put", lambda self, x: (moved.update([("put", x.size)]), put(self, x))[1])
    monkeypatch.setattr(Place, "back", lambda self, y: (moved.update([("back", y.size)]), back(self, y))[1])
    execute(run, SerialExecutor())
    # The tile and the record are put, and what the processor made of `soft`; `soft` and `softer`, which are
    # saved, come back, each once, though two steps read the first.
    long = {key: n for key, n in moved.items() if key[1] == 250_000}
    assert long == {("put", 250_000): 3, ("back", 250_000): 2}
    frames = (250_000 - 1000) // 300 + 1
    assert moved["put", frames] == 1  # two steps on records read the frames' peaks
    assert moved["back", frames] == 1


@pytest.mark.parametrize("point", ["after-pack:2", "before-receipt:3", "after-receipt:4"])
def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path, undisturbed, point):
    run = prepared(tmp_path / "killed", "gpu", 1 << 20)
    environment = {**os.environ, "PYTHONPATH": f"{REPO}:{REPO / 'kernels'}", faults.VARIABLE: point}
    driver = [sys.executable, "-m", "tests.run.driver", str(run.path)]
    process = subprocess.run(driver, env=environment, cwd=REPO, capture_output=True)
    assert process.returncode == -signal.SIGKILL
    execute(run, SerialExecutor())
    assert hashes(run) == hashes(undisturbed)


def test_without_a_device_blocks_fail_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(namespace, "_gpus", lambda library: 0)
    run = prepared(tmp_path, "gpu")
    with pytest.raises(Exception, match=rf"needs a GPU.*{VARIABLE}=torch:cpu"):
        execute(run, SerialExecutor())
