"""What a project has left, from the file that a site keeps on it, held against what a plan may take."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpcflow.errors import PlanError
from hpcflow.site import Site
from hpcflow.slurm.budget import hours_by_pool
from hpcflow.slurm.choice import short
from hpcflow.slurm.pitfalls import allocation_problems
from hpcflow.slurm.schedule import Cost, Schedule

POOLS = {"cpu_hours": "core_hours", "gpu_hours": "gpu_hours"}
"""Keys of the file by what budgets and prices call them."""

WORDS = {"core_hours": "core-hours", "gpu_hours": "GPU-hours"}


@dataclass(frozen=True)
class Allocation:
    """What was granted to a project and what is used of it.

    Attributes
    ----------
    project, file
        Whose, and where it is written; sites write it now and then, so it is some time old.
    granted, left
        Hours by ``core_hours`` and ``gpu_hours``; `left` is never below 0.
    problems
        What is used up, by key of the file: hours, or an area's bytes or files.
    """

    project: str
    file: Path
    granted: Mapping[str, float]
    left: Mapping[str, float]
    problems: tuple[str, ...] = ()


def read_allocation(site: Site, project: str) -> Allocation | None:
    """What a project has left; None where the site keeps no such file, or it cannot be read.

    A file that is damaged or of another form says nothing: it must not keep anybody from computing.
    """
    if not site.allocation or not project:
        return None
    file = Path(site.allocation.replace("<project>", project))
    try:
        info = json.loads(file.read_text(encoding="utf-8"))
        billing = info["billing"]
        hours = {pool: _hours(billing.get(key)) for key, pool in POOLS.items()}
        problems = tuple(allocation_problems(info))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    known = {pool: pair for pool, pair in hours.items() if pair is not None}
    return Allocation(
        project,
        file,
        {pool: granted for pool, (granted, _) in known.items()},
        {pool: max(0.0, granted - used) for pool, (granted, used) in known.items()},
        problems,
    )


def _hours(entry: Any) -> tuple[float, float] | None:
    if not isinstance(entry, dict):
        return None
    granted, used = entry.get("alloc"), entry.get("used")
    if isinstance(granted, int | float) and isinstance(used, int | float):
        return float(granted), float(used)
    return None


def left_words(found: Allocation) -> Iterator[str]:
    """What is left, in lines for people."""
    left = [
        f"{short(found.left[pool])} of {short(found.granted[pool])} {WORDS[pool]}"
        for pool in found.granted
        if found.granted[pool] > 0
    ]
    yield f"{found.project} has left: {', '.join(left) or 'no hours'} (as {found.file} says)"
    yield from found.problems


def held(found: Allocation, schedule: Schedule) -> Iterator[str]:
    """What is left, and whether a plan may take more.

    Yields
    ------
    str
        Lines for people; the reason for which it should not be sent, where there is one, is `refusal`.
    """
    yield from left_words(found)
    for pool, bound in hours_by_pool(schedule.costs).items():
        left = found.left.get(pool)
        if left is not None and bound > left and not refusal(found, schedule):
            yield (
                f"with every job at its time limit this plan takes {short(bound)} "
                f"{WORDS[pool]}, more than is left: its last jobs may not start"
            )


def refusal(found: Allocation, schedule: Schedule) -> str:
    """Why a plan should not be sent; "" where nothing speaks against it."""
    costs = {cost.pool: cost for cost in schedule.costs}
    stopping = ["storage_hours", schedule.footprint.area, *(k for k, v in POOLS.items() if v in costs)]
    for problem in found.problems:
        if problem.partition(":")[0] in stopping:
            return f"{found.project}, {problem}"
    for pool in costs:
        left = found.left.get(pool)
        high = sum(_expected_hours(cost) for cost in schedule.costs if cost.pool == pool)
        if left is not None and high > left:
            return (
                f"{found.project} has {short(left)} of {short(found.granted[pool])} {WORDS[pool]} left, and "
                f"this plan is expected to take up to {short(high)}, so its last jobs would not start; name "
                "another project (--account), ask for more, or try fewer records (--only, --limit)"
            )
    return ""


def _expected_hours(cost: Cost) -> float:
    return cost.high * (cost.bound_hours / cost.bound if cost.bound else 1.0)


def check_allocation(site: Site, schedule: Schedule) -> tuple[str, ...]:
    """Lines on what is left; nothing where the site does not tell.

    Raises
    ------
    PlanError
        Where hours, storage or files that the plan needs are used up, or fewer hours are left than it is
        expected to take.
    """
    found = read_allocation(site, schedule.account)
    if found is None:
        return ()
    reason = refusal(found, schedule)
    if reason:
        raise PlanError(
            f"{reason}. Read from {found.file}, which may be old; to send all the same: hpcflow compile, "
            "then the submit.sh that it names"
        )
    return tuple(held(found, schedule))
