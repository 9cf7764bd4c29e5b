"""Compute one block again, here and now, and write nothing: to see why it failed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from hpcflow.errors import RequestError
from hpcflow.run.commit import BlockOutput
from hpcflow.run.context import RunContext
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.worker import block_function


def replay(folder: RunFolder, stage: str, block: int) -> tuple[BlockOutput, float]:
    """What a block makes, and the seconds it took. Whatever the kernel raises comes through.

    Raises
    ------
    RequestError
        If the run has no such stage or block, or the stages before it are not complete.
    """
    ledger = Ledger(folder)
    if stage not in ledger.stages:
        raise RequestError(f"the run has no stage {stage!r}; its stages: {', '.join(ledger.stages)}")
    if not 0 <= block < ledger.stages[stage]:
        raise RequestError(f"stage {stage} has blocks 0 to {ledger.stages[stage] - 1}; {block} is none")
    ctx = RunContext(folder)
    plan = ctx.cut.stage(stage)
    waiting = [name for name in plan.after if not ledger.complete(name)]
    if waiting:
        raise RequestError(
            f"stage {stage} reads what {', '.join(waiting)} makes, which is not complete: "
            f"`hpcflow resume {folder.path.name}` first"
        )
    function = block_function(plan.kind)
    started = time.perf_counter()
    output = function(ctx, plan, block)
    return output, time.perf_counter() - started


def first_failure(folder: RunFolder) -> tuple[str, int] | None:
    """Stage and number of the first block that failed and was not done later."""
    ledger = Ledger(folder)
    return next(_failures(ledger), None)


def _failures(ledger: Ledger) -> Iterator[tuple[str, int]]:
    for stage in ledger.stages:
        for block in sorted(ledger.failures(stage)):
            yield stage, block
