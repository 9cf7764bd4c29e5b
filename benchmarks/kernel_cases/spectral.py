"""Spectra against SciPy, blocked loops round ducc0, and torch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from benchmarks.machine import Work, transform
from hpcflow_kernels.spectral.coherence import coherence
from hpcflow_kernels.spectral.coherence_matrix import coherence_matrix
from hpcflow_kernels.spectral.istft import istft
from hpcflow_kernels.spectral.spectrogram import spectrogram_frames
from hpcflow_kernels.spectral.stft import stft
from hpcflow_kernels.spectral.welch import welch, welch_windows

HALVED = 2
"""Segments that a sample is part of, as they overlap by half."""

LEVELLED = 4
"""Operations on a sample of a segment beside its transform: mean, difference, weight, sum of powers."""


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; ducc0 and torch are looked for only where they are timed."""
    x = noise(SMALL if small else LONG)
    yield from _welch(x, timers)
    yield from _stft(x, timers)
    yield from _coherence(SMALL // 4 if small else 65_551, timers)


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
            Work(HALVED * (transform(n) + LEVELLED)),
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
        Work(HALVED * (transform(1024) + LEVELLED)),
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
            Work(HALVED * (transform(n) + 1), written=8),
        )
        z = stft(x, nperseg=n)[2]
        yield Case(
            f"istft.{n}",
            len(x),
            lambda n=n, z=z: istft(z, nperseg=n)[1],
            lambda n=n, z=z: signal.istft(z.astype(np.complex128), nperseg=n)[1],
            {"scipy": lambda n=n, z=z: signal.istft(z, nperseg=n)[1]},
            Work(HALVED * (transform(n) + 2), read=8),
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
        Work(HALVED * (transform(1024) + LEVELLED), written=4),
    )


def _coherence(samples: int, timers: bool) -> Iterator[Case]:
    """Of sixteen signals that have some of their noise in common, and of two long ones."""
    from scipy import signal

    count, n = 16, 1024
    x = np.stack([noise(samples + i)[:samples] for i in range(count)]) + noise(samples)
    wide, upper = x.astype(np.float64), np.triu_indices(count, 1)

    def by_scipy(x: np.ndarray) -> np.ndarray:
        return np.array([signal.coherence(x[i], x[j], nperseg=n)[1] for i, j in zip(*upper, strict=True)])

    peers: dict[str, Callable[[], Any]] = {"scipy": lambda: by_scipy(x)}
    if timers:
        peers["torch"] = lambda: torch_coherence(x, n)[upper]
    yield Case(
        "coherence.all_pairs",
        x.size,
        lambda: coherence_matrix(x, nperseg=n)[1][upper],
        lambda: by_scipy(wide),
        peers,
        Work(HALVED * (transform(n) + 3) + (4 * len(upper[0]) + 2 * count) / count),
    )
    long = noise(4 * samples), noise(4 * samples + 1)[:-1]
    pair = long[0], long[0] + long[1]
    yield Case(
        "coherence.pair",
        2 * len(pair[0]),
        lambda: coherence(*pair, nperseg=n)[1],
        lambda: signal.coherence(*(p.astype(np.float64) for p in pair), nperseg=n)[1],
        {"scipy": lambda: signal.coherence(*pair, nperseg=n)[1]},
        Work(HALVED * (transform(n) + 3) + 4),
    )


def torch_coherence(x: np.ndarray, n: int) -> np.ndarray:
    """All pairs by a transform and a product of matrices for each bin; means off signals, not segments."""
    import torch

    torch.set_num_threads(1)
    signals = torch.from_numpy(x)
    signals = signals - signals.mean(dim=1, keepdim=True)
    z = torch.stft(signals, n, n // 2, n, torch.hann_window(n), center=False, return_complex=True)
    z = z.permute(1, 0, 2).contiguous()
    products = z @ z.mH
    powers = torch.diagonal(products, dim1=1, dim2=2).real
    c = products.abs() ** 2 / (powers[:, :, None] * powers[:, None, :])
    found: np.ndarray = c.permute(1, 2, 0).numpy()
    return found


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
