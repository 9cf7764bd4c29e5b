"""Odd sizes: segments and frames that are no power of two, prime lengths, 13 and 17 channels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kernel_cases import learned
from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from benchmarks.kernel_cases.features import MOMENTS
from benchmarks.kernel_cases.spectral import HALVED, LEVELLED, blocked_welch, torch_stft
from benchmarks.machine import Work, transform
from hpcflow_kernels.features.condition import condition_indicators
from hpcflow_kernels.filter.design import sections
from hpcflow_kernels.filter.poles import Design
from hpcflow_kernels.filter.zero_phase import sosfiltfilt
from hpcflow_kernels.spectral.coherence_matrix import coherence_matrix
from hpcflow_kernels.spectral.stft import stft
from hpcflow_kernels.spectral.welch import welch, welch_windows

SEGMENT, FRAME, WINDOW = 1000, 4093, 10_007


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; other families' signals have prime or odd lengths as well."""
    from scipy import signal

    x = noise(SMALL if small else LONG)
    wide = x.astype(np.float64)
    peers: dict[str, dict[str, Callable[[], Any]]] = {"welch": {}, "stft": {}}
    if timers:
        peers["welch"]["ducc0"] = partial(blocked_welch, x, SEGMENT)
        peers["stft"]["torch"] = partial(torch_stft, x, SEGMENT)
    levelled = Work(HALVED * (transform(SEGMENT) + LEVELLED))
    yield Case(
        f"odd.welch.{SEGMENT}",
        len(x),
        lambda: welch(x, nperseg=SEGMENT)[1],
        lambda: signal.welch(wide, nperseg=SEGMENT)[1],
        {"scipy": lambda: signal.welch(x, nperseg=SEGMENT)[1], **peers["welch"]},
        levelled,
    )
    yield Case(
        f"odd.stft.{SEGMENT}",
        len(x),
        lambda: stft(x, nperseg=SEGMENT)[2],
        lambda: signal.stft(wide, nperseg=SEGMENT)[2],
        {"scipy": lambda: signal.stft(x, nperseg=SEGMENT)[2], **peers["stft"]},
        Work(HALVED * (transform(SEGMENT) + 1), written=8),
    )

    def by_window(x: np.ndarray) -> np.ndarray:
        power: np.ndarray = signal.welch(x[: len(x) // WINDOW * WINDOW].reshape(-1, WINDOW), nperseg=SEGMENT)[
            1
        ]
        return power

    yield Case(
        "odd.welch.windows",
        len(x),
        lambda: welch_windows(x, rate=1.0, window=WINDOW, nperseg=SEGMENT)["power"],
        lambda: by_window(wide),
        {"scipy": lambda: by_window(x)},
        levelled,
    )
    yield _indicators(x)
    for channels in (13, 17):
        yield _pairs(channels, SMALL // 4 if small else 40_009)
    yield _channels(17, SMALL // 4 if small else 65_537)
    catch22, minirocket = learned.windows(4 if small else 200, 997), learned.windows(4 if small else 100, 997)
    yield learned._catch22(catch22, timers)
    yield learned._minirocket(minirocket, timers)


def _indicators(x: np.ndarray) -> Case:
    from scipy import stats

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // FRAME * FRAME].reshape(-1, FRAME)
        peak = np.abs(frames - frames.mean(axis=1, keepdims=True)).max(axis=1)
        shape = stats.kurtosis(frames, axis=1, fisher=False), stats.skew(frames, axis=1)
        rms = frames.std(axis=1)
        return np.stack([rms, peak, np.ptp(frames, axis=1), peak / rms, *shape])

    return Case(
        "odd.condition_indicators",
        len(x),
        lambda: np.stack(list(condition_indicators(x, rate=float(FRAME)).values())),
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(MOMENTS),
    )


def _pairs(channels: int, samples: int) -> Case:
    from scipy import signal

    x = np.stack([noise(samples + i)[:samples] for i in range(channels)]) + noise(samples)
    upper = np.triu_indices(channels, 1)

    def by_scipy(x: np.ndarray) -> np.ndarray:
        pairs = zip(*upper, strict=True)
        return np.array([signal.coherence(x[i], x[j], nperseg=SEGMENT)[1] for i, j in pairs])

    products = (4 * len(upper[0]) + 2 * channels) / channels
    return Case(
        f"odd.coherence.{channels}",
        x.size,
        lambda: coherence_matrix(x, nperseg=SEGMENT)[1][upper],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(HALVED * (transform(SEGMENT) + 3) + products),
    )


def _channels(channels: int, samples: int) -> Case:
    """Records beside one another, of a prime length."""
    from scipy import signal

    x = np.stack([noise(samples + i)[:samples] for i in range(channels)])
    sos = sections(Design("bandpass", (2000.0, 5000.0), 12_000.0)).copy()
    return Case(
        "odd.sosfiltfilt",
        x.size,
        partial(sosfiltfilt, sos, x),
        lambda: signal.sosfiltfilt(sos, x.astype(np.float64)),
        {"scipy": partial(signal.sosfiltfilt, sos, x)},
        Work(10 * len(sos), written=4, wide=True),
    )
