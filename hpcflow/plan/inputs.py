"""What each step reads, found in the record tables and among the steps, with every mismatch told."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from hpcflow.errors import Problem
from hpcflow.plan.axes import live
from hpcflow.plan.model import Input
from hpcflow.plan.records import RecordTable
from hpcflow.units import compatible
from hpcflow.workflow.model import place_of
from hpcflow_kernels import Pattern, get
from hpcflow_kernels.ports import port_of

if TYPE_CHECKING:
    from hpcflow.workflow.model import Ref, StepSpec, WorkflowSpec


_ALL: Mapping[str, Literal["records", "record_facts"]] = {"variable": "records", "fact": "record_facts"}
"""Kinds of inputs that take all records of a dataset."""

MOST_HELD = 256 << 20
"""Bytes of a dataset's variable that each worker may hold for as long as it lives."""


def needed(spec: WorkflowSpec) -> list[StepSpec]:
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


def resolve_inputs(
    spec: WorkflowSpec, step: StepSpec, tables: Mapping[str, RecordTable], problems: list[Problem]
) -> tuple[Input, ...]:
    """Where each port of a step gets its data from; what does not fit is added to `problems`.

    A fact that a dataset lacks is no problem for an optional port: the kernel gets None.
    """
    contract = get(step.kernel)
    ports = {port.name: port for port in contract.ports}
    found = []
    for name, ref in step.inputs.items():
        port = ports[port_of(name)]
        path = place_of(step.name, name, spec.places)
        if ref.source in tables:
            item = _dataset_input(spec, path, name, ref, tables[ref.source], port.optional, problems)
            if item is None:
                continue
            dimension = _input_units(item, tables[ref.source])
            if port.dimension and dimension and not compatible(dimension, port.dimension):
                problems.append(
                    spec.problem(
                        path,
                        f"port {port.name} of {step.kernel} takes {port.dimension}",
                        f"{ref.source}.{ref.field} in {dimension}",
                        f"name a variable or fact that is a {port.dimension}",
                    )
                )
            if port.whole and contract.pattern != Pattern.RECORD:
                problems.append(
                    spec.problem(
                        path,
                        f"port {port.name} of {step.kernel} takes all records of a dataset, which kernels of "
                        "pattern record alone can",
                        f"{step.kernel} is of pattern {contract.pattern}",
                        f"give port {port.name} one record in the kernel's contract, or change its pattern",
                    )
                )
            found.append(replace(item, kind=_ALL[item.kind]) if port.whole else item)
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


def held_bytes(item: Input, table: RecordTable) -> int:
    """Bytes of what each worker holds for an input that takes all records of a dataset."""
    dtype = next(v.dtype for v in table.variables if v.name == item.field)
    return int(table.size[live(table)].sum()) * (8 if dtype == "float64" else 4)


def check_held(
    spec: WorkflowSpec,
    step: StepSpec,
    inputs: tuple[Input, ...],
    tables: Mapping[str, RecordTable],
    problems: list[Problem],
) -> None:
    """Refuse a dataset of references that is too large to be held by every worker."""
    for item in inputs:
        held = held_bytes(item, tables[item.source]) if item.kind == "records" else 0
        if held > MOST_HELD:
            problems.append(
                spec.problem(
                    place_of(step.name, item.port, spec.places),
                    f"every worker holds all records of input {item.port}, {MOST_HELD >> 20} MiB at most",
                    f"{item.source}.{item.field} has {held / 2**20:,.0f} MiB",
                    "name fewer files in that dataset, or lower its rate with decimate in a run before",
                )
            )


def _input_units(item: Input, table: RecordTable) -> str | None:
    if item.kind == "variable":
        return next(v.units for v in table.variables if v.name == item.field)
    fact = table.facts.get(item.field or "")
    return fact.units if fact is not None and fact.units != "text" else None


def dataset_of(
    spec: WorkflowSpec, step: StepSpec, inputs: Mapping[str, tuple[Input, ...]], problems: list[Problem]
) -> str:
    """The one dataset that a step's inputs come from."""

    def datasets(name: str) -> set[str]:
        found: set[str] = set()
        for item in inputs[name]:
            if item.kind in _ALL.values():
                continue
            found |= datasets(item.source) if item.kind == "step" else {item.source}
        return found

    homes = sorted(datasets(step.name))
    if len(homes) != 1:
        problems.append(
            spec.problem(
                f"steps.{step.name}.input",
                "all inputs of a step come from one dataset, but for those that take all records of one",
                ", ".join(homes) or "none",
                "make one step per dataset",
            )
        )
        return ""
    return homes[0]
