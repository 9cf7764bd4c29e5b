"""Ranks as processes of an MPI communicator, on one node or many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcflow_kernels.ranks import OutOfStepError, ending, met

if TYPE_CHECKING:
    from mpi4py.MPI import Comm, Request

MOST_BYTES = 1 << 30
"""Largest message: MPI before version 4 counts in 32 bits."""


class OverMpi:
    """One rank of a communicator; see `hpcflow_kernels.ranks.Ranks`.

    Small values travel pickled. Arrays travel as they lie in memory, in messages of at most `most_bytes`, so
    they may have any size under any version of MPI.

    Parameters
    ----------
    world : mpi4py.MPI.Comm, optional
        Whose ranks these are; all processes by default. It is duplicated, so that nothing said here meets
        other messages; all of its ranks do this together.
    most_bytes : int
        Of a message, the same on every rank.

    Examples
    --------
    Under ``mpiexec -n 2``::

        with OverMpi() as ranks:
            ranks.allgather(ranks.number)  # [0, 1], on both
    """

    def __init__(self, world: Comm | None = None, most_bytes: int = MOST_BYTES) -> None:
        from mpi4py import MPI

        self._world = (MPI.COMM_WORLD if world is None else world).Dup()
        self._most = most_bytes
        self.number, self.count = self._world.rank, self._world.size

    def __enter__(self) -> OverMpi:
        return self

    def __exit__(self, *error: object) -> None:
        """Free the communicator, where all ranks come to it; after an error nobody knows."""
        if error[0] is None:
            self._world.Free()

    def abort(self, code: int = 1) -> None:
        """End the processes of all ranks, wherever they are: for an error that others do not share."""
        self._world.Abort(code)

    def allgather(self, value: Any) -> list[Any]:
        """See `Ranks`."""
        return self._meet("allgather", value)

    def bcast(self, value: Any, root: int = 0) -> Any:
        """See `Ranks`."""
        return self._meet(f"bcast of rank {root}", value if self.number == root else None)[root]

    def barrier(self) -> None:
        """See `Ranks`."""
        self._meet("barrier", None)

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Ranks`. Each rank talks to one other at a time, a message each way.

        Raises
        ------
        ValueError
            Where there are not as many arrays as ranks.
        OutOfStepError
            Where this rank has no memory for what others send it.
        """
        if len(parts) != self.count:
            raise ValueError(f"exchange takes an array for each of {self.count} ranks (got {len(parts)})")
        self._meet("exchange", None)
        with _company():
            try:
                return self._exchanged(parts)
            except MemoryError as error:
                raise OutOfStepError(f"no memory for what other ranks send: {error}") from error

    def end(self, error: Exception | None = None) -> None:
        """See `Ranks`."""
        self._meet(*ending(error))

    def _exchanged(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        heads = self._world.alltoall([(part.dtype.str, part.shape) for part in parts])
        taken = [np.empty(shape, dtype) for dtype, shape in heads]
        taken[self.number][...] = parts[self.number]
        for apart in range(1, self.count):
            to, source = (self.number + apart) % self.count, (self.number - apart) % self.count
            out = np.ascontiguousarray(parts[to])
            waiting = [self._world.Irecv(message, source) for message in self._messages(taken[source])]
            waiting += [self._world.Isend(message, to) for message in self._messages(out)]
            _wait(waiting)
        return taken

    def _messages(self, array: np.ndarray) -> list[np.ndarray]:
        """Bytes of an array that lies without gaps; none of an empty one."""
        flat = array.reshape(-1).view(np.uint8)
        return [flat[at : at + self._most] for at in range(0, len(flat), self._most)]

    def _meet(self, operation: str, value: Any) -> list[Any]:
        """All ranks' values of one operation."""
        with _company():
            called = self._world.allgather((operation, value))
        return met(called)


@contextmanager
def _company() -> Iterator[None]:
    """Where MPI fails, another rank is gone: that is no fault of what is computed.

    Raises
    ------
    ConnectionError
        In place of MPI's own.
    """
    from mpi4py import MPI

    try:
        yield
    except MPI.Exception as error:
        raise ConnectionError(f"another rank was lost: {error}") from error


def _wait(requests: list[Request]) -> None:
    from mpi4py import MPI

    MPI.Request.Waitall(requests)
