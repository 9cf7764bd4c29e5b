"""The gate after a wave: count receipts, send what is left again, release or hold what follows.

``python -m hpcflow.slurm.gate RUN --epoch E --job J --wave W --attempt A`` runs as a short job of its own, so
that no program must stay alive on a login node. Exit code 0 releases the jobs that wait for it; with 1 Slurm
removes them, and the run waits for a person.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from hpcflow.errors import HpcflowError, SlurmError
from hpcflow.run.account import share_of
from hpcflow.run.epochs import newest_epoch
from hpcflow.run.finish import outcome
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.notify import notify
from hpcflow.slurm import client, sending
from hpcflow.slurm.answers import Row, Unanswered
from hpcflow.slurm.schedule import Job, Schedule, Submission, submissions, token

TICKS = 700
"""How often a gate that found no room in the queue asks again; a tick is some two minutes."""


@dataclass(frozen=True)
class Facts:
    """What a gate sees.

    Attributes
    ----------
    left
        Elements of its wave with blocks that have no receipt.
    failed
        Blocks of its wave that failed for good.
    workers
        Workers of the attempt that ended.
    running
        Id of a job of the same name that is in the queue: sent twice after a lost answer, it has the share.
    """

    stopped: bool
    newer: bool
    recompiled: bool
    cancelled: bool
    left: tuple[int, ...]
    failed: int
    attempt: int
    attempts: int
    out_of_memory: bool
    workers: int
    running: int = 0


@dataclass(frozen=True)
class Decision:
    """What a gate does, and why."""

    do: Literal["pass", "retry", "wait", "give up"]
    why: str
    elements: tuple[int, ...] = ()
    workers: int = 0


def decide(facts: Facts) -> Decision:
    """What follows from the facts; the first rule that fits."""
    if facts.newer:
        return Decision("give up", "a newer submission of this run took over")
    if not facts.left and not facts.failed:
        return Decision("pass", "every block of the wave has its receipt")
    if facts.stopped:
        return Decision("give up", "the run was stopped (file STOP); `hpcflow resume` goes on")
    if facts.recompiled:
        return Decision("give up", "the run was compiled anew since; `hpcflow resume` sends the new jobs")
    if not facts.left:
        why = f"{facts.failed} blocks failed, and another attempt would not help; `hpcflow status` names them"
        return Decision("give up", why)
    if facts.cancelled:
        return Decision("give up", "the wave was cancelled; `hpcflow resume` goes on")
    if facts.running:
        return Decision("wait", f"job {facts.running} of the same name has the share", facts.left)
    if facts.attempt >= facts.attempts:
        why = f"{len(facts.left)} elements are incomplete after {facts.attempt} attempts; see their logs"
        return Decision("give up", why)
    workers = max(1, facts.workers // 2) if facts.out_of_memory else facts.workers
    why = f"{len(facts.left)} elements are incomplete: attempt {facts.attempt + 1} of {facts.attempts}"
    if workers < facts.workers:
        why += f", with {workers} workers in place of {facts.workers}, since memory ran out"
    return Decision("retry", why, facts.left, workers)


def look(folder: RunFolder, schedule: Schedule, epoch: int, call: Submission, attempt: int) -> Facts:
    """Gather the facts: receipts, files of the run folder, and what Slurm says of the wave."""
    ledger = Ledger(folder)
    job = schedule.job(call.job)
    left, failed = count(ledger, job, call)
    name = token(schedule, epoch, call, attempt)
    record = sending.records(folder, epoch).get(name)
    rows, running = _rows(name)
    return Facts(
        stopped=folder.stop_file.exists(),
        newer=newest_epoch(folder) > epoch,
        recompiled=not sending.same_schedule(folder, epoch, schedule),
        cancelled=any(row.state == "CANCELLED" for row in rows),
        left=left,
        failed=failed,
        attempt=attempt,
        attempts=schedule.gate.attempts if schedule.gate else 1,
        out_of_memory=any(row.out_of_memory for row in rows),
        workers=record.workers if record and record.workers else job.workers,
        running=running,
    )


def count(ledger: Ledger, job: Job, call: Submission) -> tuple[tuple[int, ...], int]:
    """Elements of a wave with blocks left, and how many of its blocks failed for good."""
    start, stop = job.waves[call.wave - 1]
    left: set[int] = set()
    failed = 0
    for stage in job.stages:
        total = ledger.stages[stage]
        remaining = ledger.remaining(stage)
        bad = ledger.failures(stage)
        for element in range(start, stop):
            first, last = share_of(total, element, job.elements)
            if any(a < last and b > first for a, b in remaining):
                left.add(element)
            failed += sum(first <= block < last for block in bad)
        if bad:
            break  # the agent leaves the stages after a failed one alone: they are not left, but barred
    return tuple(sorted(left)), failed


def retry(
    folder: RunFolder,
    schedule: Schedule,
    epoch: int,
    call: Submission,
    attempt: int,
    what: Decision,
    running: int = 0,
) -> None:
    """Send the elements again with a gate after them, and have what follows wait for that gate.

    With `running` that job has the elements, and only the gate is sent.

    Whatever an earlier run of this gate has sent is not sent twice.
    """
    rows = client.squeue()
    known = sending.with_lost_answers(folder, epoch, sending.records(folder, epoch), rows)
    again = replace(call, kind="blocks", elements=what.elements if call.elements else (), after=())
    gate = Submission(call.key, "gate", call.job, call.wave)

    def once(one: Submission, waits: str, workers: int | None) -> int:
        record = known.get(token(schedule, epoch, one, attempt + 1))
        if record is not None and record.job_id:
            return record.job_id
        job = sending.send(folder, schedule, epoch, one, attempt + 1, dependency=waits, workers=workers)
        log(f"sent {job.name} as {job.job_id}")
        return job.job_id

    blocks_id = running or once(again, "", what.workers)
    gate_id = once(gate, f"afterany:{blocks_id}", None)
    for job_id, waits in followers(folder, schedule, epoch, call, gate_id, rows):
        client.set_dependency(job_id, waits)
        log(f"job {job_id} now waits for {waits}")


def followers(
    folder: RunFolder,
    schedule: Schedule,
    epoch: int,
    call: Submission,
    gate_id: int,
    rows: Sequence[Row],
) -> list[tuple[int, str]]:
    """Jobs in the queue that wait for this gate, and what each waits for once `gate_id` takes over."""
    known = sending.records(folder, epoch)
    ledger = Ledger(folder)
    ours = {name: record.job_id for name, record in known.items() if record.job_id}
    unfinished = [other for other in submissions(schedule) if not sending.is_done(schedule, ledger, other)]
    this_gate = {ours.get(token(schedule, epoch, replace(call, kind="gate"), a), 0) for a in range(1, 100)}
    others = [row for row in rows if row.job_id not in this_gate - {gate_id}]
    fresh = Row("", gate_id, None, "PENDING")
    found = []
    for follower in submissions(schedule):
        if not any(key == call.key and how == "afterok" for how, key, _ in follower.after):
            continue
        job_id = ours.get(token(schedule, epoch, follower, 1), 0)
        if job_id and any(row.job_id == job_id and row.alive for row in rows):
            waits = sending.dependency_of(schedule, epoch, follower, unfinished, ours, [*others, fresh], ())
            if waits:
                found.append((job_id, waits))
    return found


def log(text: str) -> None:
    """One line for whoever reads the gate's log."""
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} gate: {text}", flush=True)


