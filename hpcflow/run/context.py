"""What a worker knows of a run: the cut, the record tables, the axes, the stores. Loaded once, never sent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcflow.data.foreign import open_regions
from hpcflow.data.store import Regions
from hpcflow.data.table import read_table
from hpcflow.plan.axes import RowAxis, build_axes, live
from hpcflow.plan.model import Cut, FieldPlan, StagePlan, StepPlan
from hpcflow.run.device import planned_shape
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow.run.reuse import Reusable
from hpcflow_kernels import Pattern, Rows
from hpcflow_kernels.arrays.namespace import Place, place
from hpcflow_kernels.contract import Records

if TYPE_CHECKING:
    from hpcflow.plan.records import RecordTable


class RunContext:
    """Lazily opened parts of one run, shared by the stages a worker runs."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.cut = Cut.from_dict(folder.cut)
        self._regions: dict[str, Regions] = {}
        self._aside: dict[str, frozenset[int]] = {}
        self._stage = ""
        self.ranks = 1
        """Threads of this process that compute a record of a collective stage together."""
        self.cache: dict[Any, Any] = {}
        """Whatever a stage wants to keep between its blocks."""

    def begin(self, stage: str) -> None:
        """A worker turns to a stage: what it kept for another one goes."""
        if stage != self._stage:
            self._stage = stage
            self.cache.clear()

    @cached_property
    def tables(self) -> dict[str, RecordTable]:
        """Record tables as planned."""
        return {d.name: read_table(self.folder.records / f"{d.name}.zarr") for d in self.cut.datasets}

    @cached_property
    def axes(self) -> dict[str, RowAxis]:
        """Row axes of datasets and steps."""
        return build_axes(self.cut.steps, self.tables)

    def rows_of(self, source: str, record: int) -> tuple[int, int]:
        """First row and number of rows of a live record; a step must be stored and complete."""
        axis = self.axes[source]
        if any(s.name == source and s.pattern == Pattern.EVENTS for s in self.cut.steps):
            read = self.regions(source).read
            return int(read("row_start", record, record + 1)[0]), int(read("row_size", record, record + 1)[0])
        return int(axis.start[record]), int(axis.size[record])

    def live(self, dataset: str) -> np.ndarray:
        """Table indices of the records that are computed on."""
        key = ("live", dataset)
        if key not in self.cache:
            self.cache[key] = live(self.tables[dataset])
        found: np.ndarray = self.cache[key]
        return found

    def store(self, dataset: str) -> Path:
        """Where a dataset's store lies on this machine."""
        return Path(self.folder.request["datasets"][dataset]["store"])

    def aside(self, dataset: str) -> frozenset[int]:
        """Positions among the live records of those that ingest set aside (asked after ingest has ended)."""
        if dataset not in self._aside:
            names = Ledger(self.folder).aside(f"ingest.{dataset}")
            ids = self.tables[dataset].ids[self.live(dataset)]
            self._aside[dataset] = (
                frozenset(i for i, name in enumerate(ids) if name in names) if names else frozenset()
            )
        return self._aside[dataset]

    @cached_property
    def reusable(self) -> Reusable:
        """Rows of earlier runs."""
        return Reusable(self.folder)

    def earlier_rows(self, step: str, record: int, start: int, stop: int) -> dict[str, np.ndarray]:
        """Rows [start, stop) of a record, of every field of a step, from the run that computed them.

        Of events, as many of these as there are.
        """
        where = self.reusable.find(step, record)
        assert where is not None
        run, old = where
        if ("earlier", run) not in self.cache:
            self.cache["earlier", run] = RunContext(RunFolder.at(self.folder.path.parent / run))
        earlier: RunContext = self.cache["earlier", run]
        base, size = earlier.rows_of(step, old)
        stop = min(stop, size)
        regions = earlier.regions(step)
        return {f.name: regions.read(f.name, base + start, base + stop) for f in self.cut.step(step).fields}

    def regions(self, source: str) -> Regions:
        """Reader of a dataset's or a stored step's arrays."""
        if source not in self._regions:
            if any(d.name == source for d in self.cut.datasets):
                path = self.store(source)
            else:
                path = self.folder.step_store(source, self.cut.step(source).saved)
            self._regions[source] = open_regions(path)
        return self._regions[source]

    def result_name(self, step: StepPlan, name: str) -> str:
        """How receipts call a file of a step's store."""
        return f"{'results' if step.saved else 'intermediate'}/{step.name}.zarr/{name}"

    @cached_property
    def place(self) -> Place:
        """Library and device of the array back end in this process, chosen when a stage first needs it."""
        return place()

    @cached_property
    def cuda(self) -> str:
        """What `numba.cuda` computes on in this process; "" where it sees no GPU."""
        from hpcflow_kernels.cuda import device

        return device.name()

    def backend(self, step: StepPlan) -> str:
        """Which implementation computes a step in this process."""
        return "cpu" if step.backend == "cuda" and not self.cuda else step.backend

    def devices(self, stage: StagePlan) -> str:
        """What computes a stage in this process beside the processor."""
        through_cuda = any(self.cut.step(name).backend == "cuda" for name in stage.steps)
        found = [str(self.place) if stage.device else "", self.cuda if through_cuda else ""]
        return ", ".join(name for name in found if name)

    def facts(self, dataset: str, record: int) -> Mapping[str, Any]:
        """Facts of a live record."""
        return self.tables[dataset].facts_of(int(self.live(dataset)[record]))

    def read_rows(self, stage: StagePlan, source: str, name: str, record: int) -> Rows:
        """All rows of one record: of a variable, or of a field of a stored step."""
        start, size = self.rows_of(source, record)
        axis = self.axes[source]
        values = self.regions(source).read(name, start, start + size)
        if any(d.name == source for d in self.cut.datasets):
            units = next(v.units for v in self.cut.dataset(source).variables if v.name == name)
            return Rows(values, float(axis.rate[record]), units, {})
        field = next(f for f in self.cut.step(source).fields if f.name == name)
        return Rows(values, float(axis.rate[record]), field.units, coords(field))

    def records(self, stage: StagePlan, dataset: str, variable: str) -> Records:
        """A variable of all live records of a dataset, read once for a stage."""
        key = ("records", dataset, variable)
        if key not in self.cache:
            aside, count = self.aside(dataset), len(self.axes[dataset])
            rows = (None if r in aside else self.read_rows(stage, dataset, variable, r) for r in range(count))
            self.cache[key] = Records(tuple(rows))
        found: Records = self.cache[key]
        return found

    def record_facts(self, dataset: str, fact: str) -> np.ndarray:
        """A fact of all live records of a dataset as float64, NaN where missing."""
        known = self.tables[dataset].facts.get(fact)
        if known is None or known.units == "text":
            return np.full(len(self.live(dataset)), np.nan)
        found: np.ndarray = known.values[self.live(dataset)].astype(np.float64)
        return found


def coords(field: FieldPlan) -> dict[str, np.ndarray]:
    """Coordinates of a field's inner dimensions."""
    return {name: np.asarray(values) for name, values, _ in field.dims}


def shaped(step: StepPlan, field: FieldPlan, value: Any, rows: int) -> np.ndarray:
    """A kernel's output as (rows, ...) of the planned dtype.

    Raises
    ------
    ValueError
        If the kernel returned another shape than its contract says.
    """
    array = np.asarray(value, dtype=field.dtype)
    shape = planned_shape(step, field, array.shape, rows)
    return array if array.shape == shape else array.reshape(shape)
