"""Commands at the beginning: a workflow to start from, and recordings read in ahead of time."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpcflow.cli.runs import Executor, Runs, Workers
from hpcflow.cli.workflow import File, Limit, Only, Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(new)
    app.command()(ingest)


def new(
    name: Annotated[str, typer.Argument(help="Name of the workflow: a-z, 0-9 and -.", show_default=False)],
    kind: Annotated[str, typer.Option(help="vibration or activity.")] = "vibration",
) -> None:
    """Write NAME.yaml, a workflow to start from."""
    from hpcflow.errors import RequestError
    from hpcflow.workflow.starter import starter

    text, path = starter(name, kind), Path(f"{name}.yaml")
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise RequestError(f"{path} exists, and is not overwritten: choose another name") from None
    typer.echo(f"{path} is written: name your files in it, then hpcflow check {path}")


def ingest(
    file: File,
    settings: Settings = None,
    runs: Runs = Path("runs"),
    executor: Executor = "dask",
    workers: Workers = None,
    only: Only = None,
    limit: Limit = None,
) -> None:
    """Read a workflow's recordings into their stores, and compute nothing."""
    from hpcflow.api import ask, compute, start
    from hpcflow.cli.runs import processes_for
    from hpcflow.cli.show import Bar
    from hpcflow.run.ledger import Ledger, length

    asked = ask(file, settings or (), only=only or (), limit=limit)
    for path, reason in asked.aside:
        typer.echo(f"set aside: {path}: {reason}", err=True)
    folder = start(asked, runs)
    ledger = Ledger(folder)
    stages = [s["name"] for s in folder.cut["stages"] if s["kind"] in ("ingest", "table")]
    left = sum(length(ledger.remaining(stage)) for stage in stages)
    kind, processes = processes_for(executor, workers, left)
    with Bar(sum(ledger.stages[s] for s in stages), sum(ledger.counts(s).done for s in stages)) as bar:
        compute(folder, kind, processes, bar, stages=stages)
    for dataset in folder.request["datasets"].values():
        typer.echo(f"dataset: {dataset['store']}")
    for record, reason in Ledger(folder).aside().items():
        typer.echo(f"set aside: {record}: {reason}")
