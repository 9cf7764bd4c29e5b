"""Runs of a kernel that takes a known time, on a Slurm of this machine: made, sent, waited for."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

from benchmarks.overhead import RATE, SAMPLES

if TYPE_CHECKING:
    from hpcflow.run.folder import RunFolder
    from hpcflow.site import Site
    from hpcflow.slurm.needs import Options
    from hpcflow.slurm.schedule import Schedule
    from hpcflow.slurm.testbed import Testbed

REPO = Path(__file__).resolve().parents[1]

WORKFLOW = """\
hpcflow: 1
name: packing
datasets: {{m: {{zarr: m.zarr, defaults: {{sampling_rate: 1 kHz}}}}}}
steps: {{rows: {{kernel: burned, input: m.v, with: {{frame: {frame}, milliseconds: {ms}, timed: {timed}}}}}}}
save: [rows]
run: {{block_size: 8 kB}}
"""


@contextlib.contextmanager
def registered() -> Iterator[str]:
    """A folder to import from in which the kernel of `benchmarks.burn` is registered, here and in jobs."""
    from hpcflow_kernels import registry

    with tempfile.TemporaryDirectory() as name:
        about = Path(name) / "benchmarks_burn-1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: benchmarks-burn\nVersion: 1\n")
        entry = f"[{registry.ENTRY_POINT}]\nburn = benchmarks.burn:CONTRACTS\n"
        (about / "entry_points.txt").write_text(entry)
        sys.path.insert(0, name)
        registry.contracts.cache_clear()
        try:
            yield name
        finally:
            sys.path.remove(name)
            registry.contracts.cache_clear()


def write(folder: Path, blocks: int, milliseconds: float, *, timed: bool = True) -> Path:
    """A recording of one record to a block, and the workflow."""
    import numpy as np
    import zarr

    folder.mkdir(parents=True, exist_ok=True)
    array = zarr.open_group(folder / "m.zarr", mode="w").create_array(
        "v",
        shape=(blocks, SAMPLES),
        chunks=(100, SAMPLES),
        shards=(-(-blocks // 100) * 100, SAMPLES),
        dtype="f4",
    )
    array.attrs.update(units="m s-2", sampling_rate=RATE)
    array[:] = np.random.default_rng(0).standard_normal((blocks, SAMPLES), dtype=np.float32)
    text = WORKFLOW.format(frame=SAMPLES, ms=milliseconds, timed=str(timed).lower())
    (folder / "packing.yaml").write_text(text)
    return folder / "packing.yaml"


def compiled(
    workflow: Path, runs: Path, site: Site, options: Options, extra: str
) -> tuple[RunFolder, Schedule]:
    """The run with its scripts; jobs import from `extra` too."""
    from hpcflow.api import ask, start
    from hpcflow.executors.slurm import stage_needs
    from hpcflow.plan.model import Cut
    from hpcflow.slurm.compile import compile_run
    from hpcflow.slurm.script import Place

    folder = start(ask(workflow), runs)
    place = Place(str(folder.path), sys.executable, (str(REPO), str(REPO / "kernels"), extra), "0")
    needs = stage_needs(Cut.from_dict(folder.cut))
    return folder, compile_run(folder, needs, site, options, place)


@dataclass(frozen=True)
class Took:
    """What a run cost.

    Attributes
    ----------
    wall
        Seconds from before the first `sbatch` to the last receipt.
    workers
        Wall seconds of all workers, each from the start of its agent to its last receipt.
    kernel
        Wall seconds inside the kernel, over all blocks, as it measured itself.
    stage
        Seconds of the blocks in their workers, reading and encoding included.
    processor
        Processor seconds of all its jobs but the gates, by Slurm's accounting: shell, `srun`, agent, workers.
    jobs
        Jobs sent, gates not counted.
    """

    wall: float
    workers: float
    kernel: float
    stage: float
    processor: float
    jobs: int


def sent_and_done(folder: RunFolder, schedule: Schedule) -> Took:
    """Send a run, wait for it, and read from its receipts what it took."""
    from hpcflow.slurm import client
    from hpcflow.slurm.sending import submit

    began = time.time()
    submit(folder, schedule)
    while any(row.alive for row in client.squeue()):
        time.sleep(0.5)
    return _took(folder, began, sum(job.elements for job in schedule.jobs))


def processor_seconds(run: str) -> float:
    """Of the jobs of a run that computed blocks, as accounted when their steps ended."""
    command = ["sacct", "--noheader", "--parsable2", "--format=JobID,JobName%80,State,TotalCPU"]
    for _ in range(60):  # accounting lags
        time.sleep(1)
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        lines = [line.split("|") for line in said.splitlines()]
        ours = {
            job: state
            for job, name, state, _ in lines
            if name.startswith(f"hl-{run}-") and not name.endswith("-gate")
        }
        if ours and set(ours.values()) == {"COMPLETED"}:
            return sum(
                _seconds(spent) for job, _, _, spent in lines if job.partition(".")[0] in ours and "." in job
            )
    raise RuntimeError(f"accounting does not show the jobs of {run} as completed: {ours}")


def _seconds(clock: str) -> float:
    """Of Slurm's ``[[hours:]minutes:]seconds``."""
    return sum(float(part) * 60**power for power, part in enumerate(reversed(clock.split(":"))))


def _took(folder: RunFolder, began: float, jobs: int) -> Took:
    from hpcflow.api import open_results
    from hpcflow.run.ledger import Ledger, read_receipts
    from hpcflow.slurm.schedule import run_token

    ledger = Ledger(folder)
    left = [name for name in ledger.stages if not ledger.complete(name)]
    assert not left, f"stages {left} of {folder.path} are not complete; see its logs"
    receipts = list(read_receipts(folder.receipts))
    ends: dict[str, float] = {}
    for receipt in receipts:
        ends[receipt["worker"]] = max(ends.get(receipt["worker"], 0.0), receipt["end"])
    workers = sum(end - int(name.split("-")[-2], 16) / 1e9 for name, end in ends.items())
    kernel = float(open_results(folder)["rows"]["seconds"].sum())
    stage = sum(r["seconds"] for r in receipts)
    processor = processor_seconds(run_token(str(folder.path)))
    return Took(max(ends.values()) - began, workers, kernel, stage, processor, jobs)


@contextlib.contextmanager
def slurm(site: Site, **options: object) -> Iterator[Testbed]:
    """A testbed that this process and its children talk to."""
    from hpcflow.slurm import testbed

    with (
        tempfile.TemporaryDirectory(prefix="pk", dir="/tmp") as name,  # a testbed's folder must be short
        testbed.testbed(Path(name) / "s", site=site, **options) as bed,
        mock.patch.dict(os.environ, bed.environment),
    ):
        yield bed
