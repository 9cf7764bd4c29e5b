"""Named points at which a test may kill the process: ``HPCFLOW_LUMI_FAULT=before-rename:3``, the third."""

from __future__ import annotations

import os
import signal

VARIABLE = "HPCFLOW_LUMI_FAULT"
POINTS = (
    "mid-shard",
    "before-rename",
    "after-rename",
    "mid-line",
    "after-pack",
    "before-receipt",
    "after-receipt",
)

_seen: dict[str, int] = {}


def reached(point: str) -> bool:
    """Whether the process is told to die here, at this visit."""
    name, _, count = os.environ.get(VARIABLE, "").partition(":")
    if name != point:
        return False
    _seen[point] = _seen.get(point, 0) + 1
    return _seen[point] == int(count or 1)


def die() -> None:
    """As `kill -9` would."""
    os.kill(os.getpid(), signal.SIGKILL)


def point(name: str) -> None:
    """Die here if told to."""
    if reached(name):
        die()
