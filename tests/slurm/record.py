"""Record what a Slurm answers: ``python -m tests.slurm.record`` writes ``tests/slurm/answers/<version>/``.

A testbed with accounting is started, jobs of every kind that a minute allows are sent, and `squeue` and
`sacct` are asked as `hpcflow.slurm.client` asks them. Texts are kept as they come but for the user's number.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from hpcflow.slurm import testbed
from hpcflow.slurm.answers import SACCT_FIELDS, SQUEUE_FIELDS

ANSWERS = Path(__file__).parent / "answers"

JOBS: Mapping[str, tuple[str, ...]] = {
    "done": ("--wrap=true",),
    "failed": ("--wrap=exit 3",),
    "killed": ("--wrap=kill -9 $$",),
    "steps": ("--wrap=srun --mpi=none sleep 1; srun --mpi=none false",),
    "with|bars|": ("--wrap=true",),
    "running": ("--wrap=sleep 300",),
    "held": ("--hold", "--wrap=true"),
    "later": ("--begin=now+1hour", "--wrap=true"),
    "array": ("--array=0-5%2", "--wrap=sleep 300"),
    "array-done": ("--array=3,7", "--wrap=exit $((SLURM_ARRAY_TASK_ID == 7))"),
    "ended-by-user": ("--wrap=sleep 300",),
    "never-begun": ("--hold", "--wrap=true"),
}


def record(folder: Path, partition: str = "small") -> str:
    """Start a testbed below `folder`, record, and stop it; returns the version."""
    with testbed.testbed(folder / "s", nodes={"cpu": 1}, accounting=True) as bed:
        environment = {**os.environ, **bed.environment, "LC_ALL": "C"}
        environment |= {"SLURM_TIME_FORMAT": "%Y-%m-%dT%H:%M:%S", "SLURM_BITSTR_LEN": "0"}

        def ask(*command: str) -> str:
            return subprocess.run(
                command, env=environment, cwd=folder, capture_output=True, text=True, check=True, timeout=60
            ).stdout

        def send(name: str, *options: str) -> str:
            common = ("--parsable", f"--job-name={name}", f"--partition={partition}", "--mem=1G", "--time=10")
            return ask("sbatch", *common, f"--account={bed.account}", *options).strip()

        ids = {name: send(name, *options) for name, options in JOBS.items()}
        ids["waits"] = send("waits", f"--dependency=afterok:{ids['running']}", "--wrap=true")
        ids["never"] = send("never", f"--dependency=afterok:{ids['failed']}", "--wrap=true")
        deadline = time.monotonic() + 60
        while "RUNNING" not in ask("squeue", "-h", "-j", ids["ended-by-user"], "-o", "%T"):
            assert time.monotonic() < deadline
            time.sleep(0.5)
        ask("scancel", ids["ended-by-user"], ids["never-begun"])
        time.sleep(15)  # accounting hears of steps some seconds later
        queue = ask("squeue", "--me", "-h", "-r", "-t", "all", "-o", SQUEUE_FIELDS)
        names = ",".join(name for name in ids if "|" not in name)
        past = ask("sacct", "-D", "-P", "-n", "--noconvert", "-S", "now-1hour", "-o", SACCT_FIELDS)
        by_name = ask(
            "sacct", "-D", "-P", "-n", "--noconvert", "-S", "now-1hour", f"--name={names}", "-o", SACCT_FIELDS
        )
        assert set(by_name.splitlines()) < set(past.splitlines())
        version = ask("squeue", "--version").split()[-1]
    place = ANSWERS / version
    place.mkdir(parents=True, exist_ok=True)
    (place / "squeue.txt").write_text(queue)
    (place / "sacct.txt").write_text(re.sub(r"CANCELLED by \d+", "CANCELLED by 1000", past))
    return version


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hl") as name:
        print(record(Path(name)))
