"""The MPI peer of the end-to-end benchmark: ``mpiexec -n 2 python -m benchmarks.over_mpi JSON``.

Each rank takes every other shard and does what `end_to_end.by_loop` does with one; the first rank prints the
costs as JSON. A rank's clock of CPU time stops before it waits for the others, since MPI waits by spinning.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from mpi4py import MPI

from benchmarks.end_to_end import Size, create_output, one_shard, places, resident


def compute(folder: Path, size: Size) -> tuple[float, float]:
    """This rank's part; returns (wall, CPU) seconds."""
    import zarr

    world = MPI.COMM_WORLD
    world.Barrier()
    began, before = time.perf_counter(), time.process_time()
    if world.rank == 0:
        create_output(folder / "mpi.zarr", size)
    cpu = time.process_time() - before
    world.Barrier()
    before = time.process_time()
    v = zarr.open_group(folder / "store.zarr", mode="r")["v"]
    out = zarr.open_group(folder / "mpi.zarr", mode="r+")["v"]
    for place in list(places(size))[world.rank :: world.size]:
        one_shard(v, out, size, *place)
    cpu += time.process_time() - before
    world.Barrier()
    return time.perf_counter() - began, cpu


def main() -> None:
    """A little data, then all of it."""
    world = MPI.COMM_WORLD
    little, little_size, folder, size = json.loads(sys.argv[1])
    compute(Path(little), Size(*little_size))
    wall, cpu = compute(Path(folder), Size(*size))
    total = world.reduce(cpu)
    memory = world.reduce(resident())
    if world.rank == 0:
        print(json.dumps([wall, total, memory]))


if __name__ == "__main__":
    main()
