"""What a reader of one file format is: `scan` the header, `read` a stretch of samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

ENTRY_POINT = "hpcflow_lumi.readers"
"""Entry-point group through which other packages add readers; each names an object that is a `Reader`."""


@dataclass(frozen=True)
class ScannedVariable:
    """A variable that a record holds."""

    name: str
    dtype: str
    """Of what `read` gives. int8, uint8 and int16 promise that no sample is missing: such a variable is
    stored as integers where all records have it."""
    units: str | None = None
    """As the file states them; None where it does not (the workflow then must)."""


@dataclass(frozen=True)
class Quantity:
    """A header fact: a number with units, or a text (units None)."""

    value: float | str
    units: str | None = None


@dataclass(frozen=True)
class ScannedRecord:
    """One record found in a file, from its header alone where the format allows."""

    channel: str
    """Name of the channel; "" where a file is one record."""
    size: int
    """Samples."""
    rate: float | None
    """Samples per second; None where the file does not say, NaN where time stamps are irregular."""
    variables: tuple[ScannedVariable, ...]
    facts: Mapping[str, Quantity] = field(default_factory=dict)
    """Facts of the header (`start_time` is a text, ISO 8601 UTC)."""
    held: int | None = None
    """Bytes that `read` takes at most whatever the stretch: what is decoded whole, a chunk or the file. None
    where the reader does not say; planning then assumes that it decodes the record, three times over."""
    per_sample: float = 0.0
    """Bytes that `read` takes at most for each sample of the stretch, what it gives included."""


@runtime_checkable
class Reader(Protocol):
    """The interface. Both methods raise `hpcflow.errors.DataError` for a file they cannot read.

    Three more attributes are optional: ``slices = True`` says that `read` costs as much as the stretch asked
    for (else ingest reads a long record once and cuts it); ``units(path, channel, options)`` gives units
    without a scan; ``duplicates(records)`` tells which records are copies of which.
    """

    name: str
    version: int
    """Rises whenever `read` gives other values for the same file."""
    suffixes: tuple[str, ...]

    def scan(self, path: Path, options: Mapping[str, Any]) -> tuple[ScannedRecord, ...]:
        """Records of the file. `options` is the dataset's `variables` and `facts` mapping."""
        ...

    def read(
        self, path: Path, channel: str, start: int, stop: int, options: Mapping[str, Any]
    ) -> dict[str, np.ndarray]:
        """Samples [start, stop) of every variable of one record, one-dimensional, in the file's units."""
        ...
