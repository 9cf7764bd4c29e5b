"""The command that frees disk space and files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpcflow.cli.inspect import Run, Runs
from hpcflow.cli.show import count, table


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(clean)


def clean(
    run: Run = None,
    runs: Runs = Path("runs"),
    whole: Annotated[bool, typer.Option("--all", help="The whole run, its results too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this nothing is removed.")] = False,
) -> None:
    """Say how many bytes and files a run holds, and remove what it does without, or all of it."""
    from hpcflow.errors import RequestError
    from hpcflow.executors.drive import alone
    from hpcflow.run.clean import parts_of, remove_needless, remove_run
    from hpcflow.run.folder import find_run
    from hpcflow.units import format_bytes

    folder = find_run(run, runs)
    parts = parts_of(folder)
    rows = [
        (part.name, f"{part.files:,}", format_bytes(part.bytes), "yes" if whole or part.needless else "no")
        for part in parts
    ]
    typer.echo(folder.path)
    typer.echo(table(("what", "files", "size", "goes"), rows, right=(1, 2)))
    going = [part for part in parts if whole or part.needless]
    files, size = sum(part.files for part in going), format_bytes(sum(part.bytes for part in going))
    if not yes:
        again = f"hpcflow clean {folder.path}{' --all' if whole else ''} --yes"
        typer.echo(f"nothing removed; {again} frees {size} in {count(files, 'file')}")
        return
    if folder.epochs.is_dir():
        from hpcflow.slurm.status import status

        alive = [job for job in status(folder) if job.alive]
        if alive:
            raise RequestError(
                f"{count(len(alive), 'job')} of the run are in the queue and need its files: "
                f"hpcflow cancel {folder.path}, then clean"
            )
    with alone(folder):
        if whole:
            remove_run(folder)
        else:
            remove_needless(folder)
    typer.echo(f"freed {size} in {count(files, 'file')}")
