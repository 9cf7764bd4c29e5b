"""Commands that look at runs without opening data: status, logs, runs."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpcflow.cli.show import table
from hpcflow.cli.waiting import job_words

if TYPE_CHECKING:
    from hpcflow.run.folder import RunFolder
    from hpcflow.run.ledger import Ledger
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
    for line in [*_left(ledger), *_failed(folder, ledger), *_aside(folder, ledger)]:
        typer.echo(line)
    if submitted:
        for line in _job_lines(submitted):
            typer.echo(line)
    if folder.stop_file.exists():
        typer.echo("a STOP file is present: nothing new starts until `hpcflow resume`")
    elif state["state"] != "done" and not any(j.alive for j in submitted):
        typer.echo(f"next: hpcflow resume {folder.path}")


SHOWN = 10
"""Lines of one sort before the rest is counted."""


def _left(ledger: Ledger) -> Iterator[str]:
    from hpcflow.run.pace import seconds_left
    from hpcflow.units import format_duration

    for stage in ledger.stages:
        left = seconds_left(ledger, stage, time.time())
        if left is not None:
            yield f"{stage}: about {format_duration(left)} left at its present pace"


def _failed(folder: RunFolder, ledger: Ledger) -> Iterator[str]:
    failures = [(stage, *found) for stage in ledger.stages for found in ledger.failures(stage).items()]
    for stage, block, reason in failures[:SHOWN]:
        yield f"failed: {stage}, block {block}: {reason}"
    if len(failures) > SHOWN:
        yield f"and {len(failures) - SHOWN:,} more blocks failed; --json has the number of each stage"
    if failures:
        stage, block, _ = failures[0]
        yield f"see why: hpcflow replay {folder.path} --stage {stage} --block {block}"


def _aside(folder: RunFolder, ledger: Ledger) -> Iterator[str]:
    items = [*folder.request.get("aside", ()), *sorted(ledger.aside().items())]
    yield from (f"set aside: {item}: {reason}" for item, reason in items[:SHOWN])
    if len(items) > SHOWN:
        yield f"and {len(items) - SHOWN:,} more; the report lists all"


def _job_lines(jobs: Sequence[JobState]) -> Iterator[str]:
    """A table of a few jobs; of many only those that have neither ended well nor wait like others."""
    shown = list(jobs)
    if len(jobs) > 2 * SHOWN:
        states = Counter(job.state for job in jobs)
        yield f"{len(jobs):,} jobs: " + ", ".join(f"{n:,} {state}" for state, n in states.most_common())
        shown = [job for job in jobs if job.state not in ("COMPLETED", "PENDING")][-SHOWN:]
    if shown:
        yield table(("job", "name", "state", "reason", "starts"), [_row(job) for job in shown])
    yield from job_words(jobs)


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
