"""Room for work: aligned, kept within a thread and never shared between two."""

from __future__ import annotations

import threading

import numpy as np

from hpcflow_kernels.scratch import LARGEST, scratch


def test_room_is_kept_for_the_same_name_and_begins_with_a_line_of_the_cache():
    first = scratch("kept", 1000, np.dtype(np.float64))
    again = scratch("kept", 500, np.dtype(np.float32))
    assert first.ctypes.data % 64 == 0
    assert (len(first), len(again), again.dtype) == (1000, 500, np.float32)
    assert np.shares_memory(first, again)
    assert not np.shares_memory(first, scratch("another", 1000, np.dtype(np.float64)))


def test_large_room_is_not_kept():
    large = scratch("large", LARGEST + 1, np.dtype(np.uint8))
    assert not np.shares_memory(large, scratch("large", LARGEST + 1, np.dtype(np.uint8)))


def test_each_thread_has_its_own():
    mine, theirs = scratch("threads", 1000, np.dtype(np.float32)), []
    thread = threading.Thread(target=lambda: theirs.append(scratch("threads", 1000, np.dtype(np.float32))))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, theirs[0])
