"""Frequency weightings against SciPy with the same sections."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.kernel_cases.case import SMALL, Case, noise
from benchmarks.machine import Work
from hpcflow_kernels.filter.weighting import frequency_weighting
from hpcflow_kernels.filter.weighting_design import weighting_sections


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """One weighting of sound and one of the whole body, at usual rates."""
    x = noise(SMALL if small else 1_048_583)
    for name, rate in (("A", 48_000.0), ("Wk", 1000.0)):
        yield Case(
            f"weighting.{name}",
            len(x),
            partial(frequency_weighting, x, rate=rate, weighting=name),
            partial(by_scipy, x.astype(np.float64), name, rate),
            {"scipy": partial(by_scipy, x, name, rate)},
            Work(5 * len(weighting_sections(name, rate)), written=4, wide=True),
        )


def by_scipy(x: np.ndarray, name: str, rate: float) -> np.ndarray:
    """The same from `scipy.signal.sosfilt`."""
    from scipy.signal import sosfilt, sosfilt_zi

    sos = np.array(weighting_sections(name, rate))
    return sosfilt(sos, x, zi=sosfilt_zi(sos) * x[0])[0]
