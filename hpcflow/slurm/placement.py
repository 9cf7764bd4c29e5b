"""Where a plan runs: every partition of a site tried, one taken, and why the others are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpcflow.site import Bill, Partition, Site, format_memory, format_time
from hpcflow.slurm.needs import AGENT_MEMORY, MEMORY_HEADROOM, Options, StageNeed
from hpcflow.slurm.packing import STARTUP_SECONDS, Shape, Spot, makespan, pack
from hpcflow.slurm.schedule import Cost, Gate

TIME_MARGIN = 1.5
TIME_STEP = 300


@dataclass(frozen=True)
class Request:
    """What one job of a shape asks a partition for, and at most how long."""

    cpus: int
    memory: int
    seconds: int
    warn: int


@dataclass(frozen=True)
class Fit:
    """A plan packed for a partition.

    Attributes
    ----------
    refusal
        Why the plan cannot run there; "" where it can.
    """

    spot: Spot
    shapes: tuple[Shape, ...] = ()
    cost: Cost | None = None
    seconds_low: float = 0.0
    seconds_high: float = 0.0
    refusal: str = ""


def spot_of(site: Site, name: str, gated: bool) -> Spot:
    """A partition as packing sees it."""
    place = site.partitions[name]
    return Spot(name, place, tuple(site.nodes_of(name)), _room(place), gated)


def _room(partition: Partition) -> int:
    """Jobs that a run may have in the queue: the limit less a tenth for the user's own, at least two."""
    if partition.submitted is None:
        return 0
    return max(1, partition.submitted - max(2, partition.submitted // 10))


def wave_size(elements: int, site: Site, spot: Spot, options: Options) -> int:
    """Elements of an array that enter the queue together, beside the gate after them and one more job."""
    if site.scheduler != "slurm":
        return elements
    most = site.max_array_index + 1
    if spot.room:
        most = min(most, max(1, spot.room - 2))
    if options.wave and spot.gated:
        most = min(most, options.wave)
    return min(elements, most)


def warn_seconds(stages: Sequence[StageNeed]) -> int:
    """How long before its end a job is warned: twice its longest block, and a minute."""
    return round(2 * max(need.seconds_high for need in stages)) + 60


def request(shape: Shape, spot: Spot, options: Options) -> Request:
    """What a job of that shape asks for."""
    node, place = shape.node, spot.place
    bound = max(need.memory_bytes_per_worker for need in shape.stages)
    memory = _job_memory(shape.workers, bound)
    cpus = shape.workers
    if place.allocation == "whole":
        cpus, memory = node.cores, node.memory
    elif place.memory == "cores":  # memory comes with the cores, so as many are asked for as it needs
        each = node.memory // node.cores
        cpus = min(spot.cores(node), max(cpus, -(-memory // each)))
        memory = cpus * each
    else:
        memory = min(spot.memory(node), -(-memory // 2**26) * 2**26)
    warn = warn_seconds(shape.stages)
    seconds = options.seconds or _limit(shape.seconds, warn, place.max_time)
    return Request(cpus, memory, seconds, warn)


def _job_memory(workers: int, bound: int) -> int:
    return int(workers * bound * MEMORY_HEADROOM) + AGENT_MEMORY


def _limit(expected: float, warn: int, longest: int) -> int:
    asked = int(expected * TIME_MARGIN) + warn + TIME_STEP
    return min(longest, -(-asked // TIME_STEP) * TIME_STEP)


def amounts(asked: Request) -> dict[str, int]:
    """What a job of one node is billed for."""
    return {"nodes": 1, "cores": asked.cpus, "memory": asked.memory}


def fit(needs: Sequence[StageNeed], site: Site, spot: Spot, options: Options, gate: Gate | None) -> Fit:
    """Pack a plan for a partition, with its cost and time; or why it cannot run there."""
    refusal = gpu_refusal(spot) or memory_refusal(needs, spot) or time_refusal(needs, spot, options)
    if refusal:
        return Fit(spot, refusal=refusal)
    shapes = tuple(pack(needs, spot, options)) if needs else ()
    return Fit(
        spot,
        shapes,
        _cost(shapes, site, spot, options, gate),
        makespan(shapes, spot, high=False),
        makespan(shapes, spot),
    )


def gpu_refusal(spot: Spot) -> str:
    """Why jobs without a GPU cannot run there; "" where they can."""
    if spot.place.memory != "gpus":
        return ""
    return f"a job of partition {spot.name} asks for GPUs, and no step of this plan uses one"


def memory_refusal(needs: Sequence[StageNeed], spot: Spot) -> str:
    """Why a worker does not fit a node, the worst stage first; "" where all do."""
    room = spot.memory(spot.kinds[-1][1]) - AGENT_MEMORY
    over = sorted((n for n in needs if n.worker_memory > room), key=lambda n: n.worker_memory, reverse=True)
    if not over:
        return ""
    listed = "; ".join(f"stage {n.name} needs {format_memory(n.worker_memory)}" for n in over)
    return (
        f"one worker must fit a node of partition {spot.name}, which leaves {format_memory(room)}; {listed}, "
        "so it would be killed"
    )


def time_refusal(needs: Sequence[StageNeed], spot: Spot, options: Options) -> str:
    """Why a block does not end in time, the worst stage first; "" where all do."""
    limit = spot.place.max_time
    if options.seconds and options.seconds > limit:
        return (
            f"partition {spot.name} allows {format_time(limit)} at most, not {format_time(options.seconds)}"
        )
    over = [n for n in needs if n.seconds_high + STARTUP_SECONDS + warn_seconds([n]) > limit]
    over.sort(key=lambda n: n.seconds_high, reverse=True)
    if not over:
        return ""
    listed = "; ".join(f"stage {n.name} may take {format_time(round(n.seconds_high))}" for n in over)
    return (
        f"a block must end within the {format_time(limit)} of partition {spot.name}, with time to be told of "
        f"the end; {listed} for one block"
    )


def _cost(
    shapes: Sequence[Shape], site: Site, spot: Spot, options: Options, gate: Gate | None
) -> Cost | None:
    low: list[Bill] = []
    high: list[Bill] = []
    bound: list[Bill] = []
    for shape in shapes:
        asked = request(shape, spot, options)
        for bills, seconds in ((low, shape.low), (high, shape.seconds), (bound, float(asked.seconds))):
            billed = site.billed(spot.name, seconds=seconds * shape.elements, **amounts(asked))
            if billed is None:
                return None
            bills.append(billed)
    if not bound:
        return None
    waves = sum(-(-one.elements // wave_size(one.elements, site, spot, options)) for one in shapes)
    extra = _gates(site, gate, waves)
    same = [one for one in extra if (one.unit, one.pool) == (bound[0].unit, bound[0].pool)]
    return Cost(
        unit=bound[0].unit,
        pool=bound[0].pool,
        low=sum(one.amount for one in low),
        high=sum(one.amount for one in high),
        bound=sum(one.amount for one in (*bound, *same)),
        bound_hours=sum(one.hours for one in (*bound, *same)),
    )


def _gates(site: Site, gate: Gate | None, waves: int) -> list[Bill]:
    if gate is None:
        return []
    billed = site.billed(gate.partition, seconds=float(gate.seconds * waves), cores=1, memory=gate.memory)
    return [] if billed is None else [billed]
