"""The command that measures this machine, or learns from a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hpcflow.cli.runs import Runs


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(calibrate)


def calibrate(
    from_run: Annotated[
        str | None,
        typer.Option("--from", help="Measure nothing: learn from this finished run.", metavar="RUN"),
    ] = None,
    runs: Runs = Path("runs"),
    machine: Annotated[
        str, typer.Option(help="Whose numbers these are: `here`, or the site that jobs run on.")
    ] = "here",
    folder: Annotated[Path, typer.Option(help="Folder on the file system that runs use.")] = Path("."),
) -> None:
    """Measure how fast this machine computes, reads and writes, for the times in `hpcflow plan`."""
    from hpcflow.errors import RequestError
    from hpcflow.run.calibrate import calibration_file, load_calibration, measure, refine, save_calibration
    from hpcflow.run.folder import find_run

    if from_run is not None:
        if load_calibration(machine) is None:
            raise RequestError(
                f"{calibration_file()} has no entry {machine!r} that a run could correct: "
                "run `hpcflow calibrate` on that machine first"
            )
        taught = refine(find_run(from_run, runs), machine)
        typer.echo(f"learnt from {taught} stages: {calibration_file()}")
        return
    found = measure(folder, lambda what: typer.echo(f"measuring: {what}", err=True))
    path = save_calibration(found, machine)
    typer.echo(f"{found.cpu}, {found.cores} cores")
    for name, kernel in found.kernels.items():
        samples, seconds = kernel.points[-1]
        typer.echo(f"  {name}: {samples / seconds / 1e6:,.3g} million samples a second")
    for name, rate in found.readers.items():
        typer.echo(f"  reading {name}: {rate / 1e6:,.3g} MB/s of samples")
    typer.echo(
        f"  reading {found.read_bytes_per_second / 1e6:,.0f} MB/s, "
        f"writing {found.write_bytes_per_second / 1e6:,.0f} MB/s, "
        f"{found.seconds_per_block * 1e3:.2g} ms a block, {found.seconds_per_start:.1f} s to start a worker"
    )
    typer.echo(f"written: {path}")
