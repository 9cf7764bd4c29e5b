"""Ranks as threads of one process: a collective kernel on a machine's cores, without MPI.

Compiled loops release Python's lock, so threads compute side by side; they share the memory, and what they
send is copied once. Ranks that do not call the same operations are told so instead of waiting for ever.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from hpcflow_kernels.ranks import Alone, EndedError, OutOfStepError, Ranks, ending, met, together

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")


class Threads:
    """So many ranks in this process.

    Examples
    --------
    >>> Threads(3).run(lambda ranks: ranks.allgather(ranks.number ** 2))
    [[0, 1, 4], [0, 1, 4], [0, 1, 4]]
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"there is at least one rank (asked for {count})")
        self.count = count
        self._barrier = threading.Barrier(count)
        self._slots: list[tuple[str, Any]] = [("", None)] * count

    def run(self, function: Callable[[Ranks], T]) -> list[T]:
        """Call a function once on each rank, and return what each gave.

        Raises
        ------
        UnusableRecordError
            Where ranks raised it, be it one, and nothing worse.
        EndedError
            Where ranks called different operations.
        Exception
            What one rank raised; the others are ended when they talk next.
        """
        if self.count == 1:
            return [function(Alone())]
        self._barrier.reset()
        results: list[Any] = [None] * self.count
        errors: list[BaseException | None] = [None] * self.count

        def one(number: int) -> None:
            try:
                results[number] = together(_Thread(self, number), function)
            except BaseException as error:
                errors[number] = error
                if not isinstance(error, Exception) or isinstance(error, (ConnectionError, OutOfStepError)):
                    self._barrier.abort()  # any other error, all ranks know of

        threads = [threading.Thread(target=one, args=(n,), name=f"rank-{n}") for n in range(self.count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        raised = [e for e in errors if e is not None]
        if raised:
            # A rank whose wait was broken tells nothing; one that was ended, less than the one that failed.
            raise min(raised, key=_tells_least)
        return results

    @contextmanager
    def meeting(self, number: int, operation: str, value: Any) -> Iterator[list[Any]]:
        """All ranks' values of one operation. Nobody goes on, and writes in what it sent, before all have
        taken theirs."""
        self._slots[number] = operation, value
        self._barrier.wait()
        try:
            yield met(self._slots)
        finally:  # also where a copy fails: ranks stay in step
            self._barrier.wait()
            self._slots[number] = "", None


def _tells_least(error: BaseException) -> int:
    return 2 * isinstance(error, threading.BrokenBarrierError) + isinstance(error, EndedError)


class _Thread:
    """One of them."""

    def __init__(self, threads: Threads, number: int) -> None:
        self._threads, self.number, self.count = threads, number, threads.count

    def allgather(self, value: Any) -> list[Any]:
        """See `Ranks`."""
        with self._threads.meeting(self.number, "allgather", value) as values:
            return copy.deepcopy(values)

    def bcast(self, value: Any, root: int = 0) -> Any:
        """See `Ranks`."""
        with self._threads.meeting(self.number, f"bcast of rank {root}", value) as values:
            return copy.deepcopy(values[root])

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Ranks`."""
        if len(parts) != self.count:
            raise ValueError(f"exchange takes an array for each of {self.count} ranks (got {len(parts)})")
        with self._threads.meeting(self.number, "exchange", parts) as sent:
            return [array[self.number].copy() for array in sent]

    def barrier(self) -> None:
        """See `Ranks`."""
        with self._threads.meeting(self.number, "barrier", None):
            pass

    def end(self, error: Exception | None = None) -> None:
        """See `Ranks`."""
        with self._threads.meeting(self.number, *ending(error)):
            pass
