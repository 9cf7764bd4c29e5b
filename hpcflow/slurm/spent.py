"""What a submitted run has taken so far, and what its unfinished jobs may take: hours by the site's price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from hpcflow.errors import PlanError, StoreError
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.site import Bill, Site
from hpcflow.slurm.choice import POOL_WORDS, short
from hpcflow.slurm.schedule import Cost, Schedule
from hpcflow.slurm.sending import left_over, schedule_of
from hpcflow.slurm.status import JobState


def rest(schedule: Schedule, ledger: Ledger, site: Site, share: float) -> Schedule:
    """The schedule with the price of what is left of it: jobs without unfinished blocks are not sent again.

    Parameters
    ----------
    share
        Part of the expected time that is left, 0 to 1. The price at the limits counts whole jobs: one with a
        single block left is sent with its whole time limit.
    """
    cost = schedule.cost
    if cost is None:
        return schedule
    bills: list[Bill | None] = []
    for job in schedule.jobs:
        left = left_over(schedule, ledger, job, range(job.elements))
        seconds = float(job.seconds * len(left))
        bills.append(site.billed(job.partition, seconds=seconds, cores=job.cpus, memory=job.memory))
        if schedule.gate is not None:
            waves = sum(any(start <= one < stop for one in left) for start, stop in job.waves)
            bills.append(_gate_bill(schedule, site, float(schedule.gate.seconds * waves)))
    same = [one for one in bills if one is not None and one.pool == cost.pool]
    now = Cost(
        unit=cost.unit,
        pool=cost.pool,
        low=cost.low * share,
        high=cost.high * share,
        bound=sum(one.amount for one in same),
        bound_hours=sum(one.hours for one in same),
    )
    chosen = tuple(replace(one, cost=now) if one.chosen else one for one in schedule.alternatives)
    return replace(schedule, alternatives=chosen)


def hours_used(folder: RunFolder, jobs: Sequence[JobState], site: Site) -> dict[str, float]:
    """Hours that the jobs of all submissions have taken, by pool.

    A job of which nobody says how long it ran counts with its time limit, if it ever started.
    """
    schedules: dict[int, Schedule | None] = {}
    used: dict[str, float] = {}
    for state in jobs:
        if state.epoch not in schedules:
            schedules[state.epoch] = _sent(folder, state.epoch)
        schedule = schedules[state.epoch]
        if schedule is None:
            continue
        bill = _bill(schedule, state, site)
        if bill is not None:
            used[bill.pool] = used.get(bill.pool, 0.0) + bill.hours
    return used


def attempts_covered(schedule: Schedule, used: float, asked: int) -> int:
    """How often each unfinished job may be tried within what is left of the schedule's budget.

    Parameters
    ----------
    schedule
        With the price of what is left (`rest`).
    used
        Hours of the budget that are gone.
    asked
        Attempts that are wanted.

    Raises
    ------
    PlanError
        Where the budget does not cover one attempt, or there is no price to hold to it.
    """
    if not schedule.budget:
        return asked
    cost = schedule.cost
    if cost is None:
        raise PlanError("a budget needs a price, and none is documented for these jobs: leave the budget out")
    most = schedule.budget.get(cost.pool)
    if most is None:
        return asked
    words, needed = POOL_WORDS[cost.pool], cost.bound_hours
    if used + needed > most:
        raise PlanError(
            f"the budget is {short(most)} {words}, of which {short(used)} are used; what is left of the run "
            f"may take {short(needed)} if every job takes its whole time limit, so nothing is sent; raise "
            "the budget (--budget), or set a shorter limit (--time)"
        )
    return min(asked, int((most - used) / needed)) if needed else asked


def _sent(folder: RunFolder, epoch: int) -> Schedule | None:
    """The schedule of a submission; None where it is of an older format, or gone."""
    try:
        return schedule_of(folder, epoch)
    except (StoreError, OSError):
        return None


def _bill(schedule: Schedule, state: JobState, site: Site) -> Bill | None:
    if state.kind == "gate":
        limit = schedule.gate.seconds if schedule.gate is not None else 0
        return _gate_bill(schedule, site, float(_seconds(state, limit)))
    job = next((job for job in schedule.jobs if job.name == state.job), None)
    if job is None or job.partition not in site.partitions:
        return None
    seconds = float(_seconds(state, job.seconds))
    return site.billed(job.partition, seconds=seconds, cores=job.cpus, memory=job.memory)


def _seconds(state: JobState, limit: int) -> int:
    if state.seconds or not state.started or state.state == "PENDING":
        return state.seconds
    if not state.ended:
        return limit
    ran = datetime.fromisoformat(state.ended) - datetime.fromisoformat(state.started)
    return max(0, round(ran.total_seconds()))


def _gate_bill(schedule: Schedule, site: Site, seconds: float) -> Bill | None:
    gate = schedule.gate
    if gate is None or gate.partition not in site.partitions:
        return None
    return site.billed(gate.partition, seconds=seconds, cores=1, memory=gate.memory)
