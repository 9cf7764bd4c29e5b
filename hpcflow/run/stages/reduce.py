"""Partial states over tiles of records, and their merge in one fixed binary tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpcflow.data.template import result_attrs, whole_files
from hpcflow.plan.model import StagePlan
from hpcflow.plan.stages import RECORDS_PER_TILE
from hpcflow.run.commit import BlockOutput, NewFile
from hpcflow.run.context import RunContext
from hpcflow.run.packs import Piece
from hpcflow.run.stages.assemble import pieces_of
from hpcflow.run.stages.records import RecordReader, port_values
from hpcflow_kernels import get

STATE = "state:"

State = dict[str, np.ndarray]


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """The state of one tile of records."""
    step = ctx.cut.step(stage.steps[0])
    reducer: Any = get(step.kernel).load()
    records = len(ctx.axes[stage.dataset])
    skipped = ctx.aside(stage.dataset)
    state = reducer.start(**step.params)
    computed = 0
    for record in range(block * RECORDS_PER_TILE, min(records, (block + 1) * RECORDS_PER_TILE)):
        if record in skipped:
            continue
        reader = RecordReader(ctx, stage, record)
        ports = port_values(ctx, step, record, reader, {})
        state = reducer.add(state, record, **ports)
        computed += 1
    pieces = [Piece(step.name, STATE + name, block, np.asarray(value)[None]) for name, value in state.items()]
    return BlockOutput(pieces=pieces, computed=computed)


def merge_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """Merge all states and write the one result."""
    step = ctx.cut.step(stage.steps[0])
    reducer: Any = get(step.kernel).load()
    states: dict[int, State] = {}
    for piece in pieces_of(ctx, stage.after[0], step.name):
        rows = piece.read()
        states.setdefault(piece.start, {})[piece.field.removeprefix(STATE)] = rows[0]
    merged = tree([states[index] for index in sorted(states)], reducer)
    out = reducer.finish(merged, **step.params)
    store = ctx.folder.step_store(step.name, step.saved)
    arrays = {f.name: np.asarray(out[f.name], dtype=f.dtype).reshape(f.shape) for f in step.fields}
    files = [
        NewFile(ctx.result_name(step, name), store / name, content)
        for name, content in whole_files(step, arrays, result_attrs(step))
    ]
    return BlockOutput(files=files)


def tree(states: Sequence[State], reducer: Any) -> State:
    """Merge neighbours, then neighbours of those, so that the order never depends on who computed what.

    An odd last state goes up a level as it is.
    """
    if not states:
        raise ValueError("nothing to merge")
    level = list(states)
    while len(level) > 1:
        pairs = [reducer.merge(a, b) for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0]
