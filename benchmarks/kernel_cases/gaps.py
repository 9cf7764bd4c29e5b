"""Signals that miss samples, cut as a worker cuts them; peers get the whole signal, for they know no gaps.

Every 50 021 samples 37 are missing. What is compared lies 4096 samples from gaps, or in frames without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, TILE, Case, noise
from benchmarks.kernel_cases.features import MOMENTS
from benchmarks.kernel_cases.spectral import HALVED, LEVELLED
from benchmarks.machine import Work, transform
from hpcflow.run.stages.tiles import by_segment
from hpcflow_kernels.features.condition import condition_indicators
from hpcflow_kernels.filter.resample import decimated
from hpcflow_kernels.registry import get
from hpcflow_kernels.spectral.spectrogram import spectrogram_frames
from hpcflow_kernels.spectral.welch import welch_windows

EVERY, MISSING, FAR = 50_021, 37, 4096


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them."""
    x = noise(SMALL if small else LONG)
    yield _welch(x)
    yield _spectrogram(x)
    yield _indicators(x)
    yield from _filters(noise(SMALL if small else TILE))


def gapped(x: np.ndarray) -> np.ndarray:
    """A copy with stretches of NaN, the first in its middle where it is short."""
    y, first = x.copy(), min(EVERY, len(x)) // 2
    for start in range(first, len(x), EVERY):
        y[start : start + MISSING] = np.nan
    return y


def _whole(y: np.ndarray, frame: int, hop: int) -> np.ndarray:
    """Which frames miss nothing."""
    return np.isfinite(np.lib.stride_tricks.sliding_window_view(y, frame)[::hop]).all(axis=1)


def _welch(x: np.ndarray) -> Case:
    from scipy import signal

    y, frame = gapped(x), 8192
    whole = _whole(y, frame, frame)

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // frame * frame].reshape(-1, frame)
        power: np.ndarray = signal.welch(frames, nperseg=1024)[1][whole]
        return power

    return Case(
        "gaps.welch.windows",
        len(x),
        lambda: welch_windows(y, rate=1.0, window=frame, nperseg=1024)["power"][whole],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(HALVED * (transform(1024) + LEVELLED)),
    )


def _spectrogram(x: np.ndarray) -> Case:
    from scipy import signal

    y = gapped(x)
    whole = _whole(y, 1024, 512)

    def by_scipy(x: np.ndarray) -> np.ndarray:
        power: np.ndarray = signal.spectrogram(x, 1.0, "hann", 1024, 512)[2].T[whole]
        return power

    return Case(
        "gaps.spectrogram",
        len(x),
        lambda: spectrogram_frames(y, rate=1.0)["spectrogram"][whole],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(HALVED * (transform(1024) + LEVELLED), written=4),
    )


def _indicators(x: np.ndarray) -> Case:
    from scipy import stats

    y, n = gapped(x), 4096
    whole = _whole(y, n, n)

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // n * n].reshape(-1, n)
        peak = np.abs(frames - frames.mean(axis=1, keepdims=True)).max(axis=1)
        shape = stats.kurtosis(frames, axis=1, fisher=False), stats.skew(frames, axis=1)
        rms = frames.std(axis=1)
        return np.stack([rms, peak, np.ptp(frames, axis=1), peak / rms, *shape])[:, whole]

    return Case(
        "gaps.condition_indicators",
        len(x),
        lambda: np.stack(list(condition_indicators(y, rate=float(n)).values()))[:, whole],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(MOMENTS),
    )


def _filters(x: np.ndarray) -> Iterator[Case]:
    """Steps as a worker runs them: each stretch as if it were a record."""
    from scipy import signal

    y, rate = gapped(x), 12_000.0
    lost = np.flatnonzero(np.isnan(y))
    far = np.ones(len(x), bool)
    for at in lost:
        far[max(0, at - FAR) : at + FAR] = False
    far[:FAR] = far[-FAR:] = False
    band: dict[str, Any] = {p.name: p.default for p in get("bandpass").params} | {
        "low": 2000.0,
        "high": 5000.0,
    }
    sos = signal.butter(band["order"], [2000.0, 5000.0], "bandpass", fs=rate, output="sos")
    step = partial(by_segment, get("bandpass").load(), contract=get("bandpass"), params=band, rate=rate)
    yield Case(
        "gaps.bandpass",
        len(x),
        lambda: step(y)[far],
        lambda: signal.sosfiltfilt(sos, x.astype(np.float64))[far],
        {"scipy": lambda: signal.sosfiltfilt(sos, x)[far]},
        Work(10 * len(sos), written=4, wide=True),
    )
    yield Case(
        "gaps.decimate",
        len(x),
        lambda: decimated(y, rate=1.0, factor=4)["decimated"][far[::4]],
        lambda: signal.decimate(x.astype(np.float64), 4, ftype="fir")[far[::4]],
        {"scipy": lambda: signal.decimate(x, 4, ftype="fir")[far[::4]]},
        Work(20, written=1),
    )
