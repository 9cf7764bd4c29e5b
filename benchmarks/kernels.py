"""Kernels: ours and what users call today, in turns, in CPU seconds of one thread; and the error of both.

Signals are float32, of odd lengths, in memory. Errors are the largest difference from the same function of
SciPy or NumPy in float64 (extended precision for filters), relative to the largest value.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator

import numpy as np

from benchmarks import kernel_cases
from benchmarks.kernel_cases.case import Case
from benchmarks.measure import Measure, cpu_seconds

ROUNDS = 7


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All cases of all families; peers that SciPy does not bring are looked for only where they are timed."""
    for found in pkgutil.iter_modules(kernel_cases.__path__):
        if found.name != "case":
            yield from importlib.import_module(f"benchmarks.kernel_cases.{found.name}").cases(small, timers)


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
            yield Measure(f"{name}.{peer}.error", error(call(), truth), "of the largest value", timed=False)
        seconds = cpu_seconds({"ours": case.ours, **case.peers}, ROUNDS)
        yield Measure(f"{name}.rate", case.samples / seconds["ours"] / 1e6, "Msamples per CPU second")
        for peer in case.peers:
            ratio = seconds[peer] / seconds["ours"]
            yield Measure(f"{name}.against_{peer}", ratio, f"CPU time, {peer} / ours")
