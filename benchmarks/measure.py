"""What a benchmark gives, and how long something takes."""

from __future__ import annotations

import time
from collections.abc import Callable
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
