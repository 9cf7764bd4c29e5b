"""One rank of a toy run: ``python -m tests.mpi.rank`` with what `hpcflow.run.ranks` takes.

``--doomed RANK --point POINT`` says where one of them dies: at a named fault, ``after-pack:2``, or within the
kernel before the second exchange, ``exchange:2``. There, an exception is raised at ``error:2``, a record is
refused at ``unusable:2``, and memory lacks for what others send at ``memory:2``.
"""

from __future__ import annotations

import argparse
import os
import sys

from hpcflow.run import faults
from hpcflow.run.ranks import main
from hpcflow.run.stages import ingest
from hpcflow_kernels import UnusableRecordError, registry
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
    exchange, exchanged = OverMpi.exchange, OverMpi._exchanged

    def mortal(self, parts):  # type: ignore[no-untyped-def]
        faults.point("exchange")
        if faults.reached("error"):
            raise ZeroDivisionError("a bug")
        if faults.reached("unusable"):
            raise UnusableRecordError("a gap")
        return exchange(self, parts)

    def forgetful(self, parts):  # type: ignore[no-untyped-def]
        if faults.reached("memory"):
            raise MemoryError
        return exchanged(self, parts)

    OverMpi.exchange, OverMpi._exchanged = mortal, forgetful  # type: ignore[method-assign]
    sys.exit(main(rest))
