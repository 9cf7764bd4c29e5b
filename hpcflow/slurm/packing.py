"""Stages into the fewest jobs of one partition. Pure arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpcflow.site import NodeType, Partition, format_time
from hpcflow.slurm.needs import AGENT_MEMORY, Options, StageNeed

STARTUP_SECONDS = 30
"""Workers' imports from a shared file system."""
BARRIER_SECONDS = 2
"""Looking at the ledger and waiting for the last worker, per stage."""
SHORT_SECONDS = 180
LONG_SECONDS = 4 * 3600
HASTY_SECONDS = 1800
"""Length of an array's elements where time is preferred: the least that centres ask for."""


@dataclass(frozen=True)
class Spot:
    """A partition with its node types, that with the least memory first.

    Attributes
    ----------
    room
        Jobs that a run may have in its queue; 0 for no limit.
    gated
        Whether gate jobs send what does not fit the queue at first.
    """

    name: str
    place: Partition
    kinds: tuple[tuple[str, NodeType], ...]
    room: int
    gated: bool

    def node_for(self, stages: Sequence[StageNeed]) -> tuple[str, NodeType]:
        """The smallest node type on which a worker of each stage fits; the largest where none does."""
        most = max((need.worker_memory for need in stages), default=0)
        return next(
            ((name, node) for name, node in self.kinds if self.memory(node) - AGENT_MEMORY >= most),
            self.kinds[-1],
        )

    def memory(self, node: NodeType) -> int:
        """Bytes that one job may have on a node."""
        return min(node.memory, self.place.max_memory or node.memory)

    def cores(self, node: NodeType) -> int:
        """Cores that one job may have on a node."""
        return min(node.cores, self.place.max_cores or node.cores)


@dataclass(frozen=True)
class Shape:
    """A job as it is packed.

    Attributes
    ----------
    seconds, low
        Of the longest element: at the longest and the shortest expected time of blocks.
    why
        The rule that packed it.
    """

    stages: tuple[StageNeed, ...]
    elements: int
    workers: int
    kind: str
    node: NodeType
    seconds: float
    low: float
    why: str


def estimate(stages: Sequence[StageNeed], elements: int, workers: int, *, high: bool = True) -> float:
    """Seconds of the longest element."""
    total = float(STARTUP_SECONDS)
    for need in stages:
        share = -(-need.blocks // elements)
        one = need.seconds_high if high else need.seconds_low
        total += BARRIER_SECONDS + -(-share // workers) * one
    return total


def pack(needs: Sequence[StageNeed], spot: Spot, options: Options) -> list[Shape]:
    """One job for all stages where it is short enough; else an array for each long stage."""
    hasty = options.prefer == "time"
    longest = options.seconds or min(HASTY_SECONDS if hasty else LONG_SECONDS, spot.place.max_time // 2)
    if options.elements is None and needs:
        most = _capacity(needs, spot, options)
        if estimate(needs, 1, most) <= longest:
            why = "all stages fit one job: no queueing between stages"
            return [_shape(needs, 1, most, why, spot, options)]
    shapes: list[Shape] = []
    for need in needs:
        most = _capacity([need], spot, options)
        if options.elements is not None:
            elements = max(1, min(options.elements, need.blocks))
            shapes.append(
                _shape([need], elements, most, f"{options.elements} elements were asked for", spot, options)
            )
            continue
        elements = _elements(need, most, longest)
        if not spot.gated and spot.room:
            elements = min(elements, max(1, spot.room // len(needs)))
        if elements == 1 and shapes and shapes[-1].elements == 1:
            stages = [*shapes[-1].stages, need]
            if _joins(shapes[-1], need, _capacity(stages, spot, options), longest):
                most = _capacity(stages, spot, options)
                why = "neighbouring stages that fit one allocation share it"
                shapes[-1] = _shape(stages, 1, most, why, spot, options)
                continue
        why = f"elements of at most {format_time(longest)}" if elements > 1 else "one allocation is enough"
        shapes.append(_shape([need], elements, most, why, spot, options))
    return shapes


def after(shape: Shape, every: Sequence[Shape]) -> list[Shape]:
    """The jobs on whose stages a job waits."""
    inside = {need.name for need in shape.stages}
    wanted = {name for need in shape.stages for name in need.after} - inside
    return [other for other in every if wanted & {need.name for need in other.stages}]


def makespan(shapes: Sequence[Shape], spot: Spot, *, high: bool = True) -> float:
    """Seconds from the first job's start to the last one's end, were none of them to wait for a node."""
    ends: dict[int, float] = {}
    for shape in shapes:
        begins = max((ends[id(other)] for other in after(shape, shapes) if id(other) in ends), default=0.0)
        at_once = min(shape.elements, spot.place.running or shape.elements, spot.room or shape.elements)
        rounds = -(-shape.elements // max(1, at_once))
        ends[id(shape)] = begins + rounds * (shape.seconds if high else shape.low)
    return max(ends.values(), default=0.0)


def _capacity(stages: Sequence[StageNeed], spot: Spot, options: Options) -> int:
    _, node = spot.node_for(stages)
    memory = max(need.worker_memory for need in stages)
    most = min(spot.cores(node), (spot.memory(node) - AGENT_MEMORY) // max(1, memory))
    return max(1, min(most, options.workers or most))


def _few_workers(stages: Sequence[StageNeed], elements: int, most: int, short: int) -> int:
    """The fewest workers that keep an element short, or, where none do, that are as fast as the most."""
    goal = max(float(short), estimate(stages, elements, most))
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        if estimate(stages, elements, middle) <= goal:
            high = middle
        else:
            low = middle + 1
    return low


def _joins(shape: Shape, need: StageNeed, most: int, longest: float) -> bool:
    """Whether a stage may run after the stages of a job without waiting for anything else."""
    inside = {stage.name for stage in shape.stages}
    known = inside.union(*(stage.after for stage in shape.stages))
    fits = estimate([*shape.stages, need], 1, most) <= longest
    return bool(inside & set(need.after)) and set(need.after) <= known and fits


def _elements(need: StageNeed, workers: int, longest: float) -> int:
    low, high = 1, max(1, need.blocks)
    while low < high:
        middle = (low + high) // 2
        if estimate([need], middle, workers) <= longest:
            high = middle
        else:
            low = middle + 1
    return low


def _shape(
    stages: Sequence[StageNeed], elements: int, most: int, why: str, spot: Spot, options: Options
) -> Shape:
    kind, node = spot.node_for(stages)
    if options.workers or spot.place.allocation == "whole":  # a whole node is paid for, used or not
        workers = most
    else:
        short = 0 if options.prefer == "time" else SHORT_SECONDS
        workers = _few_workers(stages, elements, most, short)
    return Shape(
        stages=tuple(stages),
        elements=elements,
        workers=workers,
        kind=kind,
        node=node,
        seconds=estimate(stages, elements, workers),
        low=estimate(stages, elements, workers, high=False),
        why=why,
    )
