"""What `squeue` and `sacct` answer, as rows; a form that is not known is no answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hpcflow.errors import SlurmError

ENDED = frozenset(
    [
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    ]
)
"""States that a job does not leave; any other, also an unknown one, counts as alive."""

_WAITING = ("Dependency", "Priority", "Resources", "BeginTime", "JobHeldUser")
SQUEUE_FIELDS = "%A|%F|%K|%T|%V|%S|%e|%N|%r|%j"
SACCT_FIELDS = (
    "JobIDRaw,JobID,State,ExitCode,DerivedExitCode,Submit,Start,End,ElapsedRaw,NNodes,AllocTRES,MaxRSS,"
    "Reason,NodeList,JobName"
)


class Unanswered(SlurmError):
    """Slurm gave no usable answer: what was asked may have happened or not."""


@dataclass(frozen=True)
class Row:
    """One job, or one element of an array, as `squeue` or `sacct` knows it.

    Attributes
    ----------
    job_id
        Number that scancel and dependencies take: of the whole array for an element.
    element
        Index in the array; None where it is none.
    state
        Slurm's word without what follows it (``CANCELLED by 1000`` is ``CANCELLED``).
    submitted, started, ended
        Local time as Slurm prints it; "" where it has not happened.
    exit_code
        ``exit:signal``; "" where it is not known.
    max_rss
        Bytes of the largest process of its steps; 0 where not known.
    out_of_memory
        Whether the kernel killed a process of it for memory, also where the job went on.
    cancelled_by
        User id after ``CANCELLED by``; "" otherwise.
    """

    name: str
    job_id: int
    element: int | None
    state: str
    reason: str = ""
    submitted: str = ""
    started: str = ""
    ended: str = ""
    exit_code: str = ""
    node: str = ""
    seconds: int = 0
    max_rss: int = 0
    out_of_memory: bool = False
    cancelled_by: str = ""

    @property
    def alive(self) -> bool:
        """Whether it may still do something."""
        return self.state not in ENDED


def parse_squeue(text: str) -> list[Row]:
    """Rows of `squeue -o "%A|%F|%K|%T|%V|%S|%e|%N|%r|%j"`.

    Raises
    ------
    Unanswered
        For a line of another form.
    """
    rows = []
    for line in filter(None, text.splitlines()):
        parts = line.split("|", 9)
        if len(parts) != 10 or not parts[1].isdigit() or not parts[3].isupper():
            raise Unanswered(f"squeue answered in a form that is not known: {line[:200]!r}")
        _, base, index, state, submitted, started, ended, node, reason, name = parts
        alive = state not in ENDED
        rows.append(
            Row(
                name=name,
                job_id=int(base),
                element=int(index) if index.isdigit() else None,
                state=state,
                reason=_reason(reason, state),
                submitted=_time(submitted),
                started=_time(started),
                ended="" if alive else _time(ended),
                node=node,
            )
        )
    return rows


def parse_sacct(text: str) -> list[Row]:
    """Rows of `sacct -D -P -n` with the fields that `sacct` asks for; the last row of an id wins.

    Steps add to their job: the largest MaxRSS, and whether one ran out of memory.

    Raises
    ------
    Unanswered
        For a line of another form.
    """
    jobs: dict[str, Row] = {}
    steps: dict[str, tuple[int, bool]] = {}
    for line in filter(None, text.splitlines()):
        parts = line.split("|", 14)
        if len(parts) != 15 or not parts[0][:1].isdigit():
            raise Unanswered(f"sacct answered in a form that is not known: {line[:200]!r}")
        raw, shown, state, code, derived, submitted, started, ended, elapsed, *rest = parts
        word, _, tail = state.partition(" ")
        memory = word == "OUT_OF_MEMORY" or derived == "0:125" or code == "0:125"
        owner, _, step = raw.partition(".")
        rss, before = steps.get(owner, (0, False))
        steps[owner] = (max(rss, _bytes(rest[2])), before or memory)
        if step or word == "RESIZING":
            continue
        base, element = _job_and_element(shown, owner)
        jobs[owner] = Row(
            name=rest[5],
            job_id=base,
            element=element,
            state=word,
            reason=_reason(rest[3], word),
            submitted=_time(submitted),
            started=_time(started),
            ended=_time(ended),
            exit_code=code,
            node="" if rest[4] == "None assigned" else rest[4],
            seconds=_number(elapsed),
            cancelled_by=tail.removeprefix("by ") if word == "CANCELLED" else "",
        )
    return [
        replace(row, max_rss=steps[owner][0], out_of_memory=steps[owner][1]) for owner, row in jobs.items()
    ]


def _reason(text: str, state: str) -> str:
    """Slurm keeps the reason for which a job once waited, also after it has ended."""
    stale = state in ("COMPLETED", "RUNNING") or (state in ENDED and text in _WAITING)
    return "" if text == "None" or stale else text


def _time(text: str) -> str:
    return text if text[:1].isdigit() else ""


def _number(text: str) -> int:
    match = re.match(r"\d+", text)
    return int(match[0]) if match else 0


def _bytes(text: str) -> int:
    """Bytes, of which `--noconvert` gives the plain number; with a letter where a site's sacct gives one.

    >>> _bytes("1437696"), _bytes("2048K"), _bytes("")
    (1437696, 2097152, 0)
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", text)
    return int(float(match[1]) * 1024 ** " KMGT".index(match[2] or " ")) if match else 0


def _job_and_element(shown: str, raw: str) -> tuple[int, int | None]:
    """`30_3` is element 3 of 30; `30_[4-9]` are elements that wait; `30` is a job by itself."""
    base, _, index = shown.partition("_")
    number = int(base) if base.isdigit() else int(raw)
    return number, int(index) if index.isdigit() else None
