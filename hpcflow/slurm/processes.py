"""Processes of a testbed: known by id and start time, or by what they were started with; never by a name."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MARK = "HPCFLOW_LUMI_TESTBED"
"""Variable in the environment of every daemon: the testbed's folder."""


@dataclass(frozen=True)
class Process:
    name: str
    pid: int
    start: str


def read_process(file: Path) -> Process | None:
    with contextlib.suppress(OSError, ValueError):
        pid, start = file.read_text().split()
        return Process(file.name, int(pid), start)
    return None


def stat_of(pid: int) -> list[str]:
    """State and what follows it in /proc/PID/stat; empty where there is no such process."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return []


def start_time(pid: int) -> str:
    fields = stat_of(pid)
    return fields[19] if fields else "0"


def alive(process: Process | None) -> bool:
    """Whether this very process runs: a number that was given to another process does not count."""
    if process is None:
        return False
    with contextlib.suppress(OSError):
        os.waitpid(process.pid, os.WNOHANG)
    fields = stat_of(process.pid)
    return bool(fields) and fields[0] not in "ZX" and fields[19] == process.start


def send_signal(process: Process | None, sig: int) -> None:
    if process is not None and alive(process):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(process.pid, sig)


def wait_gone(processes: Sequence[Process], seconds: float) -> None:
    end = time.monotonic() + seconds
    while any(alive(process) for process in processes) and time.monotonic() < end:
        time.sleep(0.02)


def started_for(place: Path) -> list[Process]:
    """Daemons, steps and job processes of this testbed, known by what they were started with."""
    mark = f"{MARK}={place}".encode()
    conf = f"SLURM_CONF={place}/slurm.conf".encode()
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            environment = Path("/proc", entry, "environ").read_bytes().split(b"\0")
            command = Path("/proc", entry, "cmdline").read_bytes()
        except OSError:
            continue
        job = conf in environment and any(line.startswith(b"SLURM_JOB_ID=") for line in environment)
        if mark in environment or job or f"{place}/slurm.conf".encode() in command.split(b"\0"):
            process = Process("stray", int(entry), start_time(int(entry)))
            if alive(process):
                found.append(process)
    return found
