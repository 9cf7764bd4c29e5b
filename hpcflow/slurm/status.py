"""What has become of the jobs of a run: records, one question to squeue, one to sacct, and the logs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hpcflow.errors import SlurmError
from hpcflow.run.epochs import newest_epoch
from hpcflow.run.folder import RunFolder
from hpcflow.slurm import client, sending
from hpcflow.slurm.answers import ENDED, Row

_NAME = re.compile(r"hl-[0-9a-f]{8}-e(\d+)-([a-z0-9-]+)-w(\d+)-a(\d+)(-gate)?")
_START = re.compile(rb"^(\S+) start \S+ id=", re.MULTILINE)
_END = re.compile(rb"^(\S+) end \S+ rc=(\d+)$", re.MULTILINE)
_TAIL = 4096


@dataclass(frozen=True)
class JobState:
    """A job, or an element of an array.

    Attributes
    ----------
    name
        The job's name, unique to this submission.
    job, wave, attempt, kind
        What it stands for in the schedule.
    element
        Index within its array; None where it is none.
    state
        Slurm's word; ``UNKNOWN`` where nobody knows what became of it.
    reason
        Slurm's reason why it waits or why it ended.
    started
        For a job that waits: when Slurm expects to start it, "" where it does not say.
    source
        Who said so.
    """

    name: str
    epoch: int
    job: str
    wave: int
    attempt: int
    kind: Literal["blocks", "gate"]
    job_id: int
    element: int | None
    state: str
    reason: str
    submitted: str
    started: str
    ended: str
    seconds: int
    node: str
    exit_code: str
    out_of_memory: bool
    max_rss: int
    source: Literal["squeue", "sacct", "log", "record"]

    @property
    def alive(self) -> bool:
        """Whether it waits or runs."""
        return self.state not in ENDED and self.state != "UNKNOWN"


def status(folder: RunFolder) -> list[JobState]:
    """The jobs of all submissions of a run, in the order in which they were sent.

    Where Slurm does not answer the logs do, and what they do not say is ``UNKNOWN``.
    """
    known = {
        name: (epoch, record)
        for epoch in range(1, newest_epoch(folder) + 1)
        for name, record in sending.records(folder, epoch).items()
    }
    if not known:
        return []
    queue, silent = _ask_queue(set(known))
    settled = {name for name, rows in queue.items() if all(row.alive for row in rows)}
    past = _ask_accounting(sorted(set(known) - settled))
    found: list[JobState] = []
    for name, (_, record) in known.items():
        rows = _merged(queue.get(name, ()), past.get(name, ()))
        rows = [(row, source) for row, source in rows if not record.job_id or row.job_id == record.job_id]
        if rows:
            found += [_state(row, source) for row, source in rows]
        else:
            found += _from_logs(folder, record, silent)
    return sorted(found, key=lambda s: (s.epoch, s.job_id or 10**12, s.element or 0))


def _ask_queue(names: set[str]) -> tuple[dict[str, list[Row]], str]:
    by_name: dict[str, list[Row]] = {}
    try:
        for row in client.squeue():
            if row.name in names:
                by_name.setdefault(row.name, []).append(row)
    except SlurmError as error:
        return {}, str(error)
    return by_name, ""


def _ask_accounting(names: list[str]) -> dict[str, list[Row]]:
    by_name: dict[str, list[Row]] = {}
    try:
        for row in client.sacct(names) or ():
            by_name.setdefault(row.name, []).append(row)
    except SlurmError:
        return {}
    return by_name


def _merged(queue: Iterable[Row], past: Iterable[Row]) -> list[tuple[Row, Literal["squeue", "sacct"]]]:
    """Of one job each: the queue while it lives, accounting once it has ended (it knows more)."""
    merged: dict[tuple[int, int | None], tuple[Row, Literal["squeue", "sacct"]]] = {}
    for row in queue:
        merged[row.job_id, row.element] = (row, "squeue")
    for row in past:
        key = (row.job_id, row.element)
        if key not in merged or not (merged[key][0].alive or row.alive):
            merged[key] = (row, "sacct")
    return list(merged.values())


def _state(row: Row, source: Literal["squeue", "sacct"]) -> JobState:
    epoch, job, wave, attempt, kind = _split(row.name)
    return JobState(
        name=row.name,
        epoch=epoch,
        job=job,
        wave=wave,
        attempt=attempt,
        kind=kind,
        job_id=row.job_id,
        element=row.element,
        state=row.state,
        reason=row.reason,
        submitted=row.submitted,
        started=row.started,
        ended=row.ended,
        seconds=row.seconds,
        node=row.node,
        exit_code=row.exit_code,
        out_of_memory=row.out_of_memory,
        max_rss=row.max_rss,
        source=source,
    )


def _split(name: str) -> tuple[int, str, int, int, Literal["blocks", "gate"]]:
    match = _NAME.fullmatch(name)
    if match is None:
        return 0, name, 0, 0, "blocks"
    return int(match[1]), match[2], int(match[3]), int(match[4]), "gate" if match[5] else "blocks"


def _from_logs(folder: RunFolder, record: sending.Record, silent: str) -> Iterator[JobState]:
    """The line that a script writes at its end; a job without one ended, or never came, for unknown cause."""
    epoch, job, wave, attempt, kind = _split(record.name)
    why = silent or (
        "gone from Slurm without an end in its log" if record.job_id else "sbatch gave no answer"
    )
    ends = list(_ends(folder.logs, record.name)) or [(None, "", "", "")]
    for element, started, ended, code in ends:
        state = "UNKNOWN" if not code else "COMPLETED" if code == "0" else "FAILED"
        yield JobState(
            name=record.name,
            epoch=epoch,
            job=job,
            wave=wave,
            attempt=attempt,
            kind=kind,
            job_id=record.job_id,
            element=element,
            state=state,
            reason="" if code else why,
            submitted=record.time,
            started=started,
            ended=ended,
            seconds=0,
            node="",
            exit_code=f"{code}:0" if code else "",
            out_of_memory=False,
            max_rss=0,
            source="log" if code else "record",
        )


def _ends(logs: Path, name: str) -> Iterator[tuple[int | None, str, str, str]]:
    """Element, first start, last end and exit code, of each log of a job that began."""
    for file in sorted(logs.glob(f"{name}-*.out")) if logs.is_dir() else ():
        match = re.fullmatch(r"\d+(?:_(\d+))?", file.name[len(name) + 1 : -4])
        if match is None:
            continue
        with open(file, "rb") as log:
            start = _START.search(log.read(_TAIL))
            log.seek(0, 2)
            log.seek(max(0, log.tell() - _TAIL))
            ends = _END.findall(log.read())
        if start or ends:
            ended, code = ends[-1] if ends else (b"", b"")
            began = start[1] if start else b""
            yield int(match[1]) if match[1] else None, began.decode(), ended.decode(), code.decode()
