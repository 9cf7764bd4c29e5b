"""The plan as jobs: what stages need, packed into the fewest jobs that a site allows. Pure arithmetic."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hpcflow.errors import PlanError, RequestError
from hpcflow.site import Partition, Site, format_memory, format_time
from hpcflow.slurm.schedule import Gate, Job, Schedule

AGENT_MEMORY = 512 * 2**20
"""Bytes of a job that are not its workers': the agent, the shell, what the page cache needs to be useful."""
MEMORY_HEADROOM = 1.25
"""A worker may exceed its planned bound by this factor before it is stopped."""
STARTUP_SECONDS = 30
"""Workers' imports from a shared file system."""
BARRIER_SECONDS = 2
"""Looking at the ledger and waiting for the last worker, per stage."""
TIME_MARGIN = 1.5
SHORT_SECONDS = 180
LONG_SECONDS = 4 * 3600
TIME_STEP = 300
LONGEST_WARNING = 65_535
"""Slurm's limit for ``--signal``."""


@dataclass(frozen=True)
class StageNeed:
    """What a stage asks of a cluster.

    Attributes
    ----------
    name
        The stage's name in the cut.
    blocks
        Number of blocks; they are independent of one another.
    after
        Stages that must be complete before it.
    memory_bytes_per_worker
        Bound of one worker's memory.
    seconds_low, seconds_high
        Expected time of one block on one worker.
    kind
        What the stage is, for the reader: ``ingest``, ``compute``, ``assemble``.
    """

    name: str
    blocks: int
    after: tuple[str, ...]
    memory_bytes_per_worker: int
    seconds_low: float
    seconds_high: float
    kind: str = "compute"


@dataclass(frozen=True)
class Options:
    """What a user may decide in place of the planner.

    Attributes
    ----------
    partition, account
        In place of the site's default partition; the project that pays.
    elements
        Split every stage into this many array elements, also where one job would do.
    wave
        Most elements in the queue at once, below what the site allows.
    workers
        Workers per node, fewer where memory or cores do not allow so many.
    seconds
        Time limit of every block job, in place of the estimate.
    attempts
        How often an element is tried altogether before a gate gives up.
    gates
        Whether gate jobs count receipts and send retries; None leaves it to the site.
    """

    partition: str | None = None
    account: str | None = None
    elements: int | None = None
    wave: int | None = None
    workers: int | None = None
    seconds: int | None = None
    attempts: int = 3
    gates: bool | None = None


@dataclass
class _Shape:
    """A job while it is being packed."""

    stages: list[StageNeed]
    elements: int
    workers: int
    seconds: float
    reasons: list[str] = field(default_factory=list)


def plan_jobs(needs: Sequence[StageNeed], site: Site, options: Options, *, run: str) -> Schedule:
    """Pack the stages of a cut into jobs.

    One job runs every stage where that takes no more than four hours on one node; otherwise each
    long stage becomes an array of single-node elements, in waves below the site's submit limit.

    Parameters
    ----------
    needs
        The stages, each after those it names.
    run
        Eight hexadecimal digits, from `run_token`.

    Raises
    ------
    RequestError
        For options that the site does not know.
    PlanError
        Where a block fits no worker, or no time limit; worst first.
    """
    partition = _partition(site, options)
    _check_order(needs)
    _check_memory(needs, site, partition)
    _check_time(needs, site, partition)
    gated = _gated(site, options)
    room = _room(site.partitions[partition])
    shapes = _pack(needs, site, partition, options, gated, room)
    names = _names([shape.stages for shape in shapes])
    jobs = tuple(
        _job(name, shape, dict(zip(names, shapes, strict=True)), site, partition, options, gated, room)
        for name, shape in zip(names, shapes, strict=True)
    )
    gate = Gate(site.gate_partition, options.attempts) if gated else None
    return Schedule(
        site=site.name,
        slurm=site.slurm,
        run=run,
        account=options.account or "",
        jobs=jobs,
        gate=gate,
        queue=min(room, options.wave + 2) if options.wave else room,
        reasons=_why(site, gated, options),
    )


