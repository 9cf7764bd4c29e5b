"""A schedule: the jobs of one cut on one site, frozen, and the order in which `sbatch` is called."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from hpcflow.errors import StoreError
from hpcflow.slurm.needs import Form, Options, Prefer

SCHEMA = "hpcflow.schedule/1"


@dataclass(frozen=True)
class JobStep:
    """One `srun` of a job: some of its stages, and the processes that compute them.

    Attributes
    ----------
    form
        An agent with workers of blocks, the same with a GPU for each worker, or ranks.
    processes
        Workers, or ranks over all nodes of the job.
    memory_per_process
        Planned bound in bytes.
    """

    stages: tuple[str, ...]
    form: Form
    processes: int
    memory_per_process: int


@dataclass(frozen=True)
class Job:
    """One batch script: stages computed by allocations, each of a share of their blocks.

    Attributes
    ----------
    name
        Short name in ``a-z 0-9 -``: of the script, and within the job's name.
    stages
        Computed in this order, with a barrier after each.
    after
        Jobs that must have done all their blocks before.
    upstream
        The stages of those jobs.
    elements
        Number of shares; above 1 the job is an array.
    waves
        Half-open ranges of elements that enter the queue together.
    cpus, memory, gpus
        Of one node of an allocation; memory in bytes.
    nodes, seconds
        Of one allocation: more than one node for ranks alone; its time limit.
    workers
        Processes of its largest step.
    steps
        Its `srun` calls, in order; () for one agent that computes all stages.
    ask_memory
        Whether the script says ``--mem``; not where the site fixes memory by cores or nodes.
    warn_seconds
        How long before the end Slurm sends USR1, so that blocks in flight can finish.
    reasons
        Why it is so, one line each.
    """

    name: str
    stages: tuple[str, ...]
    after: tuple[str, ...]
    upstream: tuple[str, ...]
    blocks: int
    elements: int
    waves: tuple[tuple[int, int], ...]
    partition: str
    cpus: int
    workers: int
    memory_per_worker: int
    memory: int
    seconds: int
    warn_seconds: int
    reasons: tuple[str, ...]
    ask_memory: bool = True
    nodes: int = 1
    gpus: int = 0
    steps: tuple[JobStep, ...] = ()

    @property
    def calls(self) -> tuple[JobStep, ...]:
        """Every `srun` of the job."""
        return self.steps or (JobStep(self.stages, "workers", self.workers, self.memory_per_worker),)

    @property
    def amounts(self) -> dict[str, int]:
        """What one allocation is billed for."""
        of_node = {"nodes": 1, "cores": self.cpus, "memory": self.memory, "gpus": self.gpus}
        return {name: self.nodes * amount for name, amount in of_node.items()}


@dataclass(frozen=True)
class Gate:
    """The short job after a wave: counts receipts, sends what is left again, releases what follows."""

    partition: str
    attempts: int
    memory: int = 2**30
    seconds: int = 300
    gpus: int = 0


@dataclass(frozen=True)
class Cost:
    """What one attempt of all jobs of a plan costs in one partition.

    Attributes
    ----------
    unit, pool
        On the site's bill; which part of a grant it is taken from: ``core_hours`` or ``gpu_hours``.
    low, high
        At the shortest and the longest expected time.
    bound
        With every job at its time limit, gate jobs included; each attempt that gates may send again may
        cost as much.
    bound_hours
        The bound in core-hours or GPU-hours.
    """

    unit: str
    pool: str
    low: float
    high: float
    bound: float
    bound_hours: float


@dataclass(frozen=True)
class Alternative:
    """A partition that was looked at.

    Attributes
    ----------
    why
        Why it was chosen or not.
    cost
        None where the plan does not fit, or the price is not known.
    seconds_low, seconds_high
        From the first job's start to the last one's end, expected, if none waits for a node; 0 where the plan
        does not fit.
    """

    partition: str
    chosen: bool
    why: str
    cost: Cost | None = None
    seconds_low: float = 0.0
    seconds_high: float = 0.0


@dataclass(frozen=True)
class Footprint:
    """What a plan uses beside computing time.

    Attributes
    ----------
    kilowatt_hours_low, kilowatt_hours_high
        Electricity of the nodes' shares; None where their power is not known.
    co2_grams_high
        At the user's own factor of the grid; None where none was given.
    area, write_bytes, files
        Storage area for runs, and what the plan leaves there.
    storage_unit, storage_day
        Price of keeping it for a day; "" and 0 where that is free.
    """

    kilowatt_hours_low: float | None = None
    kilowatt_hours_high: float | None = None
    energy_source: str = ""
    co2_grams_high: float | None = None
    area: str = ""
    write_bytes: int = 0
    files: int = 0
    storage_unit: str = ""
    storage_day: float = 0.0


@dataclass(frozen=True)
class Schedule:
    """Everything decided about the jobs of one cut on one site.

    Attributes
    ----------
    site, slurm
        Profile name and version of Slurm; "" where there is none.
    run
        Eight hexadecimal digits that begin the names of all jobs of this run folder.
    account
        Project that pays; "" for the default.
    queue
        Most jobs of this run in the queue at once; 0 for no limit.
    reasons
        What holds for all jobs, one line each.
    alternatives, choice
        Every partition that was looked at, and the same in lines for people.
    footprint
        Energy and storage.
    prefer, budget, workers, attempts
        What the user decided, so that a resumed run is planned the same way; a budget may leave the gate
        fewer attempts.
    container
        Image in which jobs compute; "" for none.
    """

    site: str
    slurm: str
    run: str
    account: str
    jobs: tuple[Job, ...]
    gate: Gate | None
    queue: int
    reasons: tuple[str, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    choice: tuple[str, ...] = ()
    footprint: Footprint = Footprint()
    prefer: Prefer = "cost"
    budget: Mapping[str, float] = field(default_factory=dict)
    workers: int | None = None
    attempts: int = Options.attempts
    container: str = ""
    schema: str = SCHEMA

    @property
    def explained(self) -> tuple[str, ...]:
        """Lines for people: the choice first, then what holds for all jobs."""
        return (*self.choice, *self.reasons)

    @property
    def cost(self) -> Cost | None:
        """What the chosen partition costs, that with the GPUs where there are two; None where not known."""
        return next((found.cost for found in self.alternatives if found.chosen), None)

    @property
    def costs(self) -> tuple[Cost, ...]:
        """What all chosen partitions cost, by partition; () where the price of one is not known."""
        chosen = [found.cost for found in self.alternatives if found.chosen]
        known = [cost for cost in chosen if cost is not None]
        return tuple(known) if len(known) == len(chosen) else ()

    def job(self, name: str) -> Job:
        """The job of that name."""
        return next(job for job in self.jobs if job.name == name)


@dataclass(frozen=True)
class Submission:
    """One call of `sbatch`.

    Attributes
    ----------
    key
        Of the wave: ``<job>-w<number>``; a gate has the key of its wave.
    kind
        ``blocks`` or ``gate``.
    elements
        Elements of the job to compute, () where it is no array.
    after
        ``afterany`` or ``afterok``, and the keys and kinds it names.
    """

    key: str
    kind: Literal["blocks", "gate"]
    job: str
    wave: int
    elements: tuple[int, ...] = ()
    first: int = 0
    after: tuple[tuple[str, str, str], ...] = ()

    @property
    def size(self) -> int:
        """Jobs it puts into the queue."""
        return max(1, len(self.elements))


def run_token(folder: str) -> str:
    """Eight hexadecimal digits for a run folder: two folders of one cut must not share job names."""
    return hashlib.sha256(folder.encode("utf-8", "surrogateescape")).hexdigest()[:8]


def submissions(schedule: Schedule) -> tuple[Submission, ...]:
    """Every call of `sbatch` of an undisturbed run, in order; each depends only on earlier ones."""
    calls: list[Submission] = []
    last: dict[str, tuple[str, str]] = {}
    for job in schedule.jobs:
        for number, (start, stop) in enumerate(job.waves, start=1):
            key = f"{job.name}-w{number}"
            before = [last[job.name]] if job.name in last else [last[name] for name in job.after]
            after = tuple(("afterok", *which) for which in before)
            elements = tuple(range(start, stop)) if job.elements > 1 else ()
            calls.append(Submission(key, "blocks", job.name, number, elements, start, after))
            last[job.name] = (key, "blocks")
            if schedule.gate is not None:
                gate_after = (("afterany", key, "blocks"),)
                calls.append(Submission(key, "gate", job.name, number, after=gate_after))
                last[job.name] = (key, "gate")
    return tuple(calls)


def fitting(schedule: Schedule, calls: Sequence[Submission], queued: int = 0) -> int:
    """How many of `calls`, from the front, may enter the queue now; never a wave without its gate."""
    if not schedule.queue:
        return len(calls)
    count, best = queued, 0
    for position, call in enumerate(calls, start=1):
        count += call.size
        if count > schedule.queue:
            break
        if schedule.gate is None or call.kind == "gate":
            best = position
    return best


def token(schedule: Schedule, epoch: int, call: Submission, attempt: int) -> str:
    """The job's name: by it a job is found again, also where `sbatch` gave no answer."""
    tail = "-gate" if call.kind == "gate" else ""
    return f"hl-{schedule.run}-e{epoch}-{call.key}-a{attempt}{tail}"


