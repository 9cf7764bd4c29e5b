"""Stages into the fewest jobs of one partition. Pure arithmetic.

A job is a chain of *crews*: each computes some of its stages, one crew after another, by workers, by workers
with a GPU each, or by the ranks of an MPI program (`hpcflow.slurm.needs.Form`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from hpcflow.site import format_time
from hpcflow.slurm.needs import Form, Options, StageNeed
from hpcflow.slurm.spot import Spot, Spots

STARTUP_SECONDS = 30
"""Workers' imports from a shared file system."""
BARRIER_SECONDS = 2
"""Looking at the ledger and waiting for the last worker, per stage."""
SHORT_SECONDS = 180
IDLE_SECONDS = 180
"""Longest time for which a job keeps GPUs or ranks' cores while another crew computes: a job of its own
costs a start, a gate and a wait in the queue, which is no less."""
LONG_SECONDS = 4 * 3600
HASTY_SECONDS = 1800
"""Length of an array's elements where time is preferred: the least that centres ask for."""


@dataclass(frozen=True)
class Crew:
    """The processes of one job step and the stages that they compute.

    Attributes
    ----------
    processes
        Workers of a node, or ranks over all nodes of the job.
    """

    stages: tuple[StageNeed, ...]
    form: Form
    processes: int

    @property
    def bound(self) -> int:
        """Planned bytes of each process."""
        return max(need.bound(self.processes) for need in self.stages)


@dataclass(frozen=True)
class Shape:
    """A job as it is packed.

    Attributes
    ----------
    nodes
        Of one element; above 1 for ranks alone.
    gpus
        Of one node.
    seconds, low
        Of the longest element: at the longest and the shortest expected time of blocks.
    why
        The rule that packed it.
    """

    crews: tuple[Crew, ...]
    elements: int
    spot: Spot
    seconds: float
    low: float
    why: str
    nodes: int = 1

    @property
    def stages(self) -> tuple[StageNeed, ...]:
        """Of all crews, in order."""
        return tuple(need for crew in self.crews for need in crew.stages)

    @property
    def workers(self) -> int:
        """Processes of the largest crew."""
        return max(crew.processes for crew in self.crews)

    @property
    def gpus(self) -> int:
        """Workers with a GPU each, on a node."""
        return max((crew.processes for crew in self.crews if crew.form == "gpus"), default=0)


