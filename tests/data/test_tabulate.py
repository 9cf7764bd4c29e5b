"""The record table from what a scan found, without any file."""

from __future__ import annotations

import doctest
import math
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcflow.data.readers.base import Quantity, ScannedRecord, ScannedVariable
from hpcflow.data.tabulate import Found, Given, checksum, tabulate
from hpcflow.plan import layout as layout_module
from hpcflow.plan.layout import CHUNK, SHARD, Layout, layout_for, place
from hpcflow.plan.records import ASIDE, DUPLICATE, OK, REPLACED, RecordTable

ACC = (ScannedVariable("acceleration", "float64", "g"),)
SMALL = Layout(chunk=8, shard=16)


def record(path: str, size: int = 5, sha: str = "", **kwargs: object) -> Found:
    values = {"channel": "", "rate": None, "variables": ACC, "facts": {}} | kwargs
    return Found(path, sha or f"sha of {path}", ScannedRecord(size=size, **values))  # type: ignore[arg-type]


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(layout_module).failed == 0


@given(
    st.lists(st.integers(0, 60), max_size=60),
    st.integers(0, 100),
    st.sampled_from([Layout(1, 1), Layout(8, 16), Layout(8, 8), Layout(10, 50)]),
)
def test_places(sizes: list[int], begin: int, layout: Layout) -> None:
    starts = place(sizes, begin, layout).tolist()
    spans = [(start, start + size) for start, size in zip(starts, sizes, strict=True)]
    assert all(a <= b[0] for (_, a), b in pairwise(spans))
    if spans:
        assert begin <= spans[0][0] < begin + layout.shard
        assert spans[0][0] % layout.shard == 0
    for start, stop in spans:
        if stop - start >= layout.chunk:
            assert start % layout.chunk == 0
        elif stop > start:
            assert start // layout.chunk == (stop - 1) // layout.chunk
    room = sum(sizes) + layout.chunk * len(sizes) + layout.shard
    assert not spans or spans[-1][1] - begin <= room


@given(st.integers(0, 10**13))
def test_layout_rule(samples: int) -> None:
    layout = layout_for(samples)
    assert CHUNK <= layout.shard <= SHARD
    assert layout.shard == SHARD or layout.shard * 64 >= samples
    assert layout.shard == CHUNK or layout.shard // 2 * 64 < samples
    with pytest.raises(ValueError, match="whole number of chunks"):
        Layout(8, 12)


def test_facts_by_precedence_with_origin() -> None:
    found = [
        record("a", facts={"speed": Quantity(1797.0, "rpm"), "who": Quantity("A")}),
        record("b", facts={"speed": Quantity(25.0, "Hz")}),
        record("c"),
        record("d", facts={"speed": Quantity(1.0, "kg")}),
        record("e", facts={"speed": Quantity(1.0, "furlongs per moon")}),
    ]
    given_ = Given(
        options={"facts": {"speed": {"dimension": "frequency"}}},
        index={
            "speed": ("s-1", [None, 20.0, None, None, None]),
            "load": ("kg", [None, None, 3.0, None, None]),
        },
        defaults={"bearing": ("SKF 6205", "text")},
    )
    table, warnings = tabulate(found, given_)
    speed = table.facts["speed"]
    np.testing.assert_array_equal(speed.values, [29.95, 20.0, math.nan, math.nan, math.nan])
    assert (speed.units, speed.origin.tolist()) == ("s-1", [2, 1, 0, 0, 0])
    assert table.facts["who"].units == "text"
    assert table.facts["who"].values.tolist() == ["A", "", "", "", ""]
    assert table.facts["bearing"].origin.tolist() == [3] * 5
    assert table.facts_of(2) == {"speed": None, "load": 3.0, "bearing": "SKF 6205", "who": None}
    assert len(warnings) == 1
    assert "speed of 2 records is not in s-1" in warnings[0]
    assert "d:" in warnings[0]


