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


def test_a_pilot_tells_what_all_records_cost(tmp_path: Path) -> None:
    pilot = json.loads(run(tmp_path, "plan", WORKFLOW, *LUMI, "--limit", "1", "--json"))
    whole = json.loads(run(tmp_path, "plan", WORKFLOW, *LUMI, "--json"))
    assert "whole" not in whole
    one = pilot["schedule"]["alternatives"][0]["cost"]
    said, true = pilot["whole"]["cost"], whole["schedule"]["alternatives"][0]["cost"]
    assert said["unit"] == true["unit"] == "core-hours"
    assert said["high"] > one["high"], "records of a pilot are a part"
    assert said["low"] <= true["high"], "what the whole plan says lies in the range"
    assert true["low"] <= said["high"]
    text = run(tmp_path, "plan", WORKFLOW, *LUMI, "--limit", "1")
    assert "on lumi all cost" in text
    assert "core-hours in small" in " ".join(text.split())


def test_a_pilot_of_more_than_the_site_holds_says_so(tmp_path: Path) -> None:
    profile = tmp_path / "tight.yaml"
    profile.write_text(
        "hpcflow_site: 1\nextends: lumi\nname: tight\nstorage: {scratch: {quota: 5 MB}}\n", encoding="utf-8"
    )
    site = ("--site", str(profile), "--account", "project_462000001")
    text = " ".join(run(tmp_path, "plan", WORKFLOW, *site, "--limit", "1").split())
    assert "all records may not fit: /scratch/<project> holds 5 MB" in text


def test_a_profile_of_ones_own_names_the_project(tmp_path: Path) -> None:
    profile = tmp_path / "ours.yaml"
    profile.write_text("hpcflow_site: 1\nextends: lumi\nname: ours\nproject: project_462000009\n")
    site = ("--site", str(profile))
    assert "account project_462000009" in run(tmp_path, "plan", WORKFLOW, *site)
    assert "account project_1" in run(tmp_path, "plan", WORKFLOW, *site, "--account", "project_1")
    run(tmp_path, "compile", WORKFLOW, *site, "-o", str(tmp_path / "r"))
    scripts = list((tmp_path / "r").glob("*/jobs/*.sh"))
    assert scripts
    assert all("--account=project_462000009" in script.read_text() for script in scripts)


def test_python_plans_with_the_same_choice(tmp_path: Path) -> None:
    import hpcflow

    flow = hpcflow.load(WORKFLOW, [f"datasets.machine.store={tmp_path / 'store.zarr'}"])
    plan = flow.plan("lumi", "project_1", prefer="time", budget=["10 coreh"])
    assert plan.schedule is not None
    assert (plan.schedule.prefer, dict(plan.schedule.budget)) == ("time", {"core_hours": 10.0})
    with pytest.raises(PlanError, match=r"the budget is 0.001 core-hours"):
        flow.plan("lumi", "project_1", budget="0.001 coreh")
    with pytest.raises(PlanError, match=r"the budget is 0.001 core-hours"):
        flow.submit("lumi", "project_1", tmp_path / "r", budget=["0.001 coreh"])
    assert not (tmp_path / "r").exists()
