"""Entropies against antropy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import Case
from benchmarks.kernel_cases.learned import windows
from benchmarks.machine import Work
from hpcflow_kernels.features.entropy import approximate_entropy, permutation_entropy, sample_entropy

PAIR = 3
"""Operations on a pair of samples: difference, modulus, comparison."""


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """Series of 1000 samples."""
    x = windows(2 if small else 20, 1000)
    for name, ours, twin, theirs in (
        ("sample", sample_entropy, _slow_sample, "sample_entropy"),
        ("approximate", approximate_entropy, _slow_approximate, "app_entropy"),
        ("permutation", permutation_entropy, None, "perm_entropy"),
    ):
        yield _case(name, x, ours, twin, theirs, timers)


def _case(name: str, x: np.ndarray, ours: Any, twin: Any, theirs: str, timers: bool) -> Case:
    wide = x.astype(np.float64)
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        import antropy

        peer = getattr(antropy, theirs)
        scale = np.log(2) if name == "permutation" else 1.0
        peers["antropy"] = lambda: np.array([peer(row) for row in wide]) * scale
    truth = twin or _slow_permutation
    return Case(
        f"entropy.{name}",
        x.size,
        lambda: ours(x),
        lambda: np.array([truth(row) for row in wide]),
        peers,
        Work(4 if name == "permutation" else PAIR * x.shape[1] / 2),
    )


def _agree(x: np.ndarray, order: int, templates: int) -> np.ndarray:
    parts = np.stack([x[k : k + templates] for k in range(order)], axis=1)
    return np.abs(parts[:, None] - parts[None]).max(axis=2) <= 0.2 * x.std()


def _slow_sample(x: np.ndarray) -> float:
    n = len(x) - 2
    pairs = [np.count_nonzero(_agree(x, order, n)) - n for order in (2, 3)]
    return float(-np.log(pairs[1] / pairs[0]))


def _slow_approximate(x: np.ndarray) -> float:
    phi = [np.log(_agree(x, order, len(x) - order + 1).mean(axis=1)).mean() for order in (2, 3)]
    return float(phi[0] - phi[1])


def _slow_permutation(x: np.ndarray) -> float:
    ranks = np.argsort(np.lib.stride_tricks.sliding_window_view(x, 3), axis=1, kind="stable")
    _, counts = np.unique(ranks, axis=0, return_counts=True)
    share = counts / counts.sum()
    return float(-np.sum(share * np.log(share)))
