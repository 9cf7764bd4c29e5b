"""The golden scripts: ``python -m tests.slurm.golden`` writes them anew under ``slurm/golden``.

Those of the shipped workflows come from their own cut, on the recordings beside them and without a
calibration: what a user gets. Made-up stages stand in where a case needs a size that no recording here has.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from hpcflow.api import ask
from hpcflow.executors.slurm import stage_needs
from hpcflow.site import NodeType, load_site
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.schedule import run_token
from hpcflow.slurm.script import Place, scripts

REPO = Path(__file__).resolve().parents[2]
GOLDEN = REPO / "slurm" / "golden"
PYTHON = "/project/project_462000001/hpcflow/bin/python"
MiB = 2**20

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
LONG = (
    StageNeed("ingest", 12, (), 600 * MiB, 20.0, 90.0, "ingest"),
    StageNeed(
        *("profile", 3, ("ingest",), 19_000 * MiB, 40_000.0, 200_000.0, "collective"),
        form="ranks",
        shared_bytes=18_000 * MiB,
    ),
    StageNeed("assemble.profile", 1, ("profile",), 500 * MiB, 1.0, 6.0, "assemble"),
)
RECORD = tuple(
    replace(need, blocks=1, seconds_low=need.seconds_low * 30, seconds_high=need.seconds_high * 30)
    if need.form == "ranks"
    else replace(need, blocks=1)
    for need in LONG
)
SPECTRA = (
    StageNeed("ingest", 52_000, (), 600 * MiB, 20.0, 90.0, "ingest"),
    StageNeed("spectra", 120_000, ("ingest",), 6_000 * MiB, 10.0, 40.0, "tiles", form="gpus"),
    StageNeed("assemble.spectra", 200, ("spectra",), 700 * MiB, 1.0, 6.0, "assemble"),
)
FEW_SPECTRA = (
    StageNeed("ingest", 8, (), 600 * MiB, 1.0, 5.0, "ingest"),
    StageNeed("spectra", 60, ("ingest",), 6_000 * MiB, 3.0, 12.0, "tiles", form="gpus"),
    StageNeed("assemble.spectra", 2, ("spectra",), 700 * MiB, 0.1, 1.0, "assemble"),
)

HOSTILE = '/scratch/project_462000001/it\'s "mine" $(reboot) `x` %j'
ACCOUNT = Options(account="project_462000001")
CSC = Options(account="project_2001234")
QUICK = Options(account="project_2001234", partition="medium", prefer="time")

DATASETS = {"bearing_condition": "machine", "power_session": "rides"}
VARIANTS = {
    "bearing_condition_on_gpus": ("bearing_condition", "save:", "run: {device: gpu}\nsave:"),
    "whole_spectrum": (
        *("bearing_condition", "save: [envelope, condition, diagnosis]"),
        "  whole: {kernel: long_spectrum, input: machine.acceleration}\nsave: [whole]",
    ),
}
"""A shipped workflow, a text in it, and what stands in its place."""

CASES: dict[str, tuple[str | tuple[StageNeed, ...], str, Options, str]] = {
    "bearing_condition-lumi": (
        "bearing_condition", "lumi", ACCOUNT, "/scratch/project_462000001/runs/bearing"
    ),
    "bearing_condition-mini-lumi": (
        "bearing_condition", "mini-lumi", Options(elements=4, wave=3), "/tmp/runs/bearing"
    ),
    "bearing_condition-local": ("bearing_condition", "local", Options(), "/home/user/runs/bearing"),
    "bearing_year-lumi": (YEAR, "lumi", ACCOUNT, "/scratch/project_462000001/runs/year"),
    "bearing_year-roihu": (YEAR, "roihu", QUICK, "/scratch/project_2001234/runs/year"),
    "long_record-lumi": (RECORD, "lumi", ACCOUNT, "/scratch/project_462000001/runs/long"),
    "long_records-roihu": (LONG, "roihu", CSC, "/scratch/project_2001234/runs/long"),
    "spectra_on_gpus-lumi": (SPECTRA, "lumi", ACCOUNT, "/scratch/project_462000001/runs/spectra"),
    "spectra_on_gpus-roihu": (SPECTRA, "roihu", CSC, "/scratch/project_2001234/runs/spectra"),
    "bearing_condition_on_gpus-lumi": (
        "bearing_condition_on_gpus", "lumi", ACCOUNT, "/scratch/project_462000001/runs/bearing"
    ),
    "bearing_condition_on_gpus-roihu": (
        "bearing_condition_on_gpus", "roihu", CSC, "/scratch/project_2001234/runs/bearing"
    ),
    "whole_spectrum-lumi": ("whole_spectrum", "lumi", ACCOUNT, "/scratch/project_462000001/runs/whole"),
    "whole_spectrum-roihu": ("whole_spectrum", "roihu", CSC, "/scratch/project_2001234/runs/whole"),
    "few_spectra_on_gpus-whole-node": (
        FEW_SPECTRA, "lumi", replace(ACCOUNT, partition="standard-g"), "/scratch/project_462000001/runs/few"
    ),
    "power_session-lumi": ("power_session", "lumi", ACCOUNT, "/scratch/project_462000001/runs/power"),
    "power_session-mini-lumi": ("power_session", "mini-lumi", Options(), HOSTILE),
    "power_session-backslash": (POWER, "mini-lumi", Options(elements=2), "/tmp/back\\slash #1"),
}  # fmt: skip
"""A shipped workflow or made-up stages, the site, options, and the folder of the run."""


@cache
def shipped(name: str) -> tuple[StageNeed, ...]:
    """What the stages of a shipped workflow, or of a variant of one, need."""
    base, old, new = VARIANTS.get(name, (name, "", ""))
    with (
        tempfile.TemporaryDirectory() as place
    ):  # a store that someone ingested earlier would change the plan
        store = f"datasets.{DATASETS[base]}.store={place}/store.zarr"
        file = REPO / "workflows" / f"{base}.yaml"
        if old:
            text = file.read_text().replace("examples/", f"{file.parent}/examples/")
            file = Path(place) / f"{name}.yaml"
            file.write_text(text.replace(old, new))
        return tuple(stage_needs(ask(file, [store]).cut))


def build(case: str) -> dict[str, str]:
    """Scripts of a case by path."""
    given, name, options, run = CASES[case]
    needs = shipped(given) if isinstance(given, str) else given
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
