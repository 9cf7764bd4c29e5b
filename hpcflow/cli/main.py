"""The command line. Every command is a few lines here and a function elsewhere, imported when it is used."""

from __future__ import annotations

import errno
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, NoReturn

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


SURROUNDINGS: Mapping[int, str] = {
    errno.ENOSPC: "free space there, or name another place",
    errno.EDQUOT: "free some of your quota there, or name another place",
    errno.EROFS: "name a place that can be written",
    errno.EACCES: "get the permission, or name another place",
    errno.EPERM: "get the permission, or name another place",
    errno.ENOTDIR: "a folder is wanted where a file lies: move the file away, or name another place",
    errno.EISDIR: "a file is wanted where a folder lies: move the folder away, or name another place",
    errno.ENAMETOOLONG: "shorten it",
}
"""What to do about what the system refuses: no fault of ours, and seldom one of the request."""


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
        # Without standalone mode, typer gives the code of an Exit back, and 130 for an interrupt.
        code = app(standalone_mode=False) or 0
        if code == 130:
            raise KeyboardInterrupt
        sys.exit(code)
    except HpcflowError as error:
        typer.secho(str(error), err=True)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        typer.secho("interrupted: what was finished is kept, `hpcflow resume` goes on", err=True)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except OSError as error:
        if error.errno is None or error.errno not in SURROUNDINGS:
            _own_fault(error)
        where = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        again = "then give the same command again: what was finished is kept"
        typer.secho(
            f"{where}{os.strerror(error.errno).lower()}; {SURROUNDINGS[error.errno]}, {again}", err=True
        )
        sys.exit(1)
    except Exception as error:
        if hasattr(error, "exit_code") and hasattr(error, "show"):
            error.show()
            sys.exit(error.exit_code)
        _own_fault(error)


def _own_fault(error: Exception) -> NoReturn:
    traceback.print_exception(error)
    typer.secho(
        f"hpcflow {__version__} met a fault of its own ({type(error).__name__}). Nothing that was "
        "finished is lost. Please report the lines above.",
        err=True,
    )
    sys.exit(4)


if __name__ == "__main__":
    main()
