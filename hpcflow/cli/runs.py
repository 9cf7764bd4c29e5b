"""Commands that compute: run, resume, ingest, verify, report."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hpcflow.cli.workflow import BlockSize, File, Limit, Only, Settings, block_bytes, budgets

if TYPE_CHECKING:
    from hpcflow.plan.calibration import Calibration
    from hpcflow.plan.model import Cut
    from hpcflow.run.folder import RunFolder

Runs = Annotated[Path, typer.Option(help="Folder that holds runs.")]
Run = Annotated[
    str | None,
    typer.Argument(help="A run's folder or the start of its id; the newest otherwise.", show_default=False),
]
Executor = Annotated[str, typer.Option(help="serial, dask, or a Dask scheduler: tcp://host:port.")]
Workers = Annotated[int | None, typer.Option(help="Processes; all cores otherwise.", min=1)]
Strict = Annotated[bool, typer.Option(help="Exit with 1, not 3, if records were set aside.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(run)
    app.command()(resume)
    app.command()(verify)
    app.command()(report)


def run(
    file: File,
    settings: Settings = None,
    runs: Runs = Path("runs"),
    executor: Executor = "dask",
    workers: Workers = None,
    block_size: BlockSize = None,
    only: Only = None,
    limit: Limit = None,
    strict: Strict = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    here: Annotated[bool, typer.Option("--here", help="Run on a login node, however big it is.")] = False,
) -> None:
    """Run a workflow on this machine (or a Dask cluster) and write a report."""
    from hpcflow.api import ask, device_here, needs_device, start

    asked = ask(file, settings or (), block_bytes=block_bytes(block_size), only=only or (), limit=limit)
    for warning in asked.warnings:
        typer.echo(f"note: {warning}", err=True)
    for path, reason in asked.aside:
        typer.echo(f"set aside: {path}: {reason}", err=True)
    if not here:
        left = {stage.name: stage.blocks for stage in asked.cut.stages}
        _check_login(asked.cut, left, executor, workers, str(file))
    folder = start(asked, runs)
    if "://" not in executor and needs_device(folder):
        typer.echo(device_here(asked), err=True)
    compute_and_tell(folder, executor, workers, strict, not no_report)


def _check_login(
    cut: Cut, left: Mapping[str, int], executor: str, workers: int | None, workflow: str
) -> None:
    """Refuse what is too big for a login node; a Dask cluster computes elsewhere."""
    if "://" in executor:
        return
    from hpcflow.executors.login import check_login
    from hpcflow.run.calibrate import load_calibration

    kind, processes = processes_for(executor, workers, sum(left.values()))
    used = 1 if kind == "serial" else processes
    check_login(cut, _known(load_calibration), used, shlex.quote(workflow), left)


def _known(load: Callable[[], Calibration | None]) -> Calibration | None:
    """The user's calibration; none where it is damaged, over which a run never fails."""
    from hpcflow.errors import HpcflowError

    try:
        return load()
    except HpcflowError:
        return None


def resume(
    run: Run = None,
    runs: Runs = Path("runs"),
    executor: Annotated[
        str | None,
        typer.Option(help="serial, dask or tcp://host:port; submitted runs go back to their site."),
    ] = None,
    workers: Workers = None,
    strict: Strict = False,
    no_report: Annotated[bool, typer.Option("--no-report", help="Write no report.")] = False,
    time: Annotated[
        str | None,
        typer.Option(help="Of submitted runs: another time limit, like '4 h'.", metavar="DURATION"),
    ] = None,
    partition: Annotated[str | None, typer.Option(help="Of submitted runs: another partition.")] = None,
    account: Annotated[str | None, typer.Option(help="Of submitted runs: another project that pays.")] = None,
    budget: Annotated[
        list[str] | None,
        typer.Option(help="Of submitted runs: another budget, like '500 coreh'.", metavar="HOURS"),
    ] = None,
    here: Annotated[bool, typer.Option("--here", help="Compute on a login node, however big.")] = False,
) -> None:
    """Go on with a run: compute what has no receipt, try failed blocks again, and nothing else."""
    from hpcflow.errors import RequestError
    from hpcflow.run.folder import find_run
    from hpcflow.run.ledger import Ledger, forgive

    folder = find_run(run, runs)
    ledger = Ledger(folder)
    submitted = folder.epochs.is_dir() and any(folder.epochs.glob("*.json"))
    if submitted and executor is None and not all(ledger.complete(stage) for stage in ledger.stages):
        from hpcflow.executors.resume import resubmit
        from hpcflow.units import parse_quantity

        seconds = None if time is None else int(parse_quantity(time, "duration"))
        for line in resubmit(
            folder,
            seconds=seconds,
            partition=partition,
            account=account,
            budget=budgets(budget) or None,
        ):
            typer.echo(line)
        return
    if time or partition or account or budget:
        raise RequestError(
            f"--time, --partition, --account and --budget are for jobs, and {folder.path.name} has none to "
            "send: leave them out"
        )
    if not here:
        from hpcflow.plan.model import Cut
        from hpcflow.run.ledger import length

        left = {stage: length(ledger.remaining(stage, retry_failed=True)) for stage in ledger.stages}
        file = folder.request.get("workflow", str(folder.workflow_file))
        _check_login(Cut.from_dict(folder.cut), left, executor or "dask", workers, file)
    folder.stop_file.unlink(missing_ok=True)
    forgive(folder)
    compute_and_tell(folder, executor or "dask", workers, strict, not no_report)


