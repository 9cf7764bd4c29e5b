"""What every registered kernel promises, ours and those that other packages add.

A map or window kernel without a case here fails: add the parameters it is to be tried with.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hpcflow.conformance import Check, checks
from hpcflow_kernels import Geometry, Pattern, UnusableRecordError, contracts, registry
from tests import toy
from tests.kernels.cases import CASES

CUTTABLE = sorted(n for n, c in contracts().items() if c.pattern in (Pattern.MAP, Pattern.WINDOW))
WHOLE = sorted(set(contracts()) - set(CUTTABLE))
PROMISES = [
    pytest.param(check, id=f"{name}-{i}: {check}")
    for name in CUTTABLE
    for i, case in enumerate(CASES.get(name, []))
    for check in checks(name, case.params, case.bound)
] + [pytest.param(check, id=f"{name}: {check}") for name in WHOLE for check in checks(name)]


def test_every_kernel_that_is_cut_has_a_case():
    assert set(CUTTABLE) <= set(CASES), "add what the new kernel is to be tried with"


@pytest.mark.parametrize("check", PROMISES)
def test_promise(check: Check):
    check()


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


class TestBrokenKernels:
    """Each promise, broken by a kernel of somebody else's, is noticed."""

    @pytest.fixture(autouse=True)
    def others(self, monkeypatch):
        monkeypatch.setattr(registry, "contracts", lambda: toy.CONTRACTS)

    def broken(self, monkeypatch, kernel, function, **params):
        monkeypatch.setattr(toy, "broken", function, raising=False)
        contract = replace(toy.CONTRACTS[kernel], implementation="tests.toy:broken")
        monkeypatch.setitem(toy.CONTRACTS, kernel, contract)
        found = []
        for check in checks(kernel, params):
            try:
                check()
            except AssertionError as error:
                found.append(f"{check}: {error}")
        return "\n".join(found)

    def test_sound_ones_pass(self):
        for name, params in (
            ("smooth", {}),
            ("framed", {"frame": 100, "hop": 30}),
            ("respaced", {"up": 8, "down": 15}),
            ("beyond", {"above": 1.0}),
            ("mirrored", {}),
        ):
            found = checks(name, params)
            assert len(found) >= 5
            for check in found:
                check()

    def test_a_halo_too_short(self, monkeypatch):
        def wide(x, *, rate):
            return toy.smooth(toy.smooth(x, rate=rate), rate=rate)

        assert "differs in tiles of 1000" in self.broken(monkeypatch, "smooth", wide)

    def test_a_type_that_widens(self, monkeypatch):
        def double(x, *, rate):
            return toy.smooth(x.astype(np.float64), rate=rate)

        assert "float64, the contract says float32" in self.broken(monkeypatch, "smooth", double)

    def test_an_input_written_to(self, monkeypatch):
        def centred(x, *, rate, frame, hop):
            x -= x.mean()
            return toy.framed(x, rate=rate, frame=frame, hop=hop)

        assert "wrote to its input" in self.broken(monkeypatch, "framed", centred, frame=100, hop=30)

    def test_a_gap_passed_over(self, monkeypatch):
        def filled(x, *, rate, frame, hop):
            return toy.framed(np.nan_to_num(x), rate=rate, frame=frame, hop=hop)

        assert "touches a gap and is not NaN" in self.broken(monkeypatch, "framed", filled, frame=100, hop=30)

    def test_memory_beside_the_signal_read(self, monkeypatch):
        def neighbour(x, *, rate, frame, hop):
            beside = np.lib.stride_tricks.as_strided(x, (len(x) + 1,), x.strides)
            made = toy.framed(x, rate=rate, frame=frame, hop=hop)
            return {**made, "peak": made["peak"] + x.dtype.type(np.isnan(beside[-1]))}

        found = self.broken(monkeypatch, "framed", neighbour, frame=100, hop=30)
        assert "depends on what lies beside the signal" in found

    def test_more_events_than_room(self, monkeypatch):
        contract = replace(toy.CONTRACTS["beyond"], most_events=lambda params, samples, rate: 3)
        monkeypatch.setitem(toy.CONTRACTS, "beyond", contract)
        assert "3 at most" in self.broken(monkeypatch, "beyond", toy.beyond, above=0.0)

    def test_sums_taken_rank_by_rank(self, monkeypatch):
        def by_rank(*, ranks, signal):
            whole = toy.mirrored(ranks=ranks, signal=signal)
            sums = ranks.allgather(float(whole.values["level"].sum()))
            return replace(whole, values={**whole.values, "level": whole.values["level"] + sum(sums)})

        assert "level is other on 3 ranks than on one" in self.broken(monkeypatch, "mirrored", by_rank)

    def test_shares_that_leave_a_row_out_or_hold_it_twice(self, monkeypatch):
        def shifted(by):
            def shift(*, ranks, signal):
                share = toy.mirrored(ranks=ranks, signal=signal)
                return replace(share, start=share.start + by * (ranks.number > 0))

            return self.broken(monkeypatch, "mirrored", shift)

        assert "is nobody's (with 2 of them)" in shifted(1)
        assert "is held twice (with 5 of them)" in shifted(-1)

    def test_fewer_rows_than_the_contract_says(self, monkeypatch):
        contract = replace(toy.CONTRACTS["mirrored"], length=lambda params, samples, rate, facts: samples + 1)
        monkeypatch.setitem(toy.CONTRACTS, "mirrored", contract)
        assert "the contract says 20012" in self.broken(monkeypatch, "mirrored", toy.mirrored)

    def test_a_record_that_only_several_ranks_can_use(self, monkeypatch):
        def shared(*, ranks, signal):
            gone = np.isnan(signal.read(0, signal.samples)).sum()
            if ranks.count == 1 and gone:
                raise UnusableRecordError("samples are missing, which one rank minds")
            return toy.mirrored(ranks=ranks, signal=signal)

        assert "2 ranks use a record that one sets aside" in self.broken(monkeypatch, "mirrored", shared)

    def test_unknown_parameters_are_named(self):
        with pytest.raises(KeyError, match="no parameter 'width'"):
            checks("smooth", {"width": 3})


