"""Freed memory stays with the process: arrays of a tile's size cost page faults once."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

START = """\
import resource, sys, threading
import numpy as np
from hpcflow.run.allocator import keep_freed_memory
def keep() -> None:
    if sys.argv[1] == "keep" and not keep_freed_memory():
        sys.exit("not glibc")
"""

FAULTS = """\
keep()
np.ones(1 << 18)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    np.ones(1 << 18)  # 2 MiB, 512 pages
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

GROWING = """\
def most() -> None:
    keep()
    kept, worst = [], 0
    for _ in range(200):
        kept.append(np.ones(1 << 16))  # what is kept passes the ends of a heap or two
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(10):
            np.ones(1 << 18)
        worst = max(worst, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    print(worst)


thread = threading.Thread(target=most)
thread.start()
thread.join()
"""

TAKEN = """\
def data() -> int:
    return int(open("/proc/self/status").read().partition("VmData:")[2].split()[0]) // 1024


keep()
before = data()
kept = [np.ones(1 << 17) for _ in range(20)]  # 1 MiB each
print(data() - before)
"""


def printed(how: str, program: str = FAULTS) -> int:
    """What a program prints whose freed memory is left to glibc, or kept."""
    # As Dask's nannies start their workers.
    environment = {**os.environ, "MALLOC_TRIM_THRESHOLD_": "65536", "PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "-c", START + program, how],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if "not glibc" in ran.stderr:
        pytest.skip("the C library is not glibc: nothing to keep")
    assert ran.returncode == 0, ran.stderr
    return int(ran.stdout)


def test_freed_arrays_are_used_again() -> None:
    assert printed("leave") > 1000  # in huge pages or small ones, each array is new
    assert printed("keep") < 100


def test_a_heap_is_kept_when_it_is_empty() -> None:
    assert printed("leave", GROWING) > 5000
    assert printed("keep", GROWING) < 1000  # the pages of one array, when it comes to memory that is new


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="needs Linux's /proc")
def test_the_first_thread_takes_little_more_than_it_needs() -> None:
    # A worker of a job has a bound on its data, used or not.
    assert printed("keep", TAKEN) < 30
