"""Groups of fused steps as stages: block counts, rules, memory bounds, bytes and files."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.plan import axes as ax
from hpcflow.plan import memory
from hpcflow.plan.blocks import Bundles, TileGrid
from hpcflow.plan.fuse import Group
from hpcflow.plan.inputs import held_bytes
from hpcflow.plan.model import DatasetPlan, FieldPlan, StagePlan, StepPlan
from hpcflow.plan.records import RecordTable
from hpcflow.plan.tiling import tiles_of
from hpcflow_kernels import Pattern, get
from hpcflow_kernels.ports import port_of

if TYPE_CHECKING:
    from hpcflow.workflow.model import WorkflowSpec

TILES_PER_BLOCK = 64
"""At most 64 tiles of 1 MiB: seconds of work, so that a lost block costs little and a receipt covers much."""

TARGET_BLOCKS = 64
"""Blocks a stage should have at least, where it has the tiles: enough to share among workers."""

RECORDS_PER_TILE = 1024
"""Records whose partial state is one leaf of a reduction's merge tree; fixed, so that bits are."""


COPIES = 8
"""Of what a worker holds of another dataset: read, in float64, and with the belts that bounds need."""

COLUMNS = 9
"""Columns of a record table besides its facts; a fact is two, its values and where they came from."""


def columns(table: RecordTable) -> int:
    """Arrays of a record table."""
    return COLUMNS + 2 * len(table.facts)


def row_bytes(fields: Sequence[FieldPlan]) -> int:
    """Bytes of one row over all fields."""
    return sum(math.prod(f.shape) * np.dtype(f.dtype).itemsize for f in fields)


def stored_bytes(steps: Sequence[StepPlan]) -> int:
    """Bytes of the rows that a stage leaves: those that nothing else reads stay in its tiles."""
    return sum(s.rows * row_bytes(s.fields) for s in steps if s.stored)


def listed(step: StepPlan) -> int:
    """Inputs of a port that takes several, for each of which a kernel works; 1 where it has no such port."""
    several = {port.name for port in get(step.kernel).ports if port.several}
    return max(1, sum(port_of(item.port) in several for item in step.inputs))


def call_bytes(step: StepPlan, itemsize: float) -> float:
    """Working memory of a step for each sample of its source, where one takes so many bytes."""
    own = listed(step) * get(step.kernel).bytes_per_sample
    return own if step.backend != "array" else max(own, memory.ARRAY_COPIES * itemsize)


