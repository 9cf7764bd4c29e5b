"""What a program writes: load a workflow, look at its plan, run it or submit it, open its results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray

    from hpcflow.api import Asked
    from hpcflow.plan.model import Cut
    from hpcflow.run.folder import RunFolder
    from hpcflow.slurm.needs import Options
    from hpcflow.slurm.schedule import Schedule
    from hpcflow.slurm.status import JobState
    from hpcflow.workflow.model import WorkflowSpec

AnyPath = str | os.PathLike[str]


def load(path: AnyPath, settings: Sequence[str] = ()) -> Workflow:
    """Read and check a workflow file; its data are not looked at yet.

    Parameters
    ----------
    path
        The file.
    settings
        What `--set` takes on the command line: ``name=YAML``.

    Raises
    ------
    WorkflowError
        With every problem of the file: line, column, rule, value, remedy.
    """
    from hpcflow.data.readers.registry import reader_names
    from hpcflow.workflow.load import load_workflow

    spec = load_workflow(path, tuple(settings), readers=reader_names())
    return Workflow(Path(path), tuple(settings), spec)


def open_run(run: AnyPath | None = None, runs: AnyPath = "runs") -> Run:
    """Return to a run: its folder or the start of its id; the newest under `runs` otherwise.

    Raises
    ------
    RequestError
        If there is none, or the id fits several.
    """
    from hpcflow.run.folder import find_run

    return Run(find_run(None if run is None else os.fspath(run), Path(runs)))


@dataclass(frozen=True)
class Workflow:
    """A checked workflow file.

    Attributes
    ----------
    file, settings
        As given to `load`.
    spec
        What was asked, every literal checked and in SI units.
    """

    file: Path
    settings: tuple[str, ...]
    spec: WorkflowSpec = field(repr=False)

    def plan(
        self,
        site: str | None = None,
        account: str | None = None,
        *,
        partition: str | None = None,
        prefer: str | None = None,
        budget: Sequence[str] = (),
        block_bytes: int | None = None,
        only: Sequence[str] = (),
        limit: int | None = None,
    ) -> Plan:
        """Scan the data and decide everything; nothing is written but the scan's cache of checksums.

        Parameters
        ----------
        site, account
            A cluster's profile and the project that pays; without a site the jobs are left undecided.
        partition
            In place of the planner's choice.
        prefer
            ``cost`` or ``time``: what decides the partition and the jobs.
        budget
            Most that all jobs may take, like ``["500 coreh"]``.
        block_bytes
            Bytes of input per block; planning decides where it is None. It does not change results.
        only, limit
            A pilot: records whose id contains one of these texts; at most so many records per dataset.

        Raises
        ------
        WorkflowError
            If the data do not fit the workflow.
        PlanError
            If the plan breaks a limit of the site.
        """
        from hpcflow.api import ask

        asked = ask(self.file, self.settings, block_bytes=block_bytes, only=only, limit=limit)
        if site is None:
            return Plan(asked)
        from hpcflow.executors.slurm import schedule_of

        options = self._options(account=account, partition=partition, prefer=prefer, budget=budget)
        return Plan(asked, schedule_of(asked.cut, site, options))

    def _options(self, *, budget: Sequence[str], **given: str | None) -> Options:
        from hpcflow.executors.slurm import options_of
        from hpcflow.units import parse_budget

        texts = (budget,) if isinstance(budget, str) else budget
        return options_of(self.spec.run, budget=dict(parse_budget(text) for text in texts), **given)

    def run(
        self,
        runs: AnyPath = "runs",
        executor: str = "serial",
        workers: int | None = None,
        *,
        block_bytes: int | None = None,
        only: Sequence[str] = (),
        limit: int | None = None,
    ) -> Run:
        """Plan, compute here, and return when everything is done.

        Parameters
        ----------
        runs
            Folder that holds runs.
        executor
            `serial`, `dask`, or a Dask scheduler's address. `dask` starts processes: a script that asks for
            it needs the ``if __name__ == "__main__":`` of Python's multiprocessing.
        workers
            Processes of `dask`; all cores otherwise.

        Raises
        ------
        RunError
            If blocks failed; what is done stays done, and `Run.resume` goes on.
        """
        from hpcflow.api import start

        asked = self.plan(block_bytes=block_bytes, only=only, limit=limit).asked
        return Run(start(asked, Path(runs))).resume(executor, workers)

    def submit(
        self,
        site: str,
        account: str | None = None,
        runs: AnyPath = "runs",
        *,
        partition: str | None = None,
        prefer: str | None = None,
        budget: Sequence[str] = (),
    ) -> Run:
        """Plan, write the scripts, send them to Slurm and return at once: nothing of ours stays behind.

        Parameters
        ----------
        site, account, partition, prefer, budget
            As of `plan`.
        runs
            Folder that holds runs.

        Raises
        ------
        PlanError, SlurmError
            If the plan breaks a limit of the site or takes more hours than the project has left, or Slurm
            refuses.
        """
        from hpcflow.api import start
        from hpcflow.executors.slurm import compile_for
        from hpcflow.site import load_site
        from hpcflow.slurm.allocation import check_allocation
        from hpcflow.slurm.sending import submit

        options = self._options(account=account, partition=partition, prefer=prefer, budget=budget)
        plan = self.plan(site, account, partition=partition, prefer=prefer, budget=budget)
        if plan.schedule is not None:
            check_allocation(load_site(site), plan.schedule)
        folder = start(plan.asked, Path(runs))
        submit(folder, compile_for(folder, site, options))
        return Run(folder)


@dataclass(frozen=True)
class Plan:
    """What would be done.

    Attributes
    ----------
    asked
        The workflow, its record tables, and the cut.
    schedule
        Its jobs on a site; None where no site was named.
    """

    asked: Asked = field(repr=False)
    schedule: Schedule | None = field(default=None, repr=False)

    @property
    def cut(self) -> Cut:
        """Stages, blocks, memory and layout: free of any site, the same bytes on every machine."""
        return self.asked.cut

    def summary(self) -> dict[str, Any]:
        """Totals: records, samples, blocks, bytes, files, memory per worker."""
        from hpcflow.plan.compile import summary

        return summary(self.cut)


@dataclass(frozen=True)
class Run:
    """A run on disk, finished or not; make as many of these as you like.

    Attributes
    ----------
    folder
        The run's folder; it names every path in it.
    """

    folder: RunFolder

    @property
    def path(self) -> Path:
        """The folder."""
        return self.folder.path

    def resume(self, executor: str = "serial", workers: int | None = None) -> Run:
        """Compute here what has no receipt yet, and nothing else.

        Raises
        ------
        RunError
            If blocks failed.
        """
        from hpcflow.api import compute

        self.folder.stop_file.unlink(missing_ok=True)
        compute(self.folder, executor, workers or os.cpu_count() or 1)
        return self

    def status(self) -> dict[str, Any]:
        """State, blocks in all and done, failed ones, records set aside."""
        from hpcflow.run.finish import outcome

        return outcome(self.folder)

    def jobs(self) -> list[JobState]:
        """The run's Slurm jobs; empty where none was submitted."""
        from hpcflow.slurm.status import status

        return status(self.folder)

    def cancel(self) -> list[int]:
        """Cancel the run's Slurm jobs; returns their numbers."""
        from hpcflow.slurm.sending import cancel

        return cancel(self.folder)

    def results(self) -> dict[str, xarray.Dataset]:
        """Every saved step by name, opened lazily from its Zarr store.

        Raises
        ------
        RequestError
            If a step is not computed yet.
        """
        from hpcflow.results import open_results

        return open_results(self.folder)

    def set_aside(self) -> list[tuple[str, str]]:
        """(record or file, reason) of everything that could not be used."""
        from hpcflow.results import set_aside

        return set_aside(self.folder)

    def report(self) -> Path:
        """Write the report, one HTML file, and say where."""
        from hpcflow.report import write_report

        return write_report(self.folder)

    def to_dict(self) -> dict[str, Any]:
        """Where it is and how far, as plain JSON."""
        return {**self.status(), "path": str(self.path), "jobs": [asdict(job) for job in self.jobs()]}
