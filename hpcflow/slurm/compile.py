"""Write a run's schedule and scripts into its folder."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

from hpcflow._version import __version__
from hpcflow.errors import RequestError, StoreError
from hpcflow.run.folder import RunFolder
from hpcflow.site import Site
from hpcflow.slurm.jobs import Options, StageNeed, plan_jobs
from hpcflow.slurm.pitfalls import check_architecture
from hpcflow.slurm.schedule import Schedule, dump_schedule, load_schedule, run_token
from hpcflow.slurm.script import Place, scripts


def compile_run(
    folder: RunFolder, needs: Sequence[StageNeed], site: Site, options: Options, place: Place | None = None
) -> Schedule:
    """Plan the jobs of a run on a site and write ``schedules/<site>.json``, ``jobs/*.sh`` and ``submit.sh``.

    The same arguments give the same bytes. Nothing is sent.

    Parameters
    ----------
    needs
        The stages of the cut, in order.
    place
        Paths in the scripts, by default those of this process.

    Raises
    ------
    RequestError, PlanError
        Where the options, a path or the plan do not fit the site; nothing is written then.
    """
    place = place or place_of(folder, site)
    return write_run(folder, plan_jobs(needs, site, options, run=run_token(place.run)), site, place)


def write_run(folder: RunFolder, schedule: Schedule, site: Site, place: Place) -> Schedule:
    """Write a schedule and its scripts.

    Raises
    ------
    RequestError
        Where a path does not fit a script, or the interpreter a partition; nothing is written then.
    """
    if site.login and not site.python:  # two architectures: this interpreter is of one of them
        for partition in {job.partition for job in schedule.jobs}:
            check_architecture(site, partition, platform.machine())
    files = scripts(schedule, site, place)
    for stale in folder.jobs.glob("*.sh"):
        if f"{folder.jobs.name}/{stale.name}" not in files:
            stale.unlink()
    for name, text in files.items():
        _write(folder.path / name, text, 0o755)
    _write(schedule_file(folder, site.name), json.dumps(dump_schedule(schedule), indent=1) + "\n", 0o644)
    for made in (folder.logs, folder.epochs, folder.claims):
        made.mkdir(exist_ok=True)
    return schedule


def place_of(folder: RunFolder, site: Site) -> Place:
    """Paths as this process sees them; the interpreter is the profile's where it names one."""
    root = Path(os.path.abspath(__file__)).parents[2]
    installed = root.name in ("site-packages", "dist-packages")
    kernels = root / "kernels"
    roots = () if installed else tuple(str(p) for p in (root, kernels) if p.is_dir())
    given = folder.request.get("datasets", {}).values()
    data = tuple(sorted({os.path.dirname(d["store"]) for d in given} | {d["folder"] for d in given}))
    return Place(str(folder.path), site.python or os.path.abspath(sys.executable), roots, __version__, data)


def schedule_file(folder: RunFolder, site: str) -> Path:
    """Where the schedule for a site lies."""
    return folder.schedules / f"{site}.json"


def read_schedule(file: Path) -> Schedule:
    """Read a schedule.

    Raises
    ------
    RequestError
        Where there is none.
    StoreError
        Where it is damaged or of another format.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RequestError(
            f"{file} is not there, so there is nothing to submit; compile the run first"
        ) from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read: {error}; compile again") from None
    if not isinstance(values, dict):
        raise StoreError(f"{file} is no schedule; compile again")
    return load_schedule(values)


def _write(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.chmod(mode)
    os.replace(temporary, path)
