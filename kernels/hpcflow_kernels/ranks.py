"""What a collective kernel is given and gives: ranks that talk, a record to read parts of, a share of rows.

Every rank calls the same operations in the same order. What they give depends on the values alone, never on
how ranks are made: alone, as threads, or over MPI.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from hpcflow_kernels.contract import UnusableRecordError

if TYPE_CHECKING:
    import numpy as np

    from hpcflow_kernels.contract import Rows

T = TypeVar("T")

ERROR = "an error"
"""The operation that a rank comes to whose work has failed; others learn of it in theirs."""


class EndedError(RuntimeError):
    """All ranks end what they were at, and know why; raised in the operation that each had come to.

    Attributes
    ----------
    unusable
        Whether it is the record that is at fault.
    """

    def __init__(self, reason: str, *, unusable: bool = False) -> None:
        super().__init__(reason)
        self.unusable = unusable


class OutOfStepError(RuntimeError):
    """A rank failed where others wait for what it should have sent: nothing can be said to them any more."""


class Ranks(Protocol):
    """One of several ranks that compute a record together.

    There is no sum over ranks: its last bits would follow their number. Gather what is to be added, and add
    it in an order that the record gives.
    """

    @property
    def number(self) -> int:
        """This rank, from 0."""
        ...

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    def allgather(self, value: Any) -> list[Any]:
        """The small values of all ranks, in order of rank, on every rank; each has its own copies."""
        ...

    def bcast(self, value: Any, root: int = 0) -> Any:
        """The small value of one rank, on every rank; what others give is ignored."""
        ...

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Send an array to each rank, and get the one that each has sent here.

        Parameters
        ----------
        parts : sequence of ndarray, one for each rank
            Of any size, shape and numeric dtype.

        Returns
        -------
        list of ndarray, one from each rank
            With the shape and dtype they were sent in; the receiver's own.
        """
        ...

    def barrier(self) -> None:
        """Wait until every rank has come here."""
        ...

    def end(self, error: Exception | None = None) -> None:
        """Come to the end of a piece of work, well or with an error; not for kernels, see `together`.

        Raises
        ------
        EndedError
            On every rank, in whatever operation it is, where one or more have come with an error.
        """
        ...


def together(ranks: Ranks, function: Callable[[Ranks], T]) -> T:
    """What a function gives on this rank; where it fails on some, it ends on all, and they can go on.

    Raises
    ------
    UnusableRecordError
        On every rank, where ranks raised it, be it one, and nothing worse.
    ConnectionError, OutOfStepError
        Where ranks can no longer talk.
    EndedError
        With the reason of another rank, or where ranks called different operations.
    Exception
        What the function raised here; other ranks have an `EndedError`.
    """
    own: Exception | None = None
    try:
        try:
            made = function(ranks)
        except (ConnectionError, EndedError, OutOfStepError):
            raise
        except Exception as error:
            own = error
        ranks.end(own)
        return made
    except EndedError as ended:
        if own is not None and isinstance(own, UnusableRecordError) == ended.unusable:
            raise own from None
        if ended.unusable:
            raise UnusableRecordError(str(ended)) from None
        raise


def ending(error: Exception | None) -> tuple[str, tuple[bool, str]]:
    """The operation by which a rank tells of its end, and what it says there."""
    if error is None:
        return "an end", (False, "")
    if isinstance(error, UnusableRecordError):
        return ERROR, (True, str(error))
    return ERROR, (False, f"{type(error).__name__}: {error}")


def met(called: Sequence[tuple[str, Any]]) -> list[Any]:
    """What all ranks have said in one operation, from its name and value on each.

    Raises
    ------
    EndedError
        Where one has come with an error, a fault before an unusable record, or to another operation.
    """
    errors = [(*value, number) for number, (name, value) in enumerate(called) if name == ERROR]
    if errors:
        unusable, reason, number = min(errors, key=lambda error: error[0])
        where = "" if unusable else f" (on rank {number} of {len(called)})"
        raise EndedError(f"{reason}{where}", unusable=unusable)
    for number, (name, _) in enumerate(called):
        if name != called[0][0]:
            raise EndedError(
                f"ranks must call the same operations in the same order: rank 0 came to {called[0][0]}, "
                f"rank {number} to {name}"
            )
    return [value for _, value in called]


@dataclass(frozen=True, eq=False)
class Spread:
    """A record's samples, or rows that another step made, of which each rank reads what it needs.

    Attributes
    ----------
    samples : int
        Length of the record.
    rate : float
        Samples per second; NaN where not regular in time.
    units : str
        As in `Rows`.
    read : callable
        ``read(start, stop)``: samples [start, stop), within the record, as an array of the caller's own; NaN
        where missing.
    coords : mapping of str to ndarray
        As in `Rows`.
    """

    samples: int
    rate: float
    units: str
    read: Callable[[int, int], np.ndarray]
    coords: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Rows) -> Spread:
        """What lies in this process's memory."""

        def read(start: int, stop: int) -> np.ndarray:
            return rows.values[start:stop].copy()

        return cls(len(rows.values), rows.rate, rows.units, read, rows.coords)


@dataclass(frozen=True, eq=False)
class Share:
    """The rows of a record's output that one rank holds.

    Shares of all ranks are disjoint and together are all rows; one without rows is fine.

    Attributes
    ----------
    start : int
        First row, counted from the record's first.
    values : mapping of str to ndarray
        By field, of shape (rows, inner dims).
    """

    start: int
    values: Mapping[str, np.ndarray]


def held_once(shares: Sequence[tuple[int, int]]) -> int:
    """How many rows the shares of all ranks hold together, from each one's first row and number of rows.

    Raises
    ------
    ValueError
        Naming the first row that nobody holds, or that two ranks do.

    Examples
    --------
    >>> held_once([(3, 2), (0, 3), (0, 0)])
    5
    """
    row = 0
    for start, held in sorted(share for share in shares if share[1]):
        if start != row:
            what = f"row {row} is nobody's" if start > row else f"row {start} is held twice"
            raise ValueError(f"shares of ranks must hold each row once: {what}")
        row += held
    return row


def joined(shares: Sequence[Share]) -> dict[str, np.ndarray]:
    """All rows, by field, from the shares of all ranks.

    Raises
    ------
    ValueError
        As `held_once`.
    """
    import numpy as np

    sizes = [len(next(iter(share.values.values()), ())) for share in shares]
    held_once([(share.start, size) for share, size in zip(shares, sizes, strict=True)])
    held = sorted((s for s, size in zip(shares, sizes, strict=True) if size), key=lambda share: share.start)
    return {name: np.concatenate([s.values[name] for s in held or shares[:1]]) for name in shares[0].values}


class Alone:
    """The only rank."""

    number = 0
    count = 1

    def allgather(self, value: Any) -> list[Any]:
        """See `Ranks`."""
        return [copy.deepcopy(value)]

    def bcast(self, value: Any, root: int = 0) -> Any:
        """See `Ranks`."""
        return copy.deepcopy(value)

    def exchange(self, parts: Sequence[np.ndarray]) -> list[np.ndarray]:
        """See `Ranks`."""
        (part,) = parts
        return [part.copy()]

    def barrier(self) -> None:
        """See `Ranks`."""

    def end(self, error: Exception | None = None) -> None:
        """See `Ranks`."""
        met([ending(error)])
