"""Reads the files of Zarr v3 arrays directly, where `arraymeta` knows their layout.

A file is opened and its index read once. Chunks that lie together are read in one call and decoded where
they are wanted; a chunk of which only a part is wanted is kept, since its neighbour's halo wants the rest.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hpcflow.data.arraymeta import ArrayMeta
from hpcflow.data.chain import unchecked
from hpcflow.data.recent import Recent
from hpcflow.errors import StoreError

OPEN_FILES = 64
"""Files kept open per store: a stage reads a few at a time, and a worker may open 1024."""

KEPT_BYTES = 16 << 20
"""Decoded chunks kept per store at most."""

KEPT_EACH = 4 << 20
"""Decoded chunks kept for each array: three of 1 MiB serve one that is read tile by tile with halo, and more
of them would only push others out of the processor's cache."""

VIEWS = 1024
"""Buffers that one `preadv` takes (IOV_MAX on Linux)."""

RUN_BYTES = 4 << 20
"""Chunks are read together up to this many bytes: they stay in cache until they are decoded."""

GAP_BYTES = 64 << 10
"""Bytes that are read and thrown away rather than asked around."""

MISSING = 2**64 - 1

Box = tuple[slice, ...]


class ShardFile:
    """An open file of an array and the index of its chunks.

    Attributes
    ----------
    path, descriptor
        Closed when nobody uses it any more.
    stamp
        Device, inode, size and time of change, by which a file that took its place is known.
    number
        Unique among the files a process has opened.
    index : ndarray of uint64, shape (chunks, 2)
        Offset and length of each chunk in C order; both `MISSING` where it was never written.
    """

    _numbers = itertools.count()

    def __init__(self, path: Path, meta: ArrayMeta) -> None:
        self.path = path
        self.number = next(self._numbers)
        self.descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        weakref.finalize(self, os.close, self.descriptor)
        status = os.fstat(self.descriptor)
        self.stamp = _stamp(status)
        self.index = self._read_index(meta, status.st_size)

    def _read_index(self, meta: ArrayMeta, size: int) -> np.ndarray:
        if not meta.sharded:
            return np.array([[0, size]], np.uint64)
        length = 16 * meta.chunks + 4
        if size < length:
            raise StoreError(f"{self.path} is damaged: {size} bytes cannot hold an index of {length}")
        raw = np.empty(length, np.uint8)
        self.read_into([raw.data], 0 if meta.index_first else size - length)
        try:
            index = unchecked(raw).view("<u8").reshape(-1, 2)
        except ValueError as error:
            raise StoreError(f"{self.path} is damaged: the index of its chunks: {error}") from error
        offset, count = index[:, 0], index[:, 1]
        missing = (offset == MISSING) & (count == MISSING)
        inside = (offset <= size) & (count <= size - np.minimum(offset, size))
        if not (missing | inside).all():
            raise StoreError(f"{self.path} is damaged: its index points outside its {size} bytes")
        return index

    def read_into(self, views: Sequence[memoryview], offset: int) -> None:
        """Fill buffers one after another from a place in the file.

        Raises
        ------
        StoreError
            If the file ends before.
        """
        while views:
            got = os.preadv(self.descriptor, views[:VIEWS], offset)
            if not got:
                raise StoreError(
                    f"{self.path} is damaged: it ends {sum(v.nbytes for v in views)} bytes early"
                )
            views = _after(views, got)
            offset += got


class Part(NamedTuple):
    """What is wanted of one chunk: `take` of the chunk goes to `target`."""

    number: int
    offset: int
    length: int
    take: Box
    whole: bool
    target: np.ndarray


class Shared:
    """What the arrays of one store share, so that memory is bounded: open files, kept chunks, a buffer."""

    def __init__(self) -> None:
        self.files: Recent[str, ShardFile] = Recent(OPEN_FILES)
        self.chunks: Recent[tuple[int, int], np.ndarray] = Recent(0)
        self._local = threading.local()

    def one_more_array(self) -> None:
        """Make room for the chunks of another array."""
        self.chunks.limit = min(self.chunks.limit + KEPT_EACH, KEPT_BYTES)

    def buffer(self, size: int) -> np.ndarray:
        """Bytes to read into, the same ones again for each call of a thread."""
        raw: np.ndarray | None = getattr(self._local, "raw", None)
        if raw is None or raw.nbytes < size:
            raw = self._local.raw = np.empty(max(size, RUN_BYTES), np.uint8)
        return raw[:size]


