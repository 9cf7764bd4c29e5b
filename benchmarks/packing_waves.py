"""A plan of many jobs goes through a queue that takes few, with no process of hpcflow left that sent it.

``python -m benchmarks.packing_waves [--jobs 1000] [--limit 50]``: a Slurm of this machine with the limit
enforced; the process that submits ends at once; what follows is seen in the queue and in the run folder
alone. Prints JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.packing_runs import REPO, compiled, registered, slurm, write

MILLISECONDS = 10.0

SUBMIT = """\
import sys
from hpcflow.run.folder import RunFolder
from hpcflow.slurm.compile import read_schedule, schedule_file
from hpcflow.slurm.sending import submit
folder = RunFolder.at(sys.argv[1])
submit(folder, read_schedule(schedule_file(folder, sys.argv[2])))
"""


def queued() -> int:
    """Jobs in the queue, every array element counted, as association limits count them."""
    done = subprocess.run(
        ["squeue", "--array", "--noheader", "--format=%i %T"], capture_output=True, text=True, check=False
    )
    lines = [line.split() for line in done.stdout.splitlines()]
    return sum(state != "COMPLETING" for _, state in lines) if done.returncode == 0 else -1


def run(jobs: int, limit: int) -> dict[str, object]:
    """Send, leave, watch; then compare with the same run computed serially."""
    from hpcflow.api import ask, compute, start
    from hpcflow.run.ledger import Ledger, read_receipts
    from hpcflow.site import load_site
    from hpcflow.slurm.needs import Options

    mini = load_site("mini-lumi")
    small = replace(mini.partitions["small"], submitted=limit)
    site = replace(mini, partitions={**mini.partitions, "small": small})
    with tempfile.TemporaryDirectory() as name, registered() as extra:
        place = Path(name)
        workflow = write(place, jobs, MILLISECONDS, timed=False)
        with slurm(site, nodes={"cpu": 1}, accounting=True, submitted={"small": limit}) as bed:
            options = Options(partition="small", account=bed.account, elements=jobs, workers=1)
            folder, schedule = compiled(workflow, place / "slurm", site, options, extra)
            began = time.time()
            subprocess.run([sys.executable, "-c", SUBMIT, str(folder.path), site.name], check=True, cwd=REPO)
            seen = []
            while True:
                seen.append(queued())
                if seen[-1] == 0:
                    time.sleep(2)  # a gate that ends has sent the next wave before
                    if queued() == 0:
                        break
                time.sleep(0.5)
            wall = time.time() - began
        ledger = Ledger(folder)
        missing = {s: n - ledger.counts(s).done for s, n in ledger.stages.items() if not ledger.complete(s)}
        serial = start(ask(workflow), place / "serial")
        compute(serial)
        different = (
            [
                file
                for file in sorted(
                    p.relative_to(serial.results) for p in serial.results.rglob("*") if p.is_file()
                )
                if (serial.results / file).read_bytes() != (folder.results / file).read_bytes()
            ]
            if not missing
            else []
        )
        receipts = list(read_receipts(folder.receipts))
        return {
            "stages": dict(ledger.stages),
            "jobs": sum(job.elements for job in schedule.jobs),
            "waves": sum(len(job.waves) for job in schedule.jobs),
            "limit": limit,
            "most_in_queue": max(seen),
            "samples": len(seen),
            "squeue_failed": seen.count(-1),
            "seconds": round(wall, 1),
            "missing": missing,
            "receipts": len(receipts),
            "different_files": [str(file) for file in different],
            "load": os.getloadavg(),
        }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--limit", type=int, default=50)
    asked = parser.parse_args()
    print(json.dumps(run(asked.jobs, asked.limit), indent=1))
