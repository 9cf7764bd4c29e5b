"""What a benchmark gives, and how long something takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Measure:
    """One number.

    Attributes
    ----------
    name
        Dotted, unique over all benchmarks; `floors.json` is keyed by it.
    value, unit
        The number.
    timed
        Whether it depends on the clock: such numbers are not taken with the timers off.
    """

    name: str
    value: float
    unit: str
    timed: bool = True


def best_seconds(call: Callable[[], Any], times: int = 5) -> float:
    """Shortest of some runs: the one that the rest of the machine disturbed least."""
    best = float("inf")
    for _ in range(times):
        before = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - before)
    return best


def cpu_seconds(calls: Mapping[str, Callable[[], Any]], rounds: int = 5) -> dict[str, float]:
    """Least CPU time of each call, all threads of the process counted.

    The calls take turns, so that whatever else the machine does meets all of them alike.
    """
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(rounds):
        for name, call in calls.items():
            before = time.process_time()
            call()
            best[name] = min(best[name], time.process_time() - before)
    return best