class DirectArray:
    """Reads boxes of one array. Threads may share it.

    Parameters
    ----------
    folder : Path
        The array's.
    meta : ArrayMeta
    shared : Shared
        Of its store.
    """

    def __init__(self, folder: Path, meta: ArrayMeta, shared: Shared | None = None) -> None:
        self.folder = folder
        self.meta = meta
        self.shared = shared or Shared()
        self.shared.one_more_array()
        self._grid = meta.grid  # asked for each chunk

    def read(self, start: Sequence[int], stop: Sequence[int], out: np.ndarray | None = None) -> np.ndarray:
        """Values of [start, stop) along the first axes, and all of the others; clipped to the array.

        Parameters
        ----------
        start, stop
            One number per axis, or for the first axes only.
        out
            Where the values go: of the box's shape and the array's type. Reading many MiB again and again
            into the same memory takes a fifth less time than into fresh memory, which is zeroed first.

        Raises
        ------
        StoreError
            If a file is damaged. A file that does not exist holds the fill value, as Zarr says.
        ValueError
            If `out` has another shape or type.
        """
        low, high = self._box(start, stop)
        size = tuple(b - a for a, b in zip(low, high, strict=True))
        if out is None:
            out = np.empty(size, self.meta.dtype)
        elif (out.shape, out.dtype) != (size, self.meta.dtype):
            raise ValueError(f"out is {out.dtype} {out.shape}, the box is {self.meta.dtype} {size}")
        for position, take, put in pieces(low, high, self.meta.file):
            file = self._file(position)
            target = out[put]
            if file is None:
                target[...] = self.meta.fill
            else:
                self._read_file(file, take, target)
        return out

    def ahead(self, start: Sequence[int], stop: Sequence[int]) -> None:
        """Ask the kernel for what `read` of the same box wants of the disk, and do not wait for it.

        Only advice: a file system that does not take it, or a damaged file, shows when the box is read.
        """
        for position, take, _ in pieces(*self._box(start, stop), self.meta.file):
            try:
                file = self._file(position)
            except StoreError:
                continue
            if file is None:
                continue
            low, high = [s.start for s in take], [s.stop for s in take]
            for cell, _, _ in pieces(low, high, self.meta.chunk):
                number = self._number(cell)
                offset, length = file.index[number].tolist()
                if length != MISSING and self.shared.chunks.get((file.number, number)) is None:
                    with contextlib.suppress(OSError):
                        os.posix_fadvise(file.descriptor, offset, length, os.POSIX_FADV_WILLNEED)

    def _box(self, start: Sequence[int], stop: Sequence[int]) -> tuple[list[int], list[int]]:
        """First and last + 1 along every axis, clipped to the array."""
        shape = self.meta.shape
        low = [min(a, n) for a, n in zip(start, shape, strict=False)] + [0] * (len(shape) - len(start))
        high = [min(b, n) for b, n in zip(stop, shape, strict=False)] + list(shape[len(stop) :])
        return low, [max(a, b) for a, b in zip(low, high, strict=True)]

    def _number(self, position: Sequence[int]) -> int:
        """Place of an inner chunk in its file's index."""
        number = 0
        for i, n in zip(position, self._grid, strict=True):
            number = number * n + i
        return number

    def _file(self, position: tuple[int, ...]) -> ShardFile | None:
        path = os.path.join(self.folder, self.meta.key(position))
        files = self.shared.files
        try:
            known = files.get(path)
            if known is not None and known.stamp == _stamp(os.stat(path)):
                return known
            opened = ShardFile(Path(path), self.meta)
        except FileNotFoundError:
            files.drop(path)
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {error.strerror}") from error
        files.put(path, opened)
        return opened

    def _read_file(self, file: ShardFile, take: Box, target: np.ndarray) -> None:
        parts = self._parts(file, take, target)
        for run in runs(sorted(parts, key=lambda part: part.offset)):
            try:
                if self.meta.chain.plain and all(p.whole and p.target.flags.c_contiguous for p in run):
                    self._read_plain(file, run)
                else:
                    self._read_run(file, run)
            except OSError as error:
                raise StoreError(f"{file.path} cannot be read: {error.strerror}") from error

    def _parts(self, file: ShardFile, take: Box, target: np.ndarray) -> list[Part]:
        """What has to be read from disk; what is missing or kept goes to its place at once."""
        meta, wanted = self.meta, []
        low, high = [s.start for s in take], [s.stop for s in take]
        for position, inner, put in pieces(low, high, meta.chunk):
            number = self._number(position)
            goal = target[put]
            offset, length = file.index[number].tolist()
            if length == MISSING:
                goal[...] = meta.fill
                continue
            kept = self.shared.chunks.get((file.number, number))
            if kept is not None:
                goal[...] = kept[inner]
                continue
            whole = goal.shape == meta.chunk
            wanted.append(Part(number, offset, length, inner, whole, goal))
        return wanted

    def _read_plain(self, file: ShardFile, run: Sequence[Part]) -> None:
        """Values that are stored as they are go from the page cache to where they are wanted, at once."""
        size = self.meta.chunk_bytes
        for part in run:
            if part.length != size:
                raise StoreError(
                    f"{file.path} is damaged: chunk {part.number} has {part.length} bytes, not {size}"
                )
        for _, group in itertools.groupby(enumerate(run), lambda item: item[1].offset - item[0] * size):
            beside = [part for _, part in group]
            file.read_into([_bytes_of(part.target) for part in beside], beside[0].offset)

    def _read_run(self, file: ShardFile, run: Sequence[Part]) -> None:
        first = run[0].offset
        raw = self.shared.buffer(max(p.offset + p.length for p in run) - first)
        file.read_into([raw.data], first)
        for part in run:
            at = part.offset - first
            direct = part.whole and part.target.flags.c_contiguous
            chunk = part.target if direct else np.empty(self.meta.chunk, self.meta.dtype)
            try:
                self.meta.chain.decode(raw[at : at + part.length], chunk)
            except ValueError as error:
                raise StoreError(f"{file.path} is damaged: chunk {part.number}: {error}") from error
            if not direct:
                part.target[...] = chunk[part.take]
            if not part.whole:
                self.shared.chunks.put((file.number, part.number), chunk, chunk.nbytes)


