"""What a report reads: a run's plan, receipts, results and recordings, each opened when first asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.errors import HpcflowError
from hpcflow.plan.model import Cut, FieldPlan, StepPlan
from hpcflow.report.text import without_folder
from hpcflow.results import open_step, set_aside
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger

MOST_ROWS = 2_000_000
"""Rows of one record that are read for a picture."""


@dataclass(frozen=True)
class Step:
    """A saved step that has been computed.

    Attributes
    ----------
    plan : StepPlan
    data : xarray.Dataset
        Opened lazily.
    """

    plan: StepPlan
    data: Any

    @property
    def name(self) -> str:
        """As in the workflow."""
        return self.plan.name

    def field(self, name: str) -> FieldPlan | None:
        """A field by name."""
        return next((f for f in self.plan.fields if f.name == name), None)

    def __contains__(self, field: object) -> bool:
        return any(f.name == field for f in self.plan.fields)

    @cached_property
    def ids(self) -> list[str]:
        """Records in the order of the record axis; [] for a result over all records."""
        return [str(i) for i in self.data["record"].values] if "record" in self.data.dims else []

    @cached_property
    def labels(self) -> list[str]:
        """Records as they are called on the page: their ids, without a folder that all share."""
        return without_folder(self.ids)

    @property
    def in_time(self) -> bool:
        """Whether records have rows along an axis of their own."""
        return self.plan.pattern != "reduce" and "row_size" in self.data and self.plan.axis != "record"

    def values(self, name: str) -> np.ndarray:
        """One value or inner array per record, or the result over all; NaN where there is no such field."""
        found = self.field(name)
        if found is None:
            return np.full(len(self.ids), np.nan)
        values = np.asarray(self.data[name].values)
        return values

    def value(self, name: str, record: int) -> np.ndarray:
        """The value or inner array of one record; NaN where there is no such field."""
        if name not in self:
            return np.asarray(np.nan)
        return np.asarray(self.data[name].isel(record=record).values)

    def words(self, name: str) -> list[str]:
        """A category in words, one per record; "" where missing."""
        found = self.field(name)
        if found is None:
            return [""] * len(self.ids)
        codes = np.nan_to_num(np.asarray(self.data[name].values, np.float64), nan=-1).astype(int)
        return [found.flags[c] if 0 <= c < len(found.flags) else "" for c in codes.ravel()]

    def rows(self, name: str, record: int) -> np.ndarray:
        """Rows of one record, at most `MOST_ROWS` from its start."""
        start, size = int(self._start[record]), int(self._size[record])
        part = self.data[name].isel({self.plan.axis: slice(start, start + min(size, MOST_ROWS))})
        return np.asarray(part.values)

    @cached_property
    def ruler(self) -> FieldPlan | None:
        """The field that says where rows stand: called as their axis, or the first where they have no time.

        None where rows stand in time, or nowhere.
        """
        first = next((f for f in self.plan.fields if not f.dims and not f.flags), None)
        if first is None or (first.name != self.plan.axis and self.timed):
            return None
        with_rows = [record for record in range(len(self.ids)) if self.size(record) > 1]
        rising = all(np.all(np.diff(self.rows(first.name, record)) > 0) for record in with_rows[:1])
        return first if with_rows and rising else None

    def places(self, record: int) -> np.ndarray:
        """Where rows stand: as `ruler` says, else s since the start of the record, else by number."""
        if self.ruler is not None:
            return self.rows(self.ruler.name, record).astype(np.float64)
        start, size = int(self._start[record]), min(int(self._size[record]), MOST_ROWS)
        if not self.timed:
            return np.arange(size, dtype=np.float64)
        part = self.data["time"].isel({self.plan.axis: slice(start, start + size)})
        return np.asarray(part.values, np.float64)

    def size(self, record: int) -> int:
        """Rows of one record."""
        return int(self._size[record])

    @cached_property
    def timed(self) -> bool:
        """Whether rows carry times."""
        return "time" in self.data and bool(np.isfinite(self.data["time"][:1].values).all())

    def fact(self, name: str, record: int) -> Any:
        """A fact of a record; None where it is missing."""
        column, origin = f"fact_{name}", f"origin_{name}"
        if column not in self.data or (origin in self.data and int(self.data[origin].values[record]) == 0):
            return None
        value = self.data[column].values[record]
        return str(value) if self.data[column].dtype.kind not in "fiu" else float(value)

    def origin(self, name: str, record: int) -> str:
        """Where a fact came from: `index`, `header`, `default`, `missing`."""
        column = f"origin_{name}"
        if column not in self.data:
            return "missing"
        words = str(self.data[column].attrs.get("flag_meanings", "missing")).split()
        return words[int(self.data[column].values[record])]

    @cached_property
    def _start(self) -> np.ndarray:
        return np.asarray(self.data["row_start"].values)

    @cached_property
    def _size(self) -> np.ndarray:
        return np.asarray(self.data["row_size"].values)


@dataclass(frozen=True)
class Recording:
    """Samples of one record in its dataset's store."""

    data: Any
    start: int
    size: int
    rate: float

    def samples(self, variable: str, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) of the record."""
        part = self.data[variable].isel(sample=slice(self.start + first, self.start + min(stop, self.size)))
        return np.asarray(part.values, np.float64)


@dataclass(frozen=True)
class Source:
    """A run as the views see it.

    Attributes
    ----------
    steps
        Saved steps that are complete, in the order of the workflow.
    pending
        Names of saved steps that are not.
    aside, duplicates
        (record or file, reason).
    """

    folder: RunFolder
    cut: Cut
    ledger: Ledger
    steps: tuple[Step, ...]
    pending: tuple[str, ...]
    aside: tuple[tuple[str, str], ...]
    duplicates: tuple[tuple[str, str], ...]
    _stores: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, folder: RunFolder) -> Source:
        """Read a run's plan and receipts, and open what is computed."""
        ledger = Ledger(folder)
        cut = Cut.from_dict(folder.cut)
        steps, pending = [], []
        for plan in cut.steps:
            if not plan.saved:
                continue
            if not _complete(cut, ledger, plan.name):
                pending.append(plan.name)
                continue
            try:
                steps.append(Step(plan, open_step(folder, plan.name)))
            except (HpcflowError, OSError):
                pending.append(plan.name)
        return cls(
            folder=folder,
            cut=cut,
            ledger=ledger,
            steps=tuple(steps),
            pending=tuple(pending),
            aside=tuple(set_aside(folder, ledger)),
            duplicates=tuple((str(a), str(b)) for a, b in folder.request.get("duplicates", ())),
        )

    def with_kernel(self, kernel: str, dataset: str) -> Iterator[Step]:
        """Computed steps of a kernel over a dataset."""
        return (s for s in self.steps if s.plan.kernel == kernel and s.plan.dataset == dataset)

    @cached_property
    def set_aside(self) -> Mapping[str, str]:
        """Reason by record of what was set aside."""
        return dict(self.aside)

    @property
    def records(self) -> int:
        """Recordings that were computed on."""
        used = {step.dataset for step in self.cut.steps}
        return sum(d.live for d in self.cut.datasets if d.name in used) - len(self.ledger.aside())

    def store(self, dataset: str) -> Any:
        """A dataset's store, or None where it cannot be opened any more."""
        if dataset not in self._stores:
            from hpcflow.data.opened import open_store

            try:
                self._stores[dataset] = open_store(Path(self.folder.request["datasets"][dataset]["store"]))
            except (OSError, KeyError, ValueError):
                self._stores[dataset] = None
        return self._stores[dataset]

    def recording(self, step: Step, record: int) -> Recording | None:
        """Samples of a step's record; None where the store no longer holds what was computed on."""
        data = self.store(step.plan.dataset)
        if data is None or "row_start" not in data or "checksum" not in data:
            return None
        hits = np.flatnonzero(np.asarray(data["record"].values).astype(object) == step.ids[record])
        if len(hits) != 1 or str(data["checksum"].values[hits[0]]) != str(
            step.data["checksum"].values[record]
        ):
            return None
        row = int(hits[0])
        return Recording(
            data,
            start=int(data["row_start"].values[row]),
            size=int(data["row_size"].values[row]),
            rate=float(data["rate"].values[row]),
        )


def _complete(cut: Cut, ledger: Ledger, step: str) -> bool:
    """Whether the last stage that writes a step's store is done."""
    writers = [s.name for s in cut.stages if s.kind in ("assemble", "merge") and step in s.steps]
    if not writers:
        writers = [s.name for s in cut.stages if step in s.steps]
    return bool(writers) and all(ledger.complete(name) for name in writers)
