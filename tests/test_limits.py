"""Limits of the machine: the loops do what they say, and a kernel is held against the slower of two."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.machine import Ceilings, Work, measures, transform

MACHINE = Ceilings(
    {"float32": 100e9, "float64": 50e9}, {1 << 20: 80e9, 1 << 24: 20e9}, {1 << 20: 60e9, 1 << 24: 10e9}
)


def test_arithmetic_and_memory_take_what_the_work_asks_for():
    short, long = 100_000, 10_000_000
    assert MACHINE.seconds(Work(50), short) == {
        "arithmetic": pytest.approx(50 * short / 100e9),
        "memory": pytest.approx(4 * short / 80e9),
    }
    wide = MACHINE.seconds(Work(50, written=4, wide=True), long)
    assert wide == {
        "arithmetic": pytest.approx(50 * long / 50e9),
        "memory": pytest.approx(8 * long / 10e9),  # larger than all that was measured: the slowest memory
    }


def test_a_transform_counts_as_is_common():
    assert transform(1024) == 25


def test_loops_that_measure_the_machine_do_all_the_work():
    from benchmarks.machine_loops import arithmetic, read, scale

    x = np.arange(256, dtype=np.float32)
    assert read(x, 3) == 3 * x.sum()
    y = np.zeros_like(x)
    scale(x, y, 1)
    assert np.array_equal(y, x / 2)
    fused, added = arithmetic(4)
    chain = np.array([2.0, 2, 2, 2, 0, 0, 0, 0])
    fused(chain, 3)  # y, y + y**2, ...: 2, 6, 14, 30 in each of ten chains
    assert chain[4:].tolist() == [300] * 4
    added(chain, 3)
    assert chain[4:].tolist() == [80] * 4


def test_no_ceiling_without_a_clock():
    assert list(measures(small=True, timers=False)) == []
