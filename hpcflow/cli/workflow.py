"""Commands on workflow files: check, plan, schema, kernels, ingest, data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from hpcflow.api import Asked
    from hpcflow.slurm.allocation import Allocation
    from hpcflow.slurm.needs import Options
    from hpcflow.slurm.schedule import Schedule
    from hpcflow_kernels import Contract, Param
    from hpcflow_kernels.contract import Port

Read = TypeVar("Read")

File = Annotated[Path, typer.Argument(help="The workflow file.", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", help="Set a parameter or part of a dataset: NAME=YAML.", metavar="NAME=YAML"),
]
BlockSize = Annotated[
    str | None,
    typer.Option(help="Input per block, like '64 MiB'; planning decides otherwise.", metavar="SIZE"),
]
Only = Annotated[
    list[str] | None, typer.Option(help="Only records whose id contains this text.", metavar="TEXT")
]
Limit = Annotated[int | None, typer.Option(help="At most so many records per dataset.", min=1)]
Account = Annotated[str | None, typer.Option(help="Project that pays.")]
Partition = Annotated[str | None, typer.Option(help="In place of the planner's choice.")]
Prefer = Annotated[
    str | None, typer.Option(help="What decides the partition and the jobs.", metavar="cost|time")
]
Budget = Annotated[
    list[str] | None,
    typer.Option(help="Refuse a plan that may take more, like '10 GPUh' or '500 coreh'.", metavar="HOURS"),
]
Grid = Annotated[
    float | None, typer.Option(help="Your grid's g CO2 per kWh, to show emissions.", metavar="NUMBER")
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(check)
    app.command()(plan)
    app.command()(schema)
    app.command()(kernels)
    data = typer.Typer(help="Look at datasets.", no_args_is_help=True)
    data.command("describe")(describe)
    app.add_typer(data, name="data")


def block_bytes(text: str | None) -> int | None:
    """``64 MiB`` as bytes."""
    if text is None:
        return None
    from hpcflow.units import parse_quantity

    return max(1, int(_read("--block-size", text, lambda text: parse_quantity(text, "bytes"))))


def budgets(texts: list[str] | None) -> dict[str, float]:
    """``10 GPUh`` as ``{"gpu_hours": 10.0}``."""
    from hpcflow.units import parse_budget

    return dict(_read("--budget", text, parse_budget) for text in texts or ())


def _read(option: str, text: str, read: Callable[[str], Read]) -> Read:
    """A quantity of an option, whose name stands before what is wrong with it."""
    from hpcflow.units import UnitError

    try:
        return read(text)
    except UnitError as error:
        raise UnitError(f"{option} {error.rule}", error.value, error.remedy) from None


def check(file: File, settings: Settings = None) -> None:
    """Check a workflow file: every problem with line, column and remedy."""
    from hpcflow.data.readers.registry import reader_names
    from hpcflow.workflow.load import load_workflow

    spec = load_workflow(file, settings or (), readers=reader_names())
    for warning in spec.warnings:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{file}: {len(spec.datasets)} datasets, {len(spec.steps)} steps, no problems")


def plan(
    file: File,
    settings: Settings = None,
    site: Annotated[str | None, typer.Option(help="Cluster to plan for; see `hpcflow sites`.")] = None,
    account: Account = None,
    partition: Partition = None,
    prefer: Prefer = None,
    budget: Budget = None,
    grid: Grid = None,
    block_size: BlockSize = None,
    only: Only = None,
    limit: Limit = None,
    as_json: Json = False,
) -> None:
    """Say what would be done, and why, without doing it."""
    from hpcflow.api import ask
    from hpcflow.cli.explain import explain, explained_json
    from hpcflow.run.calibrate import load_calibration

    asked = ask(file, settings or (), block_bytes=block_bytes(block_size), only=only or (), limit=limit)
    schedule, calibration, whole, left = None, load_calibration(), None, None
    site = site or asked.spec.run.site
    if site is not None:
        from hpcflow.executors.slurm import calibration_of, options_of, schedule_of
        from hpcflow.site import load_site
        from hpcflow.slurm.allocation import read_allocation

        options = options_of(
            asked.spec.run,
            account=account,
            partition=partition,
            prefer=prefer,
            budget=budgets(budget),
            grid=grid,
        )
        schedule, calibration = schedule_of(asked.cut, site, options), calibration_of(load_site(site))
        whole = _whole(asked, site, options)
        left = read_allocation(load_site(site), schedule.account)
    if as_json:
        found = explained_json(asked, schedule, calibration, whole or "")
        if left is not None and schedule is not None:
            found["allocation"] = _left_json(left, schedule)
        typer.echo(json.dumps(found, indent=1))
        return
    for line in explain(asked, schedule, calibration, whole or ""):
        typer.echo(line)
    if left is not None and schedule is not None:
        from hpcflow.slurm.allocation import held, refusal

        for line in (*held(left, schedule), *filter(None, [refusal(left, schedule)])):
            typer.echo(f"  {line}")


def _left_json(left: Allocation, schedule: Schedule) -> dict[str, Any]:
    from hpcflow.slurm.allocation import refusal

    return {
        "project": left.project,
        "granted": dict(left.granted),
        "left": dict(left.left),
        "problems": list(left.problems),
        "refusal": refusal(left, schedule),
    }


def _whole(asked: Asked, site: str, options: Options) -> Schedule | str | None:
    """Of a pilot, the jobs of all records, or why they do not fit."""
    from hpcflow.api import whole_cut
    from hpcflow.errors import PlanError
    from hpcflow.executors.slurm import schedule_of
    from hpcflow.plan.pilot import pilot_of

    if pilot_of(asked.tables.values()) is None:
        return None
    try:
        return schedule_of(whole_cut(asked), site, replace(options, budget={}))  # nothing of it is sent
    except PlanError as error:
        return str(error)


def schema() -> None:
    """Print the JSON Schema of workflow files, for editors."""
    from hpcflow.workflow.schema import json_schema

    typer.echo(json.dumps(json_schema(), indent=1))


def kernels(
    name: Annotated[
        str | None, typer.Argument(help="A kernel, to be told more of it, or a family.", show_default=False)
    ] = None,
) -> None:
    """List the kernels that steps can name, by family."""
    from hpcflow.cli.show import table
    from hpcflow.errors import RequestError
    from hpcflow_kernels import contracts, get

    chosen = [c for c in contracts().values() if name in (None, c.family) and name not in contracts()]
    if chosen:
        typer.echo(table(("family", "kernel", "pattern", "gpu", "what it does"), _kernel_rows(chosen)))
        return
    assert name is not None  # there are kernels
    try:
        contract = get(name)
    except KeyError as error:
        raise RequestError(str(error.args[0])) from error
    typer.echo(f"{contract.name} (version {contract.version}, {contract.pattern})\n  {contract.summary}\n")
    ports = [
        (p.name, _taken(p), p.dimension or "any", "optional" if p.optional else "", p.doc)
        for p in contract.ports
    ]
    typer.echo(table(("input", "kind", "of", "", ""), ports) + "\n")
    params = [
        (p.name, p.kind, p.dimension or "", "required" if p.required else f"default {p.default}", _about(p))
        for p in contract.params
    ]
    if params:
        typer.echo(table(("with", "kind", "of", "", ""), params) + "\n")
    typer.echo(f"error: {contract.error}\nsource: {contract.source}")
    if len(contract.backends) > 1:
        bound = contract.array_error
        apart = f"within {bound:g} of the largest value of" if bound else "equal to"
        typer.echo(f"gpu: {', '.join(contract.backends[1:])}; float32 {apart} the processor's")


def _about(param: Param) -> str:
    return f"{param.doc}: {', '.join(param.choices)}" if param.choices else param.doc


def _taken(port: Port) -> str:
    if port.whole:
        return f"{port.kind} of all records"
    return f"{port.kind}s, {port.several} or more" if port.several else port.kind


def _kernel_rows(found: Iterable[Contract]) -> Iterator[tuple[str, ...]]:
    families: dict[str, list[Contract]] = {}
    for contract in found:
        families.setdefault(contract.family, []).append(contract)
    for family, members in families.items():
        for place, c in enumerate(members):
            gpu = ", ".join(c.backends[1:])
            yield family if place == 0 else "", c.name, c.pattern.value, gpu, c.summary


def describe(file: File, settings: Settings = None) -> None:
    """List the records of a workflow's datasets, with their facts and what was set aside."""
    from hpcflow.api import ask
    from hpcflow.cli.show import table
    from hpcflow.plan.records import STATUS

    asked = ask(file, settings or ())
    for name, records in asked.tables.items():
        variables = ", ".join(f"{v.name} [{v.units}] {v.dtype}" for v in records.variables)
        typer.echo(f"{name}: {len(records)} records; {variables}")
        facts = [f for f in records.facts if not f.startswith("device_")]
        rows = [
            (
                records.ids[i],
                f"{records.size[i]:,}",
                STATUS[records.status[i]],
                *(_fact(records, f, i) for f in facts),
                records.reason[i],
            )
            for i in range(len(records))
        ]
        typer.echo(table(("record", "samples", "status", *facts, "reason"), rows, right=(1,)))
    for path, reason in asked.aside:
        typer.echo(f"set aside: {path}: {reason}")
    for warning in asked.warnings:
        typer.echo(f"warning: {warning}")


def _fact(records: Any, name: str, index: int) -> str:
    value = records.facts_of(index)[name]
    if value is None:
        return "-"
    return str(value) if isinstance(value, str) else f"{value:.6g}"
