"""What a block of 10 ms costs beyond its kernel when Slurm runs it, packed and not, and what others add.

``python -m benchmarks.packing [--small] [--peers PYTHON]`` starts a Slurm of this machine (Debian's
packages) and gives one table: 10,000 blocks packed into one job; a sample of blocks with one array element
each; and, where the interpreter PYTHON has Snakemake with its Slurm plugin, and HyperQueue, a sample of
blocks through each. It is not part of `benchmarks/run`: it needs Slurm and some minutes.

A row's overhead is (wall seconds × cores - wall seconds inside kernels) / blocks, from before anything is
sent to the last result. All rows use the same cores. Neighbours on the machine make it larger; processor
time, which they change little, is told for our rows: that of all jobs less what the kernels burned.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import packing_peers
from benchmarks.packing_runs import compiled, registered, sent_and_done, slurm, write

CORES = 2
MILLISECONDS = 10.0


@dataclass(frozen=True)
class Row:
    """One way of running blocks."""

    way: str
    blocks: int
    jobs: int
    wall: float
    kernel: float
    processor: float | None = None
    note: str = ""

    @property
    def overhead(self) -> float:
        """Milliseconds a block beyond the kernel."""
        return (self.wall * CORES - self.kernel) / self.blocks * 1e3

    @property
    def _processor(self) -> str:
        if self.processor is None:
            return ""
        return f"{self.processor / self.blocks * 1e3 - MILLISECONDS:.2f}"

    def __str__(self) -> str:
        return (
            f"| {self.way} | {self.blocks:,} | {self.jobs:,} | {self.wall:.1f} | "
            f"{self.kernel / self.blocks * 1e3:.2f} | {self.overhead:.2f} | {self._processor} | {self.note} |"
        )


def rows(small: bool, peers: Path | None) -> Iterator[Row]:
    """Every way, one after another on an otherwise idle Slurm."""
    from hpcflow.site import load_site
    from hpcflow.slurm.needs import Options

    blocks, sample = (200, 10) if small else (10_000, 200)
    site = load_site("mini-lumi")
    with (
        tempfile.TemporaryDirectory() as name,
        registered() as extra,
        slurm(site, nodes={"cpu": 1}, accounting=True) as bed,
    ):
        place = Path(name)
        workflow = write(place / "all", blocks, MILLISECONDS)
        options = Options(partition="small", account=bed.account, workers=CORES)
        took = sent_and_done(*compiled(workflow, place / "all" / "runs", site, options, extra))
        inside = (took.workers - took.kernel) / blocks * 1e3
        stage = (took.stage - took.kernel) / blocks * 1e3
        yield Row(
            "hpcflow, packed", blocks, took.jobs, took.wall, took.kernel, took.processor,
            f"of it {inside:.2f} ms between the start of a worker and its last receipt, {stage:.2f} ms of "
            "that around the kernel itself",
        )  # fmt: skip
        workflow = write(place / "one", sample, MILLISECONDS)
        options = Options(partition="small", account=bed.account, workers=1, elements=sample)
        took = sent_and_done(*compiled(workflow, place / "one" / "runs", site, options, extra))
        yield Row(
            "hpcflow, an array element to a block",
            sample,
            took.jobs,
            took.wall,
            took.kernel,
            took.processor,
            "sample",
        )
        if peers is None:
            return
        yield from (
            Row(way, done.blocks, done.jobs, done.wall, done.kernel, None, note)
            for way, done, note in packing_peers.rows(peers, place, CORES, MILLISECONDS, small, bed.account)
        )


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="few blocks, to see that it works")
    parser.add_argument("--peers", type=Path, metavar="PYTHON", help="an interpreter that has the peers")
    asked = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC, load before {os.getloadavg()[0]:.2f}")
    print("| way | blocks | jobs | wall s | kernel ms | overhead ms | processor ms | |")
    print("|---|---:|---:|---:|---:|---:|---:|---|")
    for row in rows(asked.small, asked.peers):
        print(row, flush=True)
    print(f"load after {os.getloadavg()[0]:.2f}")


if __name__ == "__main__":
    main()
