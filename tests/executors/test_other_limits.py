"""A submitted run goes on under another time limit or partition, and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcflow.errors import PlanError, RequestError
from hpcflow.executors.drive import execute
from hpcflow.executors.resume import resubmit
from hpcflow.executors.serial import SerialExecutor
from hpcflow.executors.slurm import compile_for
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.site import load_site
from hpcflow.slurm import client
from hpcflow.slurm.compile import read_schedule, schedule_file
from hpcflow.slurm.jobs import Options
from hpcflow.slurm.sending import submit
from hpcflow.slurm.spent import hours_used, rest
from hpcflow.slurm.status import status
from tests.cli.conftest import write_files
from tests.executors.conftest import start
from tests.slurm.conftest import fake
from tests.slurm.fake import FakeSlurm

__all__ = ["fake"]


@pytest.fixture
def submitted(fake: FakeSlurm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run in the queue of a fake Slurm, for twenty minutes on `small`."""
    from hpcflow.api import ask

    monkeypatch.setattr(client, "MESSAGE_TIMEOUT", 0.0)
    monkeypatch.setenv("HPCFLOW_LUMI_CALIBRATION", str(tmp_path / "none.json"))
    folder = start(ask(write_files(tmp_path / "w")), tmp_path / "runs")
    submit(
        folder,
        compile_for(folder, "mini-lumi", Options(account="project_7", partition="small", seconds=1200)),
    )
    return folder


def end_all(fake: FakeSlurm) -> None:
    for job in fake.jobs():
        fake.set_state(job["name"], "CANCELLED")


def test_limits_stay_while_jobs_live(submitted: RunFolder) -> None:
    with pytest.raises(RequestError, match="hpcflow cancel"):
        list(resubmit(submitted, seconds=7200))


def test_another_limit_and_partition_with_the_rest_as_before(fake: FakeSlurm, submitted: RunFolder) -> None:
    cut = submitted.cut_file.read_bytes()
    end_all(fake)
    lines = list(resubmit(submitted, seconds=7200, partition="standard"))
    assert "standard for 2 h" in lines[0]
    schedule = read_schedule(schedule_file(submitted, "mini-lumi"))
    assert {(job.partition, job.seconds) for job in schedule.jobs} == {("standard", 7200)}
    assert schedule.account == "project_7"
    assert submitted.cut_file.read_bytes() == cut, "it is the same run"
    text = next(submitted.jobs.glob("*.sh")).read_text()
    assert "--time=02:00:00" in text
    assert "--partition=standard" in text


def test_the_partition_stays_where_only_time_changes(fake: FakeSlurm, submitted: RunFolder) -> None:
    end_all(fake)
    list(resubmit(submitted, seconds=600))
    schedule = read_schedule(schedule_file(submitted, "mini-lumi"))
    assert {(job.partition, job.seconds) for job in schedule.jobs} == {("small", 600)}


def test_what_the_site_does_not_allow_is_refused_and_changes_nothing(
    fake: FakeSlurm, submitted: RunFolder
) -> None:
    end_all(fake)
    before = schedule_file(submitted, "mini-lumi").read_bytes()
    with pytest.raises(RequestError, match="allows"):
        list(resubmit(submitted, seconds=10_000_000))
    with pytest.raises(RequestError, match="is none of them"):
        list(resubmit(submitted, partition="no-such"))
    assert schedule_file(submitted, "mini-lumi").read_bytes() == before


def test_without_changes_it_goes_on_as_planned(fake: FakeSlurm, submitted: RunFolder) -> None:
    end_all(fake)
    before = schedule_file(submitted, "mini-lumi").read_bytes()
    assert any("submitted" in line for line in resubmit(submitted))
    assert schedule_file(submitted, "mini-lumi").read_bytes() == before


def test_preference_budget_and_workers_stay(fake: FakeSlurm, submitted: RunFolder) -> None:
    end_all(fake)
    options = Options(partition="small", seconds=1200, prefer="time", budget={"core_hours": 50.0}, workers=2)
    submit(submitted, compile_for(submitted, "mini-lumi", options))
    end_all(fake)
    list(resubmit(submitted, seconds=600))
    schedule = read_schedule(schedule_file(submitted, "mini-lumi"))
    assert (schedule.prefer, dict(schedule.budget), schedule.workers) == ("time", {"core_hours": 50.0}, 2)
    end_all(fake)
    with pytest.raises(PlanError, match="the budget is 50 core-hours"):
        list(resubmit(submitted, seconds=72 * 3600))
    list(resubmit(submitted, seconds=72 * 3600, budget={"core_hours": 50_000.0}))
    assert read_schedule(schedule_file(submitted, "mini-lumi")).budget == {"core_hours": 50_000.0}


