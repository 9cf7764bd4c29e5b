"""What a project has left, read from a file of the form that LUMI's tools read, held against plans.

The file's form is that which lumi-tools (src/README.md, src/lumi-workspaces.lua) documents; none was
read from LUMI.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hpcflow.errors import PlanError
from hpcflow.site import Site, load_site
from hpcflow.slurm.allocation import check_allocation, left_words, read_allocation, refusal
from hpcflow.slurm.schedule import Alternative, Cost, Footprint, Schedule
from tests.slurm.test_choice_cli import WORKFLOW, run

PROJECT = "project_462000001"


def info(
    cpu: tuple[float, float] = (1000, 10), gpu: tuple[float, float] = (0, 0), **more: Any
) -> dict[str, Any]:
    return {
        "billing": {
            "cpu_hours": {"alloc": cpu[0], "used": cpu[1]},
            "gpu_hours": {"alloc": gpu[0], "used": gpu[1]},
            "storage_hours": {"alloc": 500, "used": 100},
            "qpu_secs": {"alloc": 0, "used": 0},
            **more.pop("billing", {}),
        },
        **more,
    }


def site_with(tmp_path: Path, content: str) -> Site:
    (tmp_path / f"{PROJECT}.json").write_text(content)
    profile = tmp_path / "ours.yaml"
    profile.write_text(
        f"hpcflow_site: 1\nextends: lumi\nname: ours\nproject: {PROJECT}\n"
        f"allocation: {tmp_path}/<project>.json\n"
    )
    return load_site(str(profile))


def plan(expected: float, bound: float, pool: str = "core_hours") -> Schedule:
    cost = Cost("units", pool, expected / 3, expected, bound, bound)
    return Schedule(
        *("ours", "24.05", "x", PROJECT),
        jobs=(),
        gate=None,
        queue=0,
        alternatives=(Alternative("small", True, "", cost),),
        footprint=Footprint(area="scratch"),
    )


def test_what_is_left_is_granted_less_used(tmp_path: Path) -> None:
    site = site_with(tmp_path, json.dumps(info((20_000, 1_500), (100, 130))))
    found = read_allocation(site, PROJECT)
    assert found is not None
    assert dict(found.left) == {"core_hours": 18_500.0, "gpu_hours": 0.0}
    first, second = left_words(found)
    assert first.startswith(f"{PROJECT} has left: 18,500 of 20,000 core-hours, 0 of 100 GPU-hours")
    assert second.startswith("gpu_hours: 130 of 100 are used")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "7", '{"billing": []}', '{"billing": {"cpu_hours": 3}}', "\udcff"]
)
def test_a_damaged_file_keeps_nobody_from_computing(tmp_path: Path, content: str) -> None:
    site = site_with(tmp_path, content.encode("utf-8", "replace").decode())
    check_allocation(site, plan(1e9, 1e9))


def test_no_file_no_project_no_answer(tmp_path: Path) -> None:
    site = site_with(tmp_path, "{}")
    assert read_allocation(site, "project_without_a_file") is None
    assert read_allocation(site, "") is None
    assert read_allocation(load_site("mini-lumi"), PROJECT) is None


@pytest.mark.parametrize(
    ("expected", "bound", "refused", "warned"),
    [(90, 990, False, False), (90, 991, False, True), (990, 2000, False, True), (991, 2000, True, False)],
)
def test_a_plan_is_refused_by_what_is_expected_and_warned_of_by_its_limits(
    tmp_path: Path, expected: float, bound: float, refused: bool, warned: bool
) -> None:
    site = site_with(tmp_path, json.dumps(info((1000, 10))))
    if refused:
        with pytest.raises(PlanError, match=r"990 of 1,000 core-hours left.*hpcflow compile"):
            check_allocation(site, plan(expected, bound))
        return
    lines = check_allocation(site, plan(expected, bound))
    assert any("more than is left" in line for line in lines) is warned


def test_only_what_the_plan_needs_refuses_it(tmp_path: Path) -> None:
    full = {"block_quota_used": 9, "block_quota_soft": 9, "inode_quota_used": 1, "inode_quota_soft": 9}
    cases = [
        (info(gpu=(100, 100)), False),
        (info(cpu=(100, 100)), True),
        (info(billing={"storage_hours": {"alloc": 5, "used": 5}}), True),
        (info(storage_quotas={"directories": {"projappl": full}}), False),
        (info(storage_quotas={"directories": {"scratch": full}}), True),
    ]
    for content, refused in cases:
        found = read_allocation(site_with(tmp_path, json.dumps(content)), PROJECT)
        assert found is not None
        assert bool(refusal(found, plan(1, 2))) is refused, content


def test_plan_says_what_is_left_and_submit_refuses(tmp_path: Path) -> None:
    site_with(tmp_path, json.dumps(info((1000, 999.99999))))
    site = ("--site", str(tmp_path / "ours.yaml"))
    text = " ".join(run(tmp_path, "plan", WORKFLOW, *site).split())
    assert f"{PROJECT} has left:" in text
    assert "name another project" in text
    values = json.loads(run(tmp_path, "plan", WORKFLOW, *site, "--json"))["allocation"]
    assert values["left"]["core_hours"] == pytest.approx(1e-5)
    assert values["refusal"]
    with pytest.raises(PlanError, match="name another project"):
        run(tmp_path, "submit", WORKFLOW, *site, "--runs", str(tmp_path / "r"))
    assert not (tmp_path / "r").exists()
