"""Why jobs are as they are, in lines for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hpcflow.site import Site, format_memory, format_time
from hpcflow.slurm.choice import short
from hpcflow.slurm.needs import AGENT_MEMORY, MEMORY_HEADROOM, RANK_EFFICIENCY, Options
from hpcflow.slurm.packing import SHORT_SECONDS, Crew, Shape
from hpcflow.slurm.placement import TIME_MARGIN, Request
from hpcflow.slurm.schedule import Gate


def job_reasons(shape: Shape, site: Site, asked: Request, wave: int, options: Options) -> Iterator[str]:
    """Why a job is as it is, a line each."""
    spot = shape.spot
    _, node = spot.node_for(shape.stages)
    where = {"cost": "the cheapest that fits", "time": "the earliest end among those that fit"}[
        options.prefer
    ]
    if site.scheduler != "slurm":
        where = f"the default of {site.name}"
    how = "asked for" if options.partition else where
    yield (
        f"partition {spot.name}: {how}; {spot.place.allocation} nodes, {node.cores} cores, "
        f"{format_memory(node.memory)}, at most {format_time(spot.place.max_time)}"
    )
    for need in shape.stages:
        yield (
            f"stage {need.name} ({need.kind}): {need.blocks} block{'s' * (need.blocks != 1)} of "
            f"{need.seconds_low:.3g} to {need.seconds_high:.3g} s"
        )
    yield f"packing: {shape.why}"
    if shape.elements > 1:
        yield f"array: {shape.elements} elements, each a fixed share of the blocks, {wave} to a wave"
    for crew in shape.crews:
        yield from _crew_reasons(crew, shape, options)
    yield _memory_reason(shape, asked)
    expected = _span(shape.low, shape.seconds)
    if options.seconds:
        yield f"time {format_time(asked.seconds)}: asked for; expected {expected}"
    else:
        yield (
            f"time {format_time(asked.seconds)}: expected {expected}, × {TIME_MARGIN} margin, "
            "and time to finish blocks when warned"
        )
    yield from _cost_reasons(shape, site, asked)


def _crew_reasons(crew: Crew, shape: Shape, options: Options) -> Iterator[str]:
    each = {"workers": "workers", "gpus": "workers with a GPU each", "ranks": "ranks"}[crew.form]
    head = f"{each} {crew.processes}"
    if len(shape.crews) > 1:
        head += f" for {', '.join(need.name for need in crew.stages)}"
    if shape.nodes > 1:
        yield f"{head}: on {shape.nodes} nodes, as one has too little memory, or a block would take too long"
    elif shape.spot.place.allocation == "whole":
        yield f"{head}; the whole node is allocated and paid for"
    elif options.workers:
        yield f"{head}: {options.workers} were asked for"
    elif options.prefer == "cost" and shape.seconds <= SHORT_SECONDS:
        goal = SHORT_SECONDS // 60
        yield f"{head}: the fewest with which it is expected to end in {goal} minutes"
    else:
        yield f"{head}: with fewer it would take longer, more are of no use or do not fit"
    if crew.form == "ranks":
        yield (
            f"time on ranks: that of one divided by their number at best, by {RANK_EFFICIENCY:g} × their "
            "number at worst; assumed"
        )
    if crew.form == "gpus":
        yield "time on a GPU: that of one core, which nobody has measured to be less"


def _memory_reason(shape: Shape, asked: Request) -> str:
    most = max(shape.crews, key=lambda crew: crew.processes * crew.bound)
    each = f"{format_memory(most.bound)} × {MEMORY_HEADROOM} headroom"
    text = f"memory: {-(-most.processes // shape.nodes)} × {each}, and {format_memory(AGENT_MEMORY)} for "
    text += "the agent" if most.form != "ranks" else "what starts them"
    if shape.nodes > 1:
        text += ", on each node"
    if shape.spot.place.memory == "cores":
        text += f"; it comes with the cores, so {asked.cpus} are asked for"
    if shape.spot.place.memory == "gpus":
        text += f"; it comes with the GPUs, {asked.gpus} of them"
    return text


def _cost_reasons(shape: Shape, site: Site, asked: Request) -> Iterator[str]:
    spot = shape.spot
    billed = site.billed(spot.name, seconds=shape.seconds * shape.elements, **asked.amounts)
    if billed is None:
        return
    yield f"cost: up to {short(billed.amount)} {billed.unit} at the longest expected time"
    billing = spot.place.billing
    if billing is None or billing.decisive(asked.amounts) != "memory":
        return
    bare = replace(billing, largest={of: term for of, term in billing.largest.items() if of != "memory"})
    once = bare.price(asked.amounts)
    if once:
        times = billing.price(asked.amounts) / once
        yield f"memory decides the price: {times:.3g} times that of the {asked.cpus} cores alone"


def _span(low: float, high: float) -> str:
    first, last = format_time(round(low)), format_time(round(high))
    return last if first == last else f"{first} to {last}"


def plan_reasons(site: Site, gate: Gate | None, image: str) -> tuple[str, ...]:
    """What holds for all jobs, a line each."""
    inside = (f"container: jobs compute in {image}",) if image else ()
    return (*inside, *_gate_reasons(site, gate, image))


def _gate_reasons(site: Site, gate: Gate | None, image: str) -> tuple[str, ...]:
    if image and gate is None and not site.python and site.sbatch_from_compute != "no":
        return (
            "no gate jobs: they call Slurm, which is not in the image; with `python:` in the profile, an "
            "interpreter outside of it, there are some; what fails waits for `hpcflow resume`",
        )
    if site.scheduler != "slurm":
        return ("no scheduler: the scripts run one after another",)
    if gate is not None and site.sbatch_from_compute == "unknown":
        how = site.evidence_of("sbatch_from_compute")
        known = "is not known" if how is None else f"is {how.how}"
        return (
            f"gate jobs: that a job may submit jobs here {known}; one that is refused says so in its log",
        )
    if gate is not None:
        many = f"{gate.attempts} attempts" if gate.attempts > 1 else "one attempt"
        return (f"gate jobs: {many} per element before a person is asked",)
    return ("no gate jobs: what fails waits for `hpcflow resume`",)
