"""The golden scripts: ``python -m tests.slurm.golden`` writes them anew under ``slurm/golden``."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from hpcflow.site import NodeType, load_site
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.schedule import run_token
from hpcflow.slurm.script import Place, scripts

GOLDEN = Path(__file__).resolve().parents[2] / "slurm" / "golden"
PYTHON = "/project/project_462000001/hpcflow/bin/python"
MiB = 2**20

BEARING = (
    StageNeed("ingest", 14, (), 220 * MiB, 0.2, 1.5, "ingest"),
    StageNeed("band+envelope+condition", 28, ("ingest",), 420 * MiB, 0.5, 4.0, "tiles"),
    StageNeed("diagnosis", 14, ("band+envelope+condition",), 380 * MiB, 0.3, 3.0, "records"),
    StageNeed("assemble", 1, ("diagnosis",), 260 * MiB, 0.5, 5.0, "assemble"),
)
POWER = (
    StageNeed("ingest", 9, (), 200 * MiB, 0.2, 2.0, "ingest"),
    StageNeed("clean+curve+summary", 9, ("ingest",), 240 * MiB, 0.1, 1.0, "records"),
    StageNeed("athlete", 1, ("clean+curve+summary",), 200 * MiB, 0.1, 1.0, "reduce"),
)
YEAR = (
    StageNeed("ingest", 52_000, (), 600 * MiB, 20.0, 90.0, "ingest"),
    StageNeed("band+envelope+condition", 1_200_000, ("ingest",), 900 * MiB, 30.0, 120.0, "tiles"),
    StageNeed("diagnosis", 52_000, ("band+envelope+condition",), 500 * MiB, 1.0, 6.0, "records"),
)

HOSTILE = '/scratch/project_462000001/it\'s "mine" $(reboot) `x` %j'
ACCOUNT = Options(account="project_462000001")

CASES: dict[str, tuple[tuple[StageNeed, ...], str, Options, str]] = {
    "bearing_condition-lumi": (BEARING, "lumi", ACCOUNT, "/scratch/project_462000001/runs/bearing"),
    "bearing_condition-mini-lumi": (BEARING, "mini-lumi", Options(elements=4, wave=3), "/tmp/runs/bearing"),
    "bearing_condition-local": (BEARING, "local", Options(), "/home/user/runs/bearing"),
    "bearing_year-lumi": (YEAR, "lumi", ACCOUNT, "/scratch/project_462000001/runs/year"),
    "power_session-lumi": (POWER, "lumi", ACCOUNT, "/scratch/project_462000001/runs/power"),
    "power_session-mini-lumi": (POWER, "mini-lumi", Options(), HOSTILE),
    "power_session-backslash": (POWER, "mini-lumi", Options(elements=2), "/tmp/back\\slash #1"),
}


def build(case: str) -> dict[str, str]:
    """Scripts of a case by path."""
    needs, name, options, run = CASES[case]
    site = load_site(name)
    if name == "local":  # this profile counts the machine
        site = replace(site, nodes={"this": NodeType(cores=8, memory=16 * 2**30)})
    return scripts(plan_jobs(needs, site, options, run=run_token(run)), site, Place(run, PYTHON, (), "0.1.0"))


def main() -> None:
    for case in CASES:
        shutil.rmtree(GOLDEN / case, ignore_errors=True)
        for path, text in build(case).items():
            file = GOLDEN / case / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
    print(f"{len(CASES)} cases written under {GOLDEN}")


if __name__ == "__main__":
    main()
