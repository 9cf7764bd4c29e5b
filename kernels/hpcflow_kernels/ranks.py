"""What a collective kernel is given and gives: ranks that talk, a record to read parts of, a share of rows.

Every rank calls the same operations in the same order. What they give depends on the values alone, never on
how ranks are made: alone, as threads, or over MPI.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np

    from hpcflow_kernels.contract import Rows


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
