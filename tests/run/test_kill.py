"""`kill -9` at any moment, then a resume: the same bytes, nothing temporary, nothing done computed twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run import faults
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from tests import toy
from tests.conftest import REPO
from tests.run.test_execute import hashes

pytestmark = pytest.mark.usefixtures("toy_kernels")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    patch = pytest.MonkeyPatch()
    patch.setattr("hpcflow_kernels.registry.contracts", lambda: toy.CONTRACTS)
    patch.setattr("hpcflow.run.stages.ingest.get_reader", lambda name: toy.READER)
    patch.setattr("hpcflow.run.stages.ingest.checksum", toy.checksum)
    patch.setattr("hpcflow.run.stages.ingest.read_stored", toy.read)
    folder = toy.prepare(tmp_path_factory.mktemp("whole"), toy.signals(), 1 << 20)
    execute(folder, SerialExecutor())
    patch.undo()
    return hashes(folder)


def start(folder: RunFolder, fault: str = "", slow: float = 0.0) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": f"{REPO}:{REPO / 'kernels'}", faults.VARIABLE: fault}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.run.driver", str(folder.path), str(slow)],
        env=environment,
        cwd=REPO,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def resume_and_compare(folder: RunFolder, undisturbed: dict[str, str]) -> None:
    finished = {stage: Ledger(folder).done(stage) for stage in Ledger(folder).stages}
    execute(folder, SerialExecutor())
    assert hashes(folder) == undisturbed
    assert not [p for p in folder.path.parent.parent.rglob("*") if ".part-" in p.name]
    ledger = Ledger(folder)
    for stage, ranges in finished.items():
        times = Counter(b for r in ledger.receipts(stage) for b in range(*r["blocks"]))
        assert all(times[b] == 1 for start, stop in ranges for b in range(start, stop)), stage


@pytest.mark.parametrize("point", faults.POINTS)
@pytest.mark.parametrize("visit", [1, 4])
def test_killed_at_a_named_point(tmp_path: Path, undisturbed: dict[str, str], point: str, visit: int) -> None:
    folder = toy.prepare(tmp_path, toy.signals(), 1 << 20)
    process = start(folder, f"{point}:{visit}")
    assert process.wait(60) == -signal.SIGKILL
    resume_and_compare(folder, undisturbed)


@pytest.mark.parametrize("seed", range(4))
def test_killed_at_a_random_moment(tmp_path: Path, undisturbed: dict[str, str], seed: int) -> None:
    folder = toy.prepare(tmp_path, toy.signals(), 1 << 20)
    process = start(folder, slow=0.05)
    while not any(folder.receipts.iterdir()):
        time.sleep(0.01)
    time.sleep(random.Random(seed).uniform(0, 1.5))
    process.kill()
    process.wait()
    resume_and_compare(folder, undisturbed)


def test_a_damaged_receipt_is_computed_again(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    folder = toy.prepare(tmp_path, toy.signals(), 1 << 20)
    process = start(folder, "after-receipt:6")
    process.wait(60)
    victim = next(folder.receipts.glob("serial*.jsonl"))
    raw = bytearray(victim.read_bytes())
    raw[len(raw) // 2] ^= 1
    victim.write_bytes(raw)
    execute(folder, SerialExecutor())
    assert hashes(folder) == undisturbed
