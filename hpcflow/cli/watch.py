"""The command that follows a run: files every few seconds, Slurm at most once a minute."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpcflow.cli.inspect import Run, Runs

if TYPE_CHECKING:
    from hpcflow.run.folder import RunFolder
    from hpcflow.slurm.status import JobState

ASK_SECONDS = 60.0
"""Between two questions to Slurm, whatever the user asks for: a scheduler serves thousands."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(watch)


def watch(
    run: Run = None,
    runs: Runs = Path("runs"),
    every: Annotated[float, typer.Option(help="Seconds between two looks at the files.", min=1.0)] = 5.0,
) -> None:
    """Follow a run until it is done or nothing computes it any more; Ctrl-C stops watching, not the run."""
    from hpcflow.run.folder import find_run

    folder = find_run(run, runs)
    typer.echo(f"watching {folder.path}; Ctrl-C stops watching, not the run")
    try:
        for line in lines(folder, every, _ask, time.sleep, time.monotonic):
            typer.echo(line)
    except KeyboardInterrupt:
        typer.echo(f"the run goes on: hpcflow status {folder.path}")


def _ask(folder: RunFolder) -> list[JobState]:
    from hpcflow.slurm.status import status

    return status(folder)


def lines(
    folder: RunFolder,
    every: float,
    ask: Callable[[RunFolder], list[JobState]],
    sleep: Callable[[float], None],
    clock: Callable[[], float],
) -> Iterator[str]:
    """A line whenever something has changed, until the run is done or its jobs are gone.

    Parameters
    ----------
    ask
        Asks Slurm for the run's jobs.
    """
    from hpcflow.cli.waiting import job_words
    from hpcflow.run.finish import outcome
    from hpcflow.run.ledger import Ledger

    submitted = folder.epochs.is_dir() and any(folder.epochs.glob("*.json"))
    asked, jobs, before, began = -ASK_SECONDS, [], "", clock()
    first: tuple[float, int] | None = None
    while True:
        if submitted and clock() - asked >= ASK_SECONDS:
            jobs, asked = ask(folder), clock()
        ledger = Ledger(folder)
        state = outcome(folder, ledger)
        stage = next((name for name in ledger.stages if not ledger.complete(name)), "")
        text = f"{state['done']:,} of {state['blocks']:,} blocks" + (f", in {stage}" if stage else "")
        text += f", {state['failed']} failed" if state["failed"] else ""
        text += "".join(f"; {words}" for words in job_words(jobs))
        first = first or (clock(), state["done"])
        if text != before:
            before = text
            yield text + _left(first, clock(), state["done"], state["blocks"])
        if state["state"] == "done":
            yield f"done after {clock() - began:.0f} s of watching: hpcflow report {folder.path}"
            return
        if submitted and not any(job.alive for job in jobs) and clock() - asked < every:
            yield f"no job of the run is left: hpcflow resume {folder.path}"
            return
        sleep(every)


def _left(first: tuple[float, int], now: float, done: int, total: int) -> str:
    """Time left at the pace since watching began."""
    from hpcflow.units import format_duration

    if done <= first[1] or now <= first[0] or done >= total:
        return ""
    return f"; about {format_duration((total - done) * (now - first[0]) / (done - first[1]))} left"