def hours(folder: RunFolder) -> float:
    """Core-hours of the run at its limits, one attempt."""
    cost = read_schedule(schedule_file(folder, "mini-lumi")).cost
    assert cost is not None
    return cost.bound_hours


def test_attempts_return_with_a_larger_budget(fake: FakeSlurm, submitted: RunFolder) -> None:
    end_all(fake)
    once = hours(submitted)
    tight = Options(account="project_7", partition="small", seconds=1200, budget={"core_hours": 1.5 * once})
    compile_for(submitted, "mini-lumi", tight)
    schedule = read_schedule(schedule_file(submitted, "mini-lumi"))
    assert schedule.gate is not None
    assert (schedule.gate.attempts, schedule.attempts) == (1, 3)
    list(resubmit(submitted, budget={"core_hours": 10 * once}))
    schedule = read_schedule(schedule_file(submitted, "mini-lumi"))
    assert schedule.gate is not None
    assert schedule.gate.attempts == 3
    assert "3 attempts in all" in " ".join((submitted.jobs / "gate.sh").read_text().split())


def test_what_jobs_took_is_gone_from_the_budget(fake: FakeSlurm, submitted: RunFolder) -> None:
    end_all(fake)
    once = hours(submitted)
    list(resubmit(submitted, budget={"core_hours": 2.5 * once}))
    for job in fake.jobs():  # 20 minutes of the 20 that were asked for
        fake.set_state(job["name"], "TIMEOUT", seconds=1200)
    before = schedule_file(submitted, "mini-lumi").read_bytes()
    with pytest.raises(PlanError, match=r"the budget is .* are used; what is left of the run may take"):
        list(resubmit(submitted))
    assert schedule_file(submitted, "mini-lumi").read_bytes() == before
    assert any("submitted" in line for line in resubmit(submitted, budget={"core_hours": 20 * once}))


def test_a_project_without_hours_sends_nothing_again(
    fake: FakeSlurm, submitted: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites, left = tmp_path / "sites", tmp_path / "project_7.json"
    sites.mkdir()
    (sites / "ours.yaml").write_text(
        f"hpcflow_site: 1\nextends: mini-lumi\nname: ours\nallocation: {tmp_path}/<project>.json\n"
        "evidence: {allocation: {how: assumed, source: a test}}\n"
    )
    monkeypatch.setenv("HPCFLOW_LUMI_SITES", str(sites))
    left.write_text('{"billing": {"cpu_hours": {"alloc": 100, "used": 0}}}')
    end_all(fake)
    submit(submitted, compile_for(submitted, "ours", Options(account="project_7", seconds=1200)))
    end_all(fake)
    assert "project_7 has left: 100 of 100 core-hours" in next(resubmit(submitted))
    end_all(fake)
    left.write_text('{"billing": {"cpu_hours": {"alloc": 100, "used": 100}}}')
    sent = len(fake.jobs())
    submitted.stop_file.touch()
    with pytest.raises(PlanError, match="project_7"):
        list(resubmit(submitted))
    assert len(fake.jobs()) == sent
    assert submitted.stop_file.exists(), "a refusal changes nothing"


def test_only_unfinished_jobs_are_priced(submitted: RunFolder) -> None:
    site = load_site("mini-lumi")
    schedule = read_schedule(schedule_file(submitted, "mini-lumi"))
    whole = rest(schedule, Ledger(submitted), site, {"small": 1.0}).cost
    assert whole is not None
    assert whole == schedule.cost
    execute(submitted, SerialExecutor())
    done = rest(schedule, Ledger(submitted), site, {"small": 0.0}).cost
    assert done is not None
    assert (done.high, done.bound, done.bound_hours) == (0, 0, 0)


def test_a_job_that_accounting_forgot_counts_by_its_log_or_its_limit(
    fake: FakeSlurm, submitted: RunFolder
) -> None:
    name = next(job["name"] for job in fake.jobs() if not job["name"].endswith("-gate"))
    for sent in fake.jobs():
        fake.forget(sent["name"])
    log = submitted.logs / f"{name}-100.out"
    site = load_site("mini-lumi")
    job = read_schedule(schedule_file(submitted, "mini-lumi")).jobs[0]
    price = site.billed("small", seconds=3600, cores=job.cpus, memory=job.memory)
    assert price is not None
    assert hours_used(submitted, status(submitted), site).get("core_hours", 0) == 0, "it never began"
    log.write_text(f"2026-11-24T10:00:00Z start {name} id=100 on nid000001: share 0/1\n")
    used = hours_used(submitted, status(submitted), site)
    assert used["core_hours"] == pytest.approx(price.hours * 1200 / 3600)
    log.write_text(f"{log.read_text()}2026-11-24T10:05:00Z end {name} rc=75\n")
    used = hours_used(submitted, status(submitted), site)
    assert used["core_hours"] == pytest.approx(price.hours * 300 / 3600)
