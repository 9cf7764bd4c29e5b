"""Status: how fast receipts become an answer."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Measure, best_seconds
from hpcflow.run.finish import outcome
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import encode

BLOCKS_PER_RECEIPT = 256
"""What a worker commits at once when blocks are short (`hpcflow.run.commit.BLOCKS`)."""

WORKERS = 128


def make_run(path: Path, blocks: int) -> RunFolder:
    """A run folder with the receipts of 128 workers that took turns."""
    folder = RunFolder(path)
    folder.receipts.mkdir(parents=True)
    stage = {"name": "tiles.machine", "kind": "tiles", "blocks": blocks, "after": []}
    cut = {"schema": "hpcflow.cut/1", "id": "0" * 64, "stages": [stage], "steps": [], "datasets": []}
    folder.cut_file.write_text(json.dumps(cut))
    folder.request_file.write_text(json.dumps({"datasets": {}, "aside": []}))
    lines: list[list[bytes]] = [[] for _ in range(WORKERS)]
    for turn, start in enumerate(range(0, blocks, BLOCKS_PER_RECEIPT)):
        stop = min(start + BLOCKS_PER_RECEIPT, blocks)
        receipt = {"stage": stage["name"], "blocks": [start, stop], "seconds": 12.5, "samples": stop - start}
        worker = turn % WORKERS
        lines[worker].append(encode({**receipt, "worker": f"node-{worker:03d}", "end": 1.7e9 + turn}))
    for worker, written in enumerate(lines):
        (folder.receipts / f"node-{worker:03d}.jsonl").write_bytes(b"".join(written))
    return folder


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Count a complete run of ten million blocks; `small` takes a thousandth."""
    blocks = 10_000 if small else 10_000_000
    with tempfile.TemporaryDirectory() as place:
        folder = make_run(Path(place) / "run", blocks)
        state = outcome(folder)
        assert (state["state"], state["done"]) == ("done", blocks)
        yield Measure("ledger.status.blocks", blocks, "blocks", timed=False)
        if timers:
            yield Measure(
                "ledger.status.seconds", best_seconds(lambda: outcome(folder), 2), f"s, {blocks:,} blocks"
            )
