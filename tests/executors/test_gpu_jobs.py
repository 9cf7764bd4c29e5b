"""Workers with a GPU each under a real Slurm: character devices stand for GPUs, and PyTorch computes on the
processor."""

from __future__ import annotations

import os
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
from hpcflow_kernels.arrays.namespace import VARIABLE, is_installed
from tests.conftest import require
from tests.executors.conftest import hashes, leftovers, write_workflow
from tests.executors.test_killed_jobs import processes_of

STEPS = """\
steps:
  spectra: {kernel: welch, input: machine.acceleration, with: {nperseg: 2000}}
  condition: {kernel: condition_indicators, input: machine.acceleration, with: {window: 1 s}}
save: [spectra, condition]
run: {device: gpu}
"""


def make_run(folder: Path) -> RunFolder:
    """Five recordings, a tile to a block, computed on a device."""
    file = write_workflow(folder)
    head, _, _ = file.read_text().partition("steps:")
    file.write_text(head + STEPS)
    return start(ask(file, block_bytes=1 << 20), folder / "runs")


def compiled(folder: RunFolder) -> Schedule:
    """The run planned without the driver of a GPU, which two workers of so small a node cannot hold."""
    needs = [
        replace(need, memory_bytes_per_worker=2**30) if need.form == "gpus" else need
        for need in stage_needs(Cut.from_dict(folder.cut))
    ]
    return compile_run(folder, needs, load_site("mini-lumi"), Options(workers=2))


@pytest.mark.slurm
@pytest.mark.usefixtures("bed")
def test_each_worker_computes_on_the_gpu_that_it_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require(is_installed("torch"), "PyTorch")
    folder = make_run(tmp_path / "jobs")
    schedule = compiled(folder)
    (job,) = schedule.jobs
    assert (job.partition, job.gpus) == ("small-g", 2)
    (step,) = [step for step in job.steps if step.form == "gpus"]
    submit(folder, schedule)
    seen: dict[int, str] = {}
    deadline = time.monotonic() + 120
    while not Ledger(folder).complete(step.stages[-1]) and time.monotonic() < deadline:
        for pid in processes_of(folder, "hpcflow.run.worker"):
            seen[pid] = gpu_of(pid) or seen.get(pid, "")
        time.sleep(0.05)
    wait(folder, 120, 0.3)
    finish(folder)
    assert {"0", "1"} <= set(seen.values()) <= {"0", "1", "0,1"}, (seen, logs_of(folder))
    receipts = [receipt for stage in step.stages for receipt in Ledger(folder).receipts(stage)]
    assert {receipt["device"].partition(" ")[0] for receipt in receipts} == {"torch"}
    assert not leftovers(folder)
    monkeypatch.setenv(VARIABLE, "torch:cpu")
    serial = make_run(tmp_path / "serial")
    execute(serial, SerialExecutor())
    assert hashes(folder) == hashes(serial)


def gpu_of(pid: int) -> str:
    """What a process is told of its GPUs."""
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    name = b"ROCR_VISIBLE_DEVICES="
    return next((os.fsdecode(one.removeprefix(name)) for one in environment if one.startswith(name)), "")


def logs_of(folder: RunFolder) -> str:
    return "\n".join(f"--- {file.name}\n{file.read_text()}" for file in sorted(folder.logs.glob("*")))
