"""Row axes of steps on whole records, whose rows follow from a record's samples, rate and facts."""

from __future__ import annotations

import numpy as np

from hpcflow.plan.axes import packed, step_axis
from hpcflow_kernels import Contract, Field, Pattern, Port
from tests.toy import table_of

THIRDS = Contract(
    name="thirds",
    version=1,
    pattern=Pattern.RECORD,
    summary="Every third row, as often as a record's weight says.",
    ports=(Port("signal", "signal", "samples"),),
    params=(),
    fields=lambda params: (Field("value", "value"),),
    implementation="tests.toy:summed",
    axis="third",
    length=lambda params, samples, rate, facts: samples // 3 * int(facts["weight"]) + (rate > 1500),
    row_rate=lambda params, rate: rate / 3,
)


def test_rows_of_a_record_follow_from_its_samples_rate_and_facts() -> None:
    table = table_of([30, 2, 61], rates=[1000.0, 1000.0, 2000.0])
    source = packed(np.array([30, 2, 61], np.int64), table.rate)
    axis = step_axis(Pattern.RECORD, THIRDS, {}, source, table)
    assert axis.size.tolist() == [20, 0, 41]
    assert axis.start.tolist() == [0, 20, 20]
    assert np.allclose(axis.rate, [1000 / 3, 1000 / 3, 2000 / 3])


def test_records_that_are_set_aside_have_no_rows() -> None:
    table = table_of([30, 2, 61], rates=[1000.0, 1000.0, 2000.0])
    table.status[0] = 2
    source = packed(np.array([2, 61], np.int64), table.rate[1:])
    assert step_axis(Pattern.RECORD, THIRDS, {}, source, table).size.tolist() == [0, 41]


def test_rows_of_another_step_count_where_it_is_the_source() -> None:
    table = table_of([30, 61], rates=[1000.0, 1000.0])
    frames = packed(np.array([9, 12], np.int64), np.array([100.0, np.nan]))
    axis = step_axis(Pattern.RECORD, THIRDS, {}, frames, table)
    assert axis.size.tolist() == [6, 8]
    assert np.isnan(axis.rate[1])