def test_sampling_rate_is_a_fact_and_the_rate() -> None:
    found = [record("a", rate=100.0), record("b", rate=math.nan), record("c"), record("d", rate=5.0)]
    given_ = Given(
        index={"sampling_rate": ("s-1", [None] * 3 + [48000.0])}, defaults={"sampling_rate": (12.0, "s-1")}
    )
    table, _ = tabulate(found, given_)
    np.testing.assert_array_equal(table.rate, [100.0, math.nan, 12.0, 48000.0])
    assert table.facts["sampling_rate"].origin.tolist() == [2, 2, 3, 1]
    table, _ = tabulate(found, Given())
    np.testing.assert_array_equal(table.rate, [100.0, math.nan, math.nan, 5.0])


def test_a_default_in_other_units_is_not_used() -> None:
    table, warnings = tabulate(
        [record("a", facts={"x": Quantity(1.0, "m")})], Given(defaults={"x": (2.0, "s")})
    )
    assert table.facts_of(0) == {"x": 1.0}
    assert "default of x is in s" in warnings[0]


def test_units_and_types_of_variables() -> None:
    def one(units: str | None, dtype: str) -> tuple[ScannedVariable, ...]:
        return (ScannedVariable("acceleration", dtype, units),)

    found = [
        record("a", variables=one("g", "float32")),
        record("b", variables=one("mm/s2", "float64")),
        record("c", variables=one("m/s", "float32")),
        record("d", variables=one("smoot", "float32")),
        record("e", variables=(*one(None, "float32"), ScannedVariable("flow", "float32"))),
    ]
    given_ = Given(
        {"variables": {"acceleration": {"units": "g", "dimension": "acceleration", "long_name": "axial"}}}
    )
    table, warnings = tabulate(found, given_)
    assert [(v.name, v.units, v.dtype, v.long_name) for v in table.variables] == [
        ("acceleration", "m s-2", "float64", "axial"),
        ("flow", "1", "float32", ""),
    ]
    assert table.status.tolist() == [OK, OK, ASIDE, ASIDE, OK]
    assert "'m/s'" in table.reason[2]
    assert "'smoot'" in table.reason[3]
    assert table.size.tolist() == [5, 5, 0, 0, 5]
    assert len(warnings) == 1
    assert "flow has no units" in warnings[0]
    table, _ = tabulate(found[:3], Given())
    assert table.status.tolist() == [OK, OK, ASIDE]
    assert "where the dataset has m s-2" in table.reason[2]


def live(table: RecordTable) -> dict[str, tuple[int, int]]:
    return {
        str(table.ids[k]): (int(table.start[k]), int(table.size[k]))
        for k in range(len(table))
        if table.status[k] == OK
    }


def test_a_store_grows_and_nothing_moves() -> None:
    first, _ = tabulate([record("a", 5), record("b", 20), record("d", 3)], Given(), layout=SMALL)
    assert live(first) == {"a": (0, 5), "b": (8, 20), "d": (28, 3)}
    assert (
        tabulate([record("a", 5), record("b", 20), record("d", 3)], Given(), previous=first, layout=SMALL)[
            0
        ].digest()
        == first.digest()
    )
    # b changed, c is new, d is gone
    second, _ = tabulate(
        [record("a", 5), record("b", 21, "new"), record("c", 2)], Given(), previous=first, layout=SMALL
    )
    assert live(second) == {"a": (0, 5), "b": (32, 21), "c": (53, 2)}
    assert second.status[:3].tolist() == [OK, REPLACED, REPLACED]
    assert second.start[:3].tolist() == first.start.tolist()
    assert "changed" in second.reason[1]
    assert "no longer there" in second.reason[2]
    # d is back, and b is as it was
    third, _ = tabulate(
        [record("a", 5), record("b", 20), record("c", 2), record("d", 3)],
        Given(),
        previous=second,
        layout=SMALL,
    )
    assert live(third) == {"a": (0, 5), "b": (8, 20), "c": (53, 2), "d": (28, 3)}
    assert len(third) == len(second)
    assert third.status[3] == REPLACED


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), max_size=8), min_size=1, max_size=5
    )
)
def test_any_history_keeps_places_and_ids_apart(history: list[dict[str, int]]) -> None:
    table: RecordTable | None = None
    for state in history:
        found = [record(name, 3 + 4 * version, f"{name}{version}") for name, version in sorted(state.items())]
        before, (table, _) = table, tabulate(found, Given(), previous=table, layout=SMALL)
        assert set(live(table)) == set(state)
        if before is not None:
            assert table.start[: len(before)].tolist() == before.start.tolist()
            assert table.ids[: len(before)].tolist() == before.ids.tolist()
        spans = sorted(zip(table.start.tolist(), (table.start + table.size).tolist(), strict=True))
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        again, _ = tabulate(found, Given(), previous=table, layout=SMALL)
        assert again.digest() == table.digest()


