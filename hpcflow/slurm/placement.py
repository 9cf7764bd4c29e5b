"""Where a plan runs: what its jobs ask of a partition, what that costs, or why they cannot run there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpcflow.site import Bill, NodeType, Partition, Site, format_memory, format_time
from hpcflow.slurm.needs import AGENT_MEMORY, MEMORY_HEADROOM, Options, StageNeed
from hpcflow.slurm.packing import STARTUP_SECONDS, Crew, Shape, makespan, most_processes, pack
from hpcflow.slurm.schedule import Cost, Gate
from hpcflow.slurm.spot import Spot, Spots

TIME_MARGIN = 1.5
TIME_STEP = 300


@dataclass(frozen=True)
class Request:
    """What one job of a shape asks a partition for, and at most how long.

    Attributes
    ----------
    cpus, memory, gpus
        Of each node.
    """

    cpus: int
    memory: int
    seconds: int
    warn: int
    nodes: int = 1
    gpus: int = 0

    @property
    def amounts(self) -> dict[str, int]:
        """What it is billed for, over all its nodes."""
        nodes = self.nodes
        return {
            "nodes": nodes,
            "cores": nodes * self.cpus,
            "memory": nodes * self.memory,
            "gpus": nodes * self.gpus,
        }


@dataclass(frozen=True)
class Fit:
    """A plan, or a part of one, packed for a partition.

    Attributes
    ----------
    refusal
        Why it cannot run there; "" where it can.
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


def warn_seconds(crews: Sequence[Crew]) -> int:
    """How long before its end a job is warned: twice its longest block, and a minute."""
    return round(2 * max(need.seconds(1, c.processes) for c in crews for need in c.stages)) + 60


