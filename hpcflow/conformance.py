"""What every kernel promises, as checks that its own tests can run: ours, and those of other packages.

import pytest
from hpcflow.conformance import checks

@pytest.mark.parametrize("check", checks("my_kernel", {"frame": 100}), ids=str)
def test_promises(check):
    check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from hpcflow.plan.axes import most_events, problems_at
from hpcflow.run.stages.tiles import by_segment
from hpcflow_kernels import Contract, Field, Geometry, Pattern, Rows, UnusableRecordError, get
from hpcflow_kernels.contract import Records
from hpcflow_kernels.probes import Probe, probe_of

RATE = 1000.0
SAMPLES = 20_011
"""Of most records; odd, so that no tile divides it."""
TILES = (1000, 1111, 4096, 30_000)
SINGLE = 2e-5
"""How far float32 may be from float64, of the largest output."""
REASON = 20
"""Letters that a reason for setting a record aside has at least."""

Params = Mapping[str, Any]
Made = dict[str, np.ndarray]


@dataclass(frozen=True)
class Check:
    """One promise of one kernel. Called, it raises AssertionError where the promise is broken."""

    name: str
    run: Callable[[], None]

    def __call__(self) -> None:
        self.run()

    def __str__(self) -> str:
        return self.name


def checks(name: str, params: Params | None = None, bound: float = 0.0) -> list[Check]:
    """The checks of a registered kernel.

    Parameters
    ----------
    name
        As a workflow calls it.
    params
        Parameters to try it with; the rest have their defaults, or what the kernel's calibration uses.
    bound
        How far cutting a record may move its output, of the largest value in float64; 0 where no bit may
        change. Map and window kernels only.

    Raises
    ------
    KeyError
        If no kernel is registered under the name, or it has no parameter of that name.
    """
    contract = get(name)
    known = {param.name for param in contract.params}
    unknown = sorted(set(params or ()) - known)
    if unknown:
        raise KeyError(f"{name} has no parameter {unknown[0]!r}; it has {', '.join(sorted(known)) or 'none'}")
    probe = probe_of(name)
    given = {**probe.params, **(params or {})}
    trial = _Trial(contract, {p.name: given.get(p.name, p.default) for p in contract.params}, bound, probe)
    if contract.pattern in (Pattern.MAP, Pattern.WINDOW):
        return list(_of_cut(trial))
    if contract.pattern in (Pattern.RECORD, Pattern.EVENTS):
        return list(_of_whole(trial))
    return []


@dataclass(frozen=True)
class _Trial:
    contract: Contract
    params: dict[str, Any]
    bound: float
    probe: Probe

    @property
    def geometry(self) -> Geometry:
        assert self.contract.geometry is not None
        return self.contract.geometry(self.params, RATE)

    @property
    def fields(self) -> tuple[Field, ...]:
        return self.contract.fields(self.params)


def _hold(promise: bool, broken: str) -> None:
    if not promise:
        raise AssertionError(broken)


# Kernels that are cut


def _of_cut(trial: _Trial) -> Iterator[Check]:
    yield Check("fields are what is computed", partial(_fields_of_cut, trial))
    yield Check("float32 is close to float64", partial(_single_precision, trial))
    for tile in TILES:
        yield Check(f"tiles of {tile} give the whole record", partial(_tiles, trial, tile))
    yield Check("alignment in memory changes nothing", partial(_alignment, trial))
    yield Check("gaps beside, on and inside halos", partial(_gaps, trial))
    yield Check("nothing outside the signal is touched", partial(_canaries_of_cut, trial))


def signal(samples: int, dtype: type = np.float64) -> np.ndarray:
    """Noise with a tone and an offset."""
    rng = np.random.default_rng(samples)
    tone = 3 * np.sin(2 * np.pi * 90 * np.arange(samples) / RATE)
    made: np.ndarray = (rng.standard_normal(samples) + tone + 5).astype(dtype)
    return made


def whole(contract: Contract, x: np.ndarray, params: Params) -> Made:
    """One call of a map or window kernel, as a tile makes it."""
    if contract.pattern == Pattern.MAP:
        return {contract.fields(params)[0].name: by_segment(contract.load(), x, contract, params, RATE)}
    made: Made = contract.load()(x, rate=RATE, **params)
    return made


def in_tiles(contract: Contract, x: np.ndarray, params: Params, tile: int) -> Made:
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
        for name, values in whole(contract, region, params).items():
            parts.setdefault(name, []).append(values[first : first + stop - start])
        _hold(np.array_equal(region, x[low:high], equal_nan=True), "the kernel wrote to its input")
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}


def _same(got: np.ndarray, expected: np.ndarray, bound: float) -> bool:
    if bound == 0:
        return bool(np.array_equal(got, expected, equal_nan=True))
    both = np.isnan(got) == np.isnan(expected)
    apart, largest = np.nanmax(np.abs(got - expected), initial=0), np.nanmax(np.abs(expected), initial=0)
    return bool(both.all() and apart <= bound * largest)


def _fields_of_cut(trial: _Trial) -> None:
    problems = problems_at(trial.contract, trial.params, RATE)
    _hold(not problems, f"the contract refuses these parameters at {RATE:g} Hz: {'; '.join(problems)}")
    for dtype in (np.float32, np.float64):
        x = signal(5000, dtype)
        made = whole(trial.contract, x, trial.params)
        _names(trial, made)
        for field in trial.fields:
            shape = (trial.geometry.rows(len(x)), *(len(dim.values) for dim in field.dims))
            got = made[field.name]
            _hold(got.shape == shape, f"{field.name} has shape {got.shape}, the contract says {shape}")
            wanted = np.dtype(dtype if field.dtype == "same" else field.dtype)
            _hold(got.dtype == wanted, f"{field.name} is {got.dtype}, the contract says {wanted}")


def _names(trial: _Trial, made: Mapping[str, object]) -> None:
    names = [field.name for field in trial.fields]
    _hold(set(made) == set(names), f"computed {sorted(made)}, the contract says {sorted(names)}")


def _single_precision(trial: _Trial) -> None:
    x = signal(5000, np.float32)
    single = whole(trial.contract, x, trial.params)
    for field, values in whole(trial.contract, x.astype(np.float64), trial.params).items():
        close = _same(single[field].astype(np.float64), values, SINGLE)
        _hold(close, f"{field} of float32 is more than {SINGLE:g} of its largest value from float64")


def _tiles(trial: _Trial, tile: int) -> None:
    x = signal(SAMPLES)
    cut = in_tiles(trial.contract, x, trial.params, tile)
    for field, values in whole(trial.contract, x, trial.params).items():
        _hold(_same(cut[field], values, trial.bound), f"{field} differs in tiles of {tile}")


def _alignment(trial: _Trial) -> None:
    x = signal(9001, np.float32)
    shifted = np.concatenate([np.zeros(1, np.float32), x])[1:]
    second = whole(trial.contract, shifted, trial.params)
    for field, values in whole(trial.contract, x, trial.params).items():
        _hold(np.array_equal(values, second[field], equal_nan=True), f"{field} depends on the alignment")


def _gaps(trial: _Trial) -> None:
    geometry, tile = trial.geometry, 4096
    x = signal(SAMPLES)
    halo = geometry.before + geometry.after
    for place in (0, tile - 1, tile, tile - halo - 1, tile + halo, 3 * tile - halo // 2, len(x) - 1):
        x[place : place + 3] = np.nan
    cut = in_tiles(trial.contract, x, trial.params, tile)
    for field, values in whole(trial.contract, x, trial.params).items():
        _hold(_same(cut[field], values, trial.bound), f"{field} differs in tiles where samples are missing")
        finite = np.asarray(np.isfinite(values.reshape(len(values), -1)).all(axis=1))
        for row in range(len(values)):
            stands = row * geometry.hop // geometry.up
            touched = np.isnan(x[stands : stands + geometry.frame]).any()
            lenient = trial.params.get("missing")  # then what is there counts alone
            _hold(
                lenient or not (touched and finite[row]), f"{field}: row {row} touches a gap and is not NaN"
            )
        _hold(bool(finite.any()), f"{field}: no row is left between gaps")


def _canaries_of_cut(trial: _Trial) -> None:
    for samples in (trial.geometry.frame + 300, 2048, 3001):
        around = np.full(samples + 128, np.float32(1e30))
        x = around[64:-64]
        x[:] = signal(samples, np.float32)
        before = around.copy()
        inside = whole(trial.contract, x, trial.params)
        _hold(np.array_equal(around, before), "the kernel wrote to its input or beyond it")
        around[:64] = around[-64:] = np.nan
        for field, values in whole(trial.contract, x, trial.params).items():
            equal = np.array_equal(values, inside[field], equal_nan=True)
            _hold(equal, f"{field} depends on what lies beside the signal")


# Kernels of whole records


def _of_whole(trial: _Trial) -> Iterator[Check]:
    yield Check("fields are what is computed", partial(_fields_of_whole, trial))
    yield Check("nothing outside the record is touched", partial(_canaries_of_whole, trial))
    for where, gap in (
        ("at the start", slice(3)),
        ("inside", slice(7000, 7400)),
        ("everywhere", slice(None)),
    ):
        yield Check(f"a gap {where} is borne or named", partial(_gap_of_whole, trial, gap))


def _ports(trial: _Trial) -> dict[str, Any]:
    """A made-up record; where a port takes a whole dataset, one of two records."""
    ports = dict(trial.probe.ports(SAMPLES))
    for port in trial.contract.ports:
        if port.whole and port.name in ports:
            given = ports[port.name]
            ports[port.name] = Records((given, given._replace(values=given.values[::-1].copy())))
    return ports


def _asked(trial: _Trial, ports: Mapping[str, Any]) -> Made | str:
    """What a kernel makes of a record, or why it cannot use it."""
    try:
        made = trial.contract.load()(**ports, **trial.params)
    except UnusableRecordError as reason:
        return str(reason)
    return {name: np.asarray(values) for name, values in made.items()}


def _usable(trial: _Trial, ports: Mapping[str, Any]) -> Made:
    made = _asked(trial, ports)
    if isinstance(made, str):
        raise AssertionError(f"a record of {SAMPLES} made-up samples is set aside: {made}")
    return made


def _changed(value: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Ports with every array of samples or rows changed."""
    if isinstance(value, Rows):
        return value._replace(values=change(value.values))
    if isinstance(value, Records):
        return Records(tuple(_changed(one, change) for one in value.rows), value.own)
    if isinstance(value, Mapping):
        return {name: _changed(one, change) for name, one in value.items()}
    return value


