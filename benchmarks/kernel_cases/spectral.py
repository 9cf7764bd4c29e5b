"""Spectra against SciPy and a blocked loop round ducc0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from hpcflow_kernels.spectral import welch, welch_windows


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; ducc0 is looked for only where it is timed."""
    from scipy import signal

    x = noise(SMALL if small else LONG)
    for n in (256, 1024, 2048, 4096):
        peers: dict[str, Callable[[], Any]] = {"scipy": lambda n=n: signal.welch(x, nperseg=n)[1]}
        if timers:
            peers["ducc0"] = partial(blocked_welch, x, n)
        yield Case(
            f"welch.{n}",
            len(x),
            lambda n=n: welch(x, nperseg=n)[1],
            lambda n=n: signal.welch(x.astype(np.float64), nperseg=n)[1],
            peers,
        )
    frame = 8192

    def by_scipy(x: np.ndarray) -> np.ndarray:
        rows = [x[i : i + frame] for i in range(0, len(x) - frame + 1, frame)]
        return np.array([signal.welch(r, nperseg=1024)[1] for r in rows if np.isfinite(r).all()])

    yield Case(
        "welch.windows",
        len(x),
        lambda: welch_windows(x, rate=1.0, window=frame, nperseg=1024)["power"],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
    )


def blocked_welch(x: np.ndarray, n: int) -> np.ndarray:
    """The fastest way by hand: blocks of segments that stay in cache, transformed by ducc0."""
    import ducc0

    weights = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)).astype(np.float32)
    segments = np.lib.stride_tricks.sliding_window_view(x, n)[:: n // 2]
    block, power = max(1, 65_536 // n), np.zeros(n // 2 + 1)
    for start in range(0, len(segments), block):
        part = segments[start : start + block]
        part = (part - part.mean(axis=1, keepdims=True)) * weights
        spectrum = ducc0.fft.r2c(part, axes=(1,), nthreads=1)
        power += (spectrum.real**2 + spectrum.imag**2).sum(axis=0)
    power /= len(segments) * np.sum(weights.astype(np.float64) ** 2)
    power[1:-1] *= 2
    return power
