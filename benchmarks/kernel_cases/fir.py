"""Filters of finite length against SciPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from hpcflow_kernels.fir import oaconvolve


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """Numbers of taps for which one way or the other is taken."""
    from scipy import signal

    x = noise(SMALL if small else LONG)
    for taps in (31, 65, 257, 1025):
        h = signal.firwin(taps, 0.3)
        single = h.astype(np.float32)
        yield Case(
            f"oaconvolve.{taps}",
            len(x),
            partial(oaconvolve, x, single, "same"),
            lambda h=h: signal.oaconvolve(
                x.astype(np.float64), h.astype(np.float32).astype(np.float64), "same"
            ),
            {"scipy": partial(signal.oaconvolve, x, single, "same")},
        )