class Stages:
    """Collects stages in the order in which they run."""

    def __init__(
        self,
        spec: WorkflowSpec,
        tables: Mapping[str, RecordTable],
        places: Mapping[str, ax.RowAxis],
        steps: Mapping[str, StepPlan],
        datasets: Mapping[str, DatasetPlan],
        read_bytes: Mapping[str, int],
    ) -> None:
        self.block_bytes = spec.run.block_bytes
        self.tables, self.places, self.steps, self.datasets = tables, places, steps, datasets
        self.read_bytes = read_bytes
        self.stages: list[StagePlan] = []
        self.written: dict[str, str] = {}
        """Last stage to wait for before a dataset or step can be read."""

    def ingest(self, dataset: DatasetPlan) -> None:
        """Files into shards, then the record table."""
        itemsize = sum(v.stored_bytes for v in dataset.variables)
        table = self.tables[dataset.name]
        shards = -(-dataset.samples // dataset.shard)
        ingest = StagePlan(
            name=f"ingest.{dataset.name}",
            kind="ingest",
            blocks=shards,
            after=(),
            dataset=dataset.name,
            memory_bytes=memory.ingest_bound(
                min(dataset.shard, max(dataset.samples, 1)),
                itemsize,
                self.read_bytes.get(dataset.name, 0),
            ),
            work_samples=int(table.size.sum()),
            flops=float(table.size.sum()) * len(dataset.variables) * 4,
            read_bytes=int(table.size.sum()) * itemsize,
            write_bytes=int(table.size.sum()) * itemsize,
            files=shards * len(dataset.variables) + len(dataset.variables) + 1,
        )
        close = StagePlan(
            name=f"table.{dataset.name}",
            kind="table",
            blocks=1,
            after=(ingest.name,),
            dataset=dataset.name,
            memory_bytes=memory.BASE + 2000 * dataset.records,
            files=2 * self._columns(dataset.name),
        )
        self.stages += [ingest, close]
        self.written[dataset.name] = close.name

    def group(self, group: Group) -> None:
        """One stage of steps, and the stages that store what must be stored."""
        steps = [self.steps[name] for name in group.steps]
        dataset = steps[0].dataset
        reads = {
            i.source for s in steps for i in s.inputs if i.kind == "step" and i.source not in group.steps
        }
        reads |= {i.source for s in steps for i in s.inputs if i.kind in ("records", "record_facts")}
        after = tuple(sorted({self.written[name] for name in {dataset, *reads} if name in self.written}))
        plain = f"{group.kind}.{dataset}"
        number = sum(f"{s.name}.".startswith(f"{plain}.") for s in self.stages)
        name = f"{plain}.{number + 1}" if number else plain
        if group.kind == "tiles":
            stage = self._tiles(name, group, steps, after)
        elif group.kind == "collective":
            stage = self._collective(name, steps[0], after)
        else:
            stage = self._records(name, group, steps, after)
        if any(step.backend == "array" for step in steps):
            stage = replace(stage, device="gpu", memory_bytes=stage.memory_bytes + memory.LIBRARY)
        self.stages.append(stage)
        for step in steps:
            if group.kind == "reduce":
                self._merge(step, stage)
            elif step.stored:
                self._assemble(step, stage)

    def _tiles(self, name: str, group: Group, steps: list[StepPlan], after: tuple[str, ...]) -> StagePlan:
        source = self.places[group.root]
        tile, reach = tiles_of(steps, source)
        itemsize = self._root_itemsize(group, steps)
        total = int(TileGrid.make(source.size, tile, 1).first[-1])
        if self.block_bytes:
            per_block = max(1, int(self.block_bytes // (max(int(tile.max(initial=1)), 1) * itemsize)))
        else:
            per_block = min(TILES_PER_BLOCK, max(1, total // TARGET_BLOCKS))
        grid = TileGrid.make(source.size, tile, per_block)
        samples = int(source.size.sum())
        out = stored_bytes(steps)
        return StagePlan(
            name=name,
            kind="tiles",
            blocks=grid.blocks,
            after=after,
            dataset=steps[0].dataset,
            steps=group.steps,
            tiles_per_block=per_block,
            memory_bytes=memory.tiles_bound(
                int(tile.max(initial=0)),
                reach,
                max(call_bytes(s, itemsize) for s in steps) + 8 * (len(steps) - 1),
                out / max(total, 1) * min(per_block, max(total, 1)),
            ),
            work_samples=samples,
            flops=samples * sum(get(s.kernel).flops_per_sample for s in steps),
            read_bytes=samples * itemsize,
            write_bytes=out,
        )

    def _root_itemsize(self, group: Group, steps: list[StepPlan]) -> int:
        for step in steps:
            for item in step.inputs:
                if item.kind == "variable":
                    variables = self.datasets[step.dataset].variables
                    return np.dtype(next(v.dtype for v in variables if v.name == item.field)).itemsize
        return 4

    def _records(self, name: str, group: Group, steps: list[StepPlan], after: tuple[str, ...]) -> StagePlan:
        dataset = steps[0].dataset
        size = self.places[dataset].size
        read = self._read(steps)
        itemsize = read or 4
        total = int(np.maximum(size, 1).sum())
        if group.kind == "reduce":
            size, per_block = np.ones_like(size), RECORDS_PER_TILE
        elif self.block_bytes:
            per_block = max(1, int(self.block_bytes // itemsize))
        else:
            per_block = max(1, min(TILES_PER_BLOCK << 18, total // TARGET_BLOCKS))
        out = stored_bytes(steps)
        samples = int(size.sum()) if read else len(size)
        work = self._work(steps, size) if read and group.kind != "reduce" else samples
        blocks = Bundles.make(size, per_block).blocks
        whole = [i for s in steps for i in s.inputs if i.kind == "records"]
        held = sum(held_bytes(i, self.tables[i.source]) for i in whole)
        return StagePlan(
            name=name,
            kind="reduce" if group.kind == "reduce" else "records",
            blocks=blocks,
            after=after,
            dataset=dataset,
            steps=group.steps,
            samples_per_block=per_block,
            memory_bytes=memory.records_bound(self._working_set(steps, size, itemsize), out / max(blocks, 1))
            + COPIES * held,
            work_samples=work,
            flops=work * sum(listed(s) * get(s.kernel).flops_per_sample for s in steps)
            + sum(get(s.kernel).flops_per_pair * self._pairs(s, size) for s in steps),
            read_bytes=samples * itemsize + held,
            write_bytes=out,
        )

    def _read(self, steps: Sequence[StepPlan]) -> int:
        """Bytes of one sample over all variables that steps read."""
        variables = {v.name: np.dtype(v.dtype).itemsize for v in self.datasets[steps[0].dataset].variables}
        read = {i.field or "" for s in steps for i in s.inputs if i.kind == "variable"}
        return sum(variables[name] for name in read)

    def _collective(self, name: str, step: StepPlan, after: tuple[str, ...]) -> StagePlan:
        """A step whose ranks talk: a block is a record, whatever the number of ranks."""
        contract, size = get(step.kernel), self.places[step.dataset].size
        read = self._read([step])
        held = self._working_set([step], size, read or 4)
        rows = self.places[step.name].size.max(initial=0) * row_bytes(step.fields) if step.stored else 0
        bound = memory.records_bound(held, rows)
        work = self._work([step], size) if read else len(size)
        return StagePlan(
            name=name,
            kind="collective",
            blocks=len(size),
            after=after,
            dataset=step.dataset,
            steps=(step.name,),
            memory_bytes=bound,
            shared_bytes=bound - memory.records_bound(held if contract.held_by_rank == "all" else 0, 0),
            work_samples=work,
            flops=work * listed(step) * contract.flops_per_sample
            + contract.flops_per_pair * self._pairs(step, size),
            read_bytes=int(size.sum()) * read,
            write_bytes=stored_bytes([step]),
        )

    def _pairs(self, step: StepPlan, size: np.ndarray) -> float:
        """Pairs of samples: of each record with itself, or with all records that the step is given."""
        whole = [self.tables[i.source] for i in step.inputs if i.kind == "records"]
        if not whole:
            return float((size.astype(np.float64) ** 2).sum())
        return float(size.sum()) * sum(float(table.size[ax.live(table)].sum()) for table in whole)

    def _working_set(self, steps: list[StepPlan], size: np.ndarray, itemsize: float) -> int:
        """Bytes that the record needing most takes."""
        calls = [memory.Call(call_bytes(s, itemsize), self._most(s, size)) for s in steps]
        order = np.argsort(-size, kind="stable")[: memory.LOOKED_AT + 1]
        return memory.working_set(order.tolist(), size.tolist(), itemsize, calls)

    def _most(self, step: StepPlan, size: np.ndarray) -> Callable[[int], int]:
        """How many samples of a live record a step works on."""
        asked = get(step.kernel).most_samples
        if asked is None:
            return lambda record: int(size[record])
        rate, table = self.places[step.dataset].rate, self.tables[step.dataset]
        index = ax.live(table)
        named = {i.port: i.field or "" for i in step.inputs if i.kind == "fact"}

        def samples(record: int) -> int:
            known = table.facts_of(int(index[record]))
            facts = {port: known.get(field) for port, field in named.items()}
            return asked(step.params, float(rate[record]), facts)

        return samples

    def _work(self, steps: list[StepPlan], size: np.ndarray) -> int:
        """Samples that the steps work on; of the longest records, what a kernel leaves of each counts off."""
        if any(get(step.kernel).most_samples is None for step in steps):
            return int(size.sum())
        most = [self._most(step, size) for step in steps]
        longest = np.argsort(-size, kind="stable")[: memory.LOOKED_AT].tolist()
        left = (int(size[r]) - max(m(r) for m in most) for r in longest)
        return int(size.sum()) - sum(max(0, samples) for samples in left)

    def _assemble(self, step: StepPlan, stage: StagePlan) -> None:
        blocks = max(1, -(-step.rows // step.shard))
        name = f"assemble.{step.name}"
        bytes_per_row = row_bytes(step.fields)
        self.stages.append(
            StagePlan(
                name=name,
                kind="assemble",
                blocks=blocks,
                after=(stage.name,),
                dataset=step.dataset,
                steps=(step.name,),
                memory_bytes=memory.assemble_bound(min(step.shard, max(step.rows, 1)), bytes_per_row),
                work_samples=step.rows,
                read_bytes=step.rows * bytes_per_row,
                write_bytes=step.rows * bytes_per_row,
                files=self._files(step, blocks),
            )
        )
        self.written[step.name] = name

    def _columns(self, dataset: str) -> int:
        return columns(self.tables[dataset])

    def _files(self, step: StepPlan, shards: int) -> int:
        """Files of a step's store: a description of each array, and shards; one that is all fill has none."""
        by_row = len(step.fields)
        records = self._columns(step.dataset)
        if step.axis == "record":
            records -= 2  # first row and number of rows of a record
        elif step.axis != "sample":
            by_row += 1 if step.pattern == Pattern.EVENTS else 2  # record, and time, of a row
        return 1 + by_row * (1 + shards) + 2 * (_inner(step) + records)

    def _merge(self, step: StepPlan, stage: StagePlan) -> None:
        name = f"merge.{step.name}"
        self.stages.append(
            StagePlan(
                name=name,
                kind="merge",
                blocks=1,
                after=(stage.name,),
                dataset=step.dataset,
                steps=(step.name,),
                memory_bytes=memory.BASE + 4 * row_bytes(step.fields) + memory.FLUSH,
                work_samples=stage.blocks,
                write_bytes=row_bytes(step.fields),
                files=1 + 2 * (len(step.fields) + _inner(step)),
            )
        )
        self.written[step.name] = name


def _inner(step: StepPlan) -> int:
    """Coordinates of inner dimensions."""
    return len({name for field in step.fields for name, _, _ in field.dims})
