"""The command that writes a step's results for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpcflow.cli.runs import Run, Runs
from hpcflow.cli.show import count


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(export)


def export(
    step: Annotated[str, typer.Option("--step", help="A saved step.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="A file that ends in .csv, .parquet or .mat.")
    ],
    run: Run = None,
    runs: Runs = Path("runs"),
) -> None:
    """Write a step's results as CSV, Parquet or a MATLAB file."""
    from hpcflow.data.export import export as write
    from hpcflow.results import open_step
    from hpcflow.run.folder import find_run

    written = write(open_step(find_run(run, runs), step), output)
    typer.echo(f"{output}: {count(written.rows, 'row')}")
    for name in written.left_out:
        typer.echo(f"left out, too wide for CSV: {name}; .parquet and .mat take it")