def _fields_of_whole(trial: _Trial) -> None:
    ports = _ports(trial)
    named = {port.name: tuple(ports[port.name]) for port in trial.contract.ports if port.several}
    named |= {p.name: ("0", "1") for p in trial.contract.ports if p.whole and p.name in ports}
    made = _usable(trial, ports)
    fields = trial.contract.fields({**trial.params, **named})
    names = {field.name for field in fields}
    _hold(set(made) == names, f"computed {sorted(made)}, the contract says {sorted(names)}")
    rows = set()
    for field in fields:
        shape, inner = made[field.name].shape, tuple(len(dim.values) for dim in field.dims)
        ends = len(shape) - len(inner)
        _hold(ends >= 0 and shape[ends:] == inner, f"{field.name} has shape {shape}, dims say {inner}")
        rows.add(shape[:ends])
    _hold(len(rows) == 1, f"fields have different rows: {sorted(rows)}")
    count = rows.pop()
    if trial.contract.pattern == Pattern.EVENTS:
        most = most_events(trial.contract, trial.params, SAMPLES, RATE)
        _hold(len(count) == 1 and count[0] <= most, f"{count} events, the contract says {most} at most")
    elif trial.contract.length is None:
        _hold(count in ((), (1,)), f"a record gives rows of shape {count}, the contract says one row")


