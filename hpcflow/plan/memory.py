"""Upper bounds of what one worker needs, and the refusal of a plan that would not fit."""

from __future__ import annotations

from hpcflow.errors import PlanError
from hpcflow.plan.model import Cut

BASE = 320 << 20
"""Interpreter, NumPy, SciPy, Numba and Zarr in one process: 100 to 240 MiB were measured on small data."""

FLUSH = 64 << 20
"""Outputs a worker holds back before it commits them (`hpcflow.run.commit`)."""


def tiles_bound(tile: int, reach: int, bytes_per_sample: float, row_bytes_per_tile: float) -> int:
    """Bound for a stage that streams tiles: it grows with the tile, not with the block."""
    return int(BASE + FLUSH + (tile + 2 * reach) * (16 + bytes_per_sample) + 4 * row_bytes_per_tile)


def records_bound(largest: int, itemsize: float, bytes_per_sample: float, row_bytes: float) -> int:
    """Bound for a stage on whole records: the largest one decides."""
    return int(BASE + FLUSH + largest * (2 * itemsize + bytes_per_sample) + 4 * row_bytes)


def ingest_bound(shard: int, itemsize: float, largest_record: int) -> int:
    """Bound for ingest: one shard in memory, encoded once, and the file's record it is read from."""
    return int(BASE + shard * itemsize * 2.5 + largest_record * itemsize * 3)


def assemble_bound(shard_rows: int, row_bytes: float) -> int:
    """Bound for assembling one shard of every field of a step."""
    return int(BASE + FLUSH + shard_rows * row_bytes * 3)


def check_memory(cut: Cut, available: int, what: str) -> None:
    """Refuse a cut that needs more than a worker has.

    Raises
    ------
    PlanError
        Naming the stages that do not fit, the worst first, and what would help.
    """
    over = sorted((s for s in cut.stages if s.memory_bytes > available), key=lambda s: -s.memory_bytes)
    if not over:
        return
    lines = [
        f"stage {s.name} needs up to {s.memory_bytes / 2**20:,.0f} MiB a worker, "
        f"{what} has {available / 2**20:,.0f} MiB"
        for s in over
    ]
    worst = over[0]
    remedy = (
        "fewer workers, or split the longest recordings"
        if worst.kind == "records"
        else "fewer workers, or a shorter window or wider band (the halo and frame set the tile)"
    )
    raise PlanError("\n".join(lines) + f"\n    fix: {remedy}")
