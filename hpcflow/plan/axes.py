"""Row axes: how many rows each record gives at each step, and where they lie.

Every dataset and every step has one axis on which its records' rows follow one another. All of it is
prefix sums over the record table: linear in records, independent of blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from hpcflow.plan.model import Input, StepPlan
from hpcflow.plan.records import OK, PLANNED, RecordTable
from hpcflow_kernels import Contract, Geometry, Pattern, get


@dataclass(frozen=True)
class RowAxis:
    """Rows of the live records of a dataset, at one place in the flow.

    Attributes
    ----------
    start, size : ndarray of int64, shape (records,)
    rate : ndarray of float64, shape (records,)
        Rows per second; NaN where not regular.
    """

    start: np.ndarray
    size: np.ndarray
    rate: np.ndarray

    @property
    def total(self) -> int:
        """Length of the axis."""
        return int((self.start + self.size).max()) if len(self.start) else 0

    def __len__(self) -> int:
        return len(self.start)


def live(table: RecordTable) -> np.ndarray:
    """Indices of the records that are computed on, in table order."""
    return np.flatnonzero(np.isin(table.status, (OK, PLANNED)))


def dataset_axis(table: RecordTable) -> RowAxis:
    """The `sample` axis of a dataset's live records."""
    index = live(table)
    return RowAxis(table.start[index], table.size[index], table.rate[index])


def packed(size: np.ndarray, rate: np.ndarray) -> RowAxis:
    """An axis on which records follow one another without holes."""
    stop = np.cumsum(size, dtype=np.int64)
    return RowAxis(stop - size, np.asarray(size, np.int64), rate)


LONGEST = 1 << 60
"""Samples beyond which no record reaches: a window of 1e30 s is as good as one of this length."""


@dataclass(frozen=True)
class StepGeometry:
    """Geometry of a map or window step per sampling rate, as columns over records.

    `hop` is 0 where the step cannot run on a record (no rate, or a rate that the parameters forbid); `up` is
    at least 1 everywhere.
    """

    hop: np.ndarray
    frame: np.ndarray
    before: np.ndarray
    after: np.ndarray
    up: np.ndarray

    def at(self, record: int) -> Geometry:
        """Geometry for one record."""
        columns = (self.hop, self.frame, self.before, self.after, self.up)
        return Geometry(*(int(column[record]) for column in columns))


def step_geometry(contract: Contract, params: Mapping[str, Any], rate: np.ndarray) -> StepGeometry:
    """Evaluate a contract's geometry once per distinct rate."""
    assert contract.geometry is not None
    columns = np.zeros((5, len(rate)), np.int64)
    columns[4] = 1
    for value in np.unique(rate[np.isfinite(rate)]):
        if problems_at(contract, params, float(value)):
            continue
        g = contract.geometry(params, float(value))
        widths = [[min(n, LONGEST)] for n in (g.hop, g.frame, g.before, g.after, g.up)]
        columns[:, rate == value] = np.array(widths)
    return StepGeometry(*columns)


def problems_at(contract: Contract, params: Mapping[str, Any], rate: float | None) -> tuple[str, ...]:
    """Why a step cannot run at a rate; empty where it can."""
    return tuple(contract.check(params, rate)) if contract.check is not None else ()


def rows_of(geometry: StepGeometry, size: np.ndarray) -> np.ndarray:
    """Rows that records of these sizes give."""
    runs = (geometry.hop > 0) & (size >= geometry.frame)
    hop = np.maximum(geometry.hop, 1)
    return np.where(runs, ((size - geometry.frame + 1) * geometry.up - 1) // hop + 1, 0)


def step_axis(
    step_pattern: str,
    contract: Contract,
    params: Mapping[str, Any],
    source: RowAxis,
    table: RecordTable,
) -> RowAxis:
    """The row axis of a step from that of its source.

    How many events a record has is known when it is computed: until then each has a place for every sample
    and one more, so that the rows of two records never touch. `assemble` closes the ranks.
    """
    records = len(source)
    if step_pattern == Pattern.REDUCE:
        return RowAxis(np.zeros(1, np.int64), np.ones(1, np.int64), np.full(1, np.nan))
    if step_pattern == Pattern.EVENTS:
        return packed(source.size + 1, np.full(records, np.nan))
    if step_pattern in (Pattern.RECORD, Pattern.COLLECTIVE):
        if contract.length is None:
            return packed(np.ones(records, np.int64), np.full(records, np.nan))
        known = zip(source.size.tolist(), source.rate.tolist(), live(table).tolist(), strict=True)
        length = (contract.length(params, n, rate, table.facts_of(r)) for n, rate, r in known)
        rates = [contract.row_rate(params, r) if contract.row_rate else np.nan for r in source.rate.tolist()]
        return packed(np.fromiter(length, np.int64, count=records), np.array(rates, np.float64))
    geometry = step_geometry(contract, params, source.rate)
    hop = np.maximum(geometry.hop, 1)
    return packed(rows_of(geometry, source.size), source.rate * geometry.up / hop)


def most_rows(
    step_pattern: str, contract: Contract, params: Mapping[str, Any], source: RowAxis, axis: RowAxis
) -> int:
    """Rows that a step has, or can have at most where only the data tell."""
    if step_pattern != Pattern.EVENTS:
        return axis.total
    known = zip(source.size.tolist(), source.rate.tolist(), strict=True)
    return sum(most_events(contract, params, n, rate) for n, rate in known)


def most_events(contract: Contract, params: Mapping[str, Any], samples: int, rate: float) -> int:
    """How many events a record can have: never more than samples."""
    return min(samples, contract.most_events(params, samples, rate)) if contract.most_events else samples


def build_axes(steps: Iterable[StepPlan], tables: Mapping[str, RecordTable]) -> dict[str, RowAxis]:
    """Axes of all datasets and steps by name; steps come in the order of the plan."""
    axes = {name: dataset_axis(table) for name, table in tables.items()}
    for step in steps:
        table = tables[step.dataset]
        axes[step.name] = step_axis(
            step.pattern, get(step.kernel), step.params, axes[source_of(step.dataset, step.inputs)], table
        )
    return axes


def usable_rates(contract: Contract, params: Mapping[str, Any], rate: np.ndarray) -> list[float]:
    """Sampling rates at which a step can run, rising, each once."""
    known = [float(value) for value in np.unique(rate[np.isfinite(rate)])]
    return [value for value in known if not problems_at(contract, params, value)]


def common_rate(rates: Sequence[float]) -> float | None:
    """The one of rates that agree to a millionth, as those measured from time stamps do; None otherwise.

    >>> common_rate([12000.0, 12000.001]), common_rate([12000.0, 48000.0]), common_rate([])
    (12000.0, None, None)
    """
    return rates[0] if rates and rates[-1] <= rates[0] * (1 + 1e-6) else None


def source_of(dataset: str, inputs: Sequence[Input]) -> str:
    """The dataset or step whose axis a step's first port stands on."""
    first = next((i for i in inputs if i.kind != "fact"), None)
    if first is None:
        return dataset
    return dataset if first.kind == "variable" else first.source


@cache
def tile_length(reach: int) -> int:
    """Samples per tile for a chain that reads `reach` samples beyond its own.

    A power of two, at least 2**18 (1 MiB of float32: large against per-call cost, small against a core's
    share of cache and memory) and at least four times the reach, so that halos cost at most half.

    >>> tile_length(1000), tile_length(100_000)
    (262144, 524288)
    """
    return max(1 << 18, 1 << (max(4 * reach, 1) - 1).bit_length())
