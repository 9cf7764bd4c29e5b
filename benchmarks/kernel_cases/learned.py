"""Learned features against aeon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import Case
from hpcflow_kernels.catch22 import catch22


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them."""
    for n in (1000, 4096):
        yield _catch22(windows(4 if small else 200, n), timers)


def windows(count: int, n: int) -> np.ndarray:
    """Half of them noise, half random walks; float32."""
    x = np.random.default_rng(n).standard_normal((count, n))
    x[count // 2 :] = np.cumsum(x[count // 2 :], axis=1)
    return x.astype(np.float32)


def _catch22(x: np.ndarray, timers: bool) -> Case:
    wide = x.astype(np.float64)
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        from aeon.transformations.collection.feature_based import Catch22

        theirs = Catch22()
        peers["aeon"] = lambda: theirs.fit_transform(wide[:, None, :])
    return Case(f"catch22.{x.shape[1]}", x.size, lambda: catch22(x), lambda: catch22(wide), peers)
