"""The end-to-end workflow on 1, 4 and 16 GB: processor time per gigabyte, and memory, of two Dask workers.

The larger stores repeat the shards of the smallest as files of their own. Takes 12 GB of disk below the
temporary folder; reads come from the page cache where it holds them.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.end_to_end import FULL, WARM, Cost, Size, create_store, our_cluster, planned, write_store
from benchmarks.measure import Measure
from hpcflow.executors.drive import execute

TIMES = (1, 4, 16)
"""How often the shards of `FULL` are repeated along time."""

ROUNDS = 2


def repeat_store(folder: Path, first: Path, size: Size, times: int) -> Size:
    """A longer recording out of copies of a store's shards."""
    long = replace(size, files=size.files * times)
    create_store(folder, long)
    for shard in (first / "store.zarr/v/c").glob("*/*"):
        for turn in range(times):
            place = folder / "store.zarr/v/c" / shard.parent.name / str(int(shard.name) + turn * size.files)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(shard, place)
    return long


def cost_of(folder: Path, little: Path) -> Cost:
    """The cheapest of some rounds on two fresh workers, with the most memory they had."""
    with our_cluster() as (executor, cost):
        execute(planned(little, 1 << 20), executor)
        rounds = [cost(partial(execute, planned(folder), executor)) for _ in range(ROUNDS)]
    return replace(min(rounds, key=lambda c: c.cpu), memory=max(c.memory for c in rounds))


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Processor time and memory; nothing without timers or on small data."""
    if small or not timers:
        return
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        write_store(place / "little", WARM)
        write_store(place / "1", FULL)
        costs = {}
        for times in TIMES:
            folder = place / str(times)
            size = FULL if times == 1 else repeat_store(folder, place / "1", FULL, times)
            costs[times] = cost_of(folder, place / "little")
            gigabytes = size.megabytes / 1000
            yield Measure(f"scaling.{times}.input", gigabytes, "GB", timed=False)
            yield Measure(f"scaling.{times}.wall", costs[times].wall, "s")
            yield Measure(f"scaling.{times}.cpu_per_gb", costs[times].cpu / gigabytes, "s of CPU time per GB")
            yield Measure(f"scaling.{times}.memory", costs[times].memory / 1e6, "MB of both workers")
            if times > 1:
                shutil.rmtree(folder)
        first, last = costs[TIMES[0]], costs[TIMES[-1]]
        growth = last.cpu / first.cpu / (TIMES[-1] / TIMES[0])
        yield Measure("scaling.growth", growth, "CPU time per byte at the largest size / at the smallest")
        yield Measure("scaling.memory_growth", last.memory / first.memory, "memory, the same")
