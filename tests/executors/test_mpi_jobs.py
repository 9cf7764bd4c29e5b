"""Ranks under a real Slurm: over two nodes, killed, sent again by the gate; the bytes of a serial run."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from hpcflow.api import ask, start
from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.executors.slurm import stage_needs, wait
from hpcflow.plan.model import Cut
from hpcflow.run.finish import finish
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.site import load_site
from hpcflow.slurm.compile import compile_run
from hpcflow.slurm.jobs import Options
from hpcflow.slurm.schedule import Schedule
from hpcflow.slurm.sending import submit
from hpcflow.slurm.status import status
from tests.executors.conftest import hashes, leftovers, write_workflow
from tests.executors.test_killed_jobs import processes_of

pytestmark = [pytest.mark.slurm, pytest.mark.mpi, pytest.mark.usefixtures("bed")]

STEPS = """\
steps:
  profile: {kernel: long_matrix_profile, input: machine.acceleration, with: {window: 0.5 s}}
  spectrum: {kernel: long_spectrum, input: machine.acceleration}
save: [profile, spectrum]
"""
NAMES = "fghijklmno"


def make_run(folder: Path) -> RunFolder:
    """Ten recordings of 15 s, with steps whose ranks talk."""
    file = write_workflow(folder, NAMES)
    head, _, _ = file.read_text().partition("steps:")
    file.write_text(head + STEPS)
    return start(ask(file), folder / "runs")


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = make_run(tmp_path_factory.mktemp("serial"))
    execute(folder, SerialExecutor())
    return hashes(folder)


def compiled(folder: RunFolder, seconds: float, **options: int) -> Schedule:
    """The run planned as though a record took so long on one rank; two ranks to a node."""
    needs = [
        replace(need, seconds_low=seconds / 2, seconds_high=seconds) if need.form == "ranks" else need
        for need in stage_needs(Cut.from_dict(folder.cut))
    ]
    return compile_run(folder, needs, load_site("mini-lumi"), Options(workers=2, **options))


def test_ranks_of_one_node_share_a_job_with_workers(tmp_path: Path, serial: dict[str, str]) -> None:
    folder = make_run(tmp_path)
    schedule = compiled(folder, 100.0)
    (job,) = schedule.jobs
    assert [step.form for step in job.steps if "collective" in step.stages[0]] == ["ranks", "ranks"]
    submit(folder, schedule)
    wait(folder, 120, 0.3)
    finish(folder)
    assert hashes(folder) == serial, logs_of(folder)
    assert not leftovers(folder)


def test_ranks_over_two_nodes_are_killed_and_the_gate_sends_them_again(
    tmp_path: Path, serial: dict[str, str]
) -> None:
    for turn in range(3):  # a kill may come when the last block is done
        folder = make_run(tmp_path / str(turn))
        schedule = compiled(folder, 25_000.0, elements=1)
        jobs = [job for job in schedule.jobs if job.steps[0].form == "ranks"]
        assert [(job.nodes, job.workers) for job in jobs] == [(2, 4), (2, 4)]
        submit(folder, schedule)
        kill_one(folder, jobs[0].stages[0])
        wait(folder, 180, 0.3)
        states = [s for s in status(folder) if s.job == jobs[0].name and s.kind == "blocks"]
        finish(folder)
        assert hashes(folder) == serial, logs_of(folder)
        assert not leftovers(folder)
        for job in jobs:
            receipts = Ledger(folder).receipts(job.stages[0])
            assert [r["blocks"] for r in receipts] == [[b, b + 1] for b in range(len(NAMES))], "none twice"
            assert {r["ranks"] for r in receipts} == {4}
        if len(states) > 1:
            break
    assert [(s.attempt, s.state) for s in states] == [(1, "FAILED"), (2, "COMPLETED")], logs_of(folder)


def kill_one(folder: RunFolder, stage: str) -> None:
    """Kill a rank once a first block of a stage is done."""
    ranks = list[int]()
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        ranks = ranks if len(ranks) == 4 else ranks_of(folder, stage)
        if len(ranks) == 4 and Ledger(folder).counts(stage).done:
            with contextlib.suppress(ProcessLookupError):
                os.kill(max(ranks), signal.SIGKILL)
            return
        time.sleep(0.005)


def test_shares_of_a_stage_are_elements_of_an_array(tmp_path: Path, serial: dict[str, str]) -> None:
    folder = make_run(tmp_path)
    schedule = compiled(folder, 1.0, elements=2)
    assert {job.elements for job in schedule.jobs if job.steps[0].form == "ranks"} == {2}
    submit(folder, schedule)
    wait(folder, 180, 0.3)
    finish(folder)
    assert hashes(folder) == serial, logs_of(folder)


def ranks_of(folder: RunFolder, stage: str) -> list[int]:
    """Processes of a stage's ranks, without the `srun` that started them."""
    found = []
    for pid in processes_of(folder, "hpcflow.run.ranks"):
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if stage.encode() in words and os.path.basename(os.readlink(f"/proc/{pid}/exe")) != "srun":
                found.append(pid)
    return found


def logs_of(folder: RunFolder) -> str:
    return "\n".join(f"--- {file.name}\n{file.read_text()}" for file in sorted(folder.logs.glob("*")))
