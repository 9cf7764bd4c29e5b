"""The memory bound of whole records: the record that needs most, wherever it lies."""

from __future__ import annotations

import numpy as np
import pytest

from hpcflow.plan.memory import LOOKED_AT, Call, working_set
from hpcflow_kernels import get
from hpcflow_kernels.machine import bearing
from hpcflow_kernels.machine.bearing_contracts import MOST_REVOLUTIONS, MOST_SAMPLES


def order_of(size: list[int]) -> list[int]:
    return np.argsort(-np.asarray(size), kind="stable")[: LOOKED_AT + 1].tolist()


def test_the_hungriest_record_decides_and_not_the_longest() -> None:
    size, cap = [1000, 900, 10], [100, 900, 10]
    calls = [Call(100.0, lambda record: cap[record])]
    assert working_set(order_of(size), size, 4, calls) == 900 * 8 + 900 * 100


def test_kernels_of_a_stage_run_one_after_another() -> None:
    calls = [Call(10.0, lambda record: 100), Call(30.0, lambda record: 100)]
    assert working_set([0], [100], 4, calls) == 100 * 8 + 100 * 30


def test_where_a_look_at_each_would_cost_too_much_the_bound_is_plain_and_no_lower() -> None:
    size = [1000] * (LOOKED_AT + 10)
    calls = [Call(100.0, lambda record: 1)]
    found = working_set(order_of(size), size, 4, calls)
    assert found == 1000 * 108


def test_no_records_need_nothing() -> None:
    assert working_set([], [], 4, [Call(10.0, lambda record: 1)]) == 0


def test_bearing_faults_says_how_much_of_a_record_it_works_on() -> None:
    assert (bearing.MOST_REVOLUTIONS, bearing.MOST_SAMPLES) == (MOST_REVOLUTIONS, MOST_SAMPLES)
    most = get("bearing_faults").most_samples
    assert most is not None
    x = np.zeros(20_000_000, np.int8)
    for speed in (5.0, 25.0, 50.0):
        assert most({}, 25_600.0, {"speed": speed}) == len(bearing.middle(x, 25_600.0, speed))


@pytest.mark.parametrize("facts", [{}, {"speed": None}, {"speed": 0.0}, {"speed": float("nan")}])
def test_without_a_speed_the_most_is_assumed(facts: dict[str, float | None]) -> None:
    most = get("bearing_faults").most_samples
    assert most is not None
    assert most({}, 25_600.0, facts) == MOST_SAMPLES
    assert most({}, float("nan"), {"speed": 25.0}) == MOST_SAMPLES
