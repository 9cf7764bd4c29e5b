"""One rank of the benchmark: ``mpiexec -n N python -m benchmarks.collective_ranks FOLDER``.

Each rank writes its share of the results below FOLDER; the first one prints each kernel's times as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.collective import KERNELS, ROUNDS
from hpcflow_kernels.mpi.over_mpi import OverMpi
from hpcflow_kernels.ranks import Ranks, Spread


def ports(path: Path, signals: int) -> dict[str, Any]:
    """A file of samples, a row for each signal, of which ranks read parts."""
    x = np.load(path, mmap_mode="r")
    spread = [
        Spread(len(row), 1000.0, "1", lambda start, stop, row=row: np.array(row[start:stop]))  # type: ignore[misc]
        for row in x
    ]
    return {"signals": {str(i): spread[i] for i in range(signals)}} if signals else {"signal": spread[0]}


class Silent:
    """Ranks that count the processor time of what is done between their words: MPI waits by spinning."""

    def __init__(self, ranks: Ranks) -> None:
        self.number, self.count = ranks.number, ranks.count
        self._ranks, self.seconds, self._began = ranks, 0.0, time.process_time()

    def _said(self, word: Callable[[], Any]) -> Any:
        self.seconds += time.process_time() - self._began
        heard = word()
        self._began = time.process_time()
        return heard

    def allgather(self, value: Any) -> list[Any]:
        """See `Ranks`."""
        found: list[Any] = self._said(lambda: self._ranks.allgather(value))
        return found

    def bcast(self, value: Any, root: int = 0) -> Any:
        """See `Ranks`."""
        return self._said(lambda: self._ranks.bcast(value, root))

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Ranks`."""
        found: list[np.ndarray] = self._said(lambda: self._ranks.exchange(parts))
        return found

    def barrier(self) -> None:
        """See `Ranks`."""
        self._said(self._ranks.barrier)


def best_of(name: str, folder: Path, ranks: Ranks) -> tuple[float, float]:
    """Shortest time from the first rank's start to the last one's end, and least work of the busiest rank.

    A short record has compiled the kernel.
    """
    kernel = KERNELS[name]
    given = ports(folder / f"{name}.npy", kernel.signals)
    kernel.load()(ranks=ranks, **ports(folder / "short.npy", kernel.signals), **kernel.params)
    seconds, work = [], []
    for _ in range(ROUNDS):
        ranks.barrier()
        before = time.perf_counter()
        silent = Silent(ranks)
        share = kernel.load()(ranks=silent, **given, **kernel.params)
        silent.barrier()
        seconds.append(time.perf_counter() - before)
        work.append(max(ranks.allgather(silent.seconds)))
    np.savez(folder / f"{name}.{ranks.count}.{ranks.number}.npz", start=share.start, **share.values)
    return min(seconds), min(work)


def main() -> None:
    """All kernels."""
    folder = Path(sys.argv[1])
    with OverMpi() as ranks:
        found = {name: best_of(name, folder, ranks) for name in KERNELS}
        if ranks.number == 0:
            print(json.dumps(found))


if __name__ == "__main__":
    main()
