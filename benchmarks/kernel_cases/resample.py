"""Changes of rate against SciPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, TILE, Case, noise
from benchmarks.machine import Work
from hpcflow_kernels.filter.resample import decimated, resample_poly


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """The function, with the filters that SciPy designs, and the step on a tile, gaps looked for."""
    from scipy import signal

    x, tile = noise(SMALL if small else LONG), noise(SMALL if small else TILE)
    hamming = signal.firwin(81, 1 / 4, window="hamming")
    for name, up, down, window in (
        ("8_15", 8, 15, ("kaiser", 5.0)),
        ("1_4", 1, 4, hamming.astype(np.float32)),
        ("147_160", 147, 160, ("kaiser", 5.0)),
    ):
        yield Case(
            f"resample_poly.{name}",
            len(x),
            partial(resample_poly, x, up, down, window=window),
            partial(signal.resample_poly, x.astype(np.float64), up, down, window=window),
            {"scipy": partial(signal.resample_poly, x, up, down, window=window)},
            Work(
                20, written=4 * up / down
            ),  # 20 * max(up, down) taps, up of them for each output, or one in four
        )
    yield Case(
        "decimate.step",
        len(tile),
        lambda: decimated(tile, rate=1.0, factor=4)["decimated"][40:-40],
        lambda: signal.decimate(tile.astype(np.float64), 4, ftype="fir")[40:-40],
        {"scipy": lambda: signal.decimate(tile, 4, ftype="fir")[40:-40]},
        Work(20, written=1),
    )
