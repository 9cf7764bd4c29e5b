"""Kernels over ranks: how much faster two processes over MPI are than one, and that they give the same bits.

Launches of one and of two ranks take turns, so that whatever else the machine does meets both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import Measure

REPO = Path(__file__).resolve().parents[1]

ROUNDS = 3
"""In each launch, and as many launches of each number of ranks."""


@dataclass(frozen=True)
class Kernel:
    """What is called on records of so many samples, and of how many signals."""

    implementation: str
    params: Mapping[str, Any]
    samples: int
    small: int
    signals: int = 0
    """0 for a kernel that takes one."""

    def load(self) -> Any:
        """The function."""
        module, _, name = self.implementation.partition(":")
        return getattr(import_module(module), name)


KERNELS = {
    "long_matrix_profile": Kernel(
        "hpcflow_kernels.mpi.long_profile:long_matrix_profile", {"window": 0.1}, 150_001, 3001
    ),
    "long_spectrum": Kernel(
        "hpcflow_kernels.mpi.long_spectrum:long_spectrum",
        {"fit": "cut", "taper": "hann", "scaling": "amplitude"},
        40_000_003,
        40_003,
    ),
    "pair_correlations": Kernel(
        "hpcflow_kernels.mpi.pair_correlations:pair_correlations", {"max_lag": 0.256}, 1_000_003, 10_007, 16
    ),
}


def on(count: int, folder: Path) -> dict[str, tuple[float, float]]:
    """Of each kernel on so many ranks, seconds on the clock, and of processor time of the busiest one."""
    # A job's own variables would make the launcher join that job instead of starting one.
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PMI", "SLURM_", "HYDRA", "MPI"))}
    done = subprocess.run(
        ["mpiexec", "-n", str(count), sys.executable, "-m", "benchmarks.collective_ranks", str(folder)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=clean | {"PYTHONPATH": os.pathsep.join((str(REPO), str(REPO / "kernels")))},
    )
    found: dict[str, tuple[float, float]] = json.loads(done.stdout)
    return found


def results(name: str, folder: Path, count: int) -> dict[str, np.ndarray]:
    """What all ranks have written, in order."""
    shares = [np.load(folder / f"{name}.{count}.{rank}.npz") for rank in range(count)]
    shares.sort(key=lambda share: int(share["start"]))
    return {
        field: np.concatenate([s[field] for s in shares]) for field in shares[0].files if field != "start"
    }


def amplitudes(x: np.ndarray, n: int) -> np.ndarray:
    """What `long_spectrum` is to give, in float64."""
    y = x[:n].astype(np.float64)
    taper = 0.5 - 0.5 * np.cos(np.arange(n) * (2 * np.pi / n))
    out = np.abs(np.fft.rfft((y - y.mean()) * taper)) * (2 / taper.sum())
    out[[0, -1]] /= 2
    return out


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Speed-up, differing values, and the spectrum's error."""
    rng = np.random.default_rng(60)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        records = {
            name: rng.standard_normal(
                (max(1, kernel.signals), kernel.small if small else kernel.samples), dtype=np.float32
            )
            for name, kernel in KERNELS.items()
        }
        for name, x in records.items():
            np.save(folder / f"{name}.npy", x)
        np.save(folder / "short.npy", rng.standard_normal((16, 2000), dtype=np.float32))
        launches = [(on(1, folder), on(2, folder)) for _ in range(ROUNDS if timers and not small else 1)]
        for name, x in records.items():
            one, two = (results(name, folder, count) for count in (1, 2))
            wrong = sum(int((~np.equal(one[f], two[f]) & ~np.isnan(one[f])).sum()) for f in one)
            yield Measure(f"collective.{name}.wrong", wrong, "values that differ on two ranks", timed=False)
            if name == "long_spectrum":
                truth = amplitudes(x[0], 2 * (len(one["amplitude"]) - 1))
                error = float(np.abs(one["amplitude"] - truth).max() / truth.max())
                yield Measure(f"collective.{name}.error", error, "of the largest bin", timed=False)
            if timers:
                (wall, work), (both, busiest) = (
                    [min(launch[i][name][kind] for launch in launches) for kind in (0, 1)] for i in (0, 1)
                )
                yield Measure(f"collective.{name}.seconds", wall, "s on one rank")
                yield Measure(f"collective.{name}.speed_up", wall / both, "times faster on two ranks")
                unit = "work of one rank / of the busier of two, waits and messages left out"
                yield Measure(f"collective.{name}.divided", work / busiest, unit)