def dump_schedule(schedule: Schedule) -> dict[str, Any]:
    """The schedule as plain JSON values."""
    return asdict(schedule)


def load_schedule(values: dict[str, Any]) -> Schedule:
    """The schedule from what `dump_schedule` gave, through JSON.

    Raises
    ------
    StoreError
        Where the format is another one.
    """
    if values.get("schema") != SCHEMA:
        raise StoreError(f"a schedule has format {values.get('schema')!r}, this version reads {SCHEMA!r}")
    try:
        jobs = tuple(_job(job) for job in values["jobs"])
        gate = Gate(**values["gate"]) if values["gate"] else None
        others = tuple(
            Alternative(**{**one, "cost": Cost(**one["cost"]) if one["cost"] else None})
            for one in values.get("alternatives", ())
        )
        used = Footprint(**values.get("footprint", {}))
        made = {"jobs": jobs, "gate": gate, "alternatives": others, "footprint": used}
        return Schedule(**{**_tuples(values), **made})
    except (KeyError, TypeError) as error:
        raise StoreError(f"a schedule is damaged: {error}; compile again") from None


def _job(values: dict[str, Any]) -> Job:
    steps = tuple(JobStep(**_tuples(step)) for step in values.get("steps", ()))
    return Job(**{**_tuples(values), "steps": steps})


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: tuple(tuple(item) if isinstance(item, list) else item for item in value)
        if isinstance(value, list | tuple)
        else value
        for key, value in values.items()
    }
