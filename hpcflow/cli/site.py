"""Commands around clusters: compile, submit, cancel, sites, testbed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpcflow.cli.runs import Run, Runs
from hpcflow.cli.workflow import (
    Account,
    BlockSize,
    Budget,
    File,
    Grid,
    Limit,
    Only,
    Partition,
    Prefer,
    Settings,
    block_bytes,
    budgets,
)

if TYPE_CHECKING:
    from hpcflow.api import Asked
    from hpcflow.run.folder import RunFolder
    from hpcflow.slurm.jobs import Options
    from hpcflow.slurm.schedule import Schedule

Site = Annotated[str | None, typer.Option(help="Cluster profile; see `hpcflow sites`.")]
Elements = Annotated[int | None, typer.Option(help="Split stages into so many array elements.", min=1)]
Workers = Annotated[int | None, typer.Option(help="Workers per node, at most.", min=1)]
Time = Annotated[str | None, typer.Option(help="Time limit of each job, like '2 h'.", metavar="DURATION")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("compile")(compile_)
    app.command()(submit)
    app.command()(cancel)
    profiles = typer.Typer(help="Cluster profiles; without a command, a list.", invoke_without_command=True)
    profiles.callback()(sites)
    profiles.command("show")(show)
    profiles.command("import")(import_)
    app.add_typer(profiles, name="sites")
    bed = typer.Typer(help="A real Slurm on this machine, shaped like a cluster.", no_args_is_help=True)
    bed.command("up")(bed_up)
    bed.command("down")(bed_down)
    app.add_typer(bed, name="testbed")


def _options(asked: Asked, time: str | None, budget: list[str] | None, **given: object) -> Options:
    """Options of the command line over the workflow's ``run:``."""
    from hpcflow.executors.slurm import options_of
    from hpcflow.units import parse_quantity

    seconds = None if time is None else int(parse_quantity(time, "duration"))
    return options_of(asked.spec.run, seconds=seconds, budget=budgets(budget), **given)


def _tell_device(asked: Asked, site: str) -> None:
    """Of a site without a scheduler, which is this machine: what its GPUs are, or that there are none."""
    from hpcflow.api import device_here
    from hpcflow.site import load_site

    if load_site(site).scheduler == "none" and (line := device_here(asked)):
        typer.echo(line)


def _site(asked: Asked, site: str | None) -> str:
    from hpcflow.errors import RequestError

    found = site or asked.spec.run.site
    if found is None:
        raise RequestError(
            "jobs are for a cluster, and none is named; give --site, or run: {site: …} in the file"
        )
    return found


def compile_(
    file: File,
    site: Site = None,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder in which the run's folder is made.")
    ] = Path("runs"),
    settings: Settings = None,
    account: Account = None,
    partition: Partition = None,
    elements: Elements = None,
    workers: Workers = None,
    time: Time = None,
    prefer: Prefer = None,
    budget: Budget = None,
    grid: Grid = None,
    block_size: BlockSize = None,
    only: Only = None,
    limit: Limit = None,
) -> None:
    """Write the batch scripts of a workflow without sending them."""
    from hpcflow.api import ask, start
    from hpcflow.executors.slurm import compile_for, schedule_of

    asked = ask(file, settings or (), block_bytes=block_bytes(block_size), only=only or (), limit=limit)
    site = _site(asked, site)
    options = _options(
        asked,
        time,
        budget,
        account=account,
        partition=partition,
        elements=elements,
        workers=workers,
        prefer=prefer,
        grid=grid,
    )
    schedule_of(asked.cut, site, options)  # refused before a folder is made
    _tell_device(asked, site)
    folder = start(asked, output)
    _explain(compile_for(folder, site, options))
    for script in sorted(folder.jobs.glob("*.sh")):
        typer.echo(f"script: {script}")
    typer.echo(f"send them with: bash {folder.submit_script}")


