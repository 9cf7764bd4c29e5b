"""What an open file of named arrays is, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from hpcflow.data.readers.base import Quantity

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Array:
    """One array of a file, before anything is read from it."""

    name: str
    dtype: str
    """What `load` gives: float32, float64 or an integer that int16 holds (datetime64[ns] for a time axis);
    "" where `fault` is set."""
    units: str | None = None
    fault: str = ""
    """Why it cannot be a signal, as the end of a sentence: "holds text"."""


class Contents(Protocol):
    """An open file."""

    @property
    def arrays(self) -> Mapping[str, Array]:
        """Its arrays, in its order."""
        ...

    @property
    def values(self) -> Sequence[str]:
        """Names of its header values."""
        ...

    @property
    def time(self) -> str | None:
        """The array that is a time axis by the format's own signs."""
        ...

    def size(self, name: str) -> int:
        """Samples of an array."""
        ...

    def value(self, name: str) -> Quantity | None:
        """A header value; None where it is neither a number nor a text."""
        ...

    def load(self, names: Sequence[str], start: int, stop: int | None) -> dict[str, np.ndarray]:
        """Samples [start, stop) of some arrays, one-dimensional; whole numbers of a time axis as they are."""
        ...

    def verify(self, names: Sequence[str]) -> None:
        """Raise `DataError` if these arrays would not load, where that is cheap to know."""
        ...

    def stretches(self, name: str) -> Iterable[tuple[int, int]]:
        """Consecutive [start, stop) over an array that are cheap to load one by one."""
        ...

    def held(self, names: Sequence[str]) -> tuple[int, float]:
        """Bytes that giving samples takes at most: whatever the stretch, and for each sample of it."""
        ...
