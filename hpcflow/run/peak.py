"""How much memory this process has taken at most."""

from __future__ import annotations

import resource


def peak_memory() -> int:
    """Largest resident size of this process since it began, bytes.

    Not `ru_maxrss`: a process begins with the value of the one that started it, so a worker of a large parent
    would be blamed for its parent's memory.

    >>> peak_memory() > 1_000_000
    True
    """
    try:
        with open("/proc/self/status", "rb") as file:
            return next(int(line.split()[1]) for line in file if line.startswith(b"VmHWM:")) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
