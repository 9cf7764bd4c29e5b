"""Talk to Slurm: its programs, called with argument lists, a clean environment and time-outs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hpcflow.errors import SlurmError
from hpcflow.slurm.answers import SACCT_FIELDS, SQUEUE_FIELDS, Row, Unanswered, parse_sacct, parse_squeue

CALL_SECONDS = 60.0
MESSAGE_TIMEOUT = 10.0
"""Slurm's default MessageTimeout: twice as long after a lost answer a job is there or never will be."""
SENDS = 3

_LOST = re.compile(
    r"timed out|unable to contact|connection refused|connect failure|communication|zero bytes|"
    r"temporarily unable|try again|unexpected message|transport endpoint|resource temporarily",
    re.IGNORECASE,
)


def clean_environment(program: str = "") -> dict[str, str]:
    """What Slurm's programs see: inherited SBATCH_* and SLURM_* must not change what a script says."""
    folders = [os.path.dirname(program)] if program else []
    kept = {name: os.environ[name] for name in ("HOME", "USER", "SLURM_CONF") if name in os.environ}
    kept.setdefault("USER", _user())
    return {
        **kept,
        "PATH": os.pathsep.join(dict.fromkeys([*folders, "/usr/bin", "/bin"])),
        "LANG": "C.UTF-8",
    }


def submit_job(
    script: str,
    arguments: Sequence[str],
    *,
    name: str,
    options: Sequence[str] = (),
    settle: float = 2 * MESSAGE_TIMEOUT,
    sleep: Callable[[float], None] = time.sleep,
) -> int:
    """Submit a job, and be sure: after a lost answer look it up by name, and send again if it is not there.

    Parameters
    ----------
    name
        Unique for this submission.
    settle
        Seconds to wait after a lost answer before each of two look-ups.

    Returns
    -------
    int
        The job's id.

    Raises
    ------
    SlurmError
        Where Slurm refused; its own words.
    Unanswered
        Where it never answered.
    """
    for _ in range(SENDS):
        try:
            return sbatch(script, arguments, name=name, options=options)
        except Unanswered as error:
            lost = error
        for _ in range(2):
            sleep(settle)
            found = find(name)
            if found is not None:
                return found
    raise Unanswered(f"{name} was sent {SENDS} times and Slurm did not answer: {lost}; try again later")


def sbatch(script: str, arguments: Sequence[str], *, name: str, options: Sequence[str] = ()) -> int:
    """One call of `sbatch`.

    Raises
    ------
    SlurmError
        Where Slurm refused.
    Unanswered
        Where it cannot be known whether the job was taken.
    """
    command = ["--parsable", f"--job-name={name}", *options, script, *arguments]
    answer = _call("sbatch", command)
    first = answer.out.strip().partition(";")[0]
    if answer.code == 0 and first.isascii() and first.isdigit():
        return int(first)
    said = (answer.err.strip() or answer.out.strip())[-500:]
    if answer.code <= 0 or _LOST.search(said) or not said:
        raise Unanswered(f"sbatch gave no job id for {name}: {said or f'exit code {answer.code}'}")
    raise SlurmError(f"Slurm refused {name}: {said}{_hint(said)}")


def find(name: str) -> int | None:
    """The id of the newest job of that name; None where Slurm knows none.

    Raises
    ------
    Unanswered
        Where it could not be asked.
    """
    rows = [row for row in squeue() if row.name == name]
    if not rows:
        rows = [row for row in sacct([name]) or () if row.name == name]
    return max((row.job_id for row in rows), default=None)


def squeue() -> list[Row]:
    """All jobs of this user that slurmctld still holds, elements of arrays one by one.

    Raises
    ------
    Unanswered
        Where it did not answer, or not in the form that was asked for.
    """
    answer = _call("squeue", ["--me", "-h", "-r", "-t", "all", "-o", SQUEUE_FIELDS])
    if answer.code != 0:
        raise Unanswered(f"squeue did not answer: {answer.err.strip()[-300:] or answer.code}")
    return parse_squeue(answer.out)


