"""Matrix profiles against STUMPY and SCAMP, time warping against dtaidistance; rates count table cells."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import Case
from benchmarks.machine import Work
from hpcflow_kernels.similarity.dtw import dtw_pairs
from hpcflow_kernels.similarity.profile import matrix_profile

STRETCH, EVERY = 100, 97
"""Samples of a stretch; of its rows every 97th is compared with the definition."""


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; peers are looked for only where they are timed."""
    rng = np.random.default_rng(40)
    samples = 2011 if small else 32_771
    for name, x in (
        ("walk", np.cumsum(rng.standard_normal(samples))),
        ("noise", rng.standard_normal(samples)),
    ):
        for dtype in (np.float32, np.float64):
            yield _profile(f"matrix_profile.{name}.{np.dtype(dtype).name}", x.astype(dtype), timers)
    series = np.cumsum(rng.standard_normal((20, 61) if small else (101, 501)), axis=1)
    series /= series.std(axis=1, keepdims=True)
    for dtype in (np.float32, np.float64):
        yield _warped(f"dtw.{np.dtype(dtype).name}", series.astype(dtype), timers)


def _profile(name: str, x: np.ndarray, timers: bool) -> Case:
    rows = len(x) - STRETCH + 1
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        import pyscamp
        import stumpy

        double = x.astype(np.float64)
        peers["stumpy"] = lambda: stumpy.stump(double, STRETCH)[::EVERY, 0].astype(np.float64)
        peers["pyscamp"] = lambda: pyscamp.selfjoin(double, STRETCH, threads=1, gpus=[])[0][::EVERY]
    return Case(
        name,
        rows * (rows + 1) // 2,
        lambda: matrix_profile(x, STRETCH).distance[::EVERY],
        partial(by_definition, x),
        peers,
        Work(8, read=0, wide=x.dtype == np.float64),  # covariance 2, correlation 2, best of row and column 4
    )


def by_definition(x: np.ndarray) -> np.ndarray:
    """Distances of every 97th stretch from all others, one after another in float64."""
    windows = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), STRETCH)
    mean, spread = windows.mean(axis=1), windows.std(axis=1)
    out = []
    for i in range(0, len(windows), EVERY):
        own = (windows[i] - mean[i]) / spread[i]
        correlation = (windows @ own) / (STRETCH * spread)
        correlation[abs(np.arange(len(windows)) - i) <= STRETCH // 4] = -1
        near = int(np.argmax(correlation))
        out.append(np.linalg.norm(own - (windows[near] - mean[near]) / spread[near]))
    return np.array(out)


def _warped(name: str, x: np.ndarray, timers: bool) -> Case:
    """All pairs of some series, within a tenth of their length; the first one's are compared."""
    count, n = x.shape
    radius = n // 10
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        from dtaidistance import dtw

        double = x.astype(np.float64)
        fast = partial(dtw.distance_matrix_fast, double, window=radius + 1, parallel=False)
        peers["dtaidistance"] = lambda: fast()[0, 1:]
    cells = n * (2 * radius + 1) - radius * (radius + 1)
    return Case(
        name,
        count * (count - 1) // 2 * cells,
        lambda: dtw_pairs(x, window=radius)[0, 1:],
        partial(by_recurrence, x.astype(np.float64), radius),
        peers,
        Work(4, read=0, wide=x.dtype == np.float64),  # difference, its square added, two minima
    )


def by_recurrence(x: np.ndarray, radius: int) -> np.ndarray:
    """Distances of the first series from the others, cell by cell in float64."""
    a, b, n = x[0], x[1:], x.shape[1]
    table = np.full((n + 1, n + 1, len(b)), np.inf)
    table[0, 0] = 0
    for i in range(n):
        for j in range(max(0, i - radius), min(n, i + radius + 1)):
            before = np.minimum(np.minimum(table[i, j], table[i, j + 1]), table[i + 1, j])
            table[i + 1, j + 1] = before + (a[i] - b[:, j]) ** 2
    return np.sqrt(table[n, n])
