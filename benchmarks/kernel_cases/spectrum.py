"""One spectrum per frame, and what is read from it, against SciPy and NumPy."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from benchmarks.machine import Work, transform
from hpcflow_kernels.spectral.cepstrum import cepstrum_frames
from hpcflow_kernels.spectral.multitaper import multitaper_frames
from hpcflow_kernels.spectral.octave import octave_bands
from hpcflow_kernels.spectral.octave_bands import bands, edges
from hpcflow_kernels.spectral.periodogram import periodogram_frames
from hpcflow_kernels.spectral.shape import spectral_kurtosis, spectral_shape

FRAME = 4096

LEVELLED = 4
"""Operations on a sample of a frame beside its transform: mean, difference, weight, power."""


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them."""
    x = noise(SMALL if small else LONG)
    yield _periodogram(x)
    yield _shape(x)
    yield _kurtosis(x)
    yield _multitaper(x)
    yield _cepstrum(x)
    yield _octaves(x)


def _framed(x: np.ndarray) -> np.ndarray:
    return x[: len(x) // FRAME * FRAME].reshape(-1, FRAME)


def _periodogram(x: np.ndarray) -> Case:
    from scipy import signal

    def by_scipy(x: np.ndarray) -> np.ndarray:
        power: np.ndarray = signal.periodogram(_framed(x), 4096.0, "hann")[1]
        return power

    return Case(
        "periodogram.4096",
        len(x),
        lambda: periodogram_frames(x, rate=4096.0, max_frequency=2048.0)["power"],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(transform(FRAME) + LEVELLED, written=2),
    )


def _shape(x: np.ndarray) -> Case:
    from scipy import signal

    def by_scipy(x: np.ndarray) -> np.ndarray:
        f, power = signal.periodogram(_framed(x), 4096.0, "hann")
        f, power = f[1:], power[:, 1:]
        share = power / power.sum(axis=1, keepdims=True)
        centroid = share @ f
        spread = np.sqrt(share @ f**2 - centroid**2)
        rolloff = f[np.argmax(np.cumsum(share, axis=1) >= 0.85, axis=1)]
        flatness = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        entropy = -np.sum(share * np.log(share), axis=1) / np.log(len(f))
        return np.stack([centroid, spread, rolloff, flatness, entropy])

    def ours() -> np.ndarray:
        found = spectral_shape(x, rate=4096.0)
        return np.stack([found[k] for k in ("centroid", "spread", "rolloff", "flatness", "entropy")])

    return Case(
        "spectral_shape.4096",
        len(x),
        ours,
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(transform(FRAME) + LEVELLED + 10),
    )


def _kurtosis(x: np.ndarray) -> Case:
    from scipy import signal

    n = 256

    def by_scipy(x: np.ndarray) -> np.ndarray:
        power = np.abs(signal.stft(x, nperseg=n, detrend="constant", boundary=None, padded=False)[2]) ** 2
        m = power.shape[-1]
        value = m / (m - 1) * ((m + 1) * (power**2).sum(axis=-1) / power.sum(axis=-1) ** 2 - 2)
        value[[0, -1]] -= 1
        return np.asarray(value)

    return Case(
        "spectral_kurtosis.256",
        len(x),
        lambda: spectral_kurtosis(x, nperseg=n)[1],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(2 * (transform(n) + LEVELLED + 1)),
    )


def _multitaper(x: np.ndarray) -> Case:
    from scipy.fft import rfft
    from scipy.signal.windows import dpss

    tapers, kept = dpss(FRAME, 4.0, 7, return_ratios=True)

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = _framed(x)
        frames, power = frames - frames.mean(axis=1, keepdims=True), np.zeros((len(frames), FRAME // 2 + 1))
        for taper, weight in zip(tapers.astype(x.dtype), kept / kept.sum(), strict=True):
            z = rfft(frames * taper)
            power += weight * (z.real**2 + z.imag**2)
        power[:, 1:-1] *= 2
        return power

    return Case(
        "multitaper.4096",
        len(x),
        lambda: multitaper_frames(x, rate=1.0, nperseg=FRAME, overlap=0.0)["power"],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(2 + 7 * (transform(FRAME) + 2), written=2),
    )


def _cepstrum(x: np.ndarray) -> Case:
    from scipy.fft import irfft, rfft
    from scipy.signal import get_window

    weights = get_window("hann", FRAME)

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = _framed(x).astype(np.float64)
        log = np.log(np.abs(rfft((frames - frames.mean(axis=1, keepdims=True)) * weights)))
        value: np.ndarray = irfft(log)[:, : FRAME // 2 + 1]
        return value

    return Case(
        "cepstrum.4096",
        len(x),
        lambda: cepstrum_frames(x, rate=1.0, nperseg=FRAME, overlap=0.0)["cepstrum"],
        lambda: by_scipy(x),
        {"scipy": lambda: by_scipy(x)},
        Work(2 * transform(FRAME) + LEVELLED + 5, written=2, wide=True),
    )


def _octaves(x: np.ndarray) -> Case:
    """The peer is what a filter bank costs at the full rate; it filters on from frame to frame."""
    from scipy import signal

    rate, found = 4096.0, list(bands(50, 1600, 3))
    bank = [signal.butter(3, edges(k, 3), "bandpass", fs=rate, output="sos") for k in found]

    def by_filters(x: np.ndarray) -> np.ndarray:
        return np.stack([_framed(signal.sosfilt(sos, x)).std(axis=1) for sos in bank], axis=1)

    def ours(x: np.ndarray) -> np.ndarray:
        return octave_bands(x, rate=rate, low=50, high=1600)["rms"]

    return Case(
        "octave_bands.thirds",
        len(x),
        lambda: ours(x),
        lambda: ours(x.astype(np.float64)),
        {"sosfilt": lambda: by_filters(x)},
        Work(transform(FRAME) + LEVELLED + 1),
    )
