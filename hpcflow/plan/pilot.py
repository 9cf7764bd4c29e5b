"""A pilot: how much of the data it computes, and what its time says about all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from hpcflow.plan.records import LEFT_OUT, OK, PLANNED, RecordTable


@dataclass(frozen=True)
class Pilot:
    """Records and samples that are computed, and of how many."""

    records: int
    of_records: int
    samples: int
    of_samples: int

    @property
    def factor(self) -> float:
        """How many times the pilot's work all of the data are, by samples.

        >>> Pilot(3, 12, 50, 1000).factor
        20.0
        """
        return self.of_samples / max(self.samples, 1)


def everything(table: RecordTable) -> RecordTable:
    """The table with the records that a pilot left out."""
    status = np.where(table.status == LEFT_OUT, OK, table.status).astype(np.int8)
    return replace(table, status=status)


def pilot_of(tables: Iterable[RecordTable]) -> Pilot | None:
    """What of the datasets is computed; None where nothing was left out."""
    records = of_records = samples = of_samples = 0
    for table in tables:
        taken = np.isin(table.status, (OK, PLANNED))
        left = table.status == LEFT_OUT
        records += int(taken.sum())
        of_records += int((taken | left).sum())
        samples += int(table.size[taken].sum())
        of_samples += int(table.size[taken | left].sum())
    return Pilot(records, of_records, samples, of_samples) if records < of_records else None
