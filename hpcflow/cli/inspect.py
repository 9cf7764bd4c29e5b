"""Commands that look at runs without opening data: status, logs, runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpcflow.cli.show import table
from hpcflow.cli.waiting import job_words

if TYPE_CHECKING:
    from hpcflow.run.folder import RunFolder
    from hpcflow.slurm.status import JobState

Runs = Annotated[Path, typer.Option(help="Folder that holds runs.")]
Run = Annotated[
    str | None,
    typer.Argument(help="A run's folder or the start of its id; the newest otherwise.", show_default=False),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(status)
    app.command()(logs)


def status(
    run: Run = None,
    runs: Runs = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    jobs: Annotated[bool, typer.Option(help="Ask Slurm about submitted jobs.")] = True,
) -> None:
    """How far a run is: blocks per stage, jobs, what was set aside, what to do next."""
    from hpcflow.run.finish import outcome
    from hpcflow.run.folder import find_run
    from hpcflow.run.ledger import Ledger

    folder = find_run(run, runs)
    ledger = Ledger(folder)
    state = outcome(folder, ledger)
    counts = {name: ledger.counts(name) for name in ledger.stages}
    submitted = _jobs(folder) if jobs and folder.epochs.is_dir() else []
    if as_json:
        stages = [
            {"name": name, "blocks": c.total, "done": c.done, "failed": c.failed, "aside": c.aside}
            for name, c in counts.items()
        ]
        typer.echo(json.dumps({**state, "stages": stages, "jobs": [asdict(j) for j in submitted]}, indent=1))
        return
    typer.echo(f"{folder.path}: {state['state']}, {state['done']:,} of {state['blocks']:,} blocks")
    rows = [
        (name, f"{c.done:,}", f"{c.total:,}", c.failed or "", c.aside or "") for name, c in counts.items()
    ]
    typer.echo(table(("stage", "done", "of", "failed", "records aside"), rows, right=(1, 2, 3, 4)))
    for name in ledger.stages:
        for block, reason in list(ledger.failures(name).items())[:3]:
            typer.echo(f"failed: {name}, block {block}: {reason}")
    for item, reason in [*folder.request.get("aside", ()), *sorted(ledger.aside().items())]:
        typer.echo(f"set aside: {item}: {reason}")
    if submitted:
        typer.echo(table(("job", "name", "state", "reason", "starts"), [_row(j) for j in submitted]))
        for words in job_words(submitted):
            typer.echo(words)
    if folder.stop_file.exists():
        typer.echo("a STOP file is present: nothing new starts until `hpcflow resume`")
    elif state["state"] != "done" and not any(j.alive for j in submitted):
        typer.echo(f"next: hpcflow resume {folder.path}")


def _jobs(folder: RunFolder) -> list[JobState]:
    from hpcflow.slurm.status import status as job_states

    return job_states(folder)


def _row(job: JobState) -> tuple[object, ...]:
    element = "" if job.element is None else f"[{job.element}]"
    starts = job.started if job.state == "PENDING" else ""
    return f"{job.job_id}{element}", job.name, job.state, job.reason, starts


def logs(
    run: Run = None,
    runs: Runs = Path("runs"),
    lines: Annotated[int, typer.Option("-n", help="Last lines of each log.", min=1)] = 20,
) -> None:
    """Show the ends of a run's logs, the newest last."""
    from hpcflow.run.folder import find_run

    folder = find_run(run, runs)
    found = sorted((p for p in folder.logs.glob("*") if p.is_file()), key=lambda p: p.stat().st_mtime)
    if not found:
        typer.echo(f"{folder.path.name} has no logs: only jobs and agents write them")
    for path in found:
        typer.echo(f"==> {path} <==")
        for line in path.read_text(errors="replace").splitlines()[-lines:]:
            typer.echo(line)
