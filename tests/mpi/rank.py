"""One rank of a toy run, perhaps to be killed: ``python -m tests.mpi.rank RUN STAGE [RANK POINT]``.

POINT is a named fault, ``after-pack:2``, or ``exchange:2``: within the kernel, before the second exchange.
"""

from __future__ import annotations

import os
import sys

from hpcflow.run import faults
from hpcflow.run.ranks import main
from hpcflow.run.stages import ingest
from hpcflow_kernels import registry
from hpcflow_kernels.mpi.over_mpi import OverMpi
from tests import toy

if __name__ == "__main__":
    registry.contracts = lambda: toy.CONTRACTS  # type: ignore[assignment]
    ingest.get_reader = lambda name: toy.READER  # type: ignore[assignment,return-value]
    run, stage, *fate = sys.argv[1:]
    if fate and os.environ["PMI_RANK"] == fate[0]:
        os.environ[faults.VARIABLE] = fate[1]
    exchange = OverMpi.exchange

    def mortal(self, parts):  # type: ignore[no-untyped-def]
        faults.point("exchange")
        return exchange(self, parts)

    OverMpi.exchange = mortal  # type: ignore[method-assign]
    sys.exit(main([run, "--stage", stage]))
