"""Memory that a tile gave back is the next tile's.

glibc returns freed arrays of 128 KiB and more to the kernel, which zeroes them again page by page for the
next tile: a third of the processor time of a band-pass with Welch on Dask. By itself glibc raises that bound
as it sees such arrays freed, but Dask's nannies fix it low for their workers (``MALLOC_TRIM_THRESHOLD_``).
"""

from __future__ import annotations

import ctypes
from functools import cache

TRIM, MMAP = -1, -3
"""M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h."""

LARGEST = 32 << 20
"""Arrays up to this size are kept: the largest bound that glibc would come to by itself."""


@cache
def keep_freed_memory() -> bool:
    """Have this process keep up to 2 * `LARGEST` of freed memory; False where the C library is not glibc."""
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    return bool(library.mallopt(MMAP, LARGEST) and library.mallopt(TRIM, 2 * LARGEST))
