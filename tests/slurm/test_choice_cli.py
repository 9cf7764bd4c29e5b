"""Price, time and budget on the command line: told, chosen, refused before anything is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hpcflow.cli.main import app
from hpcflow.errors import HpcflowError, PlanError
from hpcflow.site import load_site
from tests.conftest import REPO

WORKFLOW = str(REPO / "workflows" / "bearing_condition.yaml")
LUMI = ("--site", "lumi", "--account", "project_462000001")


def run(tmp_path: Path, *arguments: str) -> str:
    store = f"datasets.machine.store={tmp_path / 'store.zarr'}"
    done = CliRunner().invoke(app, [*arguments, "--set", store])
    if isinstance(done.exception, HpcflowError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_a_plan_tells_units_of_the_chosen_and_the_rejected(tmp_path: Path) -> None:
    values = json.loads(run(tmp_path, "plan", WORKFLOW, *LUMI, "--grid", "50", "--json"))["schedule"]
    looked = {one["partition"]: one for one in values["alternatives"]}
    assert set(looked) == set(load_site("lumi").partitions)
    assert looked["small"]["chosen"]
    assert looked["small"]["cost"]["pool"] == "core_hours"
    assert looked["standard-g"]["cost"]["pool"] == "gpu_hours"
    assert looked["standard"]["cost"]["high"] > looked["small"]["cost"]["high"]
    used = values["footprint"]
    assert used["co2_grams_high"] == pytest.approx(50 * used["kilowatt_hours_high"])
    assert used["storage_unit"] == "TB-hours"
    assert used["files"] > 0


def test_preference_partition_and_budget(tmp_path: Path) -> None:
    quick = run(tmp_path, "plan", WORKFLOW, *LUMI, "--prefer", "time", "--budget", "10 coreh")
    assert "the earliest end among those that fit" in quick
    assert "budget 10 core-hours: at most" in quick
    assert "partition debug: asked for" in run(tmp_path, "plan", WORKFLOW, *LUMI, "--partition", "debug")


@pytest.mark.parametrize("command", ["plan", "submit", "compile"])
def test_a_budget_refuses_before_anything_is_written(tmp_path: Path, command: str) -> None:
    where = {"plan": (), "submit": ("--runs", str(tmp_path / "r")), "compile": ("-o", str(tmp_path / "r"))}[
        command
    ]
    with pytest.raises(PlanError, match=r"the budget is 0.001 core-hours; this plan may take"):
        run(tmp_path, command, WORKFLOW, *LUMI, *where, "--budget", "0.001 coreh")
    assert not (tmp_path / "r").exists()


def test_a_workflow_may_name_site_account_and_budget(tmp_path: Path) -> None:
    text = Path(WORKFLOW).read_text().replace("examples/", f"{REPO}/workflows/examples/")
    asked = "\nrun: {site: lumi, account: project_1, prefer: time, budget: 0.001 coreh}\n"
    (tmp_path / "own.yaml").write_text(text + asked)
    with pytest.raises(PlanError, match=r"the budget is 0.001 core-hours"):
        run(tmp_path, "plan", str(tmp_path / "own.yaml"))
    wider = run(tmp_path, "plan", str(tmp_path / "own.yaml"), "--budget", "10 coreh", "--prefer", "cost")
    assert "the cheapest that fits" in wider


def test_jobs_need_a_cluster(tmp_path: Path) -> None:
    with pytest.raises(HpcflowError, match="none is named; give --site"):
        run(tmp_path, "compile", WORKFLOW, "-o", str(tmp_path / "r"))
