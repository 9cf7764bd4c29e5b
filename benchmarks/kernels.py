"""Kernels: ours and what users call today, in turns, in CPU seconds of one thread; and the error of both.

Signals are float32, of odd lengths, in memory. Errors are the largest difference from the same function of
SciPy or NumPy in float64 (extended precision for filters), relative to the largest value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks.measure import Measure, cpu_seconds
from hpcflow_kernels.features import condition_indicators
from hpcflow_kernels.filter import butterworth, sosfiltfilt
from hpcflow_kernels.rolling import rolling_max, rolling_mean, rolling_min, rolling_std
from hpcflow_kernels.spectral import welch, welch_windows

ROUNDS = 7
WINDOW = 100
"""Samples of a rolling window."""


@dataclass(frozen=True)
class Case:
    """One kernel on one signal.

    Attributes
    ----------
    name
        Below `kernels.`.
    samples
        Input samples, for the rate.
    ours, peers
        What is timed; peers by name.
    truth
        The same in float64 or better.
    """

    name: str
    samples: int
    ours: Callable[[], np.ndarray]
    truth: Callable[[], np.ndarray]
    peers: dict[str, Callable[[], np.ndarray]] = field(default_factory=dict)


def noise(samples: int) -> np.ndarray:
    """Noise with an offset and a tone, float32."""
    rng = np.random.default_rng(samples)
    tone = np.sin(0.3 * np.arange(samples), dtype=np.float64)
    return (rng.standard_normal(samples) + tone + 2).astype(np.float32)


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All cases; peers that SciPy does not bring are looked for only where they are timed."""
    x = noise(16_411 if small else 4_194_389)
    yield from _spectra(x, timers)
    yield from _filters(noise(16_411 if small else 262_147))
    yield _indicators(x)
    yield from _rolling(x, timers)


def _spectra(x: np.ndarray, timers: bool) -> Iterator[Case]:
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


def _filters(x: np.ndarray) -> Iterator[Case]:
    from scipy import signal

    for name, low, high, rate in (
        ("band", 2000.0, 5000.0, 12_000.0),
        ("low_band", 10.0, 1000.0, 25_600.0),
    ):
        sos = butterworth(4, low, high, rate).copy()
        for inside in (np.float64, np.float32):
            yield Case(
                f"sosfiltfilt.{name}.{np.dtype(inside).name}",
                len(x),
                partial(sosfiltfilt, sos, x, inside=inside),
                lambda sos=sos: signal.sosfiltfilt(sos, x.astype(np.float64)),
                {"scipy": partial(signal.sosfiltfilt, sos, x)},
            )


def _indicators(x: np.ndarray) -> Case:
    from scipy import stats

    n = 4096

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // n * n].reshape(-1, n)
        mean, rms = frames.mean(axis=1, keepdims=True), frames.std(axis=1)
        peak = np.abs(frames - mean).max(axis=1)
        shape = stats.kurtosis(frames, axis=1, fisher=False), stats.skew(frames, axis=1)
        return np.stack([rms, peak, np.ptp(frames, axis=1), peak / rms, *shape])

    return Case(
        "condition_indicators",
        len(x),
        lambda: np.stack(list(condition_indicators(x, rate=float(n)).values())),
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
    )


def _rolling(x: np.ndarray, timers: bool) -> Iterator[Case]:
    ours = {"max": rolling_max, "min": rolling_min, "mean": rolling_mean, "std": rolling_std}
    for name, call in ours.items():
        peers = {}
        if timers:
            import bottleneck

            more = {"ddof": 1} if name == "std" else {}
            peers["bottleneck"] = partial(getattr(bottleneck, f"move_{name}"), x, WINDOW, **more)
        yield Case(
            f"rolling.{name}",
            len(x),
            lambda call=call: call(x, WINDOW)[WINDOW - 1 :],
            partial(window_by_window, x, name),
            peers,
        )


def window_by_window(x: np.ndarray, statistic: str) -> np.ndarray:
    """Each window by itself, in float64."""
    view = np.lib.stride_tricks.sliding_window_view(x, WINDOW)
    out = np.empty(len(view))
    for start in range(0, len(view), 65_536):
        part = view[start : start + 65_536].astype(np.float64)
        more = {"ddof": 1} if statistic == "std" else {}
        out[start : start + 65_536] = getattr(np, statistic)(part, axis=1, **more)
    return out


def error(got: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference, relative to the largest value."""
    return float(np.abs(got - truth).max() / np.abs(truth).max())


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Errors always; rates and ratios with the timers on."""
    for case in cases(small, timers):
        name = f"kernels.{case.name}"
        truth = case.truth()
        yield Measure(f"{name}.error", error(case.ours(), truth), "of the largest value", timed=False)
        if not timers:
            continue
        for peer, call in case.peers.items():
            got = call()
            got = got[WINDOW - 1 :] if peer == "bottleneck" else got
            yield Measure(f"{name}.{peer}.error", error(got, truth), "of the largest value", timed=False)
        seconds = cpu_seconds({"ours": case.ours, **case.peers}, ROUNDS)
        yield Measure(f"{name}.rate", case.samples / seconds["ours"] / 1e6, "Msamples per CPU second")
        for peer in case.peers:
            ratio = seconds[peer] / seconds["ours"]
            yield Measure(f"{name}.against_{peer}", ratio, f"CPU time, {peer} / ours")
