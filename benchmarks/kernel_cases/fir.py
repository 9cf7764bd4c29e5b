"""Filters of finite length against SciPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, TILE, Case, noise
from benchmarks.machine import Work, transform
from hpcflow_kernels.filter.fir import oaconvolve


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """Numbers of taps for which either way is taken, on a tile with its halo and on a long signal."""
    from scipy import signal

    tile, long = noise(SMALL if small else TILE), noise(SMALL if small else LONG)
    for name, x, taps in (
        ("31", tile, 31),
        ("65", tile, 65),
        ("257", tile, 257),
        ("1025", tile, 1025),
        ("257.long", long, 257),
    ):
        single = signal.firwin(taps, 0.3).astype(np.float32)
        yield Case(
            f"oaconvolve.{name}",
            len(x),
            partial(oaconvolve, x, single, "same"),
            partial(signal.oaconvolve, x.astype(np.float64), single.astype(np.float64), "same"),
            {"scipy": partial(signal.oaconvolve, x, single, "same")},
            Work(convolution(taps), written=4),
        )


def convolution(taps: int) -> float:
    """Fewest operations for a sample: tap by tap, or by transforms of overlapping blocks."""
    lengths = (1 << k for k in range(taps.bit_length() + 1, 20))
    return min(taps, *((2 * transform(n) + 3) * n / (n - taps + 1) for n in lengths))
