"""One rank of the benchmark: ``mpiexec -n N python -m benchmarks.collective_ranks FOLDER``.

Each rank writes its share of the results below FOLDER; the first one prints each kernel's seconds as JSON.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.collective import KERNELS, ROUNDS
from hpcflow_kernels.mpi.over_mpi import OverMpi
from hpcflow_kernels.ranks import Ranks, Spread


def record(path: Path) -> Spread:
    """A file of samples of which ranks read parts."""
    x = np.load(path, mmap_mode="r")
    return Spread(len(x), 1000.0, "1", lambda start, stop: np.array(x[start:stop]))


def best_of(name: str, folder: Path, ranks: Ranks) -> float:
    """Shortest time from the first rank's start to the last one's end; a short record has compiled it."""
    kernel = KERNELS[name]
    signal, short = record(folder / f"{name}.npy"), record(folder / "short.npy")
    kernel.load()(ranks=ranks, signal=short, **kernel.params)
    seconds = []
    for _ in range(ROUNDS):
        ranks.barrier()
        before = time.perf_counter()
        share = kernel.load()(ranks=ranks, signal=signal, **kernel.params)
        ranks.barrier()
        seconds.append(time.perf_counter() - before)
    np.savez(folder / f"{name}.{ranks.count}.{ranks.number}.npz", start=share.start, **share.values)
    return min(seconds)


def main() -> None:
    """All kernels."""
    folder = Path(sys.argv[1])
    with OverMpi() as ranks:
        found = {name: best_of(name, folder, ranks) for name in KERNELS}
        if ranks.number == 0:
            print(json.dumps(found))


if __name__ == "__main__":
    main()
