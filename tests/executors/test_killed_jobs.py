"""Kills under Dask and under Slurm: a resume ends with the same bytes and nothing finished is done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from hpcflow.executors.resume import resubmit
from hpcflow.executors.slurm import compile_for, wait
from hpcflow.run.finish import finish
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.slurm.jobs import Options
from hpcflow.slurm.sending import submit
from hpcflow.slurm.status import status
from tests.conftest import REPO
from tests.executors.conftest import hashes, leftovers, make_run


def finished(folder: RunFolder) -> dict[str, list[tuple[int, int]]]:
    ledger = Ledger(folder)
    return {stage: ledger.done(stage) for stage in ledger.stages}


def nothing_twice(folder: RunFolder, before: dict[str, list[tuple[int, int]]]) -> None:
    ledger = Ledger(folder)
    for stage, ranges in before.items():
        times = Counter(b for r in ledger.receipts(stage) for b in range(*r["blocks"]))
        assert all(times[b] == 1 for start, stop in ranges for b in range(start, stop)), stage


def hpcflow(*arguments: str, **extra: str) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(REPO), str(REPO / "kernels")])
    return subprocess.Popen(
        [sys.executable, "-m", "hpcflow.cli.main", *arguments],
        env={**os.environ, "PYTHONPATH": paths, **extra},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("delay", [0.0, 0.7, 1.6])
def test_the_whole_dask_cluster_is_killed(tmp_path: Path, undisturbed: dict[str, str], delay: float) -> None:
    folder = make_run(tmp_path, 1 << 20)
    process = hpcflow("resume", str(folder.path), "--executor", "dask", "--workers", "2", "--no-report")
    while not list(folder.receipts.glob("dask*")) and process.poll() is None:
        time.sleep(0.02)
    time.sleep(delay)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = finished(folder)
    again = hpcflow("resume", str(folder.path), "--executor", "dask", "--workers", "2", "--no-report")
    assert again.wait(120) == 0
    assert hashes(folder) == undisturbed
    assert not leftovers(folder)
    nothing_twice(folder, before)


@pytest.mark.slurm
@pytest.mark.usefixtures("bed")
@pytest.mark.parametrize("elements", [None, 2])
def test_workers_and_agents_are_killed_under_slurm(
    tmp_path: Path, undisturbed: dict[str, str], elements: int | None
) -> None:
    folder = make_run(tmp_path, 1 << 20)
    schedule = compile_for(folder, "mini-lumi", Options(elements=elements, workers=2))
    submit(folder, schedule)
    killed = 0
    deadline = time.monotonic() + 60
    while killed < 2 and time.monotonic() < deadline:
        for pid in processes_of(folder, "hpcflow.run.worker"):
            os.kill(pid, signal.SIGKILL)
            killed += 1
        time.sleep(0.3)
    assert killed
    wait(folder, 120, 0.3)
    finish(folder)
    assert hashes(folder) == undisturbed
    assert not leftovers(folder)


@pytest.mark.slurm
@pytest.mark.usefixtures("bed")
def test_a_cancelled_job_is_resumed(tmp_path: Path, undisturbed: dict[str, str]) -> None:
    from hpcflow.slurm.sending import cancel

    folder = make_run(tmp_path, 1 << 20)
    submit(folder, compile_for(folder, "mini-lumi", Options(elements=2)))
    deadline = time.monotonic() + 60
    while not list(folder.receipts.glob("*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.1)
    cancel(folder)
    while any(job.alive for job in status(folder)) and time.monotonic() < deadline:
        time.sleep(0.2)
    before = finished(folder)
    assert list(resubmit(folder))
    wait(folder, 120, 0.3)
    finish(folder)
    assert hashes(folder) == undisturbed
    assert not leftovers(folder)
    nothing_twice(folder, before)


def processes_of(folder: RunFolder, module: str) -> list[int]:
    """Processes on this machine that work on a run."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if module.encode() in arguments and str(folder.path).encode() in arguments:
                found.append(int(entry.name))
    return found
