"""Smoothing and despiking against SciPy and NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from math import log2

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from benchmarks.machine import Work
from hpcflow_kernels.filter.despike import hampel
from hpcflow_kernels.filter.smooth import savgol_filter


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """Windows that are common; Hampel's filter on a shorter signal, for NumPy's sake."""
    from scipy import signal

    x = noise(SMALL if small else LONG)
    for window, deriv in ((11, 0), (51, 0), (11, 1)):
        yield Case(
            f"savgol.{window}.{deriv}",
            len(x),
            partial(savgol_filter, x, window, 3, deriv),
            partial(signal.savgol_filter, x.astype(np.float64), window, 3, deriv),
            {"scipy": partial(signal.savgol_filter, x, window, 3, deriv)},
            Work(window, written=4),
        )
    y = noise(SMALL if small else 262_147)
    for n in (7, 31):
        yield Case(
            f"hampel.{n}",
            len(y),
            lambda n=n: hampel(y, n).values,
            partial(window_by_window, y, n),
            {"numpy": partial(window_by_window, y, n)},
            Work(2 * log2(n) + 5 * n, written=4),  # a sorted window, and a selection among its deviations
        )


def window_by_window(x: np.ndarray, n: int) -> np.ndarray:
    """Each window by itself, as it is usually written."""
    half = n // 2
    view = np.lib.stride_tricks.sliding_window_view(x, n)
    median = np.median(view, axis=1)
    deviation = np.median(np.abs(view - median[:, None]), axis=1)
    median, deviation = (np.pad(part, half, "edge") for part in (median, deviation))
    out = np.abs(x - median) > 3 * 1.482602218505602 * deviation
    return np.where(out, median, x)