def _partition(site: Site, options: Options) -> str:
    name = options.partition or site.default_partition
    if name not in site.partitions:
        raise RequestError(
            f"a partition of {site.name} is one of {', '.join(site.partitions)}; {name!r} is none of them"
        )
    if site.account == "required" and not options.account:
        raise RequestError(
            f"{site.name} has no default account, so Slurm would refuse every job; name the project that "
            "pays: --account project_…"
        )
    if options.account is not None and not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", options.account):
        raise RequestError(f"an account is letters, digits, _ . -; {options.account!r} cannot be one")
    for key in ("elements", "wave", "workers", "seconds", "attempts"):
        value = getattr(options, key)
        if value is not None and value < 1:
            raise RequestError(f"{key} must be at least 1; found {value}")
    if options.seconds and options.seconds > site.partitions[name].max_time:
        raise RequestError(
            f"partition {name} allows {format_time(site.partitions[name].max_time)} at most; "
            f"{format_time(options.seconds)} would be refused; ask for less or name another partition"
        )
    return name


def _check_order(needs: Sequence[StageNeed]) -> None:
    seen: set[str] = set()
    for need in needs:
        late = [name for name in need.after if name not in seen]
        if late:
            raise RequestError(f"stage {need.name} comes before {', '.join(late)}, on which it depends")
        seen.add(need.name)


def _worker_memory(need: StageNeed) -> int:
    return int(need.memory_bytes_per_worker * MEMORY_HEADROOM)


def _check_memory(needs: Sequence[StageNeed], site: Site, partition: str) -> None:
    node = site.node_of(partition)
    room = node.memory - AGENT_MEMORY
    over = sorted((n for n in needs if _worker_memory(n) > room), key=_worker_memory, reverse=True)
    if over:
        listed = "; ".join(f"stage {n.name} needs {format_memory(_worker_memory(n))}" for n in over)
        fits = [
            name
            for name in site.partitions
            if site.node_of(name).memory - AGENT_MEMORY >= _worker_memory(over[0])
        ]
        remedy = (
            f"a partition that fits: {', '.join(fits)}" if fits else "no partition fits; use smaller blocks"
        )
        raise PlanError(
            f"one worker must fit a node of partition {partition}, which leaves {format_memory(room)}; "
            f"{listed}, so it would be killed; {remedy}"
        )


def _check_time(needs: Sequence[StageNeed], site: Site, partition: str) -> None:
    limit = site.partitions[partition].max_time
    over = [n for n in needs if n.seconds_high + STARTUP_SECONDS + _warn_seconds([n]) > limit]
    over.sort(key=lambda n: n.seconds_high, reverse=True)
    if over:
        listed = "; ".join(f"stage {n.name} may take {format_time(round(n.seconds_high))}" for n in over)
        raise PlanError(
            f"a block must end within the {format_time(limit)} of partition {partition}, with time to be "
            f"told of the end; {listed} for one block; use smaller blocks or a partition with more time"
        )


def _gated(site: Site, options: Options) -> bool:
    if site.scheduler != "slurm" or options.gates is False:
        return False
    if site.sbatch_from_compute == "no":
        if options.gates:
            raise RequestError(
                f"a gate job submits jobs, and {site.name} lets no job do that; leave gates out"
            )
        return False
    return True


