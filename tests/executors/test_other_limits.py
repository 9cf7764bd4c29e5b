"""A submitted run goes on under another time limit or partition, and loses nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcflow.errors import PlanError, RequestError
from hpcflow.executors.slurm import compile_for, resubmit
from hpcflow.run.folder import RunFolder
from hpcflow.slurm import client
from hpcflow.slurm.compile import read_schedule, schedule_file
from hpcflow.slurm.jobs import Options
from hpcflow.slurm.sending import submit
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
