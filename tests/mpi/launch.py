"""Programs under `mpiexec`, as tests start them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import REPO, require


def launcher() -> str | None:
    """`mpiexec` of this environment, else of the system."""
    beside = Path(sys.executable).with_name("mpiexec")
    return str(beside) if beside.is_file() else shutil.which("mpiexec")


def under_mpi(count: int, *arguments: str, seconds: float = 120) -> subprocess.CompletedProcess[str]:
    """`python` with these arguments on so many ranks; skips the test where there is no MPI."""
    mpiexec = launcher()
    require(bool(mpiexec and importlib.util.find_spec("mpi4py")), "an MPI launcher with mpi4py")
    # A job's own PMI variables would make the launcher join that job instead of starting one.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "SLURM_", "HYDRA", "MPI"))}
    clean["PYTHONPATH"] = os.pathsep.join([str(REPO), str(REPO / "kernels")])
    return subprocess.run(
        [str(mpiexec), "-n", str(count), sys.executable, *arguments],
        env=clean,
        capture_output=True,
        text=True,
        timeout=seconds,
    )
