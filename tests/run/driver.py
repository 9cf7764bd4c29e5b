"""Execute a toy run in a process of its own, to be killed: ``python -m tests.run.driver RUN [delay]``."""

from __future__ import annotations

import sys
import time

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run import commit
from hpcflow.run.folder import RunFolder
from hpcflow.run.stages import ingest
from hpcflow_kernels import registry
from tests import toy, toy_arrays

if __name__ == "__main__":
    registry.contracts = lambda: toy_arrays.CONTRACTS  # type: ignore[assignment]
    ingest.get_reader = lambda name: toy.READER  # type: ignore[assignment,return-value]
    ingest.checksum = toy.checksum  # type: ignore[assignment]
    ingest.read_stored = toy.read  # type: ignore[assignment]
    commit.BLOCKS = 3
    slow = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    whole = toy.smooth

    def smooth(x, *, rate):  # type: ignore[no-untyped-def]
        time.sleep(slow)
        return whole(x, rate=rate)

    toy.smooth = smooth
    execute(RunFolder.at(sys.argv[1]), SerialExecutor())
