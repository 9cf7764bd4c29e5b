"""The command that computes one block in the foreground."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpcflow.cli.runs import Run, Runs

if TYPE_CHECKING:
    from types import TracebackType


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(replay)


def replay(
    run: Run = None,
    runs: Runs = Path("runs"),
    stage: Annotated[str | None, typer.Option(help="With --block; the first failed block otherwise.")] = None,
    block: Annotated[int | None, typer.Option(help="Number of the block.", min=0)] = None,
) -> None:
    """Compute one block here, with its traceback if it fails; nothing is written."""
    import traceback

    from hpcflow.errors import HpcflowError, RequestError
    from hpcflow.run.folder import find_run
    from hpcflow.run.replay import first_failure
    from hpcflow.run.replay import replay as compute
    from hpcflow.units import format_duration

    folder = find_run(run, runs)
    if (stage is None) != (block is None):
        raise RequestError(
            "--stage and --block go together; without both, the first failed block is replayed"
        )
    if stage is None or block is None:
        found = first_failure(folder)
        if found is None:
            raise RequestError(
                f"no block of {folder.path.name} has failed: name one with --stage and --block"
            )
        stage, block = found
    typer.echo(f"stage {stage}, block {block} of {folder.path}")
    try:
        output, seconds = compute(folder, stage, block)
    except HpcflowError:
        raise
    except Exception as error:
        # The traceback is what the user asked for; frames of this command and of the executor are not.
        traceback.print_exception(error.with_traceback(_inner(error)))
        raise typer.Exit(1) from None
    typer.echo(f"computed in {format_duration(seconds)}, nothing written")
    for piece in output.pieces:
        typer.echo(f"  {piece.step}.{piece.field}: rows {piece.start:,} to {piece.start + len(piece.rows):,}")
    for file in output.files:
        typer.echo(f"  {file.name}: {0 if file.content is None else len(file.content):,} bytes")
    for record, reason in output.aside:
        typer.echo(f"  set aside: {record}: {reason}")


def _inner(error: BaseException) -> TracebackType | None:
    """The traceback below this module and `hpcflow.run.replay`."""
    trace = error.__traceback__
    while (
        trace is not None
        and trace.tb_next is not None
        and Path(trace.tb_frame.f_code.co_filename).name == ("replay.py")
    ):
        trace = trace.tb_next
    return trace
