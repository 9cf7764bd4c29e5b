"""From what was asked and what the data are to the frozen cut. Text and integers; nothing is opened."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcflow.errors import Problem, WorkflowError
from hpcflow.plan import axes as ax
from hpcflow.plan.fields import resolve_fields, unscaled
from hpcflow.plan.folder_files import folder_files
from hpcflow.plan.foresee import foreseen, time_fault
from hpcflow.plan.fuse import Node, fuse, stored_steps
from hpcflow.plan.inputs import check_held, dataset_of, needed, resolve_inputs
from hpcflow.plan.layout import Layout, layout_for
from hpcflow.plan.model import (
    Cut,
    DatasetPlan,
    FieldPlan,
    Input,
    StepPlan,
    VariablePlan,
    digest,
)
from hpcflow.plan.records import RecordTable
from hpcflow.plan.stages import Stages, columns, row_bytes
from hpcflow_kernels import Contract, get

if TYPE_CHECKING:
    from hpcflow.workflow.model import DatasetSpec, StepSpec, WorkflowSpec

SHARD_BYTES = 64 << 20


def compile_cut(
    spec: WorkflowSpec,
    tables: Mapping[str, RecordTable],
    layouts: Mapping[str, Layout] | None = None,
    read_bytes: Mapping[str, int] | None = None,
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
    read_bytes
        Most bytes that reading one shard's part of a record from its file takes, by dataset.

    Raises
    ------
    WorkflowError
        Every input that does not fit its port, every parameter that no recording allows.
    """
    problems: list[Problem] = []
    order = needed(spec)
    inputs = {step.name: resolve_inputs(spec, step, tables, problems) for step in order}
    if problems:
        raise WorkflowError(problems)
    for step in order:
        check_held(spec, step, inputs[step.name], tables, problems)
    homes = {step.name: dataset_of(spec, step, inputs, problems) for step in order}
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
    read = {i.source for s in steps.values() for i in s.inputs} | {s.dataset for s in steps.values()}
    used = [name for name in tables if name in read]
    known = layouts or {}
    datasets = tuple(_plan_dataset(spec.dataset(name), tables[name], known.get(name)) for name in used)
    builder = Stages(spec, tables, places, steps, {d.name: d for d in datasets}, read_bytes or {})
    for dataset in datasets:
        if dataset.kind == "files":
            builder.ingest(dataset)
    for group in groups:
        builder.group(group)
    skipped = [s.name for s in spec.steps if s.name not in steps]
    notes = [f"step {name} is neither saved nor read by a saved step: not computed" for name in skipped]
    notes += [note for step in steps.values() for note in _unscaled(step, places)]
    notes += foreseen(steps.values(), tables, places)
    notes += _devices(spec, steps.values())
    return Cut(spec.name, datasets, tuple(steps.values()), tuple(builder.stages), tuple(notes))


def _devices(spec: WorkflowSpec, steps: Iterable[StepPlan]) -> list[str]:
    """What to say of a workflow that asks for a GPU."""
    if spec.run.device != "gpu":
        return []
    by: dict[str, list[str]] = {"array": [], "cuda": [], "cpu": []}
    for step in steps:
        by[step.backend].append(step.name)
    if not by["array"] and not by["cuda"]:
        return ["device gpu: no step's kernel can compute on a GPU, so none is used"]
    left = f"; on the processor, as their kernels have no other: {', '.join(by['cpu'])}" if by["cpu"] else ""
    notes = []
    if by["array"]:
        notes.append(f"device gpu: computed on a GPU, by PyTorch or CuPy: {', '.join(by['array'])}{left}")
    if by["cuda"]:
        notes.append(
            f"device gpu: computed through numba.cuda where a worker sees such a GPU, else on the processor: "
            f"{', '.join(by['cuda'])}{'' if by['array'] else left}"
        )
    return [*notes, "times of what runs on a GPU are those of one core; no GPU has been timed"]


def _backend(spec: WorkflowSpec, contract: Contract) -> str:
    """Which implementation computes a step: on a GPU where that is asked for and the kernel has one."""
    if spec.run.device != "gpu":
        return "cpu"
    return next((name for name in ("array", "cuda") if name in contract.backends), "cpu")


def _unscaled(step: StepPlan, places: Mapping[str, ax.RowAxis]) -> list[str]:
    """What to say of dimensions that have no common scale, since records have different rates."""
    contract = get(step.kernel)
    inputs = {i.port: (i.source, i.field) for i in step.inputs}
    names = unscaled(contract, contract.with_names(step.params, inputs))
    if not names:
        return []
    rates = ax.usable_rates(contract, step.params, places[ax.source_of(step.dataset, step.inputs)].rate)
    if len(rates) < 2 or ax.common_rate(rates) is not None:
        return []
    return [
        f"step {step.name}: its records have {len(rates)} sampling rates, {rates[0]:g} to {rates[-1]:g} Hz, "
        f"so {name} stays in samples, not Hz or s"
        for name in names
    ]


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
    ports = _ports(inputs, tables, steps)
    source = places[ax.source_of(dataset, inputs)]
    named = contract.with_names(step.params, {i.port: (i.source, i.field) for i in inputs})
    whole = {i.port: tables[i.source] for i in inputs if i.kind in ("records", "record_facts")}
    named |= {port: tuple(str(n) for n in table.ids[ax.live(table)]) for port, table in whole.items()}
    rates = ax.usable_rates(contract, step.params, source.rate) if unscaled(contract, named) else []
    backend = _backend(spec, contract)
    fields = resolve_fields(contract, named, ports, ax.common_rate(rates))
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
                [[i.port, i.kind, _key_of(i, steps, tables), i.field] for i in inputs],
                *([] if backend == "cpu" else [backend]),
            ]
        ),
        backend=backend,
    )
    if contract.geometry is not None and len(source):
        _check_rates(spec, step, contract, source, tables[dataset], problems)
        _check_lengths(spec, step, contract, source, problems)
    axis = ax.step_axis(plan.pattern, contract, plan.params, source, tables[dataset])
    places[step.name] = axis
    rows = ax.most_rows(plan.pattern, contract, plan.params, source, axis)
    return replace(plan, rows=rows, shard=shard_rows(rows, fields))


