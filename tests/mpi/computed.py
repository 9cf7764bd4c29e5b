"""What kernels compute over MPI: ``mpiexec -n N python -m tests.mpi.computed CHECK``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hpcflow_kernels.mpi.long_profile import long_matrix_profile
from hpcflow_kernels.mpi.long_spectrum import long_spectrum
from hpcflow_kernels.mpi.over_mpi import OverMpi
from hpcflow_kernels.mpi.pair_correlations import pair_correlations
from hpcflow_kernels.ranks import Alone, Share, joined
from tests.kernels.over_ranks import spread
from tests.mpi.on_ranks import run

WALKS = (30_000, 40_000, 50_000)


def walk(samples: int) -> np.ndarray:
    """Signal, the same on every rank; its second half is its first one, so that many neighbours are equal."""
    half = np.cumsum(np.random.default_rng(50).standard_normal(samples // 2))
    return np.tile(half, 2).astype(np.float32)


def as_alone(kernel: Callable[..., Share], ranks: OverMpi, **given: Any) -> None:
    """All ranks together have the bits of a rank alone."""
    found = joined(ranks.allgather(kernel(ranks=ranks, **given)))
    alone = kernel(ranks=Alone(), **given).values
    assert set(found) == set(alone)
    for name, values in alone.items():
        assert found[name].dtype == values.dtype
        assert np.array_equal(found[name], values, equal_nan=True), name


CHECKS: dict[str, Callable[[OverMpi], None]] = {
    "profile": partial(as_alone, long_matrix_profile, signal=spread(walk(7000)), window=0.05),
    "spectrum": partial(
        as_alone, long_spectrum, signal=spread(walk(200_006)), fit="pad", taper="hann", scaling="density"
    ),
    "pairs": partial(
        as_alone, pair_correlations, signals={str(n): spread(walk(n)[:30_000]) for n in WALKS}, max_lag=0.2
    ),
}

if __name__ == "__main__":
    run(CHECKS)
