"""Array filters on PyTorch's CPU build, beside SciPy and the processor's own kernels.

One thread each, in a process that keeps freed memory, as a worker does. PyTorch has no recursive filter, so
there is no recipe of its own to compare with; what a GPU does can be measured on one only.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import SMALL, TILE, Case, noise
from hpcflow.run.allocator import keep_freed_memory
from hpcflow_kernels import get
from hpcflow_kernels.filter.design import sections
from hpcflow_kernels.filter.poles import Design

WELCH = {"window": 1.0, "nperseg": 1024}


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """A band-pass, whole, and with the Welch spectra that follow it in a fused stage."""
    import torch

    torch.set_num_threads(1)
    keep_freed_memory()
    x = noise(SMALL if small else TILE)
    for name, low, high, rate in (
        ("band", 2000.0, 5000.0, 12_000.0),
        ("low_band", 10.0, 1000.0, 25_600.0),
    ):
        edges = {"low": low, "high": high}
        sos = sections(Design("bandpass", (low, high), rate)).copy()
        yield Case(
            f"arrays.bandpass.{name}",
            len(x),
            partial(_filtered, "array", torch.from_numpy(x), rate, edges),
            partial(_scipys, sos, x.astype(np.float64)),
            {"scipy": partial(_scipys, sos, x), "processor": partial(_filtered, "cpu", x, rate, edges)},
        )
    rate, edges = 8000.0, {"low": 1000.0, "high": 3000.0}
    sos = sections(Design("bandpass", (1000.0, 3000.0), rate)).copy()
    yield Case(
        "arrays.bandpass_welch",
        len(x),
        partial(_chain, "array", torch.from_numpy(x), rate, edges),
        partial(_scipys_chain, sos, x.astype(np.float64), rate),
        {"scipy": partial(_scipys_chain, sos, x, rate), "processor": partial(_chain, "cpu", x, rate, edges)},
    )


def _called(backend: str, name: str, x: Any, rate: float, given: dict[str, Any]) -> Any:
    contract = get(name)
    params = {p.name: given.get(p.name, p.default) for p in contract.params}
    return contract.load(backend)(x, rate=rate, **params)


def _filtered(backend: str, x: Any, rate: float, edges: dict[str, float]) -> np.ndarray:
    return np.asarray(_called(backend, "bandpass", x, rate, edges))


def _chain(backend: str, x: Any, rate: float, edges: dict[str, float]) -> np.ndarray:
    filtered = _called(backend, "bandpass", x, rate, edges)
    return np.asarray(_called(backend, "welch", filtered, rate, WELCH)["power"])


def _scipys(sos: np.ndarray, x: np.ndarray) -> np.ndarray:
    from scipy import signal

    return np.asarray(signal.sosfiltfilt(sos, x))


def _scipys_chain(sos: np.ndarray, x: np.ndarray, rate: float) -> np.ndarray:
    from scipy import signal

    frame = int(WELCH["window"] * rate)
    y = signal.sosfiltfilt(sos, x)
    windows = y[: len(y) // frame * frame].reshape(-1, frame)
    return np.asarray(signal.welch(windows, rate, nperseg=WELCH["nperseg"])[1])