def _key_of(item: Input, steps: Mapping[str, StepPlan], tables: Mapping[str, RecordTable]) -> str:
    """What an input's content depends on beside the record itself."""
    if item.kind == "step":
        return steps[item.source].key
    return tables[item.source].digest() if item.kind in ("records", "record_facts") else ""


def _check_rates(
    spec: WorkflowSpec,
    step: StepSpec,
    contract: Contract,
    source: ax.RowAxis,
    table: RecordTable,
    problems: list[Problem],
) -> None:
    """A parameter that fits no recording is a mistake; one that misses some sets those aside."""
    rates = [float(r) for r in np.unique(source.rate[np.isfinite(source.rate)])]
    if not rates:
        rule = f"{contract.name} needs a sampling rate, and no recording has one"
        why = _time_faults(table)
        remedy = (
            "mend the time stamps; or state the rate in the column `sampling_rate [Hz]` of a table for "
            "`records:`, which goes before them"
            if why
            else "add a sampling_rate column to the records file, or defaults: {sampling_rate: 10 kHz}"
        )
        problems.append(spec.problem(f"steps.{step.name}", rule, why, remedy))
        return
    found = [ax.problems_at(contract, step.params, rate) for rate in rates]
    if all(found):
        for text in dict.fromkeys(text for texts in found for text in texts):
            problems.append(spec.problem(f"steps.{step.name}.with", text, "", "change the parameter"))


def _time_faults(table: RecordTable) -> str:
    """Why the first records have no rate though they have time stamps."""
    live = ax.live(table).tolist()
    told = [f"{table.ids[r]}: {fault}" for r in live if (fault := time_fault(table, r))]
    return "; ".join(told[:3]) + ("; …" if len(told) > 3 else "")


def _check_lengths(
    spec: WorkflowSpec,
    step: StepSpec,
    contract: Contract,
    source: ax.RowAxis,
    problems: list[Problem],
) -> None:
    """A window that no recording is long enough for is a mistake; `foreseen` tells of single short ones."""
    frame = ax.step_geometry(contract, step.params, source.rate).frame
    runs = np.flatnonzero((frame > 0) & (source.size > 0))
    if not len(runs) or (source.size[runs] >= frame[runs]).any():
        return
    longest = runs[np.argmax(source.size[runs] / source.rate[runs])]
    wanted, has = (f"{float(n[longest] / source.rate[longest]):.4g} s" for n in (frame, source.size))
    name = "window" if "window" in step.params else ""
    problems.append(
        spec.problem(
            f"steps.{step.name}.with{'.' if name else ''}{name}",
            f"at least one recording is as long as one window of {contract.name}",
            f"a window of {wanted}, and the longest recording has {has}",
            f"lower `{name}` to {has} or less" if name else "lower what makes the window long",
        )
    )


def _ports(
    inputs: Sequence[Input], tables: Mapping[str, RecordTable], steps: Mapping[str, StepPlan]
) -> dict[str, tuple[str, str]]:
    """Units and dtype at each port that is fed by samples or rows."""
    found = {}
    for item in inputs:
        if item.kind in ("variable", "records"):
            variable = next(v for v in tables[item.source].variables if v.name == item.field)
            found[item.port] = variable.units, variable.dtype
        if item.kind == "step":
            fields = steps[item.source].fields
            field = next((f for f in fields if f.name == item.field), fields[0])
            found[item.port] = field.units, field.dtype
    return found


def shard_rows(rows: int, fields: Sequence[FieldPlan]) -> int:
    """Rows per shard of a step's store: a power of two near 64 MiB, or all rows where they are fewer."""
    per_shard = max(1, SHARD_BYTES // max(1, row_bytes(fields)))
    return min(1 << (per_shard.bit_length() - 1), 1 << max(rows - 1, 0).bit_length())


def _plan_dataset(spec: DatasetSpec, table: RecordTable, layout: Layout | None) -> DatasetPlan:
    layout = layout or layout_for(table.samples)
    return DatasetPlan(
        name=spec.name,
        records=len(table),
        live=len(ax.live(table)),
        samples=table.samples,
        table=table.digest(),
        kind="files" if spec.zarr is None else "zarr",
        variables=tuple(VariablePlan(v.name, v.units, v.dtype, v.packing) for v in table.variables),
        chunk=layout.chunk,
        shard=layout.shard,
        reader=spec.reader or "",
        recorded=int(table.size[ax.live(table)].sum()),
        table_files=2 * columns(table),
    )


def summary(cut: Cut) -> dict[str, Any]:
    """Totals of a cut for people and programs."""
    return {
        "run_id": cut.id,
        "records": sum(d.live for d in cut.datasets),
        "samples": sum(d.recorded for d in cut.datasets),
        "stages": len(cut.stages),
        "blocks": sum(s.blocks for s in cut.stages),
        "read_bytes": sum(s.read_bytes for s in cut.stages),
        "write_bytes": sum(s.write_bytes for s in cut.stages),
        "files": sum(s.files for s in cut.stages) + folder_files(cut),
        "memory_bytes": max((s.memory_bytes for s in cut.stages), default=0),
    }
