"""Send a schedule to Slurm, wave by wave, so that every later command knows what was sent.

Each submission of a run is an epoch: ``epochs/0001.json``, created by one caller only. ``epochs/0001/`` holds
the schedule as sent, and one record per job, named as the job. A record is made before `sbatch` is called and
gets its id after: an empty one says that the answer was lost, not the job.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hpcflow.errors import RequestError, SlurmError
from hpcflow.run.account import share_of
from hpcflow.run.epochs import newest_epoch
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, subtract
from hpcflow.slurm import client
from hpcflow.slurm.answers import Row, Unanswered
from hpcflow.slurm.compile import read_schedule, schedule_file
from hpcflow.slurm.directives import call_arguments, call_options
from hpcflow.slurm.schedule import Job, Schedule, Submission, fitting, submissions, token

SCHEDULE_COPY = "schedule.json"
CANCEL_ROUNDS = 3


@dataclass(frozen=True)
class Submitted:
    """A job that was sent: its name, id, and what it computes."""

    name: str
    job_id: int
    epoch: int
    attempt: int
    call: Submission


@dataclass(frozen=True)
class Record:
    """What an epoch remembers of a job; `job_id` is 0 where the answer was lost."""

    name: str
    job_id: int
    time: str
    workers: int = 0


def submit(folder: RunFolder, schedule: Schedule) -> list[Submitted]:
    """Send as much of a schedule as the queue takes; gate jobs send the rest.

    Twice is harmless: while jobs of the newest submission are in the queue, only what is missing there is
    sent. Blocks with receipts are left out.

    Returns
    -------
    list of Submitted
        What was sent by this call.

    Raises
    ------
    RequestError
        Where the run was stopped, or the schedule is of a site without Slurm.
    SlurmError
        Where Slurm refused the first job, or did not answer.
    """
    if not schedule.slurm:
        raise RequestError(f"site {schedule.site} has no Slurm; run `bash submit.sh`, or `hpcflow run`")
    if folder.stop_file.exists():
        raise RequestError(
            f"the run was stopped: {folder.stop_file} exists, so every job would end at once; "
            "`hpcflow resume` removes it"
        )
    epoch = newest_epoch(folder)
    rows = client.squeue()
    if epoch and any(row.alive and row.name in records(folder, epoch) for row in rows):
        if same_schedule(folder, epoch, schedule):
            return send_next(folder, schedule, epoch, rows)
        raise RequestError(
            "jobs of an earlier submission are in the queue, sent with another schedule; "
            "`hpcflow cancel` them first"
        )
    return send_next(folder, schedule, new_epoch(folder, schedule), rows)


def new_epoch(folder: RunFolder, schedule: Schedule) -> int:
    """Begin a submission: from now on jobs of older ones compute nothing more."""
    folder.epochs.mkdir(exist_ok=True)
    folder.logs.mkdir(exist_ok=True)
    epoch = newest_epoch(folder) + 1
    while True:
        try:
            handle = os.open(folder.epochs / f"{epoch:04d}.json", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            epoch += 1
            continue
        with os.fdopen(handle, "w") as file:
            stamp = {"epoch": epoch, "site": schedule.site, "time": _now()}
            file.write(json.dumps(stamp) + "\n")
        place = records_folder(folder, epoch)
        place.mkdir(exist_ok=True)
        text = schedule_file(folder, schedule.site).read_bytes()
        (place / SCHEDULE_COPY).write_bytes(text)
        return epoch


def records_folder(folder: RunFolder, epoch: int) -> Path:
    """Where the records of a submission lie."""
    return folder.epochs / f"{epoch:04d}"


def records(folder: RunFolder, epoch: int) -> dict[str, Record]:
    """The records of a submission by job name."""
    found = {}
    place = records_folder(folder, epoch)
    for file in sorted(place.glob("hl-*")) if place.is_dir() else ():
        parts = file.read_text(errors="replace").split()
        known = parts and parts[0].isdigit()
        found[file.name] = Record(
            file.name,
            int(parts[0]) if known else 0,
            parts[1] if len(parts) > 1 else "",
            int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0,
        )
    return found


def same_schedule(folder: RunFolder, epoch: int, schedule: Schedule) -> bool:
    """Whether the schedule on disk is the one with which the submission was sent."""
    with contextlib.suppress(OSError):
        sent = (records_folder(folder, epoch) / SCHEDULE_COPY).read_bytes()
        return sent == schedule_file(folder, schedule.site).read_bytes()
    return False


def send_next(
    folder: RunFolder,
    schedule: Schedule,
    epoch: int,
    rows: Sequence[Row] | None = None,
    caller: int = 0,
) -> list[Submitted]:
    """Send what a submission has not sent yet, as far as the queue has room.

    Parameters
    ----------
    caller
        Id of the gate that calls; it is about to leave the queue.

    Raises
    ------
    SlurmError
        Where Slurm refused and no other job of this run is in the queue to try again later.
    """
    rows = client.squeue() if rows is None else rows
    known = with_lost_answers(folder, epoch, records(folder, epoch), rows)
    ledger = Ledger(folder)
    calls = [call for call in submissions(schedule) if not is_done(schedule, ledger, call)]
    unsent = [
        _what_is_left(schedule, ledger, call)
        for call in calls
        if token(schedule, epoch, call, 1) not in known
    ]
    prefix = f"hl-{schedule.run}-"
    queued = sum(row.alive and row.name.startswith(prefix) and row.job_id != caller for row in rows)
    fit = fitting(schedule, unsent, queued)
    if not queued:
        fit = max(fit, 1 if schedule.gate is None else 2)
    sent: list[Submitted] = []
    ids = {record.name: record.job_id for record in known.values()}
    for call in unsent[:fit]:
        waits = dependency_of(schedule, epoch, call, calls, ids, rows, sent)
        if waits is None:
            break
        try:
            job = send(folder, schedule, epoch, call, 1, dependency=waits)
        except Unanswered:
            raise
        except SlurmError:
            if sent or queued:
                break  # the limit counts jobs of other runs too; a gate tries again
            raise
        sent.append(job)
        ids[job.name] = job.job_id
    return sent


def send(
    folder: RunFolder,
    schedule: Schedule,
    epoch: int,
    call: Submission,
    attempt: int,
    *,
    dependency: str = "",
    workers: int | None = None,
) -> Submitted:
    """Send one job, with a record before and after.

    Raises
    ------
    SlurmError
        Where Slurm refused; the record is taken back.
    """
    name = token(schedule, epoch, call, attempt)
    record = records_folder(folder, epoch) / name
    record.touch()
    script = folder.jobs / ("gate.sh" if call.kind == "gate" else f"{call.job}.sh")
    try:
        job_id = client.submit_job(
            str(script),
            [str(epoch), *call_arguments(schedule, call, attempt, workers)],
            name=name,
            options=call_options(call, dependency),
        )
    except Unanswered:
        raise
    except SlurmError:
        record.unlink()
        raise
    _remember(record, job_id, workers)
    return Submitted(name, job_id, epoch, attempt, call)


def left_over(schedule: Schedule, ledger: Ledger, job: Job, elements: Sequence[int]) -> tuple[int, ...]:
    """Elements of a job that have blocks without a receipt."""
    return tuple(element for element in elements if any(_remaining(ledger, job, element)))


def cancel(folder: RunFolder) -> list[int]:
    """Stop a run: file STOP first, so that gates send nothing more, then cancel its jobs. Twice is harmless.

    Returns
    -------
    list of int
        Ids of the jobs cancelled.
    """
    folder.stop_file.touch()
    names = {name for epoch in range(1, newest_epoch(folder) + 1) for name in records(folder, epoch)}
    ended: set[int] = set()
    for _ in range(CANCEL_ROUNDS):  # a gate that runs may send one more job
        live = {
            row.job_id
            for row in client.squeue()
            if row.alive and row.name in names and row.state != "COMPLETING"
        }
        if not live - ended:
            break
        client.scancel(live)
        ended |= live
        names |= set(records(folder, newest_epoch(folder)))
    return sorted(ended)


def _remaining(ledger: Ledger, job: Job, element: int) -> list[int]:
    return [
        1
        for stage in job.stages
        for _ in subtract(
            [share_of(ledger.stages[stage], element, job.elements)],
            subtract([(0, ledger.stages[stage])], ledger.remaining(stage, retry_failed=True)),
        )
    ]


def is_done(schedule: Schedule, ledger: Ledger, call: Submission) -> bool:
    job = schedule.job(call.job)
    start, stop = job.waves[call.wave - 1]
    return not left_over(schedule, ledger, job, range(start, stop))


def _what_is_left(schedule: Schedule, ledger: Ledger, call: Submission) -> Submission:
    if not call.elements:
        return call
    return replace(call, elements=left_over(schedule, ledger, schedule.job(call.job), call.elements))


def dependency_of(
    schedule: Schedule,
    epoch: int,
    call: Submission,
    unfinished: Sequence[Submission],
    ids: dict[str, int],
    rows: Sequence[Row],
    sent: Sequence[Submitted],
) -> str | None:
    """What a job waits for, in Slurm's words; "" for nothing, None where what it needs is not queued.

    Slurm takes an ended job that it has forgotten for a success, so only jobs that it shows are named.
    """
    open_keys = {other.key for other in unfinished}
    shown = {row.job_id for row in rows if row.alive} | {job.job_id for job in sent}
    found = []
    for how, key, kind in call.after:
        if how == "afterok" and key not in open_keys:
            continue
        tail = "-gate" if kind == "gate" else ""
        prefix = f"hl-{schedule.run}-e{epoch}-{key}-a"
        sent_before = [
            number
            for name, number in ids.items()
            if name.startswith(prefix) and name.removeprefix(prefix).removesuffix(tail).isdigit()
        ]
        alive = [number for number in sent_before if number in shown]
        if not alive and how == "afterany" and any(sent_before):
            continue  # it has ended already, so nothing is to be waited for
        if not alive:
            return None
        found.append(f"{how}:{max(alive)}")
    return ",".join(found)


def with_lost_answers(
    folder: RunFolder, epoch: int, known: dict[str, Record], rows: Sequence[Row]
) -> dict[str, Record]:
    """Records, with the ids of jobs whose answer was lost; without those that never arrived."""
    result = {}
    for name, record in known.items():
        if record.job_id:
            result[name] = record
            continue
        shown = [row.job_id for row in rows if row.name == name]
        number = max(shown) if shown else client.find(name)
        file = records_folder(folder, epoch) / name
        if number is not None:
            _remember(file, number, None)
            result[name] = replace(record, job_id=number)
        elif time.time() - file.stat().st_mtime < 2 * client.MESSAGE_TIMEOUT:
            result[name] = record  # somebody may be sending it at this moment
        else:
            file.unlink(missing_ok=True)
    return result


def _remember(record: Path, job_id: int, workers: int | None) -> None:
    temporary = record.with_name(f".{record.name}")
    temporary.write_text(f"{job_id} {_now()}{f' {workers}' if workers else ''}\n")
    os.replace(temporary, record)


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def schedule_of(folder: RunFolder, epoch: int) -> Schedule:
    """The schedule with which a submission was sent."""
    return read_schedule(records_folder(folder, epoch) / SCHEDULE_COPY)
