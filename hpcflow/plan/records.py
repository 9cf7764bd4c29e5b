"""The record table: which recordings a dataset holds, where their samples lie, and what is known of them.

Columns are plain sequences of one entry per record, so a million records plan in seconds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

OK, ASIDE, DUPLICATE, REPLACED, PLANNED, LEFT_OUT = 0, 1, 2, 3, 4, 5
STATUS = ("ok", "set_aside", "duplicate", "replaced", "planned", "left_out")
"""Meanings of the status column (CF flag meanings)."""

ORIGINS = ("missing", "index", "header", "default")
"""Where a fact came from (CF flag meanings of `<fact>_origin`)."""


@dataclass(frozen=True)
class Fact:
    """One fact over all records: numbers in SI units (NaN where missing) or texts ("" where missing)."""

    name: str
    values: np.ndarray
    """float64 or object (str), shape (records,)."""
    units: str
    """SI units of numbers; "text" for texts."""
    origin: np.ndarray
    """int8 index into `ORIGINS`, shape (records,)."""


@dataclass(frozen=True)
class Variable:
    """A variable of a dataset: samples on the common `sample` axis."""

    name: str
    units: str
    dtype: str
    """In which it is computed with."""
    dimension: str | None = None
    long_name: str = ""
    packing: tuple[float, float] | None = None
    """Factor and offset of what is stored as int16; None where it is stored as `dtype`."""


def stored_bytes(variable: Variable) -> int:
    """Bytes of one sample on disk, before compression."""
    return 2 if variable.packing else 8 if variable.dtype == "float64" else 4


@dataclass(frozen=True)
class RecordTable:
    """All records of one dataset, in the order in which they lie on the `sample` axis.

    Attributes
    ----------
    ids : ndarray of object
        ``file`` or ``file#channel``, unique among live records.
    start, size : ndarray of int64
        First sample on the dataset's `sample` axis, and number of samples.
    rate : ndarray of float64
        Samples per second; NaN where time stamps are irregular.
    status : ndarray of int8
        Index into `STATUS`.
    reason : ndarray of object
        Why a record is set aside; "" otherwise.
    checksum : ndarray of object
        sha256 of what the record was read from (file bytes, channel and reader version).
    path, channel : ndarray of object
        File, relative to the workflow's folder (posix), and the reader's channel name.
    facts : dict of str to Fact
    variables : tuple of Variable
    """

    ids: np.ndarray
    start: np.ndarray
    size: np.ndarray
    rate: np.ndarray
    status: np.ndarray
    reason: np.ndarray
    checksum: np.ndarray
    path: np.ndarray
    channel: np.ndarray
    variables: tuple[Variable, ...]
    facts: Mapping[str, Fact] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def samples(self) -> int:
        """Length of the `sample` axis."""
        return int((self.start + self.size).max()) if len(self) else 0

    def digest(self) -> str:
        """sha256 over all columns, the same on every machine; `planned` and `ok` count as one."""
        status = np.where(self.status == PLANNED, OK, self.status).astype(np.int8)
        numbers = {
            "start": self.start.astype("<i8"),
            "size": self.size.astype("<i8"),
            "rate": self.rate.astype("<f8"),
            "status": status,
        }
        texts = {
            "ids": self.ids,
            "reason": self.reason,
            "checksum": self.checksum,
            "path": self.path,
            "channel": self.channel,
        }
        for name, fact in sorted(self.facts.items()):
            numbers[f"origin {name}"] = fact.origin.astype(np.int8)
            if fact.units == "text":
                texts[f"fact {name}"] = fact.values
            else:
                numbers[f"fact {name} {fact.units}"] = fact.values.astype("<f8")
        sha = hashlib.sha256()
        for name, column in sorted(numbers.items()):
            sha.update(f"{name}:{len(column)}:".encode() + column.tobytes())
        for name, column in sorted(texts.items()):
            sha.update(json.dumps([name, [str(value) for value in column]]).encode())
        kinds = [[v.name, v.units, v.dtype, *(v.packing or ())] for v in self.variables]
        sha.update(json.dumps(kinds).encode())
        return sha.hexdigest()

    def facts_of(self, record: int) -> RecordFacts:
        """Facts of one record; None where missing."""
        return RecordFacts(self.facts, record)


class RecordFacts(Mapping[str, Any]):
    """Facts of one record, each looked up when asked for.

    Planning asks a million records for one of their dozens of facts.
    """

    def __init__(self, facts: Mapping[str, Fact], record: int) -> None:
        self._facts, self._record = facts, record

    def __getitem__(self, name: str) -> str | float | None:
        fact = self._facts[name]
        if fact.origin[self._record] == 0:
            return None
        value = fact.values[self._record]
        return str(value) if fact.units == "text" else float(value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)
