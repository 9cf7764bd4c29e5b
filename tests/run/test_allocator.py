"""Freed memory stays with the process: arrays of a tile's size cost page faults once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

FAULTS = """\
import resource, sys
import numpy as np
from hpcflow.run.allocator import keep_freed_memory
if sys.argv[1] == "keep" and not keep_freed_memory():
    sys.exit("not glibc")
np.ones(1 << 18)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    np.ones(1 << 18)  # 2 MiB, 512 pages
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    # As Dask's nannies start their workers.
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", FAULTS, how], env=environment, capture_output=True, text=True, check=False
    )
    if "not glibc" in ran.stderr:
        pytest.skip("the C library is not glibc: nothing to keep")
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def test_freed_arrays_are_used_again() -> None:
    assert faults("leave") > 1000  # in huge pages or small ones, each array is new
    assert faults("keep") < 100
