"""What every registered kernel promises, ours and those that other packages add.

A kernel that is registered without a case here fails: add the parameters it is to be tried with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from hpcflow.plan.axes import most_events
from hpcflow.run.stages.tiles import by_segment
from hpcflow_kernels import Contract, Geometry, Pattern, Rows, UnusableRecordError, contracts
from hpcflow_kernels.probes import probe_of
from tests.kernels.cases import CASES

RATE = 1000.0


CUTTABLE = sorted(n for n, c in contracts().items() if c.pattern in (Pattern.MAP, Pattern.WINDOW))
TRIED = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name in CUTTABLE
    for i, case in enumerate(CASES.get(name, []))
]


def complete(contract: Contract, given: dict[str, Any]) -> dict[str, Any]:
    """Parameters as a workflow would give them: defaults filled in."""
    params = {param.name: given.get(param.name, param.default) for param in contract.params}
    assert set(given) <= set(params)
    return params


def signal(samples: int, dtype: type = np.float64) -> np.ndarray:
    rng = np.random.default_rng(samples)
    tone = 3 * np.sin(2 * np.pi * 90 * np.arange(samples) / RATE)
    return (rng.standard_normal(samples) + tone + 5).astype(dtype)


def run(contract: Contract, x: np.ndarray, params: dict[str, Any]) -> dict[str, np.ndarray]:
    """One call, as a tile makes it."""
    if contract.pattern == Pattern.MAP:
        return {contract.fields(params)[0].name: by_segment(contract.load(), x, contract, params, RATE)}
    return contract.load()(x, rate=RATE, **params)


def run_in_tiles(
    contract: Contract, x: np.ndarray, params: dict[str, Any], tile: int
) -> dict[str, np.ndarray]:
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
        for name, values in run(contract, region, params).items():
            parts.setdefault(name, []).append(values[first : first + stop - start])
        assert np.array_equal(region, x[low:high], equal_nan=True), "a kernel wrote to its input"
    return {name: np.concatenate(pieces) for name, pieces in parts.items()}


def same(got: np.ndarray, expected: np.ndarray, bound: float) -> bool:
    if bound == 0:
        return np.array_equal(got, expected, equal_nan=True)
    both = np.isnan(got) == np.isnan(expected)
    apart, largest = np.nanmax(np.abs(got - expected), initial=0), np.nanmax(np.abs(expected), initial=0)
    return bool(both.all() and apart <= bound * largest)


def test_every_kernel_has_a_case():
    assert set(CUTTABLE) <= set(CASES), "add what the new kernel is to be tried with"


@pytest.mark.parametrize("name", sorted(contracts()))
def test_contracts_are_well_formed(name):
    contract = contracts()[name]
    assert contract.name == name
    assert contract.version >= 1
    assert contract.summary.endswith(".")
    assert contract.error
    assert callable(contract.load())
    assert contract.ports
    assert contract.bytes_per_sample > 0
    assert contract.flops_per_sample > 0
    assert len({port.name for port in contract.ports}) == len(contract.ports)
    for param in contract.params:
        assert param.doc
        assert param.required or param.default is None or not param.choices or param.default in param.choices
    if contract.pattern in (Pattern.MAP, Pattern.WINDOW):
        assert contract.geometry is not None
        assert contract.ports[0].kind == "signal"


def test_needs_and_rows_agree():
    for geometry in (
        Geometry(),
        Geometry(3, 10),
        Geometry(10, 3),
        Geometry(before=4, after=9),
        Geometry(15, up=8),
        Geometry(3, 10, up=7),
    ):
        for samples in range(60):
            rows = geometry.rows(samples)
            if geometry.before == geometry.after == 0 and rows:
                assert geometry.needs(rows - 1, rows)[1] <= samples < geometry.needs(rows, rows + 1)[1]


@pytest.mark.parametrize(("name", "case"), TRIED)
class TestCut:
    """A record in tiles is the record in one piece."""

    def test_fields_are_what_is_computed(self, name, case):
        contract = contracts()[name]
        params = complete(contract, case.params)
        assert not contract.check or not list(contract.check(params, RATE))
        for dtype in (np.float32, np.float64):
            x = signal(5000, dtype)
            got = run(contract, x, params)
            rows = contract.geometry(params, RATE).rows(len(x))
            assert set(got) == {field.name for field in contract.fields(params)}
            for field in contract.fields(params):
                inner = tuple(len(dim.values) for dim in field.dims)
                assert got[field.name].shape == (rows, *inner)
                wanted = dtype if field.dtype == "same" else np.dtype(field.dtype)
                assert got[field.name].dtype == wanted, "float32 stays float32"

    def test_single_precision_is_close_to_double(self, name, case):
        contract = contracts()[name]
        params = complete(contract, case.params)
        x = signal(5000, np.float32)
        single, double = run(contract, x, params), run(contract, x.astype(np.float64), params)
        for field, values in double.items():
            assert same(single[field].astype(np.float64), values, 2e-5), field

    @pytest.mark.parametrize("tile", [1000, 1111, 4096, 30_000])
    def test_tiles_give_the_whole_record(self, name, case, tile):
        contract = contracts()[name]
        params = complete(contract, case.params)
        x = signal(20_011)
        whole, cut = run(contract, x, params), run_in_tiles(contract, x, params, tile)
        for field, values in whole.items():
            assert same(cut[field], values, case.bound), field

    def test_the_same_tile_gives_the_same_bits(self, name, case):
        contract = contracts()[name]
        params = complete(contract, case.params)
        x = signal(9001, np.float32)
        shifted = np.concatenate([np.zeros(1, np.float32), x])[1:]  # another alignment in memory
        first, second = run(contract, x, params), run(contract, shifted, params)
        for field, values in first.items():
            assert np.array_equal(values, second[field], equal_nan=True)

    def test_missing_samples_beside_on_and_inside_halos(self, name, case):
        contract = contracts()[name]
        params = complete(contract, case.params)
        geometry, tile = contract.geometry(params, RATE), 4096
        x = signal(20_011)
        halo = geometry.before + geometry.after
        for place in (0, tile - 1, tile, tile - halo - 1, tile + halo, 3 * tile - halo // 2, len(x) - 1):
            x[place : place + 3] = np.nan
        whole, cut = run(contract, x, params), run_in_tiles(contract, x, params, tile)
        for field, values in whole.items():
            assert same(cut[field], values, case.bound), field
            finite = np.isfinite(values.reshape(len(values), -1)).all(axis=1)
            for row in range(len(values)):
                stands = row * geometry.hop // geometry.up
                touched = np.isnan(x[stands : stands + geometry.frame]).any()
                assert not (touched and finite[row]), f"{field}: row {row} touches a gap"
            assert finite.any()

    def test_nothing_outside_the_signal_is_touched(self, name, case):
        contract = contracts()[name]
        params = complete(contract, case.params)
        for samples in (contract.geometry(params, RATE).frame + 300, 2048, 3001):
            around = np.full(samples + 128, np.float32(1e30))
            x = around[64:-64]
            x[:] = signal(samples, np.float32)
            before = around.copy()
            inside = run(contract, x, params)
            assert np.array_equal(around, before)
            around[:64] = around[-64:] = np.nan
            for field, values in run(contract, x, params).items():
                assert np.array_equal(values, inside[field], equal_nan=True)


WHOLE = sorted(n for n, c in contracts().items() if c.pattern in (Pattern.RECORD, Pattern.EVENTS))
SAMPLES = 20_011


def asked(name: str, ports: Mapping[str, Any]) -> dict[str, np.ndarray] | str:
    """What a kernel makes of a record as it is timed, or why it cannot use it."""
    contract, probe = contracts()[name], probe_of(name)
    params = {param.name: probe.params.get(param.name, param.default) for param in contract.params}
    try:
        return {n: np.asarray(v) for n, v in contract.load()(**ports, **params).items()}
    except UnusableRecordError as reason:
        return str(reason)


def changed(value: Any, change: Callable[[np.ndarray], np.ndarray]) -> Any:
    """Ports with every array of numbers changed."""
    if isinstance(value, Rows):
        return value._replace(values=change(value.values))
    if isinstance(value, dict):
        return {name: changed(one, change) for name, one in value.items()}
    return value


@pytest.mark.parametrize("name", WHOLE)
class TestWhole:
    """A kernel of whole records keeps to its arrays and to its contract."""

    def test_fields_are_what_is_computed(self, name):
        contract, probe = contracts()[name], probe_of(name)
        params = {param.name: probe.params.get(param.name, param.default) for param in contract.params}
        ports = probe.ports(SAMPLES)
        for port in contract.ports:
            if port.several:
                params[port.name] = tuple(ports[port.name])
        found = asked(name, ports)
        assert isinstance(found, dict), found
        fields = contract.fields(params)
        assert set(found) == {field.name for field in fields}
        inner = {f.name: tuple(len(dim.values) for dim in f.dims) for f in fields}
        rows = {found[f.name].shape[: found[f.name].ndim - len(inner[f.name])] for f in fields}
        assert all(found[n].shape[found[n].ndim - len(shape) :] == shape for n, shape in inner.items())
        assert len(rows) == 1, "all fields have the same rows"
        if contract.pattern == Pattern.EVENTS:
            (events,) = rows.pop()
            assert events <= most_events(contract, params, SAMPLES, RATE)
        elif contract.length is None:
            assert rows.pop() in ((), (1,))

    def test_nothing_outside_the_record_is_touched(self, name):
        ports = probe_of(name).ports(SAMPLES)
        around: list[np.ndarray] = []

        def between_canaries(x: np.ndarray) -> np.ndarray:
            room = np.full((len(x) + 130, *x.shape[1:]), np.float32(1e30), x.dtype)
            room[65:-65] = x  # odd: another alignment in memory
            around.append(room)
            return room[65:-65]

        guarded = changed(ports, between_canaries)
        before = [room.copy() for room in around]
        first, second = asked(name, ports), asked(name, guarded)
        assert all(np.array_equal(a, b) for a, b in zip(around, before, strict=True)), "wrote to its input"
        for room in around:
            room[:65] = room[-65:] = np.nan
        third = asked(name, guarded)
        assert isinstance(first, dict)
        assert isinstance(second, dict)
        assert isinstance(third, dict)
        for field, values in first.items():
            np.testing.assert_array_equal(second[field], values)
            np.testing.assert_array_equal(third[field], values)

    @pytest.mark.parametrize("gap", [slice(0, 3), slice(7000, 7400), slice(None)], ids=str)
    def test_a_gap_is_borne_or_named(self, name, gap):
        def holed(x: np.ndarray) -> np.ndarray:
            y = x.copy()
            if y.dtype.kind == "f":
                y[gap] = np.nan
            return y

        found = asked(name, changed(probe_of(name).ports(SAMPLES), holed))
        if isinstance(found, str):
            assert len(found) > 20, "a reason that a user understands"
        else:
            for field, values in found.items():
                if values.dtype.kind == "f":
                    assert not np.isinf(values).any(), field
