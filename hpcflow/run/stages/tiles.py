"""Map and window steps, tile by tile: one read with halo, every fused step, rows trimmed by index.

Each tile is computed from its own region alone, so its bits do not depend on the block it came in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from hpcflow.plan.axes import StepGeometry, source_of, step_geometry
from hpcflow.plan.blocks import TileGrid, owned_rows
from hpcflow.plan.model import StagePlan, StepPlan
from hpcflow.plan.tiling import tiles_of
from hpcflow.run.allocator import keep_freed_memory
from hpcflow.run.commit import BlockOutput
from hpcflow.run.context import RunContext, shaped
from hpcflow.run.device import Twin, shaped_there
from hpcflow.run.packs import Piece, joined
from hpcflow_kernels import Contract, Geometry, Pattern, get
from hpcflow_kernels.arrays import segments
from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.stretches import stretches

Range = tuple[int, int]

AHEAD = 8
"""Tiles asked of the disk at once: 8 MiB of float32 before compression, for a 200th of a tile's time each."""


@dataclass(frozen=True)
class _Step:
    plan: StepPlan
    contract: Contract
    call: Callable[..., Any]
    source: str
    """The step of this stage it reads; "" for the stage's own source."""
    geometry: StepGeometry
    at: Callable[[int], Geometry]
    """The geometry for one record: tile after tile it is that of the same one."""


