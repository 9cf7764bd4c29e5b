"""Kernels: ours and what users call today, in turns, in CPU seconds of one thread, with errors and limits.

Signals are float32, of odd lengths, in memory. Errors are the largest difference from the same function of
SciPy or NumPy in float64 (extended precision for filters), relative to the largest value. The limit is the
least time that arithmetic or memory would need for a case's `Work`, as `benchmarks.machine` measured them in
the same run. ``python -m benchmarks.kernels FAMILY ...`` prints the rows of these families as a table.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import version

import numpy as np

from benchmarks import kernel_cases
from benchmarks.check import kernel_table
from benchmarks.kernel_cases.case import Case
from benchmarks.machine import ceilings
from benchmarks.measure import Measure, cpu_seconds

ROUNDS = 7


FAMILIES = tuple(m.name for m in pkgutil.iter_modules(kernel_cases.__path__) if m.name != "case")


def cases(small: bool, timers: bool, families: Sequence[str] = FAMILIES) -> Iterator[Case]:
    """All cases of these families; peers beside SciPy are looked for only where they are timed."""
    for family in families:
        yield from importlib.import_module(f"benchmarks.kernel_cases.{family}").cases(small, timers)


def error(got: np.ndarray, truth: np.ndarray) -> float:
    """Largest difference, relative to the largest value; infinite where one misses what the other has."""
    missing = np.isnan(truth)
    if (np.isnan(got) != missing).any():
        return float("inf")
    return float(np.abs(got - truth)[~missing].max() / np.abs(truth[~missing]).max())


def measures(small: bool, timers: bool, families: Sequence[str] = FAMILIES) -> Iterator[Measure]:
    """Errors always; rates and ratios with the timers on."""
    for case in cases(small, timers, families):
        name = f"kernels.{case.name}"
        truth = case.truth()
        yield Measure(f"{name}.error", error(case.ours(), truth), "of the largest value", timed=False)
        if not timers:
            continue
        for peer, call in case.peers.items():
            yield Measure(f"{name}.{peer}.error", error(call(), truth), "of the largest value", timed=False)
        seconds = cpu_seconds({"ours": case.ours, **case.peers}, ROUNDS)
        yield Measure(f"{name}.rate", case.samples / seconds["ours"] / 1e6, "Msamples per CPU second")
        if case.work:
            least = ceilings(small).seconds(case.work, case.samples)
            limit = max(least, key=lambda kind: least[kind])
            yield Measure(f"{name}.of_limit", least[limit] / seconds["ours"], f"of the limit of {limit}")
        for peer in case.peers:
            ratio = seconds[peer] / seconds["ours"]
            yield Measure(f"{name}.against_{peer}", ratio, f"CPU time, {peer} / ours")


def main(families: Sequence[str]) -> None:
    """Measure these families and print their table, and where it was made."""
    load = os.getloadavg()[0]
    print("\n".join(kernel_table([asdict(m) for m in measures(False, True, families)], {})))
    versions = ", ".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "numba"))
    print(f"\n{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, load {load:.1f} before;", end=" ")
    print(f"Python {platform.python_version()}, {versions}")


if __name__ == "__main__":
    main(sys.argv[1:] or FAMILIES)