def _rows(name: str) -> tuple[list[Row], int]:
    """What accounting, else the queue, says of a job, and a job of that name that is still at it.

    Nothing where neither answers: receipts decide.
    """
    rows: list[Row] = []
    running = 0
    try:
        rows = [row for row in client.squeue() if row.name == name]
        running = max((r.job_id for r in rows if r.alive and r.state != "COMPLETING"), default=0)
        rows = client.sacct([name]) or rows
    except HpcflowError as error:
        log(f"Slurm does not say how the wave ended: {error}")
    return rows, running


def main(arguments: list[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="python -m hpcflow.slurm.gate", description=__doc__)
    parser.add_argument("run")
    for key in ("epoch", "wave", "attempt"):
        parser.add_argument(f"--{key}", type=int, required=True)
    parser.add_argument("--job", required=True)
    given = parser.parse_args(arguments)
    folder = RunFolder.at(given.run)
    try:
        return run_gate(folder, given.epoch, given.job, given.wave, given.attempt)
    except HpcflowError as error:
        ask_again(error)
        return 1


def ask_again(error: HpcflowError) -> None:
    """Log what went wrong and, where that may pass, wait to be started again."""
    log(f"{type(error).__name__}: {error}")
    if again_later(error, os.environ):
        time.sleep(60)  # Slurm ends this process
    log("nothing more is sent; `hpcflow resume` goes on")


def again_later(error: HpcflowError, environment: Mapping[str, str]) -> bool:
    """Give this gate back to the queue where Slurm was full or away; nothing is sent twice."""
    full = isinstance(error, SlurmError) and "Limit" in str(error)
    job_id = environment.get("SLURM_JOB_ID", "")
    if not (full or isinstance(error, Unanswered)) or not job_id.isdigit():
        return False
    if int(environment.get("SLURM_RESTART_COUNT", "0")) >= TICKS:
        return False
    try:
        client.requeue(int(job_id))
    except SlurmError as refused:
        log(str(refused))
        return False
    log("this gate asks again in two minutes")
    return True


def run_gate(folder: RunFolder, epoch: int, job: str, wave: int, attempt: int) -> int:
    """Look, decide, act; the exit code."""
    schedule = sending.schedule_of(folder, epoch)
    call = next(
        one for one in submissions(schedule) if one.job == job and one.wave == wave and one.kind == "blocks"
    )
    facts = look(folder, schedule, epoch, call, attempt)
    what = decide(facts)
    log(f"{what.do}: {what.why}")
    if what.do == "give up":
        if not (facts.newer or facts.stopped or facts.recompiled):  # those are the user's own doing
            notify(folder, {**outcome(folder), "state": "failed"})
        return 1
    if what.do in ("retry", "wait"):
        retry(folder, schedule, epoch, call, attempt, what, facts.running)
        return 0
    if not folder.stop_file.exists():
        own = os.environ.get("SLURM_JOB_ID", "0")
        try:
            for sent in sending.send_next(folder, schedule, epoch, caller=int(own) if own.isdigit() else 0):
                log(f"sent {sent.name} as {sent.job_id}")
        except HpcflowError as error:
            ask_again(error)  # what waits for this wave may start all the same
    return 0


if __name__ == "__main__":
    sys.exit(main())
