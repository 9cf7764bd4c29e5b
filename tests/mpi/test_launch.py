"""The MPI stack works here: a launcher, two ranks, one reduction."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import require

SCRIPT = Path(__file__).with_name("sum_over_ranks.py")


def launcher() -> str | None:
    """`mpiexec` of this environment, else of the system."""
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.is_file() else shutil.which("mpiexec")


@pytest.mark.mpi
def test_two_ranks_agree_on_a_sum() -> None:
    mpiexec = launcher()
    require(bool(mpiexec and importlib.util.find_spec("mpi4py")), "an MPI launcher with mpi4py")
    # A job's own PMI variables would make the launcher join that job instead of starting one.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "SLURM_", "HYDRA", "MPI"))}
    done = subprocess.run(
        [str(mpiexec), "-n", "2", sys.executable, str(SCRIPT)],
        env=clean,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", str(10_000_000 * 9_999_999 // 2)]
