"""What stages ask of a cluster, and what a user decides in place of the planner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

AGENT_MEMORY = 512 * 2**20
"""Bytes of a job that are not its workers': the agent, the shell, what the page cache needs to be useful."""
MEMORY_HEADROOM = 1.25
"""A worker may exceed its planned bound by this factor before it is stopped."""

RANK_EFFICIENCY = 0.5
"""Assumed at the longest expected time: a stage on R ranks takes 1 / (R × this) of its time on one."""

Prefer = Literal["cost", "time"]
Form = Literal["workers", "gpus", "ranks"]
"""What computes a stage: workers, each with blocks of its own; such workers with a GPU each; or the ranks of
one MPI program, which compute block after block together."""


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
    form
        What computes it.
    shared_bytes
        With ranks: the part of the memory that they divide among themselves; each holds all of the rest.
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
    form: Form = "workers"
    shared_bytes: int = 0

    @property
    def worker_memory(self) -> int:
        """Bytes that a worker is given."""
        return int(self.memory_bytes_per_worker * MEMORY_HEADROOM)

    def bound(self, processes: int) -> int:
        """Bound in bytes of each of so many processes.

        >>> StageNeed("s", 1, (), 900, 1.0, 1.0, form="ranks", shared_bytes=800).bound(4)
        300
        """
        return self.memory_bytes_per_worker - self.shared_bytes + -(-self.shared_bytes // processes)

    def seconds(self, blocks: int, processes: int, *, high: bool = True) -> float:
        """Expected time of so many blocks on so many processes.

        >>> need = StageNeed("s", 8, (), 1, 2.0, 4.0)
        >>> need.seconds(8, 3), need.seconds(8, 3, high=False)
        (12.0, 6.0)
        """
        one = self.seconds_high if high else self.seconds_low
        if self.form == "ranks":
            return blocks * one / max(1.0, processes * (RANK_EFFICIENCY if high else 1.0))
        return -(-blocks // processes) * one


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
