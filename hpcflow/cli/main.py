"""The command line. Every command is a few lines here and a function elsewhere, imported when it is used."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from hpcflow._version import __version__
from hpcflow.cli import calibrate, clean, doctor, export, inspect, replay, runs, site, start, watch, workflow
from hpcflow.errors import HpcflowError

app = typer.Typer(
    name="hpcflow",
    help="Batch analytics on supercomputers: one short YAML, planned, run on Slurm or on this machine.",
    no_args_is_help=True,
    rich_markup_mode=None,  # rich alone takes more time than all of --help and status
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hpcflow-lumi {__version__} from {Path(__file__).parents[1]}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print version and place.")
    ] = False,
) -> None:
    pass


for commands in (start, workflow, runs, inspect, watch, replay, export, clean, site, doctor, calibrate):
    commands.register(app)


def main() -> None:
    """Entry point.

    Exit codes: 0 done, 1 failed, 2 bad request, 3 records set aside, 4 a fault of our own, 130 interrupted.
    """
    try:
        app(standalone_mode=False)
    except typer.Exit as stop:
        sys.exit(stop.exit_code)
    except HpcflowError as error:
        typer.secho(str(error), err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        typer.secho("interrupted: what was finished is kept, `hpcflow resume` goes on", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            error.show()
            sys.exit(error.exit_code)
        traceback.print_exc()
        typer.secho(
            f"hpcflow {__version__} met a fault of its own ({type(error).__name__}). Nothing that was "
            "finished is lost. Please report the lines above.",
            err=True,
        )
        sys.exit(4)


if __name__ == "__main__":
    main()
