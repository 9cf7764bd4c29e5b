"""A plan held against a budget: refused, or given as many attempts as it covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hpcflow.errors import PlanError
from hpcflow.slurm.choice import short, span
from hpcflow.slurm.needs import Options
from hpcflow.slurm.placement import Fit
from hpcflow.slurm.schedule import Cost, Gate

POOL_WORDS = {"core_hours": "core-hours", "gpu_hours": "GPU-hours"}


def within_budget(fits: Sequence[Fit], options: Options, gate: Gate | None) -> tuple[Gate | None, str]:
    """The gate with as many attempts as the budget covers, and a line on what all of them cost at most.

    One attempt is every job at its time limit with its gates; a gate may send a whole job again, so each
    further attempt may cost as much.

    Parameters
    ----------
    fits
        The parts of the plan, one to a partition.

    Raises
    ------
    PlanError
        Where one attempt alone would exceed the budget.
    """
    attempts = gate.attempts if gate is not None else 1
    costs = [one.cost for one in fits if one.cost is not None]
    unknown = next((one.spot.name for one in fits if one.cost is None), "")
    if not options.budget:
        if unknown or attempts == 1:
            return gate, ""
        worst = " and ".join(f"{short(attempts * one.bound)} {one.unit}" for one in costs)
        return gate, f"retries: with all {attempts} attempts of every job at its limits, at most {worst}"
    if unknown:
        raise PlanError(
            f"a budget needs a price, and that of partition {unknown} is not documented, so the "
            "plan cannot be held to it; name another partition, or leave the budget out"
        )
    needed = hours_by_pool(costs)
    held = {pool: hours for pool, hours in needed.items() if pool in options.budget}
    if not held:
        given = " and ".join(f"{short(n)} {POOL_WORDS[pool]}" for pool, n in options.budget.items())
        words = " and ".join(POOL_WORDS[pool] for pool in needed)
        return gate, f"budget {given}: this plan takes {words} only"
    for pool, hours in held.items():
        if hours > options.budget[pool]:
            raise PlanError(_over(pool, hours, options.budget[pool], fits))
    covered = min([attempts, *(int(options.budget[pool] / hours) for pool, hours in held.items() if hours)])
    used = "budget " + " and ".join(
        f"{short(options.budget[pool])} {POOL_WORDS[pool]}: at most {short(covered * hours)} are used"
        for pool, hours in held.items()
    )
    if gate is None:
        return gate, f"{used}; nothing is sent again without `hpcflow resume`"
    if covered == attempts:
        return gate, f"{used}, with all {attempts} attempts of every job"
    left = f"{covered} attempts of every job in place of {attempts}" if covered > 1 else "no retry by gates"
    one = " and ".join(short(hours) for hours in held.values())
    return replace(gate, attempts=covered), f"{used}, with {left}: one may take {one}"


def hours_by_pool(costs: Sequence[Cost]) -> dict[str, float]:
    """Hours of one attempt at its limits by the pool that they are taken from."""
    needed: dict[str, float] = {}
    for cost in costs:
        needed[cost.pool] = needed.get(cost.pool, 0.0) + cost.bound_hours
    return needed


def _over(pool: str, hours: float, most: float, fits: Sequence[Fit]) -> str:
    taking = [(one.spot.name, one.cost) for one in fits if one.cost is not None and one.cost.pool == pool]
    names = " and ".join(name for name, _ in taking)
    expected = " and ".join(f"{span(cost.low, cost.high)} {cost.unit}" for _, cost in taking)
    return (
        f"the budget is {short(most)} {POOL_WORDS[pool]}; this plan may take {short(hours)} in partition "
        f"{names} if every job takes its whole time limit ({expected} expected), so nothing is "
        "sent; raise the budget, try fewer records (--only, --limit), or set a shorter limit (--time)"
    )