class Loudest(toy.Total):
    """Sum of the records' largest values."""

    @staticmethod
    def add(state, index, *, sums):
        return {"sum": state["sum"] + np.nanmax(sums.values, initial=0), "count": state["count"] + 1}


class Restarted(Loudest):
    """Counts the merging too."""

    @staticmethod
    def merge(a, b):
        return {"sum": a["sum"] + b["sum"], "count": a["count"] + b["count"] + 1}


class Listed(Loudest):
    """Keeps a row for every record."""

    @staticmethod
    def add(state, index, *, sums):
        return {"sum": np.append(state["sum"], np.nanmax(sums.values)), "count": state["count"] + 1}

    @staticmethod
    def merge(a, b):
        return {"sum": np.append(a["sum"], b["sum"]), "count": a["count"] + b["count"]}


class Last(Loudest):
    """The last tile's sum alone."""

    @staticmethod
    def merge(a, b):
        return {"sum": b["sum"] if b["count"] else a["sum"], "count": a["count"] + b["count"]}


class Centred(Loudest):
    """Takes the mean off what it is given."""

    @staticmethod
    def add(state, index, *, sums):
        sums.values[:] -= sums.values.mean()
        return Loudest.add(state, index, sums=sums)


class TestBrokenReductions:
    """As `TestBrokenKernels`, of one result over all records."""

    others, broken = TestBrokenKernels.others, TestBrokenKernels.broken

    def test_a_sound_one_passes(self, monkeypatch):
        assert self.broken(monkeypatch, "total", Loudest) == ""

    @pytest.mark.parametrize(
        ("reducer", "told"),
        [
            (Restarted, "records changes by a tile without records before it"),
            (Listed, "states keep their shapes and types: a record makes the state"),
            (Last, "total differs where 1 of 7 records are a tile of their own"),
            (Centred, "the kernel wrote to a record"),
        ],
    )
    def test_a_broken_one_is_noticed(self, monkeypatch, reducer, told):
        assert told in self.broken(monkeypatch, "total", reducer)