def compute_and_tell(
    folder: RunFolder, executor: str, workers: int | None, strict: bool, with_report: bool
) -> None:
    """Compute what is left, then say what came out and where."""
    from hpcflow.api import compute
    from hpcflow.cli.show import Bar, count
    from hpcflow.results import set_aside
    from hpcflow.run.ledger import Ledger

    ledger = Ledger(folder)
    counts = [ledger.counts(stage) for stage in ledger.stages]
    total, done = sum(c.total for c in counts), sum(c.done for c in counts)
    typer.echo(f"run {folder.path.name}: {count(total - done, 'block')} of {total:,} to compute", err=True)
    kind, processes = processes_for(executor, workers, total - done)
    with Bar(total, done) as bar:
        compute(folder, kind, processes, bar)
    learn(folder)
    summary(folder)
    if with_report:
        from hpcflow.report import write_report

        typer.echo(f"report: {write_report(folder)}")
    aside = set_aside(folder)
    if aside:
        raise typer.Exit(1 if strict else 3)


def learn(folder: RunFolder) -> None:
    """Let the run correct the user's calibration, if there is one; a run never fails over it."""
    from hpcflow.errors import HpcflowError
    from hpcflow.run.calibrate import refine

    try:
        refine(folder)
    except (HpcflowError, OSError) as error:
        typer.echo(f"note: the calibration has not learnt from this run: {error}", err=True)


def processes_for(executor: str, workers: int | None, blocks: int) -> tuple[str, int]:
    """Executor and processes: one process needs no cluster."""
    processes = workers or os.cpu_count() or 1
    return ("serial" if executor == "dask" and (processes == 1 or blocks <= 1) else executor), processes


def pilot_words(folder: RunFolder, seconds: float) -> str | None:
    """What a pilot's time says about all records; None where none was left out, or nothing computed."""
    from hpcflow.data.table import read_table
    from hpcflow.plan.pilot import pilot_of
    from hpcflow.units import format_duration

    names = [dataset["name"] for dataset in folder.cut["datasets"]]
    pilot = pilot_of(read_table(folder.records / f"{name}.zarr") for name in names)
    if pilot is None or seconds <= 0:
        return None
    took, whole = format_duration(seconds), format_duration(seconds * pilot.factor)
    return (
        f"this pilot computed {pilot.records:,} of {pilot.of_records:,} records in {took} of worker time; "
        f"all would take about {whole}, {seconds * pilot.factor / 3600:.2g} core-hours at one core a worker"
        f"; what a site would bill: hpcflow plan --site S with the same --only or --limit"
    )


def summary(folder: RunFolder) -> None:
    """Print what came out."""
    from hpcflow.cli.show import count
    from hpcflow.plan.model import COMPUTED
    from hpcflow.results import set_aside, stage_times
    from hpcflow.units import format_duration

    times = list(stage_times(folder))
    seconds = sum(t.seconds for t in times)
    reused = sum(t.reused for t in times if t.name.split(".")[0] in COMPUTED)
    typer.echo(
        f"done: {format_duration(seconds)} of worker time"
        + (f", {count(reused, 'record')} taken over from an earlier run" if reused else "")
    )
    pilot = None if reused else pilot_words(folder, seconds)
    if pilot:
        typer.echo(pilot)
    for name, reason in set_aside(folder):
        typer.echo(f"set aside: {name}: {reason}")
    for name, reason in folder.request.get("duplicates", ()):
        typer.echo(f"counted once: {name}: {reason}")
    for step in folder.cut["steps"]:
        if step["saved"]:
            typer.echo(f"result: {folder.step_store(step['name'], True)}")


def verify(
    run: Run = None,
    runs: Runs = Path("runs"),
    repair: Annotated[
        bool, typer.Option(help="Withdraw receipts of damaged files; `resume` then heals.")
    ] = False,
) -> None:
    """Compare every file on disk with its receipt."""
    from hpcflow.run.folder import find_run
    from hpcflow.run.verify import invalidate
    from hpcflow.run.verify import verify as check
    from hpcflow.units import format_bytes

    folder = find_run(run, runs)
    found = check(folder)
    for damage in found.damages:
        typer.echo(f"{damage.name}: {damage.what}")
    typer.echo(f"{found.files:,} files, {format_bytes(found.bytes)}, {len(found.damages)} damaged")
    if found.damages and repair:
        blocks = invalidate(folder, found.damages)
        typer.echo(f"{blocks} blocks will be computed again: hpcflow resume {folder.path}")
    if found.damages:
        raise typer.Exit(1)


def report(run: Run = None, runs: Runs = Path("runs")) -> None:
    """Write the report: one self-contained HTML page."""
    from hpcflow.report import write_report
    from hpcflow.run.folder import find_run

    typer.echo(write_report(find_run(run, runs)))
