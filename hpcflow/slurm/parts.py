"""A plan in one partition, or in two: stages on GPUs where those are, the others on nodes without.

All block jobs of a plan go to one partition, but for one case: GPUs that wait while files are read or written
are paid for. Stages without GPUs stay beside them where they take a few minutes, where the user names the
partition, and where nodes without GPUs run other programs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hpcflow.errors import PlanError
from hpcflow.site import Site, format_time
from hpcflow.slurm.choice import NO_GPU, WITHOUT_GPU, choose, short
from hpcflow.slurm.needs import Options, StageNeed
from hpcflow.slurm.packing import Shape, estimate, makespan, pack
from hpcflow.slurm.placement import Fit, packed, request
from hpcflow.slurm.schedule import Alternative, Gate
from hpcflow.slurm.spot import Spots


@dataclass(frozen=True)
class Placed:
    """Where the jobs of a plan go.

    Attributes
    ----------
    shapes
        All jobs in order.
    fits
        One for each partition, that with the GPUs first, with the jobs that go there.
    why
        Why the stages without GPUs are where they are; "" where the plan has one kind.
    """

    shapes: tuple[Shape, ...]
    fits: tuple[Fit, ...]
    why: str = ""


def place(
    needs: Sequence[StageNeed], site: Site, options: Options, gated: bool, gate: Gate | None
) -> tuple[Placed, tuple[Alternative, ...]]:
    """The partitions of a plan, and every one that was looked at.

    Raises
    ------
    PlanError
        Where the plan fits none, or not the one that was named.
    """
    wanting = [need for need in needs if need.form == "gpus"]
    others = [need for need in needs if need.form != "gpus"]
    one: Fit | None = None
    try:
        one, alternatives = choose(needs, site, options, gated, gate)
    except PlanError:
        if not wanting or not others or options.partition:
            raise
    if one is not None:
        why = _beside_why(one, site, options) if wanting and others else ""
        together = Placed(one.shapes, (one,), why)
        if not wanting or not others or why:
            return together, alternatives
    gpus, gpus_told = choose(_alone(wanting), site, options, gated, gate)
    home, home_told = choose(_alone(others), site, options, gated, gate)
    shapes = tuple(pack(needs, Spots(home.spot, gpus.spot), options))
    low, high = makespan(shapes, high=False), makespan(shapes)
    fits = []
    for spot in (gpus.spot, home.spot):
        mine = tuple(shape for shape in shapes if shape.spot is spot)
        fit = packed(mine, spot, site, options, gate, gated=shapes)
        fits.append(replace(fit, seconds_low=low, seconds_high=high))
    told = [*_told(gpus_told, fits[0], wanting), *_told(home_told, fits[1], others)]
    told = [entry for entry in told if entry.chosen or entry.why not in (NO_GPU, WITHOUT_GPU)]
    by_name = {entry.partition: entry for entry in sorted(told, key=lambda entry: not entry.chosen)}
    return Placed(shapes, tuple(fits), _apart_why(fits, one)), tuple(by_name.values())


def _told(alternatives: Sequence[Alternative], fit: Fit, parts: Sequence[StageNeed]) -> Iterator[Alternative]:
    """What was looked at for a part of the plan, with what its jobs cost within the whole."""
    for one in alternatives:
        if one.chosen:
            why = f"{one.why}, for {', '.join(need.name for need in parts)}"
            yield Alternative(fit.spot.name, True, why, fit.cost, fit.seconds_low, fit.seconds_high)
        else:
            yield one


def _alone(needs: Sequence[StageNeed]) -> list[StageNeed]:
    """The stages as a plan of their own: those before them that are not among them are done."""
    names = {need.name for need in needs}
    return [replace(need, after=tuple(name for name in need.after if name in names)) for need in needs]


def _beside_why(one: Fit, site: Site, options: Options) -> str:
    """Why stages without GPUs stay in the partition of those with them; "" where they should not."""
    text = "stages without GPUs: in the same partition"
    if options.partition:
        return f"{text}, which was named"
    plain = [crew for shape in one.shapes for crew in shape.crews if crew.form != "gpus"]
    idle = sum(estimate(crew.stages, 1, crew.processes) for crew in plain)
    if len(one.shapes) == 1:
        asked = request(one.shapes[0], options)
        billed = site.billed(one.spot.name, seconds=idle, **asked.amounts)
        price = f", {short(billed.amount)} {billed.unit}" if billed else ""
        return f"{text} and job: GPUs wait for them for {format_time(round(idle))} at most{price}"
    kind = one.spot.kinds[0][1].architecture
    if site.login and site.node_of(site.default_partition).architecture != kind:
        return f"{text}: nodes without GPUs run other programs"
    return ""


def _apart_why(fits: Sequence[Fit], together: Fit | None) -> str:
    gpus, home = fits
    text = f"stages without GPUs: in partition {home.spot.name}"
    if together is None or together.cost is None or gpus.cost is None or home.cost is None:
        return text
    more = together.cost.high - gpus.cost.high
    return (
        f"{text}, {short(home.cost.high)} {home.cost.unit}; beside the GPUs the plan would take "
        f"{short(more)} {together.cost.unit} more"
    )