def _canaries_of_whole(trial: _Trial) -> None:
    ports = _ports(trial)
    around: list[np.ndarray] = []

    def between_canaries(x: np.ndarray) -> np.ndarray:
        fill = np.float32(1e30) if x.dtype.kind == "f" else 0
        room = np.full((len(x) + 130, *x.shape[1:]), fill, x.dtype)
        room[65:-65] = x  # odd: another alignment in memory
        around.append(room)
        return room[65:-65]

    guarded = _changed(ports, between_canaries)
    before = [room.copy() for room in around]
    plain, beside = _usable(trial, ports), _usable(trial, guarded)
    untouched = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(around, before, strict=True))
    _hold(untouched, "the kernel wrote to its input or beyond it")
    for room in around:
        if room.dtype.kind == "f":
            room[:65] = room[-65:] = np.nan
    again = _usable(trial, guarded)
    for field, values in plain.items():
        _hold(np.array_equal(beside[field], values, equal_nan=True), f"{field} depends on the alignment")
        equal = np.array_equal(again[field], values, equal_nan=True)
        _hold(equal, f"{field} depends on what lies beside the record")


def _gap_of_whole(trial: _Trial, gap: slice) -> None:
    def holed(x: np.ndarray) -> np.ndarray:
        y = x.copy()
        if y.dtype.kind == "f":
            y[gap] = np.nan
        return y

    made = _asked(trial, _changed(_ports(trial), holed))
    if isinstance(made, str):
        _hold(len(made) > REASON, f"a record is set aside for a reason that tells little: {made!r}")
        return
    for field, values in made.items():
        if values.dtype.kind == "f":
            _hold(not np.isinf(values).any(), f"{field} is infinite where samples are missing")