def _room(partition: Partition) -> int:
    """Jobs that a run may have in the queue: the limit less a tenth for the user's own, at least two."""
    if partition.submitted is None:
        return 0
    return max(1, partition.submitted - max(2, partition.submitted // 10))


def _capacity(stages: Sequence[StageNeed], site: Site, partition: str, options: Options) -> int:
    node = site.node_of(partition)
    memory = max(_worker_memory(need) for need in stages)
    most = min(node.cores, (node.memory - AGENT_MEMORY) // max(1, memory))
    return max(1, min(most, options.workers or most))


def _estimate(stages: Sequence[StageNeed], elements: int, workers: int, *, high: bool = True) -> float:
    """Seconds of the longest element."""
    total = float(STARTUP_SECONDS)
    for need in stages:
        share = -(-need.blocks // elements)
        one = need.seconds_high if high else need.seconds_low
        total += BARRIER_SECONDS + -(-share // workers) * one
    return total


def _few_workers(stages: Sequence[StageNeed], elements: int, most: int) -> int:
    """The fewest workers that keep an element short, or, where none do, that are as fast as the most."""
    goal = max(float(SHORT_SECONDS), _estimate(stages, elements, most))
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        if _estimate(stages, elements, middle) <= goal:
            high = middle
        else:
            low = middle + 1
    return low


def _pack(
    needs: Sequence[StageNeed], site: Site, partition: str, options: Options, gated: bool, room: int
) -> list[_Shape]:
    longest = min(LONG_SECONDS, site.partitions[partition].max_time // 2)
    if options.seconds:
        longest = options.seconds
    if options.elements is None and needs:
        most = _capacity(needs, site, partition, options)
        if _estimate(needs, 1, most) <= longest:
            return [
                _shape(list(needs), 1, most, "all stages fit one job: no queueing between stages", options)
            ]
    shapes: list[_Shape] = []
    for need in needs:
        most = _capacity([need], site, partition, options)
        if options.elements is not None:
            elements = max(1, min(options.elements, need.blocks))
            shapes.append(
                _shape([need], elements, most, f"{options.elements} elements were asked for", options)
            )
            continue
        elements = _elements(need, most, longest)
        if not gated and room:
            elements = min(elements, max(1, room // len(needs)))
        why = f"elements of at most {format_time(longest)}" if elements > 1 else "one allocation is enough"
        merged = shapes and elements == 1 and shapes[-1].elements == 1
        if merged and _joins(shapes[-1], need, site, partition, options, longest):
            stages = [*shapes.pop().stages, need]
            most = _capacity(stages, site, partition, options)
            shapes.append(
                _shape(stages, 1, most, "neighbouring stages that fit one allocation share it", options)
            )
        else:
            shapes.append(_shape([need], elements, most, why, options))
    return shapes


def _joins(
    shape: _Shape, need: StageNeed, site: Site, partition: str, options: Options, longest: float
) -> bool:
    """Whether a stage may run after the stages of a job without waiting for anything else."""
    inside = {stage.name for stage in shape.stages}
    known = inside.union(*(stage.after for stage in shape.stages))
    stages = [*shape.stages, need]
    most = _capacity(stages, site, partition, options)
    return (
        bool(inside & set(need.after)) and set(need.after) <= known and _estimate(stages, 1, most) <= longest
    )


def _elements(need: StageNeed, workers: int, longest: float) -> int:
    low, high = 1, max(1, need.blocks)
    while low < high:
        middle = (low + high) // 2
        if _estimate([need], middle, workers) <= longest:
            high = middle
        else:
            low = middle + 1
    return low


def _shape(stages: list[StageNeed], elements: int, most: int, why: str, options: Options) -> _Shape:
    workers = most if options.workers else _few_workers(stages, elements, most)
    return _Shape(stages, elements, workers, _estimate(stages, elements, workers), [why])


def _warn_seconds(stages: Sequence[StageNeed]) -> int:
    return round(2 * max(need.seconds_high for need in stages)) + 60


def _names(groups: Sequence[Sequence[StageNeed]]) -> list[str]:
    """A short name per job, unique, of letters that are safe everywhere."""
    names: list[str] = []
    for group in groups:
        text = "all" if len(groups) == 1 and len(group) > 1 else group[0].name
        base = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:20].strip("-") or "stage"
        name, number = base, 1
        while name in names:
            number += 1
            name = f"{base}-{number}"
        names.append(name)
    return names


def _job(
    name: str,
    shape: _Shape,
    every: dict[str, _Shape],
    site: Site,
    partition: str,
    options: Options,
    gated: bool,
    room: int,
) -> Job:
    node, place = site.node_of(partition), site.partitions[partition]
    inside = {need.name for need in shape.stages}
    upstream = tuple(dict.fromkeys(a for need in shape.stages for a in need.after if a not in inside))
    after = tuple(
        other for other, known in every.items() if any(need.name in upstream for need in known.stages)
    )
    bound = max(need.memory_bytes_per_worker for need in shape.stages)
    whole = place.allocation == "whole"
    asked = int(shape.workers * bound * MEMORY_HEADROOM) + AGENT_MEMORY
    warn = _warn_seconds(shape.stages)
    seconds = options.seconds or _limit(shape.seconds, warn, place.max_time)
    wave = _wave(shape.elements, site, options, gated, room)
    return Job(
        name=name,
        stages=tuple(need.name for need in shape.stages),
        after=after,
        upstream=upstream,
        blocks=max(need.blocks for need in shape.stages),
        elements=shape.elements,
        waves=tuple(_ranges(shape.elements, wave)),
        partition=partition,
        cpus=node.cores if whole else shape.workers,
        workers=shape.workers,
        memory_per_worker=bound,
        memory=node.memory if whole else min(node.memory, -(-asked // 2**26) * 2**26),
        seconds=seconds,
        warn_seconds=min(warn, LONGEST_WARNING, max(seconds // 2, seconds - int(shape.seconds))),
        reasons=tuple(_reasons(shape, site, partition, bound, seconds, wave, options)),
    )


def _limit(expected: float, warn: int, longest: int) -> int:
    asked = int(expected * TIME_MARGIN) + warn + TIME_STEP
    return min(longest, -(-asked // TIME_STEP) * TIME_STEP)


def _wave(elements: int, site: Site, options: Options, gated: bool, room: int) -> int:
    most = site.max_array_index + 1
    if room:
        most = min(most, max(1, room - 2))
    if options.wave and gated:
        most = min(most, options.wave)
    if not gated and elements > most and site.scheduler == "slurm":
        raise PlanError(
            f"without gate jobs all {elements} elements of a stage enter the queue at once, and {site.name} "
            f"leaves room for {most}; ask for fewer elements, or allow gates"
        )
    return min(elements, most) if site.scheduler == "slurm" else elements


def _ranges(elements: int, wave: int) -> Iterator[tuple[int, int]]:
    for start in range(0, elements, wave):
        yield start, min(elements, start + wave)


def _reasons(
    shape: _Shape, site: Site, partition: str, bound: int, seconds: int, wave: int, options: Options
) -> Iterator[str]:
    place, node = site.partitions[partition], site.node_of(partition)
    how = "asked for" if options.partition else f"the default of {site.name}"
    yield (
        f"partition {partition}: {how}; {place.allocation} nodes, {node.cores} cores, "
        f"{format_memory(node.memory)}, at most {format_time(place.max_time)}"
    )
    low = _estimate(shape.stages, shape.elements, shape.workers, high=False)
    for need in shape.stages:
        yield (
            f"stage {need.name} ({need.kind}): {need.blocks} block{'s' * (need.blocks != 1)} of "
            f"{need.seconds_low:.3g} to {need.seconds_high:.3g} s"
        )
    yield f"packing: {shape.reasons[0]}"
    if shape.elements > 1:
        yield f"array: {shape.elements} elements, each a fixed share of the blocks, {wave} to a wave"
    if place.allocation == "whole":
        yield f"workers {shape.workers}; the whole node is allocated and paid for"
    elif options.workers:
        yield f"workers {shape.workers}: {options.workers} were asked for"
    elif _estimate(shape.stages, shape.elements, shape.workers) <= SHORT_SECONDS:
        goal = SHORT_SECONDS // 60
        yield f"workers {shape.workers}: the fewest with which it is expected to end in {goal} minutes"
    else:
        yield f"workers {shape.workers}: with fewer it would take longer, more are of no use or do not fit"
    agent = format_memory(AGENT_MEMORY)
    each = f"{format_memory(bound)} × {MEMORY_HEADROOM} headroom"
    yield f"memory: {shape.workers} × {each}, and {agent} for the agent"
    if options.seconds:
        yield f"time {format_time(seconds)}: asked for; expected {_span(low, shape.seconds)}"
    else:
        yield (
            f"time {format_time(seconds)}: expected {_span(low, shape.seconds)}, × {TIME_MARGIN} margin, "
            "and time to finish blocks when warned"
        )
    cost = _cost(shape, site, partition, bound)
    if cost:
        yield cost


def _cost(shape: _Shape, site: Site, partition: str, bound: int) -> str:
    place, node = site.partitions[partition], site.node_of(partition)
    whole = place.allocation == "whole"
    memory = node.memory if whole else int(shape.workers * bound * MEMORY_HEADROOM) + AGENT_MEMORY
    billed = site.billed(
        partition,
        seconds=shape.seconds * shape.elements,
        cores=node.cores if whole else shape.workers,
        memory=memory,
    )
    if billed is None:
        return ""
    amount = f"{billed.amount:,.0f}" if billed.amount >= 10 else f"{billed.amount:.2g}"
    return f"cost: up to {amount} {billed.unit} at the longest expected time"


def _span(low: float, high: float) -> str:
    first, last = format_time(round(low)), format_time(round(high))
    return last if first == last else f"{first} to {last}"


def _why(site: Site, gated: bool, options: Options) -> tuple[str, ...]:
    if site.scheduler != "slurm":
        return ("no scheduler: the scripts run one after another",)
    if gated and site.sbatch_from_compute == "unknown":
        evidence = site.evidence_of("sbatch_from_compute")
        source = f" ({evidence.source})" if evidence else ""
        return (f"gate jobs: whether a job may submit jobs here is not known{source}",)
    if gated:
        return (f"gate jobs: {options.attempts} attempts per element before a person is asked",)
    return ("no gate jobs: what fails waits for `hpcflow resume`",)
