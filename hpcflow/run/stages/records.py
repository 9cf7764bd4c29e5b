"""Steps on whole records: each record of the block is read once and goes through every fused step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from hpcflow.plan.axes import most_events, source_of
from hpcflow.plan.blocks import Bundles
from hpcflow.plan.model import Input, StagePlan, StepPlan
from hpcflow.run.commit import BlockOutput
from hpcflow.run.context import RunContext, coords, shaped
from hpcflow.run.device import Desk
from hpcflow.run.packs import Piece, joined
from hpcflow_kernels import Pattern, Rows, UnusableRecordError, get
from hpcflow_kernels.ports import names_of, port_of

Made = dict[str, dict[str, np.ndarray]]


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """Compute all records of a block."""
    bundles = ctx.cache.get(("bundles", stage.name))
    if bundles is None:
        bundles = Bundles.make(ctx.axes[stage.dataset].size, stage.samples_per_block)
        ctx.cache["bundles", stage.name] = bundles
    steps = [ctx.cut.step(name) for name in stage.steps]
    skipped = ctx.aside(stage.dataset)
    pieces: list[Piece] = []
    aside: list[tuple[str, str]] = []
    stored = tuple(step.name for step in steps if step.stored)
    samples = computed = reused = 0
    for record in bundles.records_of(block):
        if record in skipped:
            continue
        if ctx.reusable.all_of(stored, record):
            reused += 1
            for name in stored:
                axis = ctx.axes[name]
                rows = ctx.earlier_rows(name, record, 0, int(axis.size[record]))
                pieces += [
                    Piece(name, field, int(axis.start[record]), values) for field, values in rows.items()
                ]
            continue
        made: Made = {}
        reader = RecordReader(ctx, stage, record)
        try:
            for step in steps:
                made[step.name] = _run_step(ctx, step, record, reader, made)
        except UnusableRecordError as error:
            name = str(ctx.tables[stage.dataset].ids[ctx.live(stage.dataset)[record]])
            aside.append((name, f"{steps[len(made)].name}: {error}"))
        samples += reader.samples
        computed += 1
        for step in steps:
            if step.stored and step.name in made:
                start = int(ctx.axes[step.name].start[record])
                pieces += [Piece(step.name, name, start, rows) for name, rows in made[step.name].items()]
    return BlockOutput(
        pieces=joined(pieces),
        aside=aside,
        samples=samples,
        computed=computed,
        reused=reused,
        device=ctx.devices(stage) if computed else "",
    )


class RecordReader:
    """Reads what a record's steps ask for, each array once."""

    def __init__(self, ctx: RunContext, stage: StagePlan, record: int) -> None:
        self.ctx, self.stage, self.record = ctx, stage, record
        self.read: dict[tuple[str, str], Rows] = {}
        self.samples = 0

    @cached_property
    def desk(self) -> Desk:
        """What of the record lies on the device."""
        return Desk(self.ctx.place)

    def rows(self, source: str, name: str) -> Rows:
        """All rows of an array for this record."""
        if (source, name) not in self.read:
            found = self.ctx.read_rows(self.stage, source, name, self.record)
            self.read[source, name] = found
            if source == self.stage.dataset:
                self.samples = max(self.samples, len(found.values))
        return self.read[source, name]


def _run_step(
    ctx: RunContext, step: StepPlan, record: int, reader: RecordReader, made: Made
) -> dict[str, np.ndarray]:
    ports = port_values(ctx, step, record, reader, made)
    contract = get(step.kernel)
    call = contract.load(ctx.backend(step))
    if step.backend == "array":
        there = call(**{port: reader.desk.there(value) for port, value in ports.items()}, **step.params)
        out = {name: reader.desk.back(value) for name, value in there.items()}
    else:
        out = call(**ports, **step.params)
    rows = int(ctx.axes[step.name].size[record])
    if step.pattern == Pattern.EVENTS:
        rows = np.shape(out[step.fields[0].name])[0]
        source = ctx.axes[source_of(step.dataset, step.inputs)]
        most = most_events(contract, step.params, int(source.size[record]), float(source.rate[record]))
        if rows > most:
            raise ValueError(
                f"kernel {step.kernel} found {rows} events where its contract says {most} at most"
            )
    return {f.name: shaped(step, f, out[f.name], rows) for f in step.fields}


def port_values(
    ctx: RunContext, step: StepPlan, record: int, reader: RecordReader, made: Made
) -> dict[str, Any]:
    """What the ports of a step on records receive."""
    return fed(step, lambda item: _value(ctx, step, item, record, reader, made))


def fed(step: StepPlan, value: Callable[[Input], Any]) -> dict[str, Any]:
    """What each port of a step receives, where its inputs have these values."""
    found: dict[str, Any] = {}
    for port in get(step.kernel).ports:
        items = [item for item in step.inputs if port_of(item.port) == port.name]
        values = [value(item) for item in items]
        if port.several:
            names = names_of([(item.source, item.field) for item in items])
            found[port.name] = dict(zip(names, values, strict=True))
        elif values:
            found[port.name] = values[0]
    return found


def _value(
    ctx: RunContext, step: StepPlan, item: Input, record: int, reader: RecordReader, made: Made
) -> Any:
    if item.kind == "fact":
        return ctx.facts(step.dataset, record).get(item.field or "")
    if item.kind == "variable":
        return reader.rows(item.source, item.field or "")
    if item.kind == "records":
        own = record if item.source == step.dataset else -1
        return replace(ctx.records(reader.stage, item.source, item.field or ""), own=own)
    if item.kind == "record_facts":
        return ctx.record_facts(item.source, item.field or "")
    producer = ctx.cut.step(item.source)
    names = [item.field] if item.field else [f.name for f in producer.fields]
    found: dict[str, Rows] = {}
    for name in names:
        if item.source in made:
            field = next(f for f in producer.fields if f.name == name)
            rate = float(ctx.axes[item.source].rate[record])
            found[str(name)] = Rows(made[item.source][str(name)], rate, field.units, coords(field))
        else:
            found[str(name)] = reader.rows(item.source, str(name))
    return found[str(item.field)] if item.field else found
