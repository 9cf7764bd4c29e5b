"""What every executor promises, tried on each: the same bits, whole receipts, nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hpcflow.executors.dask import DaskExecutor
from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.executors.slurm import SlurmExecutor
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.verify import verify
from hpcflow.slurm.jobs import Options
from tests.executors.conftest import hashes, leftovers, make_run

Run = Callable[[RunFolder], None]


def serial(folder: RunFolder) -> None:
    execute(folder, SerialExecutor())


def local_cluster(workers: int) -> Run:
    def run(folder: RunFolder) -> None:
        with DaskExecutor(workers) as cluster:
            execute(folder, cluster)

    return run


@contextmanager
def given_scheduler() -> Iterator[str]:
    """A Dask scheduler and worker that somebody else started."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    program = (
        "import sys; from distributed import LocalCluster\n"
        "if __name__ == '__main__':\n"
        "    cluster = LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None)\n"
        "    print(cluster.scheduler_address, flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "DASK_DISTRIBUTED__WORKER__MULTIPROCESSING_METHOD": "fork"},
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def scheduler_address(folder: RunFolder) -> None:
    with given_scheduler() as address, DaskExecutor(address=address) as cluster:
        execute(folder, cluster)


def slurm(**options: int) -> Run:
    def run(folder: RunFolder) -> None:
        SlurmExecutor("mini-lumi", Options(**options)).run(folder, timeout=120)  # type: ignore[arg-type]

    return run


EXECUTORS = [
    pytest.param(serial, None, id="serial"),
    pytest.param(serial, 1 << 20, id="serial, blocks of one tile"),
    pytest.param(serial, 1 << 30, id="serial, one block"),
    pytest.param(local_cluster(1), 1 << 20, id="dask, one worker"),
    pytest.param(local_cluster(3), None, id="dask, three workers"),
    pytest.param(scheduler_address, 2 << 20, id="dask, somebody's scheduler"),
    pytest.param(slurm(), None, id="slurm, one job", marks=pytest.mark.slurm),
    pytest.param(slurm(workers=3), 1 << 20, id="slurm, three workers", marks=pytest.mark.slurm),
    pytest.param(slurm(elements=2), 1 << 20, id="slurm, arrays and gates", marks=pytest.mark.slurm),
]


@pytest.mark.parametrize(("run", "block_bytes"), EXECUTORS)
class TestExecutorContract:
    """One class, all executors."""

    def test_same_bits_as_the_serial_run(
        self,
        tmp_path: Path,
        undisturbed: dict[str, str],
        request: pytest.FixtureRequest,
        run: Run,
        block_bytes: int | None,
    ) -> None:
        if "slurm" in request.node.name:
            request.getfixturevalue("bed")
        folder = make_run(tmp_path, block_bytes)
        run(folder)
        ledger = Ledger(folder)
        assert hashes(folder) == undisturbed
        assert all(ledger.complete(stage) for stage in ledger.stages)
        assert not leftovers(folder)
        assert not verify(folder).damages
        before = sorted(p.name for p in folder.receipts.iterdir())
        serial(folder)
        assert sorted(p.name for p in folder.receipts.iterdir()) == before
