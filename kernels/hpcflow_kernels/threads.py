"""Ranks as threads of one process: a collective kernel on a machine's cores, without MPI.

Compiled loops release Python's lock, so threads compute side by side; they share the memory, and what they
send is copied once. Ranks that do not call the same operations are told so instead of waiting for ever.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hpcflow_kernels.contract import UnusableRecordError
from hpcflow_kernels.ranks import Alone, Ranks

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
            Where every rank raised it.
        RuntimeError
            Where ranks called different operations, or only some set the record aside.
        Exception
            What one rank raised; the others are ended when they talk next.
        """
        if self.count == 1:
            return [function(Alone())]
        self._barrier.reset()
        results: list[Any] = [None] * self.count
        errors: list[BaseException | None] = [None] * self.count

        def one(number: int) -> None:
            rank = _Thread(self, number)
            try:
                try:
                    results[number] = function(rank)
                    ending = "an end"
                except UnusableRecordError as error:
                    errors[number] = error
                    ending = "an unusable record"
                self._meet(number, ending, None)
            except BaseException as error:
                errors[number] = error
                self._barrier.abort()

        threads = [threading.Thread(target=one, args=(n,), name=f"rank-{n}") for n in range(self.count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        raised = [e for e in errors if e is not None]
        if raised:
            # A rank whose wait was broken tells nothing; the one that broke it does.
            raise next((e for e in raised if not isinstance(e, threading.BrokenBarrierError)), raised[0])
        return results

    def _meet(self, number: int, operation: str, value: Any) -> list[Any]:
        """All ranks' values of one operation."""
        self._slots[number] = operation, value
        self._barrier.wait()
        called = [name for name, _ in self._slots]
        if len(set(called)) > 1:
            other = next(n for n, name in enumerate(called) if name != called[0])
            raise RuntimeError(
                f"ranks must call the same operations in the same order: rank 0 came to {called[0]}, "
                f"rank {other} to {called[other]}"
            )
        return [value for _, value in self._slots]

    def _part(self, number: int) -> None:
        """Nobody goes on, and writes in what it sent, before all have taken theirs."""
        self._barrier.wait()
        self._slots[number] = "", None


class _Thread:
    """One of them."""

    def __init__(self, threads: Threads, number: int) -> None:
        self._threads, self.number, self.count = threads, number, threads.count

    def allgather(self, value: Any) -> list[Any]:
        """See `Ranks`."""
        taken = copy.deepcopy(self._threads._meet(self.number, "allgather", value))
        self._threads._part(self.number)
        return taken

    def bcast(self, value: Any, root: int = 0) -> Any:
        """See `Ranks`."""
        taken = copy.deepcopy(self._threads._meet(self.number, f"bcast of rank {root}", value)[root])
        self._threads._part(self.number)
        return taken

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Ranks`."""
        if len(parts) != self.count:
            raise ValueError(f"exchange takes an array for each of {self.count} ranks (got {len(parts)})")
        taken = [sent[self.number].copy() for sent in self._threads._meet(self.number, "exchange", parts)]
        self._threads._part(self.number)
        return taken

    def barrier(self) -> None:
        """See `Ranks`."""
        self._threads._meet(self.number, "barrier", None)
        self._threads._part(self.number)
