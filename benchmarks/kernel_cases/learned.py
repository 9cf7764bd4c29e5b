"""Learned features against aeon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import Case
from benchmarks.machine import Work
from hpcflow_kernels.features.catch22 import catch22
from hpcflow_kernels.features.feature_set import NAMES, feature_set
from hpcflow_kernels.features.rocket import MiniRocket, minirocket_fit, minirocket_transform


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them."""
    for n in (1000, 4096):
        yield _catch22(windows(4 if small else 200, n), timers)
    yield _feature_set(windows(4 if small else 20, 1000), timers)
    yield _minirocket(windows(4 if small else 100, 1000), timers)


def windows(count: int, n: int) -> np.ndarray:
    """Half of them noise, half random walks; float32."""
    x = np.random.default_rng(n).standard_normal((count, n))
    x[count // 2 :] = np.cumsum(x[count // 2 :], axis=1)
    return x.astype(np.float32)


def _catch22(x: np.ndarray, timers: bool) -> Case:
    """Standardised windows, for aeon's does not do it."""
    wide = x.astype(np.float64)
    wide = (wide - wide.mean(axis=1, keepdims=True)) / wide.std(axis=1, ddof=1, keepdims=True)
    x = wide.astype(np.float32)
    wide = x.astype(np.float64)
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        from aeon.transformations.collection.feature_based import Catch22

        theirs = Catch22()
        peers["aeon"] = lambda: theirs.fit_transform(wide[:, None, :])
    return Case(f"catch22.{x.shape[1]}", x.size, lambda: catch22(x), lambda: catch22(wide), peers)


def _feature_set(x: np.ndarray, timers: bool) -> Case:
    """The same features; tsfresh takes a table with a row for each sample."""
    wide = x.astype(np.float64)
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        import pandas as pd
        from tsfresh.feature_extraction import EfficientFCParameters, extract_features

        kept = {name.split("__")[0] for name in NAMES}
        wanted = {name: of for name, of in EfficientFCParameters().items() if name in kept}
        time, series = np.tile(np.arange(x.shape[1]), len(x)), np.repeat(np.arange(len(x)), x.shape[1])
        table = pd.DataFrame({"series": series, "time": time, "x": wide.ravel()})

        def by_tsfresh() -> np.ndarray:
            found = extract_features(
                table, wanted, column_id="series", column_sort="time", n_jobs=0, disable_progressbar=True
            )
            values: np.ndarray = found[[f"x__{name}" for name in NAMES]].to_numpy(np.float64)
            return values

        peers["tsfresh"] = by_tsfresh
    return Case("feature_set.1000", x.size, lambda: feature_set(x), lambda: feature_set(wide), peers)


def _minirocket(x: np.ndarray, timers: bool) -> Case:
    """Features of integers, which every order of summation gives alike."""
    x = np.round(x * 16)
    fitted = minirocket_fit(x)
    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        from aeon.transformations.collection import convolution_based

        theirs = convolution_based.MiniRocket(random_state=0, n_jobs=1).fit(x[:, None, :])
        ones = np.ones(84 * len(fitted.dilations), np.int32)
        chosen = [values.astype(np.int32) for values in (fitted.dilations, fitted.counts)]
        theirs.parameters = (ones, ones - 1, *chosen, fitted.biases)
        peers["aeon"] = lambda: theirs.transform(x[:, None, :])
    return Case(
        f"minirocket.{x.shape[1]}",
        x.size,
        lambda: minirocket_transform(x, fitted),
        lambda: _shares(x, fitted),
        peers,
        Work(2 * len(fitted.biases) + 3 * 84 * len(fitted.dilations)),  # compared and counted; kernels' sums
    )


def _shares(x: np.ndarray, fitted: MiniRocket) -> np.ndarray:
    """The definition, by convolutions, of the first series; of the others what is asked for."""
    out = minirocket_transform(x, fitted).astype(np.float64)
    at, n = 0, x.shape[1]
    for j, (d, count) in enumerate(zip(fitted.dilations, fitted.counts, strict=True)):
        for k, taps in enumerate(combinations(range(9), 3)):
            weights = np.zeros(8 * d + 1)
            weights[::d] = -1
            weights[np.array(taps) * d] = 2
            c = np.correlate(np.pad(x[0].astype(np.float64), 4 * d), weights, "valid")
            c = c[4 * d : n - 4 * d] if (j + k) % 2 else c
            out[0, at : at + count] = (c[:, None] > fitted.biases[at : at + count]).mean(axis=0)
            at += count
    return out
