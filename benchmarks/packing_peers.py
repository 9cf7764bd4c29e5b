"""The same blocks through Snakemake's Slurm plugin and through HyperQueue: a process for each block.

Their blocks import nothing: `benchmarks/burn.py` under ``python -S``. One that reads and writes arrays would
have to import NumPy and Zarr first, which costs more than HyperQueue itself.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BURN = Path(__file__).with_name("burn.py")

SNAKEFILE = """\
rule all:
    input: expand("done/{{n}}", n=range({blocks}))
rule block:
    output: "done/{{n}}"
    resources: slurm_partition="small", runtime=5, mem_mb=200
    shell: "{python} -S {burn} {ms} {{output}}"
"""

HYPERQUEUE = """\
import json, sys, time
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig
asked = json.loads(sys.argv[1])
with LocalCluster(asked["state"], WorkerConfig(cores=asked["cores"])) as cluster:
    client = cluster.client()
    began = time.time()
    job = Job()
    for n in range(asked["blocks"]):
        command = [asked["python"], "-S", asked["burn"], str(asked["ms"]), f"{asked['state']}/block-{n}"]
        job.program(command, stdout=None, stderr=None)
    client.wait_for_jobs([client.submit(job)])
    print(json.dumps(time.time() - began))
"""


@dataclass(frozen=True)
class Done:
    """Blocks that a peer ran."""

    blocks: int
    jobs: int
    wall: float
    kernel: float


def rows(
    peers: Path, place: Path, cores: int, ms: float, small: bool, account: str
) -> Iterator[tuple[str, Done, str]]:
    """Each peer that the interpreter has, with its version."""
    if version := _version(peers, "hyperqueue"):
        done = hyperqueue(peers, place / "hq", cores, ms, 50 if small else 2000)
        yield f"HyperQueue {version}", done, "a local server and worker, without Slurm; sample"
    if (version := _version(peers, "snakemake")) and _version(peers, "snakemake-executor-plugin-slurm"):
        done = snakemake(peers, place / "snake", cores, ms, 4 if small else 40, account)
        yield f"Snakemake {version}, executor slurm", done, "sample"


def _version(python: Path, package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def hyperqueue(python: Path, place: Path, cores: int, ms: float, blocks: int) -> Done:
    """Through its Python interface; the start of the server is outside the clock."""
    place.mkdir()
    asked = {
        "state": str(place),
        "cores": cores,
        "blocks": blocks,
        "python": str(python),
        "burn": str(BURN),
        "ms": ms,
    }
    done = subprocess.run(
        [python, "-c", HYPERQUEUE, json.dumps(asked)], capture_output=True, text=True, check=True, cwd=place
    )
    return Done(
        blocks, 0, float(done.stdout.splitlines()[-1]), _seconds(sorted(place.glob("block-*")), blocks)
    )


def snakemake(python: Path, place: Path, cores: int, ms: float, blocks: int, account: str) -> Done:
    """From the start of its command to its end, as many jobs at once as it likes."""
    place.mkdir()
    (place / "Snakefile").write_text(SNAKEFILE.format(blocks=blocks, python=python, burn=BURN, ms=ms))
    command = [
        str(python.with_name("snakemake")),
        "--executor", "slurm", "--jobs", str(blocks), "--cores", str(cores), "--latency-wait", "5",
        "--slurm-init-seconds-before-status-checks", "1",
        "--default-resources", f"slurm_account={account}", "mem_mb=200",
    ]  # fmt: skip
    began = time.time()
    path = f"{_with_conf(place / 'bin')}:{python.parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path}
    environment.pop("PYTHONPATH", None)
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"snakemake failed:\n{done.stderr[-4000:]}")
    return Done(blocks, blocks, time.time() - began, _seconds(sorted(place.glob("done/*")), blocks))


def _with_conf(folder: Path) -> Path:
    """A folder with an `srun` that knows this Slurm: the plugin drops ``SLURM_CONF`` from its jobs."""
    folder.mkdir()
    program = folder / "srun"
    program.write_text(
        f'#!/bin/sh\nSLURM_CONF={shlex.quote(os.environ["SLURM_CONF"])} exec {shutil.which("srun")} "$@"\n'
    )
    program.chmod(0o755)
    return folder


def _seconds(files: list[Path], blocks: int) -> float:
    assert len(files) == blocks, f"{len(files)} of {blocks} blocks ran"
    return sum(float(file.read_text()) for file in files)
