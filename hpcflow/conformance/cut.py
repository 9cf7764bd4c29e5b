"""Promises of kernels that are cut: any tiles give the whole record."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from hpcflow.conformance.trial import (
    RATE,
    SAMPLES,
    Check,
    Made,
    Params,
    Trial,
    hold,
    same,
    same_names,
    signal,
)
from hpcflow.plan.axes import problems_at
from hpcflow.run.stages.tiles import by_segment
from hpcflow_kernels import Contract, Pattern

TILES = (1000, 1111, 4096, 30_000)
Whole = Callable[[Contract, np.ndarray, Params], Made]
SINGLE = 2e-5
"""How far float32 may be from float64, of the largest output."""


def of_cut(trial: Trial) -> Iterator[Check]:
    """The checks of a map or window kernel on the processor."""
    yield Check("fields are what is computed", partial(_fields, trial))
    yield Check("float32 is close to float64", partial(_single_precision, trial))
    for tile in TILES:
        yield Check(f"tiles of {tile} give the whole record", partial(_tiles, trial, tile))
    yield Check("alignment in memory changes nothing", partial(_alignment, trial))
    yield Check("gaps beside, on and inside halos", partial(_gaps, trial))
    yield Check("a record without a sample gives missing rows", partial(_no_samples, trial))
    yield Check("nothing outside the signal is touched", partial(_canaries, trial))


def whole(contract: Contract, x: np.ndarray, params: Params) -> Made:
    """One call of a map or window kernel, as a tile makes it."""
    if contract.pattern == Pattern.MAP:
        return {contract.fields(params)[0].name: by_segment(contract.load(), x, contract, params, RATE)}
    made: Made = contract.load()(x, rate=RATE, **params)
    return made


def in_tiles(contract: Contract, x: np.ndarray, params: Params, tile: int, call: Whole = whole) -> Made:
    """Tiles of so many samples, each from its own region alone, rows trimmed by index."""
    assert contract.geometry is not None
    geometry = contract.geometry(params, RATE)
    parts: dict[str, list[np.ndarray]] = {}
    rows, per_tile = geometry.rows(len(x)), max(1, tile * geometry.up // geometry.hop)
    for start in range(0, rows, per_tile):
        stop = min(start + per_tile, rows)
        low, high = geometry.needs(start, stop)
        low, high = max(low, 0), min(high, len(x))
        first = start - geometry.first(low)
        region = x[low:high].copy()
        for name, values in call(contract, region, params).items():
            parts.setdefault(name, []).append(values[first : first + stop - start])
        hold(np.array_equal(region, x[low:high], equal_nan=True), "the kernel wrote to its input")
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}


def _fields(trial: Trial) -> None:
    problems = problems_at(trial.contract, trial.params, RATE)
    hold(not problems, f"the contract refuses these parameters at {RATE:g} Hz: {'; '.join(problems)}")
    for dtype in (np.float32, np.float64):
        x = signal(5000, dtype)
        made = whole(trial.contract, x, trial.params)
        same_names(trial, made)
        for field in trial.fields:
            shape = (trial.geometry.rows(len(x)), *(len(dim.values) for dim in field.dims))
            got = made[field.name]
            hold(got.shape == shape, f"{field.name} has shape {got.shape}, the contract says {shape}")
            wanted = np.dtype(dtype if field.dtype == "same" else field.dtype)
            hold(got.dtype == wanted, f"{field.name} is {got.dtype}, the contract says {wanted}")


def _single_precision(trial: Trial) -> None:
    x = signal(5000, np.float32)
    single = whole(trial.contract, x, trial.params)
    for field, values in whole(trial.contract, x.astype(np.float64), trial.params).items():
        close = same(single[field].astype(np.float64), values, SINGLE)
        hold(close, f"{field} of float32 is more than {SINGLE:g} of its largest value from float64")


def _tiles(trial: Trial, tile: int) -> None:
    x = signal(SAMPLES)
    cut = in_tiles(trial.contract, x, trial.params, tile)
    for field, values in whole(trial.contract, x, trial.params).items():
        hold(same(cut[field], values, trial.bound), f"{field} differs in tiles of {tile}")


def _alignment(trial: Trial) -> None:
    x = signal(9001, np.float32)
    shifted = np.concatenate([np.zeros(1, np.float32), x])[1:]
    second = whole(trial.contract, shifted, trial.params)
    for field, values in whole(trial.contract, x, trial.params).items():
        hold(np.array_equal(values, second[field], equal_nan=True), f"{field} depends on the alignment")


def _gaps(trial: Trial) -> None:
    geometry, tile = trial.geometry, 4096
    x = signal(SAMPLES)
    halo = geometry.before + geometry.after
    for place in (0, tile - 1, tile, tile - halo - 1, tile + halo, 3 * tile - halo // 2, len(x) - 1):
        x[place : place + 3] = np.nan
    cut = in_tiles(trial.contract, x, trial.params, tile)
    for field, values in whole(trial.contract, x, trial.params).items():
        hold(same(cut[field], values, trial.bound), f"{field} differs in tiles where samples are missing")
        finite = np.asarray(np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        for row in range(len(values)):
            stands = row * geometry.hop // geometry.up
            touched = np.isnan(x[stands : stands + geometry.frame]).any()
            lenient = trial.params.get("missing")  # then what is there counts alone
            hold(lenient or not (touched and finite[row]), f"{field}: row {row} touches a gap and is not NaN")
        hold(bool(finite.any()), f"{field}: no row is left between gaps")


def _no_samples(trial: Trial) -> None:
    """A gap longer than a tile leaves a kernel nothing to compute from."""
    x = np.full(SAMPLES, np.nan, np.float32)
    for field, values in whole(trial.contract, x, trial.params).items():
        rows = trial.geometry.rows(len(x))
        hold(len(values) == rows, f"{field} has {len(values)} rows where all samples miss, not {rows}")
        hold(not np.isfinite(values).any(), f"{field} has values where all samples miss")


def _canaries(trial: Trial) -> None:
    for samples in (trial.geometry.frame + 300, 2048, 3001):
        around = np.full(samples + 128, np.float32(1e30))
        x = around[64:-64]
        x[:] = signal(samples, np.float32)
        before = around.copy()
        inside = whole(trial.contract, x, trial.params)
        hold(np.array_equal(around, before), "the kernel wrote to its input or beyond it")
        around[:64] = around[-64:] = np.nan
        for field, values in whole(trial.contract, x, trial.params).items():
            equal = np.array_equal(values, inside[field], equal_nan=True)
            hold(equal, f"{field} depends on what lies beside the signal")
