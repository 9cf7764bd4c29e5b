"""A step whose ranks compute a record together: each reads what it needs and gives a share of the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from hpcflow.plan.model import Input, StagePlan, StepPlan
from hpcflow.run.commit import BlockOutput
from hpcflow.run.context import RunContext, coords, shaped
from hpcflow.run.packs import Piece, joined
from hpcflow.run.stages.records import fed
from hpcflow_kernels import Ranks, Share, Spread, UnusableRecordError, get
from hpcflow_kernels.ranks import held_once
from hpcflow_kernels.threads import Threads


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """Compute a record in this process, by as many threads as the context says."""
    compute = partial(rank_block, ctx, stage, block)
    try:
        shares = Threads(ctx.ranks).run(compute)
    except UnusableRecordError as error:
        return set_aside(ctx, stage, block, error)
    pieces = [piece for share in shares for piece in share.pieces]
    return BlockOutput(
        pieces=joined(sorted(pieces, key=lambda piece: (piece.field, piece.start))),
        samples=sum(share.samples for share in shares),
        computed=sum(share.computed for share in shares),
        reused=sum(share.reused for share in shares),
        ranks=ctx.ranks,
    )


def set_aside(ctx: RunContext, stage: StagePlan, block: int, reason: UnusableRecordError) -> BlockOutput:
    """What a block leaves whose record no rank can use."""
    record = str(ctx.tables[stage.dataset].ids[ctx.live(stage.dataset)[block]])
    return BlockOutput(aside=[(record, f"{stage.steps[0]}: {reason}")], computed=1)


def rank_block(ctx: RunContext, stage: StagePlan, block: int, ranks: Ranks) -> BlockOutput:
    """The part of a block that one rank holds; what is counted by record is the first rank's.

    Raises
    ------
    UnusableRecordError
        On every rank.
    ValueError
        On every rank, where shares are not what the contract says.
    """
    step = ctx.cut.step(stage.steps[0])
    if block in ctx.aside(stage.dataset):
        return BlockOutput()
    axis, counts = ctx.axes[step.name], int(ranks.number == 0)
    first, rows = int(axis.start[block]), int(axis.size[block])
    if ctx.reusable.all_of((step.name,), block):
        start, stop = (rows * n // ranks.count for n in (ranks.number, ranks.number + 1))
        earlier = ctx.earlier_rows(step.name, block, start, stop)
        return BlockOutput(pieces=_pieces(step, first + start, earlier), reused=counts)
    ports = fed(step, lambda item: _value(ctx, step, item, block))
    share: Share = get(step.kernel).load()(ranks=ranks, **ports, **step.params)
    held = len(next(iter(share.values.values()), ()))
    check_shares(step, rows, ranks.allgather((share.start, held)))
    values = {f.name: shaped(step, f, share.values[f.name], held) for f in step.fields} if held else {}
    read = int(ctx.axes[stage.dataset].size[block]) if any(i.kind == "variable" for i in step.inputs) else 0
    return BlockOutput(
        pieces=_pieces(step, first + share.start, values), samples=counts * read, computed=counts
    )


def _pieces(step: StepPlan, start: int, values: Mapping[str, np.ndarray]) -> list[Piece]:
    return [Piece(step.name, name, start, rows) for name, rows in values.items() if len(rows)]


def check_shares(step: StepPlan, rows: int, shares: Sequence[tuple[int, int]]) -> None:
    """Refuse shares (first row, number of rows) of all ranks that are not each row once.

    Raises
    ------
    ValueError
        Naming the first row that nobody holds, or that two ranks do.
    """
    try:
        held = held_once(shares)
    except ValueError as error:
        raise ValueError(f"kernel {step.kernel}: {error}") from None
    if held != rows:
        raise ValueError(f"kernel {step.kernel} gave {held} rows where its contract says {rows}")


def _value(ctx: RunContext, step: StepPlan, item: Input, record: int) -> Any:
    if item.kind == "fact":
        return ctx.facts(step.dataset, record).get(item.field or "")
    if item.kind == "variable":
        variables = ctx.cut.dataset(item.source).variables
        units = next(v.units for v in variables if v.name == item.field)
        return _spread(ctx, item.source, item.field or "", record, units, {})
    fields = {f.name: f for f in ctx.cut.step(item.source).fields if item.field in (None, f.name)}
    rows = {n: _spread(ctx, item.source, n, record, f.units, coords(f)) for n, f in fields.items()}
    return rows[item.field] if item.field else rows


def _spread(
    ctx: RunContext, source: str, name: str, record: int, units: str, inner: dict[str, np.ndarray]
) -> Spread:
    first, samples = ctx.rows_of(source, record)

    def read(start: int, stop: int) -> np.ndarray:
        if not 0 <= start <= stop <= samples:
            raise IndexError(f"[{start}, {stop}) of {source}.{name} lies beyond its record's {samples}")
        return ctx.regions(source).read(name, first + start, first + stop)

    return Spread(samples, float(ctx.axes[source].rate[record]), units, read, inner)