def estimate(stages: Sequence[StageNeed], elements: int, workers: int, *, high: bool = True) -> float:
    """Seconds of the longest element."""
    total = float(STARTUP_SECONDS)
    for need in stages:
        share = -(-need.blocks // elements)
        total += BARRIER_SECONDS + need.seconds(share, workers, high=high)
    return total


def pack(needs: Sequence[StageNeed], spots: Spots, options: Options) -> list[Shape]:
    """One job for all stages where it is short enough; else an array for each long stage."""
    if options.elements is None and needs:
        one = _one_job(needs, spots, options)
        if one is not None:
            return [one]
    shapes: list[Shape] = []
    for need in needs:
        spot = spots.of(need)
        longest = _longest(spot, options)
        if options.elements is not None:
            elements = max(1, min(options.elements, need.blocks))
            shapes.append(
                _shape([need], elements, f"{options.elements} elements were asked for", spot, options)
            )
            continue
        elements = _elements(need, most_processes([need], spot, options), longest)
        if not spot.gated and spot.room:
            elements = min(elements, max(1, spot.room // len(needs)))
        if elements == 1 and shapes and _joins(shapes[-1], need, spot, options):
            stages = [*shapes[-1].stages, need]
            why = "neighbouring stages that fit one allocation share it"
            shapes[-1] = _shape(stages, 1, why, spot, options)
            continue
        why = f"elements of at most {format_time(longest)}" if elements > 1 else "one allocation is enough"
        shapes.append(_shape([need], elements, why, spot, options))
    return shapes


def after(shape: Shape, every: Sequence[Shape]) -> list[Shape]:
    """The jobs on whose stages a job waits."""
    inside = {need.name for need in shape.stages}
    wanted = {name for need in shape.stages for name in need.after} - inside
    return [other for other in every if wanted & {need.name for need in other.stages}]


def makespan(shapes: Sequence[Shape], *, high: bool = True) -> float:
    """Seconds from the first job's start to the last one's end, were none of them to wait for a node."""
    ends: dict[int, float] = {}
    for shape in shapes:
        spot = shape.spot
        begins = max((ends[id(other)] for other in after(shape, shapes) if id(other) in ends), default=0.0)
        at_once = min(shape.elements, spot.place.running or shape.elements, spot.room or shape.elements)
        rounds = -(-shape.elements // max(1, at_once))
        ends[id(shape)] = begins + rounds * (shape.seconds if high else shape.low)
    return max(ends.values(), default=0.0)


def most_processes(stages: Sequence[StageNeed], spot: Spot, options: Options) -> int:
    """Most processes of a crew that are of use: of one node, or, for ranks, of so many as they need."""
    if stages[0].form == "ranks":
        nodes = nodes_of_ranks(stages, spot, options)
        return nodes * spot.ranks(stages, nodes, options)
    return spot.workers(stages, options)


def nodes_of_ranks(stages: Sequence[StageNeed], spot: Spot, options: Options) -> int:
    """Fewest nodes on whose memory ranks fit and one block of each stage ends in time; the most there are
    where it does not."""
    longest = _longest(spot, options)
    nodes = spot.place.min_nodes
    while nodes < spot.place.max_nodes:
        ranks = nodes * spot.ranks(stages, nodes, options)
        took = STARTUP_SECONDS + max((need.seconds(1, ranks) for need in stages), default=0.0) if ranks else 0
        if ranks and took <= longest:
            break
        nodes += 1
    return nodes


def _longest(spot: Spot, options: Options) -> int:
    hasty = options.prefer == "time"
    return options.seconds or min(HASTY_SECONDS if hasty else LONG_SECONDS, spot.place.max_time // 2)


def _one_job(needs: Sequence[StageNeed], spots: Spots, options: Options) -> Shape | None:
    """All stages in one job, where they are short enough and no crew keeps much idle."""
    spot = spots.of(needs[0])
    if any(spots.of(need) is not spot for need in needs):
        return None
    why = "all stages fit one job: no queueing between stages"
    if len({need.form for need in needs}) == 1:
        if estimate(needs, 1, most_processes(needs, spot, options)) > _longest(spot, options):
            return None
        return _shape(needs, 1, why, spot, options)
    shape = _mixed(needs, why, spot, options)
    plain = [crew for crew in shape.crews if crew.form == "workers"]
    idle = sum(estimate(crew.stages, 1, crew.processes) for crew in plain)
    if shape.nodes > 1 or idle > IDLE_SECONDS or shape.seconds > _longest(spot, options):
        return None
    return shape


def _mixed(needs: Sequence[StageNeed], why: str, spot: Spot, options: Options) -> Shape:
    """One job with a crew for each run of stages of one form; workers use the cores beside the GPUs."""
    runs = [tuple(run) for _, run in groupby(needs, key=lambda need: need.form)]
    nodes, crews = 1, []
    for stages in runs:
        if stages[0].form == "ranks":
            nodes = max(nodes, nodes_of_ranks(stages, spot, options))
        crews.append(Crew(stages, stages[0].form, _processes(stages, 1, spot, options)))
    gpus = max((crew.processes for crew in crews if crew.form == "gpus"), default=0)
    if gpus:
        for place, crew in enumerate(crews):
            if crew.form == "workers":
                most = spot.beside(crew.stages, gpus, options)
                if spot.place.allocation == "shared" and not options.workers:
                    most = _few_workers(crew.stages, 1, most, _short(options))
                crews[place] = Crew(crew.stages, crew.form, most)
    seconds, low = (
        sum(estimate(crew.stages, 1, crew.processes, high=high) for crew in crews) for high in (True, False)
    )
    return Shape(tuple(crews), 1, spot, seconds, low, why, nodes)


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


def _joins(shape: Shape, need: StageNeed, spot: Spot, options: Options) -> bool:
    """Whether a stage may run after the stages of a job without waiting for anything else."""
    if shape.elements > 1 or shape.spot is not spot or {one.form for one in shape.stages} != {need.form}:
        return False
    stages = [*shape.stages, need]
    inside = {stage.name for stage in shape.stages}
    known = inside.union(*(stage.after for stage in shape.stages))
    fits = estimate(stages, 1, most_processes(stages, spot, options)) <= _longest(spot, options)
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


def _short(options: Options) -> int:
    return 0 if options.prefer == "time" else SHORT_SECONDS


def _processes(stages: Sequence[StageNeed], elements: int, spot: Spot, options: Options) -> int:
    most = most_processes(stages, spot, options)
    if options.workers or spot.place.allocation == "whole":  # a whole node is paid for, used or not
        return most
    if stages[0].form == "ranks" and nodes_of_ranks(stages, spot, options) > 1:
        return most
    return _few_workers(stages, elements, most, _short(options))


def _shape(stages: Sequence[StageNeed], elements: int, why: str, spot: Spot, options: Options) -> Shape:
    processes = _processes(stages, elements, spot, options)
    form = stages[0].form
    return Shape(
        crews=(Crew(tuple(stages), form, processes),),
        elements=elements,
        spot=spot,
        seconds=estimate(stages, elements, processes),
        low=estimate(stages, elements, processes, high=False),
        why=why,
        nodes=nodes_of_ranks(stages, spot, options) if form == "ranks" else 1,
    )
