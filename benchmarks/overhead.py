"""What one block costs beyond its kernel: reading, packing, receipts, handing out. 10,000 blocks in one go.

Blocks of 2000 samples take the kernel some hundredth of a millisecond, so nearly all that is measured is
ours; a block of 10 ms costs the same on top. Processor time, which busy neighbours change least.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measure

SAMPLES = 2000
RATE = 1000

WORKFLOW = """\
hpcflow: 1
name: overhead
datasets: {m: {zarr: m.zarr, defaults: {sampling_rate: 1 kHz}}}
steps: {condition: {kernel: condition_indicators, input: m.acceleration, with: {window: 1 s}}}
save: [condition]
run: {block_size: 8 kB}
"""


def make(folder: Path, blocks: int) -> Path:
    """One record to a block."""
    import numpy as np
    import zarr

    group = zarr.open_group(folder / "m.zarr", mode="w")
    array = group.create_array(
        "acceleration", shape=(blocks, SAMPLES), chunks=(100, SAMPLES), shards=(blocks, SAMPLES), dtype="f4"
    )
    array.attrs.update(units="m s-2", sampling_rate=RATE)
    array[:] = np.random.default_rng(0).standard_normal((blocks, SAMPLES), dtype=np.float32)
    (folder / "overhead.yaml").write_text(WORKFLOW)
    return folder / "overhead.yaml"


def kernel_seconds() -> float:
    """Processor time of the kernel alone on one block's samples."""
    import numpy as np

    from hpcflow_kernels import get

    contract = get("condition_indicators")
    params = {p.name: 1.0 if p.name == "window" else p.default for p in contract.params}
    call, x = contract.load(), np.random.default_rng(0).standard_normal(SAMPLES, dtype=np.float32)
    call(x, rate=float(RATE), **params)
    before = time.process_time()
    for _ in range(200):
        call(x, rate=float(RATE), **params)
    return (time.process_time() - before) / 200


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Per block: in this process, and under an agent with two workers, their start included."""
    from hpcflow.api import ask, start
    from hpcflow.run.commit import Committer
    from hpcflow.run.context import RunContext
    from hpcflow.run.ledger import Ledger
    from hpcflow.run.worker import run_blocks

    blocks = 100 if small else 10_000
    with tempfile.TemporaryDirectory() as name:
        asked = ask(make(Path(name), blocks))
        stage = next(s for s in asked.cut.stages if s.kind == "tiles")
        assert stage.blocks == blocks
        serial = start(asked, Path(name) / "serial")
        ctx = RunContext(serial)
        run_blocks(ctx, stage.name, range(1), Committer(serial, "warm"))
        before = time.process_time()
        run_blocks(ctx, stage.name, range(1, blocks), Committer(serial, "serial"))
        alone = (time.process_time() - before) / (blocks - 1)
        assert Ledger(serial).complete(stage.name)
        agent = start(asked, Path(name) / "agent")
        used = _agent(agent.path, stage.name) / blocks
        assert Ledger(agent).complete(stage.name)
        receipts = len(Ledger(agent).receipts(stage.name))
    yield Measure("overhead.blocks", blocks, "blocks", timed=False)
    if timers:
        kernel = kernel_seconds()
        yield Measure("overhead.kernel.ms", kernel * 1e3, "ms a block, the kernel alone")
        yield Measure("overhead.serial.ms", (alone - kernel) * 1e3, "ms a block beyond the kernel")
        yield Measure("overhead.agent.ms", (used - kernel) * 1e3, "ms a block, two workers started")
        yield Measure("overhead.agent.blocks_per_receipt", blocks / receipts, "blocks")


def _agent(run: Path, stage: str) -> float:
    """Processor seconds of an agent and its workers over one stage."""
    paths = os.pathsep.join(str(Path(p).absolute()) for p in sys.path if p)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, "-m", "hpcflow.run.agent", str(run), "--stages", stage, "--workers", "2"],
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
