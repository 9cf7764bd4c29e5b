"""Keep big runs off login nodes, which many people share to log in, edit and send jobs."""

from __future__ import annotations

import fnmatch
import os
import shutil
import socket
from collections.abc import Mapping

from hpcflow.errors import HpcflowError, RequestError
from hpcflow.plan.calibration import Calibration
from hpcflow.plan.model import Cut
from hpcflow.plan.time import stage_seconds
from hpcflow.units import format_bytes, format_duration

SECONDS = 600.0
MEMORY = 2 * 2**30
"""What a run may take on a login node: seconds of worker time, and bytes as the plan bounds them.

CSC's usage policy allows one core for minutes and 1 GiB; a plan's bound is up to twice what is used.
"""


def login_site(host: str | None = None) -> str:
    """The site whose login node this is; "" on other machines, and inside a job.

    Profiles are read only where there is `sbatch`: elsewhere a command waits for nothing.
    """
    if "SLURM_JOB_ID" in os.environ or shutil.which("sbatch") is None:
        return ""
    from hpcflow.site import available_sites, load_site

    host = host or socket.gethostname()
    for name in available_sites():
        try:
            patterns = load_site(name).login_hosts
        except HpcflowError:
            continue  # a damaged profile is told where it is used
        if any(fnmatch.fnmatchcase(host, pattern) for pattern in patterns):
            return name
    return ""


def check_login(
    cut: Cut,
    calibration: Calibration | None,
    workers: int,
    workflow: str,
    left: Mapping[str, int],
) -> None:
    """Refuse a run that is too big for the login node on which it would start.

    Parameters
    ----------
    workflow
        Its file, as a shell takes it.
    left
        Blocks by stage that are still to be computed.

    Raises
    ------
    RequestError
        With what it may take, and how to send it as jobs.
    """
    stages = [stage for stage in cut.stages if left[stage.name]]
    seconds = sum(stage_seconds(cut, s, calibration).high * left[s.name] / s.blocks for s in stages)
    memory = workers * max((stage.memory_bytes for stage in stages), default=0)
    if seconds <= SECONDS and memory <= MEMORY:
        return
    site = login_site()
    if not site:
        return
    takes = (
        f"{format_duration(seconds)} and {format_bytes(memory)} with {workers} worker{'s' * (workers != 1)}"
    )
    raise RequestError(
        f"this is a login node of {site}, where a run may take {format_duration(SECONDS)} of worker time "
        f"and {format_bytes(MEMORY)}; this one may take {takes}, at the expense of everybody who is logged "
        f"in: hpcflow submit {workflow} --site {site}; or fewer workers and records (--workers 1 --limit 1); "
        "or --here where the centre allows it"
    )