def pieces(
    low: Sequence[int], high: Sequence[int], size: Sequence[int]
) -> Iterator[tuple[tuple[int, ...], Box, Box]]:
    """Cut a box along a regular grid.

    Yields
    ------
    position, take, put
        A cell's place in the grid, the part of the cell that is in the box, and where in the box it goes.

    Examples
    --------
    >>> list(pieces([3], [9], [4]))
    [((0,), (slice(3, 4, None),), (slice(0, 1, None),)), ((1,), (slice(0, 4, None),), (slice(1, 5, None),)), \
((2,), (slice(0, 1, None),), (slice(5, 6, None),))]
    """
    axes = []
    for a, b, n in zip(low, high, size, strict=True):
        first, origin = a // n, a // n * n
        if a < b <= origin + n:  # most boxes lie within one cell of most axes
            axes.append([(first, slice(a - origin, b - origin), slice(0, b - a))])
            continue
        cells = range(first, -(-b // n) if b > a else first)
        spans = [(i, max(a, i * n), min(b, (i + 1) * n)) for i in cells]
        axes.append([(i, slice(x - i * n, y - i * n), slice(x - a, y - a)) for i, x, y in spans])
    for cell in itertools.product(*axes):
        position, take, put = zip(*cell, strict=True) if cell else ((), (), ())
        yield position, take, put


def runs(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Parts in the order of the file, grouped into what is read in one call."""
    run: list[Part] = []
    for part in parts:
        if run:
            end = run[-1].offset + run[-1].length
            if part.offset - end > GAP_BYTES or part.offset + part.length - run[0].offset > RUN_BYTES:
                yield run
                run = []
        run.append(part)
    if run:
        yield run


def _bytes_of(values: np.ndarray) -> memoryview:
    return values.reshape(-1).view(np.uint8).data


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _after(views: Sequence[memoryview], count: int) -> list[memoryview]:
    """What is left of buffers after so many bytes."""
    left = []
    for view in views:
        if count < view.nbytes:
            left.append(view[count:])
        count = max(0, count - view.nbytes)
    return left