def test_set_aside_files_keep_one_row() -> None:
    bad = Found("x", "sha", None, "is empty")
    first, _ = tabulate([record("a"), bad], Given(), layout=SMALL)
    assert first.status.tolist() == [OK, ASIDE]
    assert first.reason.tolist() == ["", "is empty"]
    again, _ = tabulate([record("a"), bad], Given(), previous=first, layout=SMALL)
    assert again.digest() == first.digest()
    mended, _ = tabulate([record("a"), record("x")], Given(), previous=first, layout=SMALL)
    assert mended.status.tolist() == [OK, REPLACED, OK]
    assert mended.start[2] == 16


def test_copies_have_room_but_do_not_count() -> None:
    found = [record("a"), record("b"), Found("c", "s", None, "broken")]
    table, _ = tabulate(found, Given(), copies={1: 0}, layout=SMALL)
    assert table.status.tolist() == [OK, DUPLICATE, ASIDE]
    assert table.reason[1] == "a copy of a"
    alone, _ = tabulate([record("b")], Given(), previous=table, layout=SMALL)
    assert live(alone) == {"b": (8, 5)}


def test_checksum_depends_on_what_decides_the_samples() -> None:
    base = ("sha", "DE", "matlab", 1, {"variables": {"a": {"units": "g"}}, "facts": {}})
    others = [
        ("sah", *base[1:]),
        ("sha", "FE", *base[2:]),
        (*base[:2], "hdf5", *base[3:]),
        (*base[:3], 2, base[4]),
        (*base[:4], {"variables": {"a": {"units": "m/s2"}}, "facts": {}}),
    ]
    assert len({checksum(*each) for each in (base, *others)}) == 6
    assert checksum(*base) == checksum(*base[:4], {"variables": {"a": {"units": "g"}}, "facts": {"x": {}}})


def test_many_records_are_tabulated_in_time() -> None:
    """Linear in ragged records: by the square of their number, eight times as many took 64 times as long."""
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 4 * CHUNK, 80_000).tolist()
    facts = {"speed": Quantity(1797.0, "rpm"), "who": Quantity("A")}
    found = [record(f"day/{k:06d}.mat", size, facts=facts, rate=100.0) for k, size in enumerate(sizes)]

    def given_to(count: int) -> Given:
        return Given(index={"load": ("kg", [1.0] * count)}, defaults={"bearing": ("x", "text")})

    begin = time.process_time()
    for _ in range(3):
        tabulate(found[:10_000], given_to(10_000))
    few = (time.process_time() - begin) / 3
    given_ = given_to(len(found))
    begin = time.process_time()
    table, _ = tabulate(found, given_)
    many = time.process_time() - begin
    assert many < 24 * few
    again, _ = tabulate(found, given_, previous=table, layout=layout_for(table.samples))
    assert again.digest() == table.digest()
    assert (table.start[1:] >= table.start[:-1] + table.size[:-1]).all()
