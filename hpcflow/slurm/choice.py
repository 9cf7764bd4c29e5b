"""Which of the partitions that fit, and the words for it: the others, the trade."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from hpcflow.errors import PlanError
from hpcflow.site import Site, format_time
from hpcflow.slurm.needs import Options, StageNeed
from hpcflow.slurm.placement import Fit, fit, spot_of
from hpcflow.slurm.schedule import Alternative, Cost, Gate

NEAR = 1.02
"""Prices and times closer than this factor count as the same, and the next criterion decides."""
NO_GPU = "no step uses their GPUs"
WITHOUT_GPU = "no GPUs there"
NOTABLE_SECONDS = 10
ONLY_NAMED = "only where --partition names it"


def choose(
    needs: Sequence[StageNeed], site: Site, options: Options, gated: bool, gate: Gate | None
) -> tuple[Fit, tuple[Alternative, ...]]:
    """The partition for a plan, and every one that was looked at.

    Raises
    ------
    PlanError
        Where the plan fits none, or not the one that was named.
    """
    fits = {name: fit(needs, site, spot_of(site, name, gated), options, gate) for name in site.partitions}
    if options.partition:
        chosen = fits[options.partition]
    else:
        open_ = [one for name, one in fits.items() if not barred(needs, site, name)]
        fitting = [one for one in open_ if not one.refusal]
        if not fitting:
            first = next((one for one in open_ if one.spot.name == site.default_partition), None)
            chosen = first or next(iter(open_ or fits.values()))
        else:
            chosen = best(fitting, site, options)
    if chosen.refusal:
        raise PlanError(f"{chosen.refusal}; {_remedy(fits, needs, site)}")
    return chosen, tuple(_told(fits, chosen, needs, site, options))


def best(fits: Sequence[Fit], site: Site, options: Options) -> Fit:
    """The cheapest or the earliest to end; the other of the two and the site's default where that is near."""
    by_time = options.prefer == "time"
    for measure in (_seconds, _price) if by_time else (_price, _seconds):
        least = min(map(measure, fits))
        fits = [one for one in fits if measure(one) <= least * NEAR]
        default = [one for one in fits if one.spot.name == site.default_partition]
        fits = default or fits
    return fits[0]


def _price(one: Fit) -> float:
    """A price that is not known comes last."""
    return float("inf") if one.cost is None else one.cost.high


def _seconds(one: Fit) -> float:
    return one.seconds_high


def trade(needs: Sequence[StageNeed], site: Site, options: Options, chosen: Fit, gate: Gate | None) -> str:
    """What the other preference would give; "" where it gives the same."""
    other = replace(options, prefer="time" if options.prefer == "cost" else "cost", budget={})
    found, _ = choose(needs, site, other, chosen.spot.gated, gate)
    if found.cost is None or chosen.cost is None or found.cost.pool != chosen.cost.pool:
        return ""
    times = found.cost.high / chosen.cost.high if chosen.cost.high else 1.0
    gained = chosen.seconds_high - found.seconds_high
    better = gained if other.prefer == "time" else chosen.seconds_high * (1 - times)
    if better < max(NOTABLE_SECONDS, (NEAR - 1) * chosen.seconds_high):
        return ""
    when = f"{format_time(round(abs(gained)))} {'earlier' if gained > 0 else 'later'}"
    return (
        f"--prefer {other.prefer}: partition {found.spot.name}, ends {when}, for {_amount(found.cost)} "
        f"({times:.3g} times the price)"
    )


def barred(needs: Sequence[StageNeed], site: Site, name: str) -> str:
    """Why planning does not choose a partition by itself; "" where it may."""
    place = site.partitions[name]
    if place.use != "work":
        return f"for {place.use}: {ONLY_NAMED}"
    if place.approval:
        return f"needs {place.approval}: {ONLY_NAMED}"
    if place.min_nodes > 1:
        return f"takes jobs of {place.min_nodes} to {place.max_nodes} nodes, and blocks need one"
    wanted = any(need.form == "gpus" for need in needs)
    if wanted != bool(site.node_of(name).gpus):
        return WITHOUT_GPU if wanted else NO_GPU
    return ""


