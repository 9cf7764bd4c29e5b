"""Memory that a tile gave back is the next tile's.

glibc returns freed arrays of 128 KiB and more to the kernel, which zeroes them again page by page for the
next tile: a third of the processor time of a band-pass with Welch on Dask. By itself glibc raises that bound
as it sees such arrays freed, but Dask's nannies fix it low for their workers (``MALLOC_TRIM_THRESHOLD_``).

Threads but the first, in which Dask computes, have heaps of 64 MiB each. An empty one goes back whatever that
bound says, if the one before it has room for `PAD` bytes: where what is kept ends near the end of a heap, the
arrays of each tile would come and go with the next one.
"""

from __future__ import annotations

import ctypes
import threading
from functools import cache

TRIM, PAD_BYTES, MMAP = -1, -2, -3
"""M_TRIM_THRESHOLD, M_TOP_PAD and M_MMAP_THRESHOLD of malloc.h."""

LARGEST = 32 << 20
"""Arrays up to this size are kept: the largest bound that glibc would come to by itself."""

PAD = 64 << 20
"""A heap of another thread never has as much room. The first thread takes as much more than it needs whenever
it needs any, and a worker of a job has a bound that counts what is taken, used or not."""


def keep_freed_memory() -> bool:
    """Have this process keep freed memory: 2 * `LARGEST`, or all where a thread but the first asks.

    False where the C library is not glibc, and nothing can be asked of it.
    """
    return _asked(threading.current_thread() is threading.main_thread())


@cache
def _asked(by_first_thread: bool) -> bool:
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    asked = [(MMAP, LARGEST), (TRIM, 2 * LARGEST)]
    if not by_first_thread:
        asked.append((PAD_BYTES, PAD))
    return all(library.mallopt(which, size) for which, size in asked)