def submit(
    file: File,
    site: Site = None,
    settings: Settings = None,
    runs: Runs = Path("runs"),
    account: Account = None,
    partition: Partition = None,
    elements: Elements = None,
    workers: Workers = None,
    time: Time = None,
    prefer: Prefer = None,
    budget: Budget = None,
    grid: Grid = None,
    block_size: BlockSize = None,
    only: Only = None,
    limit: Limit = None,
) -> None:
    """Plan a workflow for a cluster, write its scripts and send them to Slurm."""
    from hpcflow.api import ask, start
    from hpcflow.executors.slurm import schedule_of
    from hpcflow.site import load_site
    from hpcflow.slurm.allocation import check_allocation

    asked = ask(file, settings or (), block_bytes=block_bytes(block_size), only=only or (), limit=limit)
    for path, reason in asked.aside:
        typer.echo(f"set aside: {path}: {reason}", err=True)
    site = _site(asked, site)
    options = _options(
        asked,
        time,
        budget,
        account=account,
        partition=partition,
        elements=elements,
        workers=workers,
        prefer=prefer,
        grid=grid,
    )
    schedule = schedule_of(asked.cut, site, options)  # refused before a folder is made
    for line in check_allocation(load_site(site), schedule):
        typer.echo(line)
    folder = start(asked, runs)
    send(folder, site, options)


def send(folder: RunFolder, site: str, options: Options) -> None:
    """Write scripts for what is left of a run and send them."""
    from hpcflow.executors.slurm import compile_for
    from hpcflow.slurm.sending import submit as submit_jobs

    schedule = compile_for(folder, site, options)
    _explain(schedule)
    sent = submit_jobs(folder, schedule)
    for job in sent:
        typer.echo(f"submitted: job {job.job_id} {job.name}")
    if not sent:
        typer.echo("nothing to send: every block is done or in the queue")
    typer.echo(f"follow it with: hpcflow status {folder.path}")


def _explain(schedule: Schedule) -> None:
    for line in schedule.explained:
        typer.echo(line)
    for job in schedule.jobs:
        for line in job.reasons:
            typer.echo(f"  {job.name}: {line}")


def cancel(run: Run = None, runs: Runs = Path("runs")) -> None:
    """Stop a run's jobs; what is finished is kept."""
    from hpcflow.run.folder import find_run
    from hpcflow.slurm.sending import cancel as cancel_jobs

    folder = find_run(run, runs)
    if not folder.epochs.is_dir():
        folder.stop_file.touch()
        typer.echo(f"{folder.path.name} has no jobs; it stops before its next stage")
        return
    ended = cancel_jobs(folder)
    typer.echo(f"cancelled {len(ended)} jobs: hpcflow resume {folder.path}")


def sites(context: typer.Context) -> None:
    """List cluster profiles and where they come from."""
    from hpcflow.cli.show import table
    from hpcflow.site import available_sites

    if context.invoked_subcommand is None:
        typer.echo(table(("site", "file"), available_sites().items()))


def show(name: Annotated[str, typer.Argument(help="A profile, or its file.", show_default=False)]) -> None:
    """Show a profile: partitions, prices, nodes, storage, and how each fact is known."""
    from hpcflow.site import load_site
    from hpcflow.site.page import site_page

    for line in site_page(load_site(name)):
        typer.echo(line)


def import_(
    name: Annotated[str, typer.Argument(help="Name of the new profile: a-z 0-9 _ -.", show_default=False)],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder for it; printed where not given.")
    ] = None,
) -> None:
    """Draft a profile from the Slurm of this machine."""
    from hpcflow.errors import RequestError
    from hpcflow.site.check import valid_name
    from hpcflow.slurm.observe import observe
    from hpcflow.slurm.survey import draft

    if not valid_name(name):
        raise RequestError(f"a profile's name is a-z 0-9 _ -, a letter or digit first; found {name!r}")
    text = draft(name, observe())
    if output is None:
        typer.echo(text, nl=False)
        return
    file = output / f"{name}.yaml"
    if file.exists():
        raise RequestError(
            f"{file} exists, and a draft would lose what was completed by hand; name another folder"
        )
    output.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    typer.echo(f"draft: {file}; complete what Slurm does not know, then: hpcflow doctor --site {file}")


Folder = Annotated[Path, typer.Argument(help="Folder for everything the testbed makes.")]


def bed_up(
    folder: Folder = Path("testbed"),
    accounting: Annotated[bool, typer.Option(help="With slurmdbd, sacct and association limits.")] = False,
) -> None:
    """Start a mini-LUMI on this machine; needs Debian's Slurm packages, not root."""
    from hpcflow.slurm.testbed import up

    bed = up(folder, accounting=accounting)
    typer.echo(f"export SLURM_CONF={bed.conf}")
    typer.echo(f"# then: hpcflow submit FILE --site mini-lumi; stop with: hpcflow testbed down {folder}")


def bed_down(folder: Folder = Path("testbed")) -> None:
    """Stop a testbed and remove its folder."""
    from hpcflow.slurm.testbed import down

    down(folder)
    typer.echo(f"stopped; {folder} is gone")
