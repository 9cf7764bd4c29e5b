"""Promises of kernels whose ranks talk."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from hpcflow.conformance.trial import Check, Trial, hold
from hpcflow.conformance.whole import changed, over_ranks, ports_of
from hpcflow_kernels import Rows, UnusableRecordError

COUNTS = (2, 3, 5)
"""Numbers of ranks that are to give what one gives."""

GAP = slice(7000, 7400)


def of_ranks(trial: Trial) -> Iterator[Check]:
    """The checks of a collective kernel beside those of a kernel of whole records."""
    yield Check("rows are as many as the contract says", partial(_rows, trial))
    for count in COUNTS:
        yield Check(f"{count} ranks give the bits of one", partial(_same, trial, count))


def _rows(trial: Trial) -> None:
    ports = ports_of(trial)
    made = over_ranks(trial, ports, 1)
    held = {len(values) for values in made.values()}
    if trial.contract.length is None:
        hold(held == {1}, f"a record gives {held} rows, the contract says one")
        return
    facts = {name: value for name, value in ports.items() if not isinstance(value, (Rows, dict))}
    first = next(value for value in ports.values() if isinstance(value, (Rows, dict)))
    rows = first if isinstance(first, Rows) else next(iter(first.values()))
    expected = trial.contract.length(trial.params, len(rows.values), rows.rate, facts)
    hold(held == {expected}, f"a record gives {held} rows, the contract says {expected}")


def _same(trial: Trial, count: int) -> None:
    """In both types, whole and with a gap, and where a record is set aside for every rank alike."""

    def holed(x: np.ndarray) -> np.ndarray:
        y = x.copy()
        if y.dtype.kind == "f":
            y[GAP] = np.nan
        return y

    def double(x: np.ndarray) -> np.ndarray:
        return x.astype(np.float64) if x.dtype == np.float32 else x

    for change in (np.copy, double, holed):
        ports = changed(ports_of(trial), change)
        try:
            one = over_ranks(trial, ports, 1)
        except UnusableRecordError as reason:
            _set_aside(trial, ports, count, str(reason))
            continue
        several = over_ranks(trial, ports, count)
        for field, values in one.items():
            equal = several[field].dtype == values.dtype
            equal &= np.array_equal(several[field], values, equal_nan=values.dtype.kind in "fc")
            hold(equal, f"{field} is other on {count} ranks than on one")


def _set_aside(trial: Trial, ports: dict[str, object], count: int, reason: str) -> None:
    try:
        over_ranks(trial, ports, count)
    except UnusableRecordError as found:
        hold(str(found) == reason, f"{count} ranks set a record aside for {str(found)!r}, one for {reason!r}")
    else:
        hold(False, f"{count} ranks use a record that one sets aside: {reason}")
