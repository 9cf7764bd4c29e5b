"""Send what is left of a submitted run again, within what its budget and its project have left."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace

from hpcflow.errors import RequestError
from hpcflow.executors.slurm import calibration_of, paid, stage_needs
from hpcflow.plan.model import Cut
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, forgive, length
from hpcflow.run.notify import forget
from hpcflow.site import Site, load_site
from hpcflow.slurm.allocation import check_allocation
from hpcflow.slurm.compile import place_of, read_schedule, schedule_file, write_run
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.schedule import Schedule, run_token
from hpcflow.slurm.sending import submit
from hpcflow.slurm.spent import attempts_covered, hours_used, rest
from hpcflow.slurm.status import JobState, status
from hpcflow.units import format_duration


def resubmit(
    folder: RunFolder,
    *,
    seconds: int | None = None,
    partition: str | None = None,
    account: str | None = None,
    budget: Mapping[str, float] | None = None,
) -> Iterator[str]:
    """Send what is left of a submitted run again; lines tell what was sent.

    While jobs of the run are alive they do the rest; only what is missing beside them is sent.

    Parameters
    ----------
    seconds, partition, account, budget
        Another time limit, partition, project or budget than before: the run is planned anew for its site,
        and every block that is done stays done. What is not given stays, the preference and the budget too.
        All None: as it was planned.

    Raises
    ------
    RequestError
        If something is to change while jobs of the run are in the queue, or the site does not allow it.
    PlanError
        Where the project has fewer hours left than what is left is expected to take, or the budget, less what
        earlier jobs took, does not cover it. Nothing has changed then.
    """
    jobs = status(folder)
    alive = [job for job in jobs if job.alive]
    changes = any(value is not None for value in (seconds, partition, account, budget))
    if alive and changes:
        raise RequestError(
            f"{len(alive)} jobs of the run are in the queue under their old limits, which Slurm does not let "
            f"a user raise: hpcflow cancel {folder.path}, then resume; what is done stays done"
        )
    newest = max(folder.epochs.glob("*.json"))
    site = load_site(json.loads(newest.read_text())["site"])
    schedule = read_schedule(schedule_file(folder, site.name))
    if alive:
        folder.stop_file.unlink(missing_ok=True)
        yield f"{len(alive)} jobs of the run are in the queue and go on"
    else:
        options = changed(schedule, seconds, partition, account, budget)
        schedule = yield from _held(folder, site, schedule, options, changes, jobs)
        folder.stop_file.unlink(missing_ok=True)
        forget(folder, "failed")
        forgive(folder)
    for job in submit(folder, schedule):
        yield f"submitted: job {job.job_id} {job.name}"
    yield f"follow it with: hpcflow status {folder.path}"


def changed(
    schedule: Schedule,
    seconds: int | None,
    partition: str | None,
    account: str | None,
    budget: Mapping[str, float] | None = None,
) -> Options:
    """Options that plan a run like before but for what is given."""
    places = {job.partition for job in schedule.jobs}
    elements = max((job.elements for job in schedule.jobs), default=1)
    return Options(
        partition=partition or (places.pop() if len(places) == 1 else None),
        account=account or schedule.account or None,
        container=schedule.container or None,
        elements=elements if elements > 1 else None,
        seconds=seconds,
        workers=schedule.workers,
        attempts=schedule.attempts,
        prefer=schedule.prefer,
        budget=budget or schedule.budget,
    )


def _held(
    folder: RunFolder,
    site: Site,
    schedule: Schedule,
    options: Options,
    changes: bool,
    jobs: Sequence[JobState],
) -> Generator[str, None, Schedule]:
    """The schedule to send, checked and, where it is another than before, written."""
    cut, ledger = Cut.from_dict(folder.cut), Ledger(folder)
    needs, place = stage_needs(cut, calibration_of(site)), place_of(folder, site)

    def planned(attempts: int) -> Schedule:
        # The budget is held against what is left, below, and not against blocks that are done.
        free = replace(paid(options, site), budget={}, attempts=attempts)
        made = plan_jobs(needs, site, free, run=run_token(place.run))
        return replace(made, budget=dict(options.budget), attempts=options.attempts)

    if changes:
        schedule = planned(options.attempts)
    left = rest(schedule, ledger, site, shares_left(schedule, needs, ledger))
    yield from check_allocation(site, left)
    used = hours_used(folder, jobs, site)
    attempts = attempts_covered(left, used, options.attempts)
    gate = schedule.gate
    if gate is not None and gate.attempts != attempts:
        schedule, changes = planned(attempts), True
    if changes:
        write_run(folder, schedule, site, place)
        yield f"planned anew for {site.name}: " + ", ".join(
            f"{job.name} on {job.partition} for {format_duration(job.seconds)}" for job in schedule.jobs
        )
    return schedule


def shares_left(schedule: Schedule, needs: Sequence[StageNeed], ledger: Ledger) -> dict[str, float]:
    """Part of the expected time of a partition's jobs that is left, by partition."""
    stages: dict[str, set[str]] = {one.partition: set() for one in schedule.alternatives if one.chosen}
    for job in schedule.jobs:
        stages.setdefault(job.partition, set()).update(job.stages)
    return {
        partition: share_left([need for need in needs if need.name in names], ledger)
        for partition, names in stages.items()
    }


def share_left(needs: Sequence[StageNeed], ledger: Ledger) -> float:
    """Part of stages' expected time that is left, by blocks without a good receipt."""
    total = sum(need.seconds_high * need.blocks for need in needs)
    left = sum(need.seconds_high * length(ledger.remaining(need.name, retry_failed=True)) for need in needs)
    return left / total if total else 1.0
