"""Spectra against SciPy, blocked loops round ducc0, and torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from hpcflow_kernels.spectral import welch, welch_windows
from hpcflow_kernels.spectral_stft import spectrogram_frames, stft


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; ducc0 and torch are looked for only where they are timed."""
    x = noise(SMALL if small else LONG)
    yield from _welch(x, timers)
    yield from _stft(x, timers)


def _welch(x: np.ndarray, timers: bool) -> Iterator[Case]:
    from scipy import signal

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


def _stft(x: np.ndarray, timers: bool) -> Iterator[Case]:
    from scipy import signal

    wide = x.astype(np.float64)
    for n in (256, 1024, 4096):
        peers: dict[str, Callable[[], Any]] = {"scipy": lambda n=n: signal.stft(x, nperseg=n)[2]}
        if timers:
            peers["torch"] = partial(torch_stft, x, n)
        yield Case(
            f"stft.{n}",
            len(x),
            lambda n=n: stft(x, nperseg=n)[2],
            lambda n=n: signal.stft(wide, nperseg=n)[2],
            peers,
        )

    def by_scipy(x: np.ndarray) -> np.ndarray:
        power: np.ndarray = signal.spectrogram(x, 1.0, "hann", 1024, 512)[2].T
        return power

    yield Case(
        "spectrogram.1024",
        len(x),
        lambda: spectrogram_frames(x, rate=1.0)["spectrogram"],
        lambda: by_scipy(wide),
        {"scipy": lambda: by_scipy(x)},
    )


def torch_stft(x: np.ndarray, n: int) -> np.ndarray:
    """The same by torch, which pads and scales otherwise: brought to SciPy's within the time."""
    import torch

    torch.set_num_threads(1)
    weights = torch.hann_window(n) * (2 / n)
    more = -len(x) % (n // 2)
    padded = torch.nn.functional.pad(torch.from_numpy(x), (n // 2, n // 2 + more))
    z: np.ndarray = torch.stft(padded, n, n // 2, n, weights, center=False, return_complex=True).numpy()
    return z


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
