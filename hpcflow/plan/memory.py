"""Upper bounds of what one worker needs, and the refusal of a plan that would not fit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hpcflow.errors import PlanError
from hpcflow.plan.model import Cut, StagePlan

BASE = 320 << 20
"""Interpreter, NumPy, SciPy, Numba and Zarr in one process: 100 to 240 MiB were measured on small data."""

LIBRARY = 2 << 30
"""An array library and a GPU's driver in a process: assumed. PyTorch for processors takes 0.2 GiB."""

ARRAY_COPIES = 64
"""Of its input that an array kernel may have at once: overlapping frames and their transforms."""

FLUSH = 16 << 20
"""Outputs a worker holds back before it commits them (`hpcflow.run.commit`)."""

LOOKED_AT = 4096
"""Records looked at one by one for the one that needs most; beyond them the plain bound is taken."""


@dataclass(frozen=True)
class Call:
    """What one kernel asks of memory: bytes per sample, and how many samples of a record it works on."""

    bytes_per_sample: float
    most: Callable[[int], int]


def tiles_bound(tile: int, reach: int, bytes_per_sample: float, block_rows: float) -> int:
    """Bound for a stage that streams tiles: a tile's arithmetic, and the rows (bytes) that a block keeps.

    Rows stand in memory twice while a block's pieces are joined; the third is what allocators keep.
    """
    return int(BASE + FLUSH + (tile + 2 * reach) * (16 + bytes_per_sample) + 3 * block_rows)


def records_bound(working_set: int, block_rows: float) -> int:
    """Bound for a stage on whole records: what one record needs at most, and the rows (bytes) of a block."""
    return int(BASE + FLUSH + working_set + 4 * block_rows)


def working_set(order: Sequence[int], size: Sequence[int], itemsize: float, calls: Sequence[Call]) -> int:
    """Bytes that the record needing most takes in a worker.

    Parameters
    ----------
    order
        Records, longest first.
    size
        Samples of each record.
    itemsize
        Bytes of one sample over all variables that are read; a record is held once and copied once.
    calls
        For each kernel of the stage: bytes per sample, and the samples of a record that it works on.
    """
    full = 2 * itemsize + max((c.bytes_per_sample for c in calls), default=0.0)
    best = 0.0
    for looked, record in enumerate(order):
        samples = size[record]
        if samples * full <= best:
            break
        if looked >= LOOKED_AT:
            return int(samples * full)
        work = max((c.bytes_per_sample * min(samples, c.most(record)) for c in calls), default=0.0)
        best = max(best, 2 * itemsize * samples + work)
    return int(best)


def rank_bytes(stage: StagePlan, ranks: int) -> int:
    """Bound of one of so many ranks of a collective stage, each a process of its own.

    >>> stage = StagePlan("fft", "collective", 1, (), "x", memory_bytes=1000, shared_bytes=600)
    >>> [rank_bytes(stage, ranks) for ranks in (1, 2, 3)]
    [1000, 700, 600]
    """
    return stage.memory_bytes - stage.shared_bytes + -(-stage.shared_bytes // ranks)


def threads_bytes(stage: StagePlan, ranks: int) -> int:
    """Bound of a process whose threads are the ranks of a collective stage: the libraries are there once."""
    return BASE + ranks * (rank_bytes(stage, ranks) - BASE)


def machine_bytes(stage: StagePlan, workers: int) -> int:
    """Bound of a stage on one machine: of so many processes, or of one whose threads are so many ranks."""
    return threads_bytes(stage, workers) if stage.kind == "collective" else workers * stage.memory_bytes


def ingest_bound(shard: int, itemsize: float, read_bytes: int) -> int:
    """Bound for ingest: one shard in memory, encoded once, and what reading a record's part of it takes."""
    return int(BASE + shard * itemsize * 2.5 + read_bytes)


def assemble_bound(shard_rows: int, row_bytes: float) -> int:
    """Bound for assembling one shard of every field of a step."""
    return int(BASE + FLUSH + shard_rows * row_bytes * 3)


def check_memory(cut: Cut, available: int, what: str, workers: int = 1) -> None:
    """Refuse a cut that needs more than so many workers have together.

    Raises
    ------
    PlanError
        Naming the stages that do not fit, the worst first, and what would help.
    """
    needs = [(machine_bytes(s, workers), s) for s in cut.stages]
    over = sorted((n for n in needs if n[0] > available), key=lambda n: -n[0])
    if not over:
        return
    lines = [
        f"stage {s.name} needs up to {need / workers / 2**20:,.0f} MiB a worker, "
        f"{what} has {available / workers / 2**20:,.0f} MiB"
        for need, s in over
    ]
    worst = over[0][1]
    remedy = (
        "fewer workers, or split the longest recordings"
        if worst.kind in ("records", "collective")
        else "fewer workers, or a shorter window or wider band (the halo and frame set the tile)"
    )
    raise PlanError("\n".join(lines) + f"\n    fix: {remedy}")
