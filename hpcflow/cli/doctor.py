"""`hpcflow doctor`: a profile against its cluster, a job that probes it, a script against known mistakes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hpcflow.site import Site


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    site: Annotated[str, typer.Option(help="Cluster profile, or its file.", show_default=False)],
    job: Annotated[bool, typer.Option("--job", help="Print a job that probes what is only assumed.")] = False,
    script: Annotated[
        Path | None, typer.Option(help="Look for mistakes in a batch script.", show_default=False)
    ] = None,
    account: Annotated[
        str | None, typer.Option(help="Project: of the probing job, and whose hours are told.")
    ] = None,
) -> None:
    """Hold a profile against the Slurm of this machine: every difference, and what it would do to a run.

    Exit code 1 where there are differences, or mistakes that are errors.
    """
    from hpcflow.site import load_site

    profile = load_site(site)
    if job:
        from hpcflow.slurm.probe_job import probe_job

        typer.echo(probe_job(profile, account or "", sys.executable), nl=False)
    elif script is not None:
        _script(script, profile)
    else:
        _left(profile, account or profile.project)
        _compare(profile, site)


def _left(profile: Site, project: str) -> None:
    from hpcflow.slurm.allocation import left_words, read_allocation

    found = read_allocation(profile, project)
    for line in left_words(found) if found is not None else ():
        typer.echo(line)


def _compare(profile: Site, name: str) -> None:
    from hpcflow.slurm.observe import observe
    from hpcflow.slurm.survey import differences

    found = differences(profile, observe())
    for difference in found:
        typer.echo(str(difference))
    count = f"{len(found)} difference{'s' * (len(found) != 1)}"
    typer.echo(count if found else f"{profile.name}: what Slurm tells is as the profile says")
    assumed = [fact for fact, known in profile.evidence.items() if known.how == "assumed"]
    if assumed:
        typer.echo(
            f"only assumed: {', '.join(assumed)}; a job probes them: hpcflow doctor --job --site {name}"
        )
    raise typer.Exit(1 if found else 0)


def _script(file: Path, profile: Site) -> None:
    from hpcflow.errors import RequestError
    from hpcflow.slurm.pitfalls import lint

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"a batch script is a file of text; {file} cannot be read: {error}") from None
    mistakes = lint(text, profile)
    for mistake in mistakes:
        typer.echo(f"{file}: {mistake}")
    if not mistakes:
        typer.echo(f"{file}: no known mistake")
    raise typer.Exit(1 if any(one.level == "error" for one in mistakes) else 0)
