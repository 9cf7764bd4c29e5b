"""The one entry of all computing: ``python -m hpcflow.run.worker RUN`` with a share of blocks.

``--stage S --blocks A:B`` computes one range and exits. ``--serve`` reads ranges as JSON lines from
standard input, ``{"stage": "...", "blocks": [a, b]}``, answers each with ``{..., "ok": true}`` once it is
committed, and ends with its input.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import replace
from importlib import import_module
from typing import Any

from hpcflow.errors import HpcflowError
from hpcflow.run.chunks import with_chunks
from hpcflow.run.commit import BlockOutput, Committer
from hpcflow.run.context import RunContext
from hpcflow.run.folder import RunFolder

STAGES = {
    "ingest": "hpcflow.run.stages.ingest:run_block",
    "table": "hpcflow.run.stages.table:run_block",
    "tiles": "hpcflow.run.stages.tiles:run_block",
    "records": "hpcflow.run.stages.records:run_block",
    "collective": "hpcflow.run.stages.collective:run_block",
    "reduce": "hpcflow.run.stages.reduce:run_block",
    "merge": "hpcflow.run.stages.reduce:merge_block",
    "assemble": "hpcflow.run.stages.assemble:run_block",
}
"""What computes a block of each kind of stage; imported when first needed."""


def block_function(kind: str) -> Callable[..., BlockOutput]:
    """The function of a kind of stage."""
    module, _, name = STAGES[kind].partition(":")
    function: Callable[..., BlockOutput] = getattr(import_module(module), name)
    return function


def run_blocks(
    ctx: RunContext,
    stage: str,
    blocks: Iterable[int],
    committer: Committer,
    progress: Callable[[int], None] | None = None,
) -> list[tuple[int, str]]:
    """Compute blocks of one stage and commit them.

    Returns
    -------
    list of (block, reason)
        Blocks that failed; each has a receipt that says so, and the others go on.
    """
    plan = ctx.cut.stage(stage)
    function = block_function(plan.kind)
    ctx.begin(stage)
    failed = []
    for block in blocks:
        started = time.perf_counter()
        try:
            output = function(ctx, plan, block)
            output = replace(output, pieces=with_chunks(ctx.cut, output.pieces))
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            print(f"stage {stage}, block {block} failed: {reason}", file=sys.stderr)
            if not isinstance(error, HpcflowError):  # those say all there is to know
                traceback.print_exc()
            committer.fail(stage, block, reason)
            failed.append((block, reason))
        else:
            committer.add(stage, block, output, time.perf_counter() - started)
            del output  # else it would stand beside the next one
        if progress is not None:
            progress(block)
    committer.flush()
    return failed


def worker_name(prefix: str = "w") -> str:
    """A name unique within the run: never used by a process before or beside this one."""
    return f"{prefix}-{time.time_ns():x}-{os.getpid()}"


def serve(ctx: RunContext, committer: Committer) -> None:
    """Answer requests from standard input until it closes."""
    for line in sys.stdin:
        if not line.strip():
            continue
        request: dict[str, Any] = json.loads(line)
        failed = run_blocks(ctx, request["stage"], range(*request["blocks"]), committer)
        answer = {**request, "ok": not failed}
        if failed:
            answer["error"] = "; ".join(f"block {block}: {reason}" for block, reason in failed)
        print(json.dumps(answer), flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m hpcflow.run.worker", description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--stage")
    parser.add_argument("--blocks", help="A:B")
    parser.add_argument("--name")
    options = parser.parse_args(arguments)
    folder = RunFolder.at(options.run)
    ctx = RunContext(folder)
    committer = Committer(folder, options.name or worker_name())
    if options.serve:
        serve(ctx, committer)
        return 0
    start, stop = options.blocks.split(":")
    return 1 if run_blocks(ctx, options.stage, range(int(start), int(stop)), committer) else 0


if __name__ == "__main__":
    sys.exit(main())
