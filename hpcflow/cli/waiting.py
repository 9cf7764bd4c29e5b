"""Why jobs wait, and when they should start, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hpcflow.cli.show import count

if TYPE_CHECKING:
    from hpcflow.slurm.status import JobState

REASONS = {
    "Priority": "jobs of higher priority are before it",
    "Resources": "it is next, and nodes are not free yet",
    "Dependency": "it follows another job of the run",
    "DependencyNeverSatisfied": "the job it follows failed: hpcflow cancel, then hpcflow resume",
    "JobHeldUser": "it is held: scontrol release JOB",
    "JobHeldAdmin": "an administrator holds it: ask the centre",
    "BeginTime": "it starts at a set time (Slurm put it back into the queue)",
    "ReqNodeNotAvail": "its nodes are reserved or down, often for maintenance: a shorter --time may fit",
    "PartitionTimeLimit": "it asks for more time than the partition allows: hpcflow resume --time",
    "PartitionNodeLimit": "it asks for more nodes than the partition allows",
    "AssocGrpBillingMinutes": "the project's allocation is used up: ask for more, or --account",
    "AssocGrpCPUMinutesLimit": "the project's core-hours are used up: ask for more, or --account",
    "AssocMaxJobsLimit": "as many jobs as the project may run are running",
    "QOSMaxJobsPerUserLimit": "as many jobs as one user may run in this partition are running",
    "QOSMaxSubmitJobPerUserLimit": "the queue is full for this user",
    "AssocMaxSubmitJobLimit": "the queue is full for this project, or its allocation is used up",
    "AssocGrpCpuLimit": "as many cores as the project may use are in use",
    "JobArrayTaskLimit": "as many elements of the array as may run are running",
}
"""Slurm's reasons why a job waits, in a user's words (squeue(1), JOB REASON CODES)."""


def job_words(jobs: Sequence[JobState]) -> Iterator[str]:
    """Why jobs wait and when the first of them should start, one line per reason."""
    waiting: dict[str, list[JobState]] = {}
    for job in jobs:
        if job.state == "PENDING" and job.kind == "blocks":
            waiting.setdefault(job.reason.split(",")[0].strip("() "), []).append(job)
    for reason, those in waiting.items():
        words = REASONS.get(reason) or f"Slurm says {reason or 'nothing'}"
        starts = sorted(job.started for job in those if job.started)
        expected = f", expected to start {starts[0].replace('T', ' ')}" if starts else ""
        yield f"{count(len(those), 'job')} waiting: {words}{expected}"
