"""The same scripts without a scheduler: `bash submit.sh` on a site that has none."""

from __future__ import annotations

import subprocess

import pytest

from hpcflow.errors import RequestError
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.slurm.sending import submit
from tests.slurm.conftest import Make
from tests.slurm.stub_run import set_fault


def bash(folder: RunFolder) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/"}
    command = ["bash", str(folder.submit_script)]
    return subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)


def test_everything_runs_in_order_and_again_is_nothing(make: Make) -> None:
    folder, _ = make("it's $(odd) %j \\\\", {"one": 5, "two": 2}, site="local", elements=2)
    done = bash(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    ledger = Ledger(folder)
    assert ledger.complete("one")
    assert ledger.complete("two")
    assert not folder.path.joinpath("jobs/gate.sh").exists()
    workers = (folder.path / "workers.txt").read_text()
    assert bash(folder).returncode == 0
    assert (folder.path / "workers.txt").read_text() == workers, "nothing was left to compute"


def test_a_failed_stage_ends_it_with_the_status_of_the_receipts(make: Make) -> None:
    folder, _ = make("fails", {"one": 3, "two": 1}, site="local", elements=1)
    set_fault(folder, "one", 1, "error")
    done = bash(folder)
    assert done.returncode == 65
    assert not Ledger(folder).done("two")


def test_it_is_not_sent_to_a_slurm_that_is_not_there(make: Make) -> None:
    with pytest.raises(RequestError, match="has no Slurm"):
        submit(*make("local", {"one": 1}, site="local"))
