"""Steps through `numba.cuda`: on a GPU where a worker sees one, on the processor where it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.plan.compile import compile_cut
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow_kernels.cuda import device
from tests import toy
from tests.run.test_execute import hashes, opened

GPU = "numba.cuda 0.0 on a GPU that a test made up"
CALLED: list[str] = []


def framed(x: np.ndarray, **given: Any) -> dict[str, np.ndarray]:
    """As the processor's, and told that it was called."""
    CALLED.append("framed")
    return toy.framed(x, **given)


def summed(**given: Any) -> dict[str, np.ndarray]:
    """The same for a record."""
    CALLED.append("summed")
    return toy.summed(**given)


CONTRACTS = {
    **toy.CONTRACTS,
    **{name: replace(toy.CONTRACTS[name], cuda=f"{__name__}:{name}") for name in ("framed", "summed")},
}
STEPS = (
    toy.step("soft", "smooth", {"signal": "made.x"}),
    toy.step("frames", "framed", {"signal": "soft"}, frame=1000, hop=300),
    toy.step("sums", "summed", {"frames": "frames", "raw": "made.x", "weight": "made.weight"}),
)


@pytest.fixture(autouse=True)
def kernels(monkeypatch, toy_kernels):
    monkeypatch.setattr("hpcflow_kernels.registry.contracts", lambda: CONTRACTS)
    CALLED.clear()


def computed(folder, asked: str) -> RunFolder:
    run = toy.prepare(folder, toy.signals(), steps=STEPS, device=asked)
    execute(run, SerialExecutor())
    return run


def devices(run: RunFolder) -> dict[str, set[str | None]]:
    ledger = Ledger(run)
    return {stage: {receipt.get("device") for receipt in ledger.receipts(stage)} for stage in ledger.stages}


def test_plans_name_the_steps_and_ask_for_no_gpu_because_of_them(tmp_path):
    here, there = (
        compile_cut(toy.workflow(tmp_path, steps=STEPS, device=asked), {"made": toy.table_of([9000])})
        for asked in ("cpu", "gpu")
    )
    assert [step.backend for step in there.steps] == ["cpu", "cuda", "cuda"]
    assert not any(stage.device for stage in there.stages)
    note = next(note for note in there.notes if note.startswith("device gpu"))
    assert "numba.cuda" in note
    assert note.endswith("frames, sums; on the processor, as their kernels have no other: soft")
    assert [a.key == b.key for a, b in zip(here.steps, there.steps, strict=True)] == [True, False, False]


def test_where_a_gpu_is_seen_it_computes_and_receipts_say_so(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "name", lambda: GPU)
    run = computed(tmp_path / "there", "gpu")
    assert set(CALLED) == {"framed", "summed"}
    said = devices(run)
    assert said["tiles.made"] == said["records.made"] == {GPU}
    assert all(
        found == {None} for stage, found in said.items() if stage not in ("tiles.made", "records.made")
    )


def test_where_none_is_the_processor_computes_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "name", lambda: GPU)
    there = computed(tmp_path / "there", "gpu")
    CALLED.clear()
    monkeypatch.setattr(device, "name", lambda: "")
    here = computed(tmp_path / "here", "gpu")
    assert not CALLED
    assert all(found == {None} for found in devices(here).values())
    assert hashes(here) == hashes(there)
    assert np.isfinite(opened(here, "frames")["peak"].values).any()


def test_without_being_asked_no_step_goes_there(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "name", lambda: GPU)
    assert all(found == {None} for found in devices(computed(tmp_path, "auto")).values())
    assert not CALLED
