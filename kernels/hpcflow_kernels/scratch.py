"""Room for work between calls, kept per thread: memory that is new costs more than many a kernel.

The C library gives arrays of a megabyte back to the system when they are freed, and the system clears them
page by page for the next call. A page takes the time of thousands of samples of a filter.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

LARGEST = 4 << 20
"""Bytes that are kept; for larger arrays NumPy asks the system for huge pages, which are cheap to clear."""

_KEPT = threading.local()


def scratch(name: str, count: int, dtype: np.dtype[Any]) -> np.ndarray:
    """Array of so many elements, contents arbitrary, that begins with a line of the cache.

    The next call with the same name in the same thread may give the same memory: a kernel uses its own name,
    and nothing that it returns or keeps lies in it.

    Examples
    --------
    >>> scratch("doctest", 6, np.dtype(np.float32)).shape
    (6,)
    """
    size = count * dtype.itemsize
    room: np.ndarray | None = getattr(_KEPT, name, None)
    if room is None or len(room) < size + 64:
        room = np.empty(size + 64, np.uint8)
        if size <= LARGEST:
            setattr(_KEPT, name, room)
    first = -room.ctypes.data % 64
    return room[first : first + size].view(dtype)
