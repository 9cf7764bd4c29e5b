"""What a submitted run has taken so far, and what its unfinished jobs may take: hours by the site's price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from hpcflow.errors import PlanError, StoreError
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.site import Bill, Site
from hpcflow.slurm.budget import POOL_WORDS, hours_by_pool
from hpcflow.slurm.choice import short
from hpcflow.slurm.placement import gate_bill
from hpcflow.slurm.schedule import Cost, Schedule
from hpcflow.slurm.sending import left_over, schedule_of
from hpcflow.slurm.status import JobState


def rest(schedule: Schedule, ledger: Ledger, site: Site, share: Mapping[str, float]) -> Schedule:
    """The schedule with the price of what is left of it: jobs without unfinished blocks are not sent again.

    Parameters
    ----------
    share
        Part of the expected time of a partition's jobs that is left, 0 to 1, by partition. The price at the
        limits counts whole jobs: one with a single block left is sent with its whole time limit.
    """
    bills: dict[str, list[Bill | None]] = {}
    gates: list[Bill | None] = []
    for job in schedule.jobs:
        left = left_over(schedule, ledger, job, range(job.elements))
        seconds = float(job.seconds * len(left))
        billed = site.billed(job.partition, seconds=seconds, **job.amounts)
        bills.setdefault(job.partition, []).append(billed)
        if schedule.gate is not None:
            waves = sum(any(start <= one < stop for one in left) for start, stop in job.waves)
            gates.append(_gate_bill(schedule, site, float(schedule.gate.seconds * waves)))
    chosen = tuple(
        replace(one, cost=_now(one.cost, [*bills.get(one.partition, ()), *gates], share[one.partition]))
        if one.chosen and one.cost is not None
        else one
        for one in schedule.alternatives
    )
    return replace(schedule, alternatives=chosen)


def _now(cost: Cost, bills: Sequence[Bill | None], share: float) -> Cost:
    same = [one for one in bills if one is not None and one.pool == cost.pool]
    return Cost(
        unit=cost.unit,
        pool=cost.pool,
        low=cost.low * share,
        high=cost.high * share,
        bound=sum(one.amount for one in same),
        bound_hours=sum(one.hours for one in same),
    )


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


def attempts_covered(schedule: Schedule, used: Mapping[str, float], asked: int) -> int:
    """How often each unfinished job may be tried within what is left of the schedule's budget.

    Parameters
    ----------
    schedule
        With the price of what is left (`rest`).
    used
        Hours of the budget that are gone, by pool.
    asked
        Attempts that are wanted.

    Raises
    ------
    PlanError
        Where the budget does not cover one attempt, or there is no price to hold to it.
    """
    if not schedule.budget:
        return asked
    if not schedule.costs:
        raise PlanError("a budget needs a price, and none is documented for these jobs: leave the budget out")
    for pool, needed in hours_by_pool(schedule.costs).items():
        most, gone = schedule.budget.get(pool), used.get(pool, 0.0)
        if most is not None and gone + needed > most:
            raise PlanError(
                f"the budget is {short(most)} {POOL_WORDS[pool]}, of which {short(gone)} are used; what is "
                f"left of the run may take {short(needed)} if every job takes its whole time limit, so "
                "nothing is sent; raise the budget (--budget), or set a shorter limit (--time)"
            )
        if most is not None and needed:
            asked = min(asked, int((most - gone) / needed))
    return asked


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
    return site.billed(job.partition, seconds=seconds, **job.amounts)


def _seconds(state: JobState, limit: int) -> int:
    if state.seconds or not state.started or state.state == "PENDING":
        return state.seconds
    if not state.ended:
        return limit
    ran = datetime.fromisoformat(state.ended) - datetime.fromisoformat(state.started)
    return max(0, round(ran.total_seconds()))


def _gate_bill(schedule: Schedule, site: Site, seconds: float) -> Bill | None:
    gate = schedule.gate
    if gate is None:
        return None
    return gate_bill(site, gate, seconds)
