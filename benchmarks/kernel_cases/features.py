"""Condition indicators against SciPy and NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from hpcflow_kernels.features import condition_indicators


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them."""
    from scipy import stats

    x, n = noise(SMALL if small else LONG), 4096

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // n * n].reshape(-1, n)
        mean, rms = frames.mean(axis=1, keepdims=True), frames.std(axis=1)
        peak = np.abs(frames - mean).max(axis=1)
        shape = stats.kurtosis(frames, axis=1, fisher=False), stats.skew(frames, axis=1)
        return np.stack([rms, peak, np.ptp(frames, axis=1), peak / rms, *shape])

    yield Case(
        "condition_indicators",
        len(x),
        lambda: np.stack(list(condition_indicators(x, rate=float(n)).values())),
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
    )
