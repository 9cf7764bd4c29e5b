"""From what was asked and what the data are to the frozen cut. Text and integers; nothing is opened."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcflow.errors import Problem, WorkflowError
from hpcflow.plan import axes as ax
from hpcflow.plan import memory
from hpcflow.plan.blocks import Bundles, TileGrid
from hpcflow.plan.fields import resolve_fields
from hpcflow.plan.fuse import Group, Node, fuse, stored_steps
from hpcflow.plan.layout import Layout, layout_for
from hpcflow.plan.model import (
    Cut,
    DatasetPlan,
    FieldPlan,
    Input,
    StagePlan,
    StepPlan,
    VariablePlan,
    digest,
)
from hpcflow.plan.records import RecordTable
from hpcflow.units import compatible
from hpcflow_kernels import Contract, get

if TYPE_CHECKING:
    from hpcflow.workflow.model import Ref, StepSpec, WorkflowSpec

TILES_PER_BLOCK = 64
"""At most 64 tiles of 1 MiB: seconds of work, so that a lost block costs little and a receipt covers much."""

TARGET_BLOCKS = 64
"""Blocks a stage should have at least, where it has the tiles: enough to share among workers."""

RECORDS_PER_TILE = 1024
"""Records whose partial state is one leaf of a reduction's merge tree; fixed, so that bits are."""

SHARD_BYTES = 64 << 20


def compile_cut(
    spec: WorkflowSpec, tables: Mapping[str, RecordTable], layouts: Mapping[str, Layout] | None = None
) -> Cut:
    """Decide everything that does not depend on a site.

    Parameters
    ----------
    spec
        The checked workflow.
    tables
        The record table of each dataset, by name.
    layouts
        Chunk and shard of stores that exist already; others are chosen from the number of samples.

    Raises
    ------
    WorkflowError
        Every input that does not fit its port, every parameter that no recording allows.
    """
    problems: list[Problem] = []
    order = _needed(spec)
    inputs = {step.name: _inputs(spec, step, tables, problems) for step in order}
    if problems:
        raise WorkflowError(problems)
    homes = {step.name: _dataset_of(spec, step, inputs, problems) for step in order}
    if problems:
        raise WorkflowError(problems)
    nodes = [Node(s.name, get(s.kernel).pattern, homes[s.name], inputs[s.name]) for s in order]
    groups = fuse(nodes)
    saved = {ref.source for ref in spec.save}
    stored = stored_steps(groups, nodes, saved)
    places = {name: ax.dataset_axis(table) for name, table in tables.items()}
    steps: dict[str, StepPlan] = {}
    for step in order:
        plan = _plan_step(spec, step, inputs[step.name], homes[step.name], tables, steps, places, problems)
        steps[step.name] = replace(plan, saved=step.name in saved, stored=step.name in stored)
    if problems:
        raise WorkflowError(problems)
    used = [name for name in tables if any(s.dataset == name for s in steps.values())]
    known = layouts or {}
    datasets = tuple(
        _plan_dataset(name, tables[name], known.get(name), spec.dataset(name).zarr is not None)
        for name in used
    )
    builder = _Stages(spec, tables, places, steps, {d.name: d for d in datasets})
    for dataset in datasets:
        if dataset.kind == "files":
            builder.ingest(dataset)
    for group in groups:
        builder.group(group)
    skipped = [s.name for s in spec.steps if s.name not in steps]
    notes = tuple(f"step {name} is neither saved nor read by a saved step: not computed" for name in skipped)
    return Cut(spec.name, datasets, tuple(steps.values()), tuple(builder.stages), notes)


def _needed(spec: WorkflowSpec) -> list[StepSpec]:
    """Steps that saved ones need, each after what it reads; the order of the file breaks ties."""
    by_name = {step.name: step for step in spec.steps}
    saved = {ref.source for ref in spec.save}
    ordered: dict[str, StepSpec] = {}

    def visit(name: str) -> None:
        if name in ordered or name not in by_name:
            return
        for ref in by_name[name].inputs.values():
            visit(ref.source)
        ordered[name] = by_name[name]

    for step in spec.steps:
        if step.name in saved:
            visit(step.name)
    return list(ordered.values())


