"""What this machine can do at most with one thread: arithmetic, memory, transforms.

Every kernel's rate is held against these (`Ceilings.seconds`): the shortest time in which its samples could
be computed, and moved between the core and the part of memory that its arrays fit in.
"""

from __future__ import annotations

import mmap
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from math import log2

import numpy as np

from benchmarks.measure import Measure, cpu_seconds

LEVELS = {"32 KiB": 1 << 15, "1 MiB": 1 << 20, "16 MiB": 1 << 24, "512 MiB": 1 << 29}
"""Sizes of arrays that memory is measured with: in the first cache, the second, the third, and beyond."""

ROUNDS, STEPS = 7, 1_000_000


@dataclass(frozen=True)
class Work:
    """What one sample asks of the machine at least.

    Attributes
    ----------
    operations
        Additions, multiplications, comparisons; a multiplication and the addition that takes its result
        count once where the algorithm lets them be fused. Transforms count as 2.5 log2(n) a real sample.
    read, written
        Bytes.
    wide
        Whether the operations need float64.
    """

    operations: float
    read: float = 4.0
    written: float = 0.0
    wide: bool = False


def transform(n: float) -> float:
    """Operations of a transform of n real samples, for each of them, as they are commonly counted."""
    return 2.5 * log2(n)


@dataclass(frozen=True)
class Ceilings:
    """Operations per second by type; bytes per second of reading and of copying, by the arrays' size."""

    operations: dict[str, float]
    read: dict[int, float]
    copy: dict[int, float]

    def seconds(self, work: Work, samples: int) -> dict[str, float]:
        """Least time for so many samples by `arithmetic`, and by `memory`."""
        moved = samples * (work.read + work.written)
        level = min((size for size in self.read if size >= moved), default=max(self.read))
        rate = (self.copy if work.written else self.read)[level]
        operations = self.operations["float64" if work.wide else "float32"]
        return {"arithmetic": samples * work.operations / operations, "memory": moved / rate}


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """All ceilings; nothing with the timers off, for a ceiling is a rate."""
    if not timers:
        return
    for kind in ("float32", "float64"):
        fused, added = _arithmetic(kind)
        yield Measure(f"machine.fused.{kind}", 2 * fused / 1e9, "G floating-point operations/s")
        yield Measure(f"machine.added.{kind}", added / 1e9, "G floating-point operations/s")
    found = ceilings(small)
    for name, size in LEVELS.items():
        if size in found.read:
            yield Measure(f"machine.read.{name}", found.read[size] / 1e9, "GB/s")
            yield Measure(f"machine.copied.{name}", found.copy[size] / 1e9, "GB/s, read and written")
    size = max(found.read)
    yield Measure("machine.in_place", _in_place(size) / 1e9, "GB/s, read and written")
    yield Measure("machine.new_memory", _new_memory(size) / 1e9, "GB/s, first written")
    yield Measure("machine.page_cache", _page_cache(size) / 1e9, "GB/s")
    library, rate = _transforms()
    yield Measure("machine.transform.float32", rate / 1e9, f"G operations/s, {library}, 1024 real samples")


@cache
def ceilings(small: bool = False) -> Ceilings:
    """Measured once in a process, so in the same run as what is held against them."""
    sizes = [size for size in LEVELS.values() if size <= (1 << 20 if small else 1 << 29)]
    operations = {kind: max(_arithmetic(kind)) for kind in ("float32", "float64")}
    return Ceilings(operations, {n: _read(n) for n in sizes}, {n: _copy(n) for n in sizes})


@cache
def _arithmetic(kind: str) -> tuple[float, float]:
    """Multiply-adds and additions per second, in the vectors of 32 or 64 bytes that do more."""
    from benchmarks.machine_loops import arithmetic

    best = [0.0, 0.0]
    for size in (32, 64):
        lanes = size // np.dtype(kind).itemsize
        x = np.full(2 * lanes, 1e-3, kind)
        for i, loop in enumerate(arithmetic(lanes)):
            loop(x, 1)
            seconds = cpu_seconds({"loop": partial(loop, x, STEPS)}, ROUNDS)["loop"]
            best[i] = max(best[i], 10 * lanes * STEPS / seconds)
    return best[0], best[1]


def _times(size: int) -> int:
    """How often an array is gone through, so that the clock's resolution does not matter."""
    return max(1, (1 << 29) // size)


def _read(size: int) -> float:
    from benchmarks.machine_loops import read

    x, times = np.ones(size // 4, np.float32), _times(size)
    read(x, 1)
    return size * times / cpu_seconds({"read": lambda: read(x, times)}, ROUNDS)["read"]


def _copy(size: int) -> float:
    """Bytes read and written, half of `size` each, by our vectors or by NumPy's copy."""
    from benchmarks.machine_loops import scale

    x, times = np.ones(size // 8, np.float32), _times(size)
    y = np.zeros_like(x)

    def by_numpy() -> None:
        for _ in range(times):
            np.copyto(y, x)

    scale(x, y, 1)
    seconds = cpu_seconds({"vectors": lambda: scale(x, y, times), "numpy": by_numpy}, ROUNDS)
    return size * times / min(seconds.values())


def _in_place(size: int) -> float:
    from benchmarks.machine_loops import scale

    x = np.ones(size // 4, np.float32)
    scale(x, x, 1)
    return 2 * size / cpu_seconds({"scale": lambda: scale(x, x, 1)}, ROUNDS)["scale"]


def _new_memory(size: int) -> float:
    """What the system gives and clears: every page is written to for the first time."""

    def write() -> None:
        with mmap.mmap(-1, size) as pages:
            pages[:: mmap.PAGESIZE] = b"\1" * (size // mmap.PAGESIZE)

    return size / cpu_seconds({"write": write}, ROUNDS)["write"]


def _page_cache(size: int) -> float:
    """From a file that was just written into a buffer that is there."""
    with tempfile.TemporaryFile() as file:
        file.write(bytes(size))
        file.flush()
        buffer = bytearray(size)

        def read() -> None:
            os.preadv(file.fileno(), [buffer], 0)

        return size / cpu_seconds({"read": read}, ROUNDS)["read"]


def _transforms() -> tuple[str, float]:
    """The fastest library there is, on as many segments as stay in the second cache."""
    from scipy import fft

    n, count, times = 1024, 128, 50
    x = np.random.default_rng(1).standard_normal((count, n)).astype(np.float32)
    calls = {"scipy": lambda: [fft.rfft(x) for _ in range(times)]}
    try:
        import ducc0
    except ImportError:
        pass
    else:
        calls["ducc0"] = lambda: [ducc0.fft.r2c(x, axes=(1,), nthreads=1) for _ in range(times)]
    seconds = cpu_seconds(calls, ROUNDS)
    best = min(seconds, key=lambda name: seconds[name])
    return best, times * x.size * transform(n) / seconds[best]
