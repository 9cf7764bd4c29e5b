"""A step's pieces into its shards. Shard boundaries belong to the step, so block sizes leave no trace."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from hpcflow.data.encode import ArraySpec, encode, encode_chunks, group_metadata, shard_key
from hpcflow.data.template import (
    field_spec,
    record_files,
    result_attrs,
    row_coordinate_specs,
    template_files,
)
from hpcflow.plan.axes import RowAxis
from hpcflow.plan.model import StagePlan, StepPlan
from hpcflow.plan.records import ASIDE, Fact, RecordTable
from hpcflow.run.commit import BlockOutput, NewFile
from hpcflow.run.context import RunContext
from hpcflow.run.ledger import Ledger
from hpcflow.run.packs import PlacedPiece, extents_of, scan_pack
from hpcflow.run.stages.events import close_ranks, found_axis
from hpcflow_kernels import Pattern


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """One shard of every field of a step; the first block also writes the record coordinates."""
    step, axis, pieces = _rows(ctx, stage)
    start, stop = block * step.shard, min((block + 1) * step.shard, step.rows)
    files: list[tuple[str, bytes | None]] = []
    for field in step.fields:
        spec = field_spec(step, field)
        gathered = Gathered(spec, pieces.get(field.name, ()), start, stop)
        content = encode_chunks(spec, max(stop - start, 0), gathered.rows, gathered.encoded)
        files.append((shard_key(spec, block), content))
    for spec in row_coordinate_specs(step):
        files.append(_shard(spec, block, _coordinate(spec.name, axis, start, stop)))
    if block == 0:
        table = live_table(ctx, step.dataset)
        records = dict(record_files(step, table, axis.start, axis.size, axis.rate))
        files += records.items()
        # Every array has its final shape now, so the group may repeat their metadata.
        described = dict(template_files(step))
        if step.pattern == Pattern.EVENTS:
            files += ((name, content) for name, content in described.items() if name != "zarr.json")
        files.append(("zarr.json", group_metadata(result_attrs(step), {**described, **records})))
    store = ctx.folder.step_store(step.name, step.saved)
    return BlockOutput(
        files=[NewFile(ctx.result_name(step, name), store / name, content) for name, content in files]
    )


class Gathered:
    """Rows of a shard out of the pieces that hold them, asked for in order and read once.

    A chunk is gathered, encoded and forgotten while it is in cache, so a shard never lies in memory as rows.
    """

    def __init__(self, spec: ArraySpec, pieces: Iterable[PlacedPiece], start: int, stop: int) -> None:
        self.spec, self.start = spec, start
        mine = [p for p in pieces if p.start < stop and p.stop > start]
        self.chunks = {p.start: p for p in mine if p.chunk}
        self.left = deque(sorted((p for p in mine if not p.chunk), key=_first))
        self.open: tuple[PlacedPiece, np.ndarray] | None = None

    def encoded(self, first: int) -> bytes | None:
        """The chunk that begins at a row of the shard, if its block has encoded it."""
        piece = self.chunks.get(self.start + first)
        return piece.read().tobytes() if piece is not None else None

    def rows(self, first: int, last: int) -> np.ndarray:
        """Rows [first, last) of the shard; fill where no piece holds them."""
        low, high = self.start + first, self.start + last
        rows = np.full((high - low, *self.spec.shape[1:]), self.spec.fill, self.spec.dtype)
        while self.left and self.left[0].start < high:
            piece = self.left[0]
            a, b = max(low, piece.start), min(high, piece.stop)
            if a < b:
                rows[a - low : b - low] = self._read(piece)[a - piece.start : b - piece.start]
            if piece.stop > high:
                break
            self.left.popleft()
        return rows

    def _read(self, piece: PlacedPiece) -> np.ndarray:
        if self.open is None or self.open[0] is not piece:
            self.open = None  # the one before goes first
            self.open = piece, piece.read()
        return self.open[1]


def _first(piece: PlacedPiece) -> tuple[int, int]:
    return piece.start, piece.stop


def _shard(spec: ArraySpec, block: int, rows: np.ndarray) -> tuple[str, bytes | None]:
    return shard_key(spec, block), encode(spec, rows) if len(rows) else None


def _coordinate(name: str, axis: RowAxis, start: int, stop: int) -> np.ndarray:
    """Record number, or seconds since the record's start, of rows [start, stop)."""
    ends = axis.start + axis.size
    rows = np.arange(start, stop)
    record = np.searchsorted(ends, rows, side="right")
    if name == "record_index":
        return record.astype(np.int32)
    seconds: np.ndarray = (rows - axis.start[record]) / axis.rate[record]
    return seconds


Found = tuple[StepPlan, RowAxis, dict[str, list[PlacedPiece]]]


def _rows(ctx: RunContext, stage: StagePlan) -> Found:
    """The step with the rows it has, where they lie, and the pieces that hold them by field."""
    key = ("pieces", stage.name)
    if key not in ctx.cache:
        step = ctx.cut.step(stage.steps[0])
        axis = ctx.axes[step.name]
        by_field: dict[str, list[PlacedPiece]] = {}
        for piece in pieces_of(ctx, stage.after[0], step.name):
            by_field.setdefault(piece.field, []).append(piece)
        if step.pattern == Pattern.EVENTS:
            axis = found_axis(axis, by_field)
            by_field = {name: close_ranks(pieces) for name, pieces in by_field.items()}
            step = replace(step, rows=int(axis.size.sum()))
        ctx.cache[key] = step, axis, by_field
    found: Found = ctx.cache[key]
    return found


def pieces_of(ctx: RunContext, producer: str, step: str) -> Iterator[PlacedPiece]:
    """All committed pieces of a step, from the receipts of the stage that made them."""
    extents: dict[str, list[tuple[int, int]]] = {}
    for receipt in Ledger(ctx.folder).receipts(producer):
        for name, offset, length in extents_of(receipt):
            extents.setdefault(name, []).append((offset, length))
    for name, spans in sorted(extents.items()):
        for piece in scan_pack(ctx.folder.packs / name, spans):
            if piece.step == step:
                yield piece


def live_table(ctx: RunContext, dataset: str) -> RecordTable:
    """The live records with the status that ingest gave them."""
    table, index = ctx.tables[dataset], ctx.live(dataset)
    reasons = Ledger(ctx.folder).aside(f"ingest.{dataset}")
    ids = table.ids[index]
    status = np.array([ASIDE if name in reasons else 0 for name in ids], np.int8)
    reason = np.array([reasons.get(name, "") for name in ids], object)
    return replace(
        table,
        ids=ids,
        start=table.start[index],
        size=table.size[index],
        rate=table.rate[index],
        status=status,
        reason=reason,
        checksum=table.checksum[index],
        path=table.path[index],
        channel=table.channel[index],
        facts={
            name: Fact(name, fact.values[index], fact.units, fact.origin[index])
            for name, fact in table.facts.items()
        },
    )
