"""Rolling statistics against bottleneck."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import log2
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, TILE, Case, noise
from benchmarks.machine import Work
from hpcflow_kernels.rolling.order import rolling_median
from hpcflow_kernels.rolling.statistics import rolling_max, rolling_mean, rolling_min, rolling_std

WINDOW = 100
"""Samples of a rolling window."""

OPERATIONS = {"max": 3, "min": 3, "mean": 3, "std": 6, "median": 2 * log2(WINDOW)}
"""For each sample: extremes of blocks from both ends, running sums, a window that is kept sorted."""


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; bottleneck is looked for only where it is timed."""
    x, tile = noise(SMALL if small else LONG), noise(SMALL if small else TILE)
    for name in ("max", "min", "mean", "std", "median"):
        yield _case(f"rolling.{name}", name, x, WINDOW, timers)
    holes = tile.copy()
    holes[:: len(tile) // 37] = np.nan
    for name in ("mean", "std"):
        for window in (99, 101):
            yield _case(f"rolling.{name}.tile.{window}", name, tile, window, timers)
        yield _case(f"rolling.{name}.tile.missing", name, holes, WINDOW, timers)


def _case(name: str, statistic: str, x: np.ndarray, window: int, timers: bool) -> Case:
    """One statistic of one signal."""
    call = {
        "max": rolling_max,
        "min": rolling_min,
        "mean": rolling_mean,
        "std": rolling_std,
        "median": rolling_median,
    }[statistic]
    peers = {}
    if timers:
        import bottleneck

        more = {"ddof": 1} if statistic == "std" else {}
        peers["bottleneck"] = partial(
            by_bottleneck, getattr(bottleneck, f"move_{statistic}"), x, window, more
        )
    return Case(
        name,
        len(x),
        lambda: call(x, window)[window - 1 :],
        partial(window_by_window, x, window, statistic),
        peers,
        Work(OPERATIONS[statistic], written=4),
    )


def by_bottleneck(call: Callable[..., np.ndarray], x: np.ndarray, n: int, more: dict[str, Any]) -> np.ndarray:
    """What it gives for whole windows."""
    return call(x, n, **more)[n - 1 :]


def window_by_window(x: np.ndarray, n: int, statistic: str) -> np.ndarray:
    """Each window by itself, in float64."""
    view = np.lib.stride_tricks.sliding_window_view(x, n)
    out = np.empty(len(view))
    for start in range(0, len(view), 65_536):
        part = view[start : start + 65_536].astype(np.float64)
        more = {"ddof": 1} if statistic == "std" else {}
        out[start : start + 65_536] = getattr(np, statistic)(part, axis=1, **more)
    return out
