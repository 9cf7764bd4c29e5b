"""Promises of kernels that give one result over all records, through states that are merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np

from hpcflow.conformance.trial import Check, Made, Trial, hold, same_names
from hpcflow.conformance.whole import changed, ports_of
from hpcflow_kernels.contract import UnusableRecordError

SAMPLES = 64
FACTORS = (1.0, 0.5, 2.0, 1.5, 3.0, 0.25, 2.5)
"""Sizes of the made-up records: the largest stands neither first nor last."""
CLOSE = 1e-12
"""How far sums in another order may lie apart, of their value."""

State = dict[str, Any]


def of_reduced(trial: Trial) -> Iterator[Check]:
    """The checks of a reduction."""
    yield Check("fields are what is computed", partial(_fields, trial))
    yield Check("states keep their shapes and types", partial(_states, trial))
    yield Check("a tile without records changes no bit", partial(_empty, trial))
    yield Check("records in other tiles give the same", partial(_tiles, trial))
    yield Check("nothing given is written to", partial(_inputs, trial))
    yield Check("a record that is all missing is borne or named", partial(_missing, trial))


def _records(trial: Trial) -> list[dict[str, Any]]:
    ports = ports_of(trial, SAMPLES)
    return [changed(ports, partial(_times, factor)) for factor in FACTORS]


def _times(factor: float, x: np.ndarray) -> np.ndarray:
    return np.asarray(x * factor).astype(x.dtype)


def _state(trial: Trial, records: Sequence[Mapping[str, Any]], first: int = 0) -> State:
    """The state of a tile: records from place `first` on."""
    reducer: Any = trial.contract.load()
    state: State = reducer.start(**trial.params)
    for index, ports in enumerate(records, first):
        state = reducer.add(state, index, **ports)
    return state


def _finish(trial: Trial, state: State) -> Made:
    reducer: Any = trial.contract.load()
    made: Mapping[str, Any] = reducer.finish(state, **trial.params)
    return {name: np.asarray(values) for name, values in made.items()}


def _fields(trial: Trial) -> None:
    made = _finish(trial, _state(trial, _records(trial)))
    same_names(trial, made)
    for field in trial.fields:
        got, shape = made[field.name], tuple(len(dim.values) for dim in field.dims)
        hold(
            got.size == int(np.prod(shape)), f"{field.name} has shape {got.shape}, the contract says {shape}"
        )
        kept = np.can_cast(got.dtype, field.dtype, "same_kind")
        hold(kept, f"{field.name} is {got.dtype}, which is stored as {field.dtype}")


def _states(trial: Trial) -> None:
    reducer: Any = trial.contract.load()
    records = _records(trial)
    one, other = _state(trial, records[:3]), _state(trial, records[3:], 3)
    wanted = _layout(_state(trial, []))
    hold(_layout(one) == wanted, f"a record makes the state {_layout(one)} of {wanted}")
    merged = _layout(reducer.merge(one, other))
    hold(merged == wanted, f"merging makes the state {merged} of {wanted}")


def _layout(state: State) -> dict[str, tuple[str, tuple[int, ...]]]:
    arrays = {name: np.asarray(value) for name, value in state.items()}
    return {name: (array.dtype.str, array.shape) for name, array in sorted(arrays.items())}


def _empty(trial: Trial) -> None:
    reducer: Any = trial.contract.load()
    expected = _finish(trial, _state(trial, _records(trial)))
    for where, pair in (
        ("before", (_state(trial, []), _state(trial, _records(trial)))),
        ("behind", (_state(trial, _records(trial)), _state(trial, []))),
    ):
        for name, values in _finish(trial, reducer.merge(*pair)).items():
            alike = np.array_equal(values, expected[name], equal_nan=values.dtype.kind == "f")
            hold(alike, f"{name} changes by a tile without records {where} it")


def _tiles(trial: Trial) -> None:
    reducer: Any = trial.contract.load()
    records = _records(trial)
    expected = _finish(trial, _state(trial, records))
    for cut in range(1, len(records)):
        merged = reducer.merge(_state(trial, records[:cut]), _state(trial, records[cut:], cut))
        for name, values in _finish(trial, merged).items():
            if values.dtype.kind == "f":
                alike = np.allclose(values, expected[name], rtol=CLOSE, atol=0, equal_nan=True)
            else:
                alike = np.array_equal(values, expected[name])
            hold(alike, f"{name} differs where {cut} of {len(records)} records are a tile of their own")


def _inputs(trial: Trial) -> None:
    records = _records(trial)
    given: list[np.ndarray] = []

    def noted(x: np.ndarray) -> np.ndarray:
        given.append(x)
        return x

    for ports in records:
        changed(ports, noted)
    before = deepcopy(given)
    _finish(trial, _state(trial, records))
    untouched = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(given, before, strict=True))
    hold(untouched, "the kernel wrote to a record")


def _missing(trial: Trial) -> None:
    records = _records(trial)
    records[1] = changed(records[1], lambda x: np.full_like(x, np.nan) if x.dtype.kind == "f" else x)
    try:
        made = _finish(trial, _state(trial, records))
    except UnusableRecordError:
        return
    for name, values in made.items():
        if values.dtype.kind == "f":
            hold(not np.isinf(values).any(), f"{name} is infinite where a record is missing")