def request(shape: Shape, options: Options) -> Request:
    """What a job of that shape asks for."""
    spot = shape.spot
    (_, node), place = spot.node_for(shape.stages), spot.place
    asked = [_crew_request(crew, shape.nodes, spot, node) for crew in shape.crews]
    cpus, memory = max(cpus for cpus, _ in asked), max(memory for _, memory in asked)
    gpus = shape.gpus
    if place.allocation == "whole":
        cpus, memory = node.cores, node.memory
        gpus = node.gpus if gpus else 0
    elif place.memory == "cores":  # memory comes with the cores, so as many are asked for as it needs
        each = node.memory // node.cores
        cpus = min(spot.cores(node), max(cpus, -(-memory // each)))
        memory = cpus * each
    elif gpus or place.memory == "gpus":  # GPUs decide the price if no more is asked for than goes with them
        share = spot.share(node)
        gpus = max(gpus, -(-cpus // share.cores), -(-memory // share.memory), place.min_gpus or 0)
        gpus = min(gpus, spot.gpus(node))
        cpus = max(cpus, min(spot.cores(node), gpus * share.cores))
        memory = gpus * share.memory if place.memory == "gpus" else _asked_memory(memory, spot, node)
    else:
        memory = _asked_memory(memory, spot, node)
    warn = warn_seconds(shape.crews)
    seconds = options.seconds or _limit(shape.seconds, warn, place.max_time)
    return Request(cpus, memory, seconds, warn, shape.nodes, gpus)


def _crew_request(crew: Crew, nodes: int, spot: Spot, node: NodeType) -> tuple[int, int]:
    """Cores and bytes of a node for a crew."""
    of_node = -(-crew.processes // nodes)
    cores = of_node * spot.share(node).cores if crew.form == "gpus" else of_node
    return min(cores, spot.cores(node)), _job_memory(of_node, crew.bound)


def _asked_memory(memory: int, spot: Spot, node: NodeType) -> int:
    return min(spot.memory(node), -(-memory // 2**26) * 2**26)


def _job_memory(workers: int, bound: int) -> int:
    return int(workers * bound * MEMORY_HEADROOM) + AGENT_MEMORY


def _limit(expected: float, warn: int, longest: int) -> int:
    asked = int(expected * TIME_MARGIN) + warn + TIME_STEP
    return min(longest, -(-asked // TIME_STEP) * TIME_STEP)


def fit(needs: Sequence[StageNeed], site: Site, spot: Spot, options: Options, gate: Gate | None) -> Fit:
    """Pack a plan for a partition, with its cost and time; or why it cannot run there."""
    refusal = gpu_refusal(needs, spot) or memory_refusal(needs, spot) or time_refusal(needs, spot, options)
    if refusal:
        return Fit(spot, refusal=refusal)
    shapes = tuple(pack(needs, Spots(spot, spot), options)) if needs else ()
    return packed(shapes, spot, site, options, gate)


def packed(
    shapes: tuple[Shape, ...],
    spot: Spot,
    site: Site,
    options: Options,
    gate: Gate | None,
    *,
    gated: Sequence[Shape] = (),
) -> Fit:
    """Jobs in one partition with their cost and time.

    Parameters
    ----------
    gated
        Jobs whose gates count, if those take from the same pool; by default these alone.
    """
    extra = _gates(gated or shapes, site, options, gate_at(site, spot.name, gate))
    cost = _cost(shapes, site, spot, options, extra)
    return Fit(spot, shapes, cost, makespan(shapes, high=False), makespan(shapes))


def gate_at(site: Site, partition: str, gate: Gate | None) -> Gate | None:
    """The gate beside jobs of a partition: where another architecture is, the programs of those jobs do not
    run, so the gate goes where they do, with one GPU where nothing less is given."""
    if gate is None or not site.login:
        return gate
    node, place = site.node_of(partition), site.partitions[partition]
    if node.architecture == site.node_of(gate.partition).architecture:
        return gate
    return replace(gate, partition=partition, gpus=1 if place.memory == "gpus" else 0)


def gpu_refusal(needs: Sequence[StageNeed], spot: Spot) -> str:
    """Why a partition with GPUs or without is the wrong one; "" where it is not."""
    wanting = [need.name for need in needs if need.form == "gpus"]
    if wanting and not spot.kinds[0][1].gpus:
        return f"a stage on GPUs needs some; partition {spot.name} has none for {', '.join(wanting)}"
    if wanting or spot.place.memory != "gpus":
        return ""
    return f"a job of partition {spot.name} asks for GPUs, and no step of this plan uses one"


def memory_refusal(needs: Sequence[StageNeed], spot: Spot) -> str:
    """Why a worker does not fit a node, the worst stage first; "" where all do."""
    room = spot.memory(spot.kinds[-1][1]) - AGENT_MEMORY
    least = {need.name: _least_memory(need, spot) for need in needs}
    over = sorted((name for name in least if least[name] > room), key=lambda name: -least[name])
    if not over:
        return ""
    listed = "; ".join(f"stage {name} needs {format_memory(least[name])}" for name in over)
    return (
        f"one worker must fit a node of partition {spot.name}, which leaves {format_memory(room)}; {listed}, "
        "so it would be killed"
    )


def _least_memory(need: StageNeed, spot: Spot) -> int:
    """Bytes of a node for one process, with the record divided among as many nodes as there may be."""
    return int(need.bound(spot.place.max_nodes if need.form == "ranks" else 1) * MEMORY_HEADROOM)


def time_refusal(needs: Sequence[StageNeed], spot: Spot, options: Options) -> str:
    """Why a block does not end in time, the worst stage first; "" where all do."""
    limit = spot.place.max_time
    if options.seconds and options.seconds > limit:
        return (
            f"partition {spot.name} allows {format_time(limit)} at most, not {format_time(options.seconds)}"
        )
    longest = {need.name: need.seconds(1, _most(need, spot, options)) for need in needs}
    over = [name for name, one in longest.items() if one + STARTUP_SECONDS + round(2 * one) + 60 > limit]
    over.sort(key=lambda name: -longest[name])
    if not over:
        return ""
    listed = "; ".join(f"stage {name} may take {format_time(round(longest[name]))}" for name in over)
    return (
        f"a block must end within the {format_time(limit)} of partition {spot.name}, with time to be told of "
        f"the end; {listed} for one block"
    )


def _most(need: StageNeed, spot: Spot, options: Options) -> int:
    return max(1, most_processes([need], spot, options)) if need.form == "ranks" else 1


def _cost(
    shapes: Sequence[Shape], site: Site, spot: Spot, options: Options, extra: Sequence[Bill]
) -> Cost | None:
    low: list[Bill] = []
    high: list[Bill] = []
    bound: list[Bill] = []
    for shape in shapes:
        asked = request(shape, options)
        for bills, seconds in ((low, shape.low), (high, shape.seconds), (bound, float(asked.seconds))):
            billed = site.billed(spot.name, seconds=seconds * shape.elements, **asked.amounts)
            if billed is None:
                return None
            bills.append(billed)
    if not bound:
        return None
    same = [one for one in extra if (one.unit, one.pool) == (bound[0].unit, bound[0].pool)]
    return Cost(
        unit=bound[0].unit,
        pool=bound[0].pool,
        low=sum(one.amount for one in low),
        high=sum(one.amount for one in high),
        bound=sum(one.amount for one in (*bound, *same)),
        bound_hours=sum(one.hours for one in (*bound, *same)),
    )


def _gates(shapes: Sequence[Shape], site: Site, options: Options, gate: Gate | None) -> list[Bill]:
    if gate is None:
        return []
    waves = sum(-(-one.elements // wave_size(one.elements, site, one.spot, options)) for one in shapes)
    billed = gate_bill(site, gate, float(gate.seconds * waves))
    return [] if billed is None else [billed]


def gate_bill(site: Site, gate: Gate, seconds: float) -> Bill | None:
    """What gate jobs of so many seconds cost; None where that is not known."""
    if gate.partition not in site.partitions:
        return None
    return site.billed(gate.partition, seconds=seconds, cores=1, memory=gate.memory, gpus=gate.gpus)
