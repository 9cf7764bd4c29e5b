"""What stages ask of a cluster, and what a user decides in place of the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

AGENT_MEMORY = 512 * 2**20
"""Bytes of a job that are not its workers': the agent, the shell, what the page cache needs to be useful."""
MEMORY_HEADROOM = 1.25
"""A worker may exceed its planned bound by this factor before it is stopped."""

Prefer = Literal["cost", "time"]


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
    write_bytes, files
        What it leaves on disk.
    """

    name: str
    blocks: int
    after: tuple[str, ...]
    memory_bytes_per_worker: int
    seconds_low: float
    seconds_high: float
    kind: str = "compute"
    write_bytes: int = 0
    files: int = 0

    @property
    def worker_memory(self) -> int:
        """Bytes that a worker is given."""
        return int(self.memory_bytes_per_worker * MEMORY_HEADROOM)


@dataclass(frozen=True)
class Options:
    """What a user may decide in place of the planner.

    Attributes
    ----------
    partition, account
        In place of the planner's choice; the project that pays.
    container
        Image in which jobs compute, in place of the profile's.
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
    prefer
        ``cost``: the cheapest partition, and the fewest jobs and workers that lose little time; ``time``: the
        earliest end once jobs have started.
    budget
        Most ``core_hours`` and ``gpu_hours`` of all jobs at their time limits. A plan of which one attempt is
        above it is refused; gates try no more often than it covers.
    grid
        Grams of CO2 per kWh of the grid, where the user wants emissions; no site publishes one.
    """

    partition: str | None = None
    container: str | None = None
    account: str | None = None
    elements: int | None = None
    wave: int | None = None
    workers: int | None = None
    seconds: int | None = None
    attempts: int = 3
    gates: bool | None = None
    prefer: Prefer = "cost"
    budget: Mapping[str, float] = field(default_factory=dict)
    grid: float | None = None
