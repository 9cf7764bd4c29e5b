"""One rank of a toy run: ``python -m tests.mpi.rank`` with what `hpcflow.run.ranks` takes.

``--doomed RANK --point POINT`` says where one of them dies: at a named fault, ``after-pack:2``, or within the
kernel before the second exchange, ``exchange:2``; at ``error:2`` an exception is raised there.
"""

from __future__ import annotations

import argparse
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
    parser = argparse.ArgumentParser()
    parser.add_argument("--doomed")
    parser.add_argument("--point")
    fate, rest = parser.parse_known_args()
    if os.environ["PMI_RANK"] == fate.doomed:
        os.environ[faults.VARIABLE] = fate.point
    exchange = OverMpi.exchange

    def mortal(self, parts):  # type: ignore[no-untyped-def]
        faults.point("exchange")
        if faults.reached("error"):
            raise ZeroDivisionError("a bug")
        return exchange(self, parts)

    OverMpi.exchange = mortal  # type: ignore[method-assign]
    sys.exit(main(rest))