class Chain:
    """The fused steps of a stage over one source axis."""

    def __init__(self, ctx: RunContext, stage: StagePlan) -> None:
        plans = [ctx.cut.step(name) for name in stage.steps]
        self.ctx = ctx
        self.root = next(s for s in (source_of(p.dataset, p.inputs) for p in plans) if s not in stage.steps)
        self.axis = ctx.axes[self.root]
        tile, _ = tiles_of(plans, self.axis)
        self.grid = TileGrid.make(self.axis.size, tile, stage.tiles_per_block)
        self.steps = [self._step(plan, stage) for plan in plans]
        self.variables = _root_variables(plans, stage)
        self.hops = self._hops()
        self.stored = tuple(p.name for p in plans if p.stored)
        self.place = ctx.place if stage.device else None

    def _step(self, plan: StepPlan, stage: StagePlan) -> _Step:
        contract = get(plan.kernel)
        source = source_of(plan.dataset, plan.inputs)
        geometry = step_geometry(contract, plan.params, self.ctx.axes[source].rate)
        call = contract.load(self.ctx.backend(plan))
        at = lru_cache(maxsize=1)(geometry.at)
        return _Step(plan, contract, call, source if source in stage.steps else "", geometry, at)

    def _hops(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Source samples between two rows of each step, per record, as numerator and denominator."""
        hops: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for step in self.steps:
            hop, up = hops[step.source] if step.source else (1, 1)
            hops[step.plan.name] = hop * step.geometry.hop, up * step.geometry.up
        return hops

    def _owned(self, name: str, record: int, tiles: Range) -> Range | None:
        """Rows of a step that tiles of a record own; None where the step has none there.

        The last tile owns to the end: where rates change twice, rows may stand just beyond the last sample.
        """
        rows, (hop, up) = int(self.ctx.axes[name].size[record]), self.hops[name]
        if not rows or not hop[record]:
            return None
        start, stop = owned_rows(int(self.grid.tile[record]), int(hop[record]), int(up[record]), rows, *tiles)
        last = int(self.grid.first[record + 1] - self.grid.first[record])
        return start, rows if tiles[1] == last else stop

    def earlier(self, record: int, tiles: Range) -> Iterator[Piece]:
        """The stored rows that tiles own, as an earlier run computed them."""
        for name in self.stored:
            owned = self._owned(name, record, tiles)
            if owned is not None:
                base = int(self.ctx.axes[name].start[record])
                for field, values in self.ctx.earlier_rows(name, record, *owned).items():
                    yield Piece(name, field, base + owned[0], values)

    def tile(self, record: int, tile: int) -> dict[tuple[str, str], Piece]:
        """All stored rows that one tile owns, by (step, field)."""
        owned: dict[str, Range] = {}
        needed: dict[str, Range] = {}
        for step in self.steps:
            name = step.plan.name
            found = self._owned(name, record, (tile, tile + 1)) if step.plan.stored else None
            if found is not None:
                owned[name] = needed[name] = found
        inputs = self._inputs(record, needed)
        made = self._compute(record, needed, inputs)
        pieces: dict[tuple[str, str], Piece] = {}
        for name, (start, stop) in owned.items():
            if stop > start:
                base = int(self.ctx.axes[name].start[record])
                low = start - needed[name][0]
                for field, rows_ in made[name].items():
                    mine = rows_.host[low : low + stop - start]
                    pieces[name, field] = Piece(name, field, base + start, mine)
        return pieces

    def ahead(self, record: int, tiles: Range) -> None:
        """Have the disk begin with what tiles of a record will read, without their halos."""
        base, length = int(self.axis.start[record]), int(self.grid.tile[record])
        low, high = tiles[0] * length, min(tiles[1] * length, int(self.axis.size[record]))
        regions = self.ctx.regions(self.root)
        for name in sorted(set(self.variables.values())):
            regions.ahead(name, base + low, base + high)

    def _inputs(self, record: int, needed: dict[str, Range]) -> dict[str, Range]:
        """Extend `needed` backwards through the chain; returns each step's clipped input range."""
        inputs: dict[str, Range] = {}
        for step in reversed(self.steps):
            start, stop = needed.get(step.plan.name, (0, 0))
            if stop <= start:
                continue
            low, high = step.at(record).needs(start, stop)
            size = int(self.ctx.axes[step.source or self.root].size[record])
            low, high = max(low, 0), min(high, size)
            inputs[step.plan.name] = low, high
            known = needed.get(step.source, (low, high)) if step.source else (low, high)
            if step.source:
                empty = known[1] <= known[0]
                needed[step.source] = (low, high) if empty else (min(known[0], low), max(known[1], high))
        return inputs

    def _compute(
        self, record: int, needed: Mapping[str, Range], inputs: Mapping[str, Range]
    ) -> dict[str, dict[str, Twin]]:
        reads: dict[str, Range] = {}
        for step in self.steps:
            if not step.source and step.plan.name in inputs:
                variable = self.variables[step.plan.name]
                low, high = inputs[step.plan.name]
                known = reads.get(variable, (low, high))
                reads[variable] = min(known[0], low), max(known[1], high)
        base = int(self.axis.start[record])
        regions = self.ctx.regions(self.root)
        raw = {
            name: Twin(regions.read(name, base + low, base + high), place=self.place)
            for name, (low, high) in reads.items()
        }
        made: dict[str, dict[str, Twin]] = {}
        for step in self.steps:
            name = step.plan.name
            if name not in inputs:
                continue
            low, high = inputs[name]
            if step.source:
                field = next(i.field for i in step.plan.inputs if i.source == step.source)
                origin = needed[step.source][0]
                x = made[step.source][field or next(iter(made[step.source]))]
            else:
                variable = self.variables[name]
                origin = reads[variable][0]
                x = raw[variable]
            part = slice(low - origin, high - origin)
            if step.plan.backend == "array":
                there = self._call_there(step, record, x.there[part], needed[name], low)
                made[name] = {field: Twin(there=y, place=self.place) for field, y in there.items()}
            else:
                here = self._call(step, record, x.host[part], needed[name], low)
                made[name] = {field: Twin(y, place=self.place) for field, y in here.items()}
        return made

    def _call(self, step: _Step, record: int, x: np.ndarray, rows: Range, low: int) -> dict[str, np.ndarray]:
        rate = float(self.ctx.axes[step.source or self.root].rate[record])
        if step.contract.pattern == Pattern.MAP:
            y = by_segment(step.call, x, step.contract, step.plan.params, rate)
            field = step.plan.fields[0]
            count = rows[1] - rows[0]
            return {field.name: shaped(step.plan, field, y[rows[0] - low : rows[0] - low + count], count)}
        out = step.call(x, rate=rate, **step.plan.params)
        geometry = step.at(record)
        first, count = geometry.first(low), geometry.rows(len(x))
        mine = slice(rows[0] - first, rows[1] - first)
        return {f.name: shaped(step.plan, f, out[f.name], count)[mine] for f in step.plan.fields}

    def _call_there(self, step: _Step, record: int, x: Array, rows: Range, low: int) -> dict[str, Array]:
        """`_call` on the device."""
        assert self.place is not None
        rate = float(self.ctx.axes[step.source or self.root].rate[record])
        if step.contract.pattern == Pattern.MAP:
            y = segments.by_segment(step.call, x, step.contract, step.plan.params, rate, self.place)
            field, count = step.plan.fields[0], rows[1] - rows[0]
            mine = slice(rows[0] - low, rows[1] - low)
            return {field.name: shaped_there(step.plan, field, y[mine], count)}
        out = step.call(x, rate=rate, **step.plan.params)
        geometry = step.at(record)
        first, count = geometry.first(low), geometry.rows(x.shape[0])
        mine = slice(rows[0] - first, rows[1] - first)
        return {f.name: shaped_there(step.plan, f, out[f.name], count)[mine, ...] for f in step.plan.fields}


def _root_variables(plans: list[StepPlan], stage: StagePlan) -> dict[str, str]:
    found = {}
    for plan in plans:
        first = next(i for i in plan.inputs if i.kind != "fact")
        if first.source not in stage.steps:
            found[plan.name] = first.field or "values"
    return found


def by_segment(
    call: Callable[..., np.ndarray], x: np.ndarray, contract: Contract, params: Mapping[str, Any], rate: float
) -> np.ndarray:
    """Apply a map kernel to each stretch without gaps as if it were a record of its own.

    Missing samples stay NaN, and so do stretches too short for the kernel.
    """
    least = contract.min_samples(params, rate) if contract.min_samples else 1
    if _all_finite(x):
        return call(x, rate=rate, **params) if len(x) >= least else np.full(x.shape, np.nan, x.dtype)
    y, done = np.empty_like(x), 0
    for start, stop in stretches(np.isfinite(x)):
        if stop - start >= least:
            y[done:start] = np.nan
            y[start:stop] = call(x[start:stop], rate=rate, **params)
            done = stop
    y[done:] = np.nan
    return y


def _all_finite(x: np.ndarray) -> bool:
    from hpcflow_kernels.finite import all_finite

    compiled = x.ndim == 1 and x.dtype in (np.float32, np.float64) and x.flags.c_contiguous
    return bool(all_finite(x) if compiled else np.isfinite(x).all())


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """Compute all tiles of a block."""
    if ("chain", stage.name) not in ctx.cache:
        keep_freed_memory()
        ctx.cache["chain", stage.name] = Chain(ctx, stage)
    chain: Chain = ctx.cache["chain", stage.name]
    skipped = ctx.aside(stage.dataset)
    pieces: list[Piece] = []
    samples = computed = reused = 0
    for record, first, last in chain.grid.tiles_of(block, block + 1):
        if record in skipped:
            continue
        if ctx.reusable.all_of(chain.stored, record):
            reused += first == 0
            pieces += chain.earlier(record, (first, last))
            continue
        computed += first == 0
        length = int(chain.grid.tile[record])
        samples += min(last * length, int(chain.axis.size[record])) - first * length
        for tile in range(first, last):
            if (tile - first) % AHEAD == 0 and tile + 1 < last:
                chain.ahead(record, (tile + 1, min(tile + 1 + AHEAD, last)))
            pieces += chain.tile(record, tile).values()
    return BlockOutput(
        pieces=joined(pieces),
        samples=samples,
        computed=computed,
        reused=reused,
        device=ctx.devices(stage) if samples else "",
    )
