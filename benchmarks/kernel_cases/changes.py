"""Change points against ruptures, which finds the same best cut."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import Case
from hpcflow_kernels.detection.changes import pelt

PENALTY, LEVEL, LEAST = 30.0, 101, 2


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """Levels of 101 samples under noise of one unit."""
    n = 503 if small else 4001
    rng = np.random.default_rng(n)
    x = rng.standard_normal(n) + np.repeat(3 * rng.standard_normal(n // LEVEL + 1), LEVEL)[:n]
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        import ruptures

        def by_ruptures() -> np.ndarray:
            found = ruptures.KernelCPD("linear", min_size=LEAST).fit(x[:, None]).predict(pen=PENALTY)
            return np.array(found[:-1], np.float64)

        peers["ruptures"] = by_ruptures
    yield Case(
        "pelt",
        n,
        lambda: pelt(x, PENALTY, LEAST).astype(np.float64),
        lambda: every_cut(x),
        peers,
    )


def every_cut(x: np.ndarray) -> np.ndarray:
    """The best of all cuts by dynamic programming, nothing left out."""
    n = len(x)
    sums, squares = np.concatenate([[0], np.cumsum(x)]), np.concatenate([[0], np.cumsum(x * x)])
    best, before = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    best[0] = -PENALTY
    for stop in range(LEAST, n + 1):
        start = np.arange(stop - LEAST + 1)
        cost = squares[stop] - squares[start] - (sums[stop] - sums[start]) ** 2 / (stop - start)
        total = best[start] + cost + PENALTY
        before[stop] = np.argmin(total)
        best[stop] = total[before[stop]]
    places, at = [], n
    while at := int(before[at]):
        places.append(at)
    return np.array(places[::-1], np.float64)