def _inputs(
    spec: WorkflowSpec, step: StepSpec, tables: Mapping[str, RecordTable], problems: list[Problem]
) -> tuple[Input, ...]:
    contract = get(step.kernel)
    ports = {port.name: port for port in contract.ports}
    found = []
    for name, ref in step.inputs.items():
        port = ports[name]
        path = f"steps.{step.name}.input.{name}" if len(step.inputs) > 1 else f"steps.{step.name}.input"
        if ref.source in tables:
            item = _dataset_input(spec, path, name, ref, tables[ref.source], port.optional, problems)
            if item is None:
                continue
            dimension = _input_units(item, tables[ref.source])
            if port.dimension and dimension and not compatible(dimension, port.dimension):
                problems.append(
                    spec.problem(
                        path,
                        f"port {name} of {step.kernel} takes {port.dimension}",
                        f"{ref.source}.{ref.field} in {dimension}",
                        f"name a variable or fact that is a {port.dimension}",
                    )
                )
            found.append(item)
        else:
            found.append(_step_input(spec, name, port.kind, ref))
    return tuple(found)


def _step_input(spec: WorkflowSpec, port: str, kind: str, ref: Ref) -> Input:
    field = ref.field
    if field is None and kind == "signal":
        producer = next(s for s in spec.steps if s.name == ref.source)
        fields = get(producer.kernel).fields(producer.params)
        field = fields[0].name if len(fields) == 1 else None
    return Input(port, "step", ref.source, field)


def _dataset_input(
    spec: WorkflowSpec,
    path: str,
    port: str,
    ref: Ref,
    table: RecordTable,
    optional: bool,
    problems: list[Problem],
) -> Input | None:
    variables = [v.name for v in table.variables]
    if ref.field in variables:
        return Input(port, "variable", ref.source, ref.field)
    if ref.field in table.facts:
        return Input(port, "fact", ref.source, ref.field)
    if optional:
        return Input(port, "fact", ref.source, ref.field)
    known = [*variables, *table.facts]
    near = difflib.get_close_matches(str(ref.field), known, n=3)
    problems.append(
        spec.problem(
            path,
            f"dataset {ref.source} has no variable or fact of this name",
            f"{ref.source}.{ref.field}" if ref.field else ref.source,
            (f"did you mean {' or '.join(f'{ref.source}.{n}' for n in near)}?" if near else "")
            or f"variables: {', '.join(variables) or 'none'}; facts: {', '.join(table.facts) or 'none'}",
        )
    )
    return None


def _input_units(item: Input, table: RecordTable) -> str | None:
    if item.kind == "variable":
        return next(v.units for v in table.variables if v.name == item.field)
    fact = table.facts.get(item.field or "")
    return fact.units if fact is not None and fact.units != "text" else None


def _dataset_of(
    spec: WorkflowSpec, step: StepSpec, inputs: Mapping[str, tuple[Input, ...]], problems: list[Problem]
) -> str:
    """The one dataset that a step's inputs come from."""

    def datasets(name: str) -> set[str]:
        found: set[str] = set()
        for item in inputs[name]:
            found |= datasets(item.source) if item.kind == "step" else {item.source}
        return found

    homes = sorted(datasets(step.name))
    if len(homes) != 1:
        problems.append(
            spec.problem(
                f"steps.{step.name}.input",
                "all inputs of a step come from one dataset",
                ", ".join(homes) or "none",
                "make one step per dataset",
            )
        )
        return ""
    return homes[0]


def _plan_step(
    spec: WorkflowSpec,
    step: StepSpec,
    inputs: tuple[Input, ...],
    dataset: str,
    tables: Mapping[str, RecordTable],
    steps: Mapping[str, StepPlan],
    places: dict[str, ax.RowAxis],
    problems: list[Problem],
) -> StepPlan:
    contract = get(step.kernel)
    units, dtype = _first_port(inputs, tables, steps)
    fields = resolve_fields(contract, step.params, units, dtype)
    plan = StepPlan(
        name=step.name,
        kernel=contract.name,
        version=contract.version,
        pattern=contract.pattern.value,
        params=dict(step.params),
        inputs=inputs,
        dataset=dataset,
        axis=contract.axis,
        fields=fields,
        rows=0,
        saved=False,
        stored=False,
        shard=1,
        key=digest(
            [
                contract.name,
                contract.version,
                dict(step.params),
                [[i.port, i.kind, steps[i.source].key if i.kind == "step" else "", i.field] for i in inputs],
            ]
        ),
    )
    source = places[ax.source_of(plan, dataset)]
    if contract.geometry is not None and len(source):
        _check_rates(spec, step, contract, source, problems)
    axis = ax.step_axis(plan.pattern, contract, plan.params, source, tables[dataset])
    places[step.name] = axis
    return replace(plan, rows=axis.total, shard=shard_rows(axis.total, fields))


