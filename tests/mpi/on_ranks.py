"""A check on every rank of an MPI program; with an error on one, all end."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Mapping

from hpcflow_kernels.mpi.over_mpi import OverMpi

GOOD = "as it should\n"
"""What rank 0 prints where all came to the end."""


def run(checks: Mapping[str, Callable[[OverMpi], None]]) -> None:
    """Run the check that the command line names."""
    ranks = OverMpi()
    try:
        checks[sys.argv[1]](ranks)
    except BaseException:
        traceback.print_exc()
        ranks.abort(3)
    ranks.barrier()
    if ranks.number == 0:
        print(GOOD, end="")
