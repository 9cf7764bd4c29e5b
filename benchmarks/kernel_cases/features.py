"""Condition indicators against SciPy and NumPy."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from benchmarks.machine import Work, transform
from hpcflow_kernels.features.condition import condition_indicators
from hpcflow_kernels.machine.severity import vibration_severity

MOMENTS = 8
"""Operations on a sample: its mean and difference, two extremes, sums of second, third and fourth powers."""


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them."""
    from scipy import stats

    x, n = noise(SMALL if small else LONG), 4096

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // n * n].reshape(-1, n)
        mean, rms = frames.mean(axis=1, keepdims=True), frames.std(axis=1)
        peak = np.abs(frames - mean).max(axis=1)
        shape = stats.kurtosis(frames, axis=1, fisher=False), stats.skew(frames, axis=1)
        return np.stack([rms, peak, np.ptp(frames, axis=1), peak / rms, *shape])

    yield Case(
        "condition_indicators",
        len(x),
        lambda: np.stack(list(condition_indicators(x, rate=float(n)).values())),
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(MOMENTS),
    )
    yield _with_bands(x, timers)
    yield _severity(x)


def _with_bands(x: np.ndarray, timers: bool) -> Case:
    from scipy import signal, stats

    n, edges = 4096, [0.0, 100.0, 500.0, 1000.0, 2049.0]

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // n * n].reshape(-1, n)
        mean, rms = frames.mean(axis=1, keepdims=True), frames.std(axis=1)
        peak = np.abs(frames - mean).max(axis=1)
        shape = stats.kurtosis(frames, axis=1, fisher=False), stats.skew(frames, axis=1)
        f, power = signal.periodogram(frames, float(n), window="hann")
        bands = [power[:, (f >= low) & (f < high)].sum(axis=1) for low, high in pairwise(edges)]
        return np.stack([rms, peak, np.ptp(frames, axis=1), peak / rms, *shape, *bands])

    def ours() -> np.ndarray:
        found = condition_indicators(x, rate=float(n), band=edges)
        bands = found.pop("band_power")
        return np.stack([*found.values(), *bands.T])

    return Case(
        "condition_indicators.bands",
        len(x),
        ours,
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x), **_by_tsflex(x, n, edges, timers)},
        Work(MOMENTS + transform(n) + 2),
    )


def _by_tsflex(
    x: np.ndarray, n: int, edges: list[float], timers: bool
) -> dict[str, Callable[[], np.ndarray]]:
    """The same with tsflex, one function a feature as its documentation has it; {} where it is not there."""
    if not timers or importlib.util.find_spec("tsflex") is None:
        return {}
    import pandas
    from scipy import signal, stats
    from tsflex.features import FeatureCollection, FeatureDescriptor, FuncWrapper

    def peak(x: np.ndarray) -> float:
        return float(np.abs(x - x.mean()).max())

    def crest(x: np.ndarray) -> float:
        return peak(x) / float(x.std())

    def bands(x: np.ndarray) -> list[float]:
        f, power = signal.periodogram(x, float(n), window="hann")
        return [power[(f >= low) & (f < high)].sum() for low, high in pairwise(edges)]

    names = ["std", "peak", "ptp", "crest", "kurtosis", "skew"]
    functions = (np.std, peak, np.ptp, crest, partial(stats.kurtosis, fisher=False), stats.skew)
    wrapped = [FuncWrapper(f, output_names=[name]) for f, name in zip(functions, names, strict=True)]
    names += [f"band{k}" for k in range(len(edges) - 1)]
    wrapped.append(FuncWrapper(bands, output_names=names[len(functions) :]))
    collection = FeatureCollection([FeatureDescriptor(f, "x", window=n, stride=n) for f in wrapped])
    series = pandas.Series(x[: len(x) // n * n], name="x")

    def by_tsflex() -> np.ndarray:
        table = collection.calculate(
            series, include_final_window=True, return_df=True, n_jobs=0, approve_sparsity=True
        )
        return np.stack([table[f"x__{name}__w={n}"].to_numpy() for name in names])

    return {"tsflex": by_tsflex}


def _severity(x: np.ndarray) -> Case:
    from scipy import signal

    n, rate = 4096, 10_240.0

    def by_scipy(x: np.ndarray) -> np.ndarray:
        frames = x[: len(x) // n * n].reshape(-1, n)
        f, power = signal.periodogram(frames, rate, window="hann", scaling="density")
        inside = (f >= 10) & (f <= 1000)
        return np.sqrt(np.sum(power[:, inside] / (2 * np.pi * f[inside]) ** 2, axis=1) * rate / n)

    return Case(
        "vibration_severity",
        len(x),
        lambda: vibration_severity(x, rate=rate, window=n / rate)["velocity_rms"],
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(transform(n) + 4, wide=True),
    )