def _check_rates(
    spec: WorkflowSpec, step: StepSpec, contract: Contract, source: ax.RowAxis, problems: list[Problem]
) -> None:
    """A parameter that fits no recording is a mistake; one that misses some sets those aside."""
    rates = [float(r) for r in np.unique(source.rate[np.isfinite(source.rate)])]
    if not rates:
        problems.append(
            spec.problem(
                f"steps.{step.name}",
                f"{contract.name} needs a sampling rate, and no recording has one",
                "",
                "add a sampling_rate column to the records file, or defaults: {sampling_rate: 10 kHz}",
            )
        )
        return
    found = [ax.problems_at(contract, step.params, rate) for rate in rates]
    if all(found):
        for text in dict.fromkeys(text for texts in found for text in texts):
            problems.append(spec.problem(f"steps.{step.name}.with", text, "", "change the parameter"))


def _first_port(
    inputs: Sequence[Input], tables: Mapping[str, RecordTable], steps: Mapping[str, StepPlan]
) -> tuple[str, str]:
    for item in inputs:
        if item.kind == "variable":
            variable = next(v for v in tables[item.source].variables if v.name == item.field)
            return variable.units, variable.dtype
        if item.kind == "step":
            fields = steps[item.source].fields
            field = next((f for f in fields if f.name == item.field), fields[0])
            return field.units, field.dtype
    return "1", "float32"


def row_bytes(fields: Sequence[FieldPlan]) -> int:
    """Bytes of one row over all fields."""
    return sum(math.prod(f.shape) * np.dtype(f.dtype).itemsize for f in fields)