def _remedy(fits: Mapping[str, Fit], needs: Sequence[StageNeed], site: Site) -> str:
    others = [name for name, one in fits.items() if not one.refusal]
    best = [name for name in others if not barred(needs, site, name)] or others
    return f"a partition that fits: {', '.join(best)}" if best else "no partition fits; use smaller blocks"


def _told(
    fits: Mapping[str, Fit], chosen: Fit, needs: Sequence[StageNeed], site: Site, options: Options
) -> Iterator[Alternative]:
    rivals = [
        one
        for name, one in fits.items()
        if one is not chosen and not one.refusal and not barred(needs, site, name)
    ]
    yield _alternative(chosen, True, _chosen_why(rivals, chosen, options))
    for name, one in fits.items():
        if one is not chosen:
            why = barred(needs, site, name) or one.refusal or _compared(one, chosen)
            yield _alternative(one, False, why)


def _alternative(one: Fit, chosen: bool, why: str) -> Alternative:
    return Alternative(one.spot.name, chosen, why, one.cost, one.seconds_low, one.seconds_high)


def _chosen_why(rivals: Sequence[Fit], chosen: Fit, options: Options) -> str:
    if options.partition:
        cheaper = [
            one
            for one in rivals
            if one.cost
            and chosen.cost
            and one.cost.pool == chosen.cost.pool
            and one.cost.high < chosen.cost.high
        ]
        best = min(cheaper, key=lambda one: one.cost.high if one.cost else 0.0, default=None)
        note = f"; {best.spot.name} would cost {_amount(best.cost)}" if best and best.cost else ""
        return f"asked for{note}"
    if not rivals:
        return "the only one that fits"
    return "the cheapest that fits" if options.prefer == "cost" else "the earliest end among those that fit"


def _compared(one: Fit, chosen: Fit) -> str:
    if one.cost is None:
        return "its price is not documented"
    if chosen.cost is None or chosen.cost.pool != one.cost.pool:
        return "fits"
    times = one.cost.high / chosen.cost.high if chosen.cost.high else 1.0
    dearer = "the same price" if abs(times - 1) < 0.01 else f"{times:.3g} times the price"
    slower = one.seconds_high - chosen.seconds_high
    when = (
        ""
        if abs(slower) < 60
        else f", ends {format_time(round(abs(slower)))} {'later' if slower > 0 else 'earlier'}"
    )
    return dearer + when


def _amount(cost: Cost) -> str:
    return f"{short(cost.high)} {cost.unit}"


def short(amount: float) -> str:
    """A number with as many digits as matter: 1,234, 12.3, 0.012."""
    return f"{amount:,.0f}" if amount >= 100 else f"{amount:.3g}"


def lines(alternatives: Sequence[Alternative]) -> Iterator[str]:
    """The choice for people: the chosen partition, then the others, those with the same reason together."""
    together: dict[str, list[str]] = {}
    named: dict[str, list[str]] = {}
    for one in alternatives:
        use, _, rest = one.why.partition(": ")
        if one.chosen:
            yield f"partition {one.partition}: {one.why}; {_price_words(one)}; {_when(one)}"
        elif rest == ONLY_NAMED and use.startswith("for "):
            named.setdefault(use[4:], []).append(one.partition)
        else:
            price = ""
            if one.cost and one.why != NO_GPU:
                price = f" ({span(one.cost.low, one.cost.high)} {one.cost.unit})"
            together.setdefault(one.why, []).append(one.partition + price)
    for why, names in together.items():
        yield f"  not {', '.join(names)}: {why}"
    if named:
        uses = ", ".join(f"{', '.join(names)} ({use})" for use, names in named.items())
        yield f"  only where named: {uses}"


def _price_words(one: Alternative) -> str:
    if one.cost is None:
        return "its price is not documented"
    return f"{span(one.cost.low, one.cost.high)} {one.cost.unit}, {short(one.cost.bound)} at its limits"


def _when(one: Alternative) -> str:
    return f"{format_time(round(one.seconds_low))} to {format_time(round(one.seconds_high))}"


def span(low: float, high: float) -> str:
    """A range of amounts."""
    first, last = short(low), short(high)
    return last if first == last else f"{first} to {last}"
