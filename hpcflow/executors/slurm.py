"""A run as Slurm jobs: plan them, write the scripts, send them, and read how they do.

Nothing stays alive here. Jobs and gates carry the run; every call rebuilds the truth from receipts and one
question to Slurm.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from hpcflow.errors import RunError
from hpcflow.executors.drive import Observer, Silent, check_complete
from hpcflow.plan.calibration import Calibration
from hpcflow.plan.folder_files import folder_files
from hpcflow.plan.model import Cut
from hpcflow.plan.time import stage_seconds
from hpcflow.run.calibrate import HERE, load_calibration
from hpcflow.run.finish import finish
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.site import Site, load_site
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.schedule import Schedule, run_token
from hpcflow.workflow.model import RunSpec


def stage_needs(cut: Cut, calibration: Calibration | None = None) -> list[StageNeed]:
    """What each stage asks of a cluster; times are assumed where the cluster was never calibrated.

    The first one's files include those of the run folder itself.
    """
    needs: list[StageNeed] = []
    for stage in cut.stages:
        seconds, blocks = stage_seconds(cut, stage, calibration), max(stage.blocks, 1)
        needs.append(
            StageNeed(
                name=stage.name,
                blocks=stage.blocks,
                after=stage.after,
                memory_bytes_per_worker=stage.memory_bytes,
                seconds_low=seconds.low / blocks,
                seconds_high=seconds.high / blocks,
                kind=stage.kind,
                write_bytes=stage.write_bytes,
                files=stage.files + (0 if needs else folder_files(cut)),
                form="ranks" if stage.kind == "collective" else "gpus" if stage.device else "workers",
                shared_bytes=stage.shared_bytes,
            )
        )
    return needs


def options_of(run: RunSpec, **given: Any) -> Options:
    """Options for jobs: what a caller gives, else what the workflow's ``run:`` says.

    Parameters
    ----------
    given
        Fields of `Options`; those that are None or empty are not given.
    """
    said: dict[str, Any] = {
        "account": run.account,
        "partition": run.partition,
        "container": run.container,
        "prefer": run.prefer,
        "workers": run.workers,
        "seconds": None if run.time_limit is None else int(run.time_limit),
        "budget": dict(run.budget),
    }
    said |= {key: value for key, value in given.items() if value not in (None, {})}
    return Options(**{key: value for key, value in said.items() if value not in (None, {})})


def schedule_of(cut: Cut, site: str, options: Options) -> Schedule:
    """The jobs of a cut on a site; nothing is written.

    Raises
    ------
    RequestError, PlanError
        Where the cut or the options do not fit the site.
    """
    run, profile = run_token(f"{cut.name}-{cut.id[:8]}"), load_site(site)
    needs = stage_needs(cut, calibration_of(profile))
    return plan_jobs(needs, profile, paid(options, profile), run=run)


def paid(options: Options, site: Site) -> Options:
    """Options with the profile's project where no other is named."""
    return options if options.account else replace(options, account=site.project or None)


def compile_for(folder: RunFolder, site: str, options: Options) -> Schedule:
    """Write the schedule and scripts of a run for a site."""
    from hpcflow.slurm.compile import compile_run

    profile = load_site(site)
    needs = stage_needs(Cut.from_dict(folder.cut), calibration_of(profile))
    return compile_run(folder, needs, profile, paid(options, profile))


def calibration_of(site: Site) -> Calibration | None:
    """What the user measured on a site; a site without a scheduler is this machine."""
    return load_calibration(HERE if site.scheduler == "none" else site.name)


class SlurmExecutor:
    """Runs a whole plan as jobs and waits for it: what tests and small scripts want.

    Parameters
    ----------
    site
        A site profile.
    options
        Account, partition, elements and the like.
    poll_seconds
        Between two looks at the receipts (files, not Slurm).
    """

    def __init__(self, site: str, options: Options | None = None, poll_seconds: float = 0.5) -> None:
        self.site, self.options, self.poll_seconds = site, options or Options(), poll_seconds

    def run(self, folder: RunFolder, observer: Observer | None = None, timeout: float = 3600.0) -> None:
        """Submit, wait until every stage is complete, close the run.

        Raises
        ------
        RunError
            If no job is left and blocks are, or time is up.
        """
        from hpcflow.slurm.sending import submit

        observer = observer or Silent()
        schedule = compile_for(folder, self.site, self.options)
        submit(folder, schedule)
        wait(folder, timeout, self.poll_seconds)
        for stage in folder.cut["stages"]:
            check_complete(folder, stage["name"])
        finish(folder)


def wait(folder: RunFolder, timeout: float, poll_seconds: float) -> None:
    """Wait until no job of the run is left.

    Raises
    ------
    RunError
        When time is up.
    """
    from hpcflow.slurm.status import status

    deadline = time.monotonic() + timeout
    quiet = 0
    while True:
        alive = any(job.alive for job in status(folder))
        ledger = Ledger(folder)
        # Jobs whose blocks are done still count and tidy up: two that tidy at once are in each other's way.
        if not alive and all(ledger.complete(stage) for stage in ledger.stages):
            return
        # A job between two waves is not in the queue; twice nothing, some time apart, means nothing.
        quiet = 0 if alive else quiet + 1
        if quiet >= 4:
            return
        if time.monotonic() > deadline:
            raise RunError(
                f"run {folder.path.name} is not done after {timeout:.0f} s: `hpcflow status` tells more"
            )
        time.sleep(poll_seconds * (1 + quiet))
