"""Filters against SciPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.kernel_cases.case import SMALL, Case, noise
from benchmarks.machine import Work
from hpcflow_kernels.filter.design import sections
from hpcflow_kernels.filter.poles import Design
from hpcflow_kernels.filter.zero_phase import sosfilt, sosfiltfilt

SECTION = 5
"""Multiply-adds of a section of second order."""


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them, on one tile with its halo."""
    from scipy import signal

    x = noise(SMALL if small else 262_147)
    for name, low, high, rate in (
        ("band", 2000.0, 5000.0, 12_000.0),
        ("low_band", 10.0, 1000.0, 25_600.0),
    ):
        sos = sections(Design("bandpass", (low, high), rate)).copy()
        yield Case(
            f"sosfilt.{name}",
            len(x),
            partial(sosfilt, sos, x),
            lambda sos=sos: signal.sosfilt(sos, x.astype(np.float64)),
            {"scipy": partial(signal.sosfilt, sos, x)},
            Work(SECTION * len(sos), written=4, wide=True),
        )
        for inside in (np.float64, np.float32):
            yield Case(
                f"sosfiltfilt.{name}.{np.dtype(inside).name}",
                len(x),
                partial(sosfiltfilt, sos, x, inside=inside),
                lambda sos=sos: signal.sosfiltfilt(sos, x.astype(np.float64)),
                {"scipy": partial(signal.sosfiltfilt, sos, x)},
                Work(2 * SECTION * len(sos), written=4, wide=inside is np.float64),
            )