def sacct(names: Sequence[str], since: str = "") -> list[Row] | None:
    """Jobs of these names from accounting, in one call; None where the cluster keeps none.

    Parameters
    ----------
    since
        Local time as ``2026-01-31T12:00:00``; by default 30 days back, the longest polite window.

    Raises
    ------
    Unanswered
        Where it did not answer, or not in the form that was asked for.
    """
    if not names:
        return []
    since = since or time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() - 30 * 86400))
    options = ["-D", "-P", "-n", "--noconvert", "-S", since, f"--name={','.join(names)}", "-o", SACCT_FIELDS]
    answer = _call(
        "sacct", options, {"LC_ALL": "C", "SLURM_TIME_FORMAT": "%Y-%m-%dT%H:%M:%S", "SLURM_BITSTR_LEN": "0"}
    )
    if "accounting storage is disabled" in answer.err + answer.out:
        return None
    if answer.code != 0:
        raise Unanswered(f"sacct did not answer: {answer.err.strip()[-300:] or answer.code}")
    return parse_sacct(answer.out)


def scancel(job_ids: Iterable[int]) -> None:
    """Cancel jobs; those that have ended already are passed over.

    Raises
    ------
    Unanswered
        Where Slurm did not answer.
    """
    ids = sorted(set(job_ids))
    for start in range(0, len(ids), 200):
        answer = _call("scancel", [str(number) for number in ids[start : start + 200]])
        if answer.code != 0 and not re.search(r"invalid job id|already complet", answer.err, re.IGNORECASE):
            raise Unanswered(f"scancel: {answer.err.strip()[-300:] or answer.code}")


def set_dependency(job_id: int, dependency: str) -> None:
    """Have a pending job wait for something else.

    Raises
    ------
    SlurmError
        Where Slurm refused, as it does once the job runs.
    """
    answer = _call("scontrol", ["update", f"JobId={job_id}", f"Dependency={dependency}"])
    if answer.code != 0 or answer.err.strip():
        raise SlurmError(f"job {job_id} cannot be made to wait for {dependency}: {answer.err.strip()[-300:]}")


def requeue(job_id: int) -> None:
    """Give a running job back to the queue, from which it starts again, some two minutes later, under its id.

    Raises
    ------
    SlurmError
        Where Slurm refused.
    """
    answer = _call("scontrol", ["requeue", str(job_id)])
    if answer.code != 0 or answer.err.strip():
        raise SlurmError(f"job {job_id} cannot be requeued: {answer.err.strip()[-300:]}")


@dataclass(frozen=True)
class _Answer:
    code: int
    out: str
    err: str


def _call(program: str, arguments: Sequence[str], more: dict[str, str] | None = None) -> _Answer:
    found = shutil.which(program)
    if found is None:
        raise SlurmError(
            f"{program} is not on this machine's PATH, so Slurm cannot be asked; go to a login node"
        )
    try:
        done = subprocess.run(
            [found, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=CALL_SECONDS,
            env={**clean_environment(found), **(more or {})},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return _Answer(-1, "", f"{program} did not answer within {CALL_SECONDS:.0f} s: timed out")
    except OSError as error:
        raise SlurmError(f"{program} cannot be run: {error.strerror}") from None
    return _Answer(
        done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())


def _hint(said: str) -> str:
    hints = {
        "AssocMaxSubmitJobLimit": "too many jobs in the queue, a wrong account, or no billing units left",
        "QOSMaxSubmitJobPerUserLimit": "too many jobs in the queue",
        "Invalid account": "name the project that pays with --account",
        "Invalid partition": "the site profile names a partition that this cluster lacks",
        "Requested node configuration": "no node of the partition has so many cores or so much memory",
        "Requested time limit": "ask for less time or name another partition",
    }
    return "".join(f" ({hint})" for words, hint in hints.items() if words in said)