def shard_rows(rows: int, fields: Sequence[FieldPlan]) -> int:
    """Rows per shard of a step's store: a power of two near 64 MiB, or all rows where they are fewer."""
    per_shard = max(1, SHARD_BYTES // max(1, row_bytes(fields)))
    return min(1 << (per_shard.bit_length() - 1), 1 << max(rows - 1, 0).bit_length())


def _plan_dataset(name: str, table: RecordTable, layout: Layout | None, zarr: bool) -> DatasetPlan:
    layout = layout or layout_for(table.samples)
    return DatasetPlan(
        name=name,
        records=len(table),
        live=len(ax.live(table)),
        samples=table.samples,
        table=table.digest(),
        kind="zarr" if zarr else "files",
        variables=tuple(VariablePlan(v.name, v.units, v.dtype) for v in table.variables),
        chunk=layout.chunk,
        shard=layout.shard,
    )


class _Stages:
    """Collects stages in the order in which they run."""

    def __init__(
        self,
        spec: WorkflowSpec,
        tables: Mapping[str, RecordTable],
        places: Mapping[str, ax.RowAxis],
        steps: Mapping[str, StepPlan],
        datasets: Mapping[str, DatasetPlan],
    ) -> None:
        self.block_bytes = spec.run.block_bytes
        self.tables, self.places, self.steps, self.datasets = tables, places, steps, datasets
        self.stages: list[StagePlan] = []
        self.written: dict[str, str] = {}
        """Last stage to wait for before a dataset or step can be read."""

    def ingest(self, dataset: DatasetPlan) -> None:
        """Files into shards, then the record table."""
        itemsize = sum(np.dtype(v.dtype).itemsize for v in dataset.variables)
        table = self.tables[dataset.name]
        shards = -(-dataset.samples // dataset.shard)
        ingest = StagePlan(
            name=f"ingest.{dataset.name}",
            kind="ingest",
            blocks=shards,
            after=(),
            dataset=dataset.name,
            memory_bytes=memory.ingest_bound(
                min(dataset.shard, max(dataset.samples, 1)), itemsize, int(table.size.max(initial=0))
            ),
            work_samples=int(table.size.sum()),
            flops=float(table.size.sum()) * len(dataset.variables) * 4,
            read_bytes=int(table.size.sum()) * itemsize,
            write_bytes=int(table.size.sum()) * itemsize,
            files=shards * len(dataset.variables) + len(dataset.variables),
        )
        close = StagePlan(
            name=f"table.{dataset.name}",
            kind="table",
            blocks=1,
            after=(ingest.name,),
            dataset=dataset.name,
            memory_bytes=memory.BASE + 2000 * dataset.records,
            files=16,
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
        after = tuple(sorted({self.written[name] for name in {dataset, *reads} if name in self.written}))
        number = sum(s.name.startswith(f"{group.kind}.{dataset}") for s in self.stages)
        name = f"{group.kind}.{dataset}" + (f".{number + 1}" if number else "")
        if group.kind == "tiles":
            stage = self._tiles(name, group, steps, after)
        else:
            stage = self._records(name, group, steps, after)
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
        out = sum(s.rows * row_bytes(s.fields) for s in steps)
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
                sum(get(s.kernel).bytes_per_sample for s in steps),
                out / max(total, 1),
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
        variables = {v.name: np.dtype(v.dtype).itemsize for v in self.datasets[dataset].variables}
        read = {i.field: variables[i.field or ""] for s in steps for i in s.inputs if i.kind == "variable"}
        itemsize = sum(read.values()) or 4
        total = int(np.maximum(size, 1).sum())
        if group.kind == "reduce":
            size, per_block = np.ones_like(size), RECORDS_PER_TILE
        elif self.block_bytes:
            per_block = max(1, int(self.block_bytes // itemsize))
        else:
            per_block = max(1, min(TILES_PER_BLOCK << 18, total // TARGET_BLOCKS))
        largest = int(size.max(initial=0))
        out = sum(s.rows * row_bytes(s.fields) for s in steps)
        work = int(size.sum()) if read else len(size)
        return StagePlan(
            name=name,
            kind="reduce" if group.kind == "reduce" else "records",
            blocks=Bundles.make(size, per_block).blocks,
            after=after,
            dataset=dataset,
            steps=group.steps,
            samples_per_block=per_block,
            memory_bytes=memory.records_bound(
                largest,
                itemsize,
                sum(get(s.kernel).bytes_per_sample for s in steps),
                out / max(len(size), 1),
            ),
            work_samples=work,
            flops=work * sum(get(s.kernel).flops_per_sample for s in steps),
            read_bytes=work * itemsize,
            write_bytes=out,
        )

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
                files=(blocks + 1) * len(step.fields) + 20,
            )
        )
        self.written[step.name] = name

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
                files=2 * len(step.fields) + 8,
            )
        )
        self.written[step.name] = name


def tiles_of(steps: Sequence[StepPlan], source: ax.RowAxis) -> tuple[np.ndarray, int]:
    """Tile length per record for a chain of fused steps, and the longest reach beyond a tile.

    The tile depends on the kernels, their parameters and the record's rate alone, so neither site nor
    memory nor other recordings change a record's arithmetic.
    """
    tile = np.zeros(len(source), np.int64)
    longest = 0
    for rate in np.unique(source.rate[np.isfinite(source.rate)]):
        reach = chain_reach(steps, float(rate))
        if reach is not None:
            tile[source.rate == rate] = ax.tile_length(reach)
            longest = max(longest, reach)
    return tile, longest


def chain_reach(steps: Sequence[StepPlan], rate: float) -> int | None:
    """Source samples that one output row reaches over, the widest step counting; None if none can run."""
    hops: dict[str, tuple[int, int]] = {}
    for step in steps:
        first = next(i for i in step.inputs if i.kind != "fact")
        inner = first.kind == "step" and first.source in {s.name for s in steps}
        if inner and first.source not in hops:
            continue
        hop, reach = hops[first.source] if inner else (1, 0)
        contract = get(step.kernel)
        if ax.problems_at(contract, step.params, rate / hop):
            continue
        assert contract.geometry is not None
        g = contract.geometry(step.params, rate / hop)
        hops[step.name] = hop * g.hop, reach + (g.frame - 1 + g.before + g.after) * hop
    return max((reach for _, reach in hops.values()), default=None)


def summary(cut: Cut) -> dict[str, Any]:
    """Totals of a cut for people and programs."""
    return {
        "run_id": cut.id,
        "records": sum(d.live for d in cut.datasets),
        "samples": sum(d.samples for d in cut.datasets),
        "stages": len(cut.stages),
        "blocks": sum(s.blocks for s in cut.stages),
        "read_bytes": sum(s.read_bytes for s in cut.stages),
        "write_bytes": sum(s.write_bytes for s in cut.stages),
        "files": sum(s.files for s in cut.stages),
        "memory_bytes": max((s.memory_bytes for s in cut.stages), default=0),
    }
