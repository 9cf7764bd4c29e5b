"""Promises of the array back end: what the processor gives, on every library and device that is here.

Tiles of any size give the same bits where they do on the processor, as long as the library computes there; a
GPU's chooses the order of its sums by the shape of what it is given, so there they agree to the bound. What a
resumed run rests on is that the same call gives the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np

from hpcflow.conformance.cut import in_tiles, whole
from hpcflow.conformance.trial import RATE, SAMPLES, Check, Made, Params, Trial, hold, same, signal
from hpcflow.conformance.whole import asked, changed, ports_of
from hpcflow_kernels import Contract, Pattern, UnusableRecordError
from hpcflow_kernels.arrays.namespace import Array, Place, available
from hpcflow_kernels.arrays.segments import by_segment

TILES = (1111, 4096)
DOUBLE = 1e-9
"""How far float64 may be from the processor's, of the largest output."""


def of_arrays(trial: Trial) -> Iterator[Check]:
    """The checks of a kernel's array implementation; none where it has no such."""
    if "array" not in trial.contract.backends:
        return
    cut = trial.contract.pattern in (Pattern.MAP, Pattern.WINDOW)
    for place in available():
        where = f"{place.library} {place.device}".strip()
        for dtype in (np.float32, np.float64):
            name = f"{where}: {dtype.__name__} as on the processor"
            yield Check(name, partial(_of_signal if cut else _of_record, trial, place, dtype, ()))
        gaps = (0, 4095, 4096, 7000, SAMPLES - 3)
        name = f"{where}: missing samples as on the processor"
        yield Check(name, partial(_of_signal if cut else _of_record, trial, place, np.float32, gaps))
        for tile in TILES if cut else ():
            yield Check(
                f"{where}: tiles of {tile} give the whole record", partial(_tiles, trial, place, tile)
            )
        yield Check(f"{where}: the same bits again, input untouched", partial(_again, trial, place))


def on(place: Place, contract: Contract, x: np.ndarray, params: Params) -> Made:
    """One call of a map or window kernel at a place, as a tile makes it."""
    there = place.put(x)
    made = _called(place, contract, there, params)
    back = {}
    for field, values in made.items():
        hold(_home(values) == _home(there), f"{field} is not of the library and device of the signal")
        back[field] = place.back(values)
    hold(np.array_equal(place.back(there), x, equal_nan=True), "the kernel wrote to its input")
    return back


def _called(place: Place, contract: Contract, x: Array, params: Params) -> dict[str, Array]:
    call = contract.load("array")
    if contract.pattern == Pattern.MAP:
        return {contract.fields(params)[0].name: by_segment(call, x, contract, params, RATE, place)}
    made: dict[str, Array] = call(x, rate=RATE, **params)
    return made


def _home(x: Array) -> tuple[str, str]:
    return type(x).__module__, str(x.device)


def close(trial: Trial, got: Mapping[str, np.ndarray], expected: Made, dtype: type) -> None:
    """Hold what a back end made to the processor's: names, types, shapes, what is missing, and values."""
    hold(set(got) == set(expected), f"computed {sorted(got)}, the processor {sorted(expected)}")
    for field, values in expected.items():
        found = got[field]
        hold(
            found.shape == values.shape and found.dtype == values.dtype,
            f"{field} is {found.dtype} {found.shape}, on the processor {values.dtype} {values.shape}",
        )
        bound = 0.0
        if values.dtype.kind == "f":
            double = dtype is np.float64 and values.dtype == np.float64
            bound = DOUBLE if double else trial.contract.array_error
        missing = np.array_equal(np.isnan(found), np.isnan(values))
        hold(missing, f"{field} is not missing where it is on the processor")
        hold(same(found, values, bound), f"{field} of {dtype.__name__} is {_apart(found, values)}")


def _apart(got: np.ndarray, expected: np.ndarray) -> str:
    apart = np.abs(got.astype(np.float64) - expected.astype(np.float64))
    largest = np.nanmax(np.abs(expected.astype(np.float64)), initial=0)
    return f"{np.nanmax(apart, initial=0) / (largest or 1):.2g} of its largest value from the processor's"


def _of_signal(trial: Trial, place: Place, dtype: type, gaps: tuple[int, ...]) -> None:
    x = signal(SAMPLES, dtype)
    for start in gaps:
        x[start : start + 3] = np.nan
    expected = whole(trial.contract, x, trial.params)
    close(trial, on(place, trial.contract, x, trial.params), expected, dtype)
    few = x[: trial.geometry.frame - 1]  # not one row
    nothing = whole(trial.contract, few, trial.params)
    close(trial, on(place, trial.contract, few, trial.params), nothing, dtype)


def _tiles(trial: Trial, place: Place, tile: int) -> None:
    x = signal(SAMPLES)
    cut = in_tiles(trial.contract, x, trial.params, tile, partial(on, place))
    for field, values in on(place, trial.contract, x, trial.params).items():
        bound = trial.bound
        if values.dtype.kind == "f" and (bound or place.is_gpu):
            bound = max(bound, DOUBLE if values.dtype == np.float64 else trial.contract.array_error)
        hold(same(cut[field], values, bound), f"{field} differs in tiles of {tile}")


def _again(trial: Trial, place: Place) -> None:
    if trial.contract.pattern in (Pattern.MAP, Pattern.WINDOW):
        x = signal(SAMPLES, np.float32)
        first, second = (on(place, trial.contract, x, trial.params) for _ in range(2))
    else:
        ports = ports_of(trial)
        first, second = (_of_ports(place, trial, ports) for _ in range(2))
    for field, values in first.items():
        hold(np.array_equal(values, second[field], equal_nan=True), f"{field} differs from call to call")


def _of_record(trial: Trial, place: Place, dtype: type, gaps: tuple[int, ...]) -> None:
    def made(x: np.ndarray) -> np.ndarray:
        y = x.astype(dtype) if x.dtype.kind == "f" else x.copy()
        for start in gaps if y.dtype.kind == "f" else ():
            y[start : start + 3] = np.nan
        return y

    ports = changed(ports_of(trial), made)
    expected = asked(trial, ports)
    if isinstance(expected, str):
        try:
            _of_ports(place, trial, ports)
        except UnusableRecordError:
            return
        raise AssertionError(f"the processor sets the record aside ({expected}), the array back end does not")
    close(trial, _of_ports(place, trial, ports), expected, dtype)


def _of_ports(place: Place, trial: Trial, ports: Mapping[str, Any]) -> Made:
    moved: list[tuple[np.ndarray, Array]] = []

    def put(x: np.ndarray) -> Array:
        moved.append((x, place.put(x)))
        return moved[-1][1]

    made = trial.contract.load("array")(**changed(ports, put), **trial.params)
    for x, there in moved:
        hold(np.array_equal(place.back(there), x, equal_nan=True), "the kernel wrote to its input")
    for field, values in made.items():
        hold(_home(values) == _home(moved[0][1]), f"{field} is not of the library and device of the record")
    return {field: place.back(values) for field, values in made.items()}
