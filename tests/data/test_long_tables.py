"""Long tables: memory stays near the numbers themselves, and a time axis is read once."""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from hpcflow.data.readers import csv, parquet
from hpcflow.data.readers.timeaxis import STRETCH, rate_of, seconds
from hpcflow.errors import DataError


def traced(call: object, *arguments: object) -> tuple[object, int]:
    """What a call gives, and the most memory that it held."""
    assert callable(call)
    tracemalloc.start()
    try:
        return call(*arguments), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("count", [50, STRETCH - 1, STRETCH, STRETCH + 1, 3 * STRETCH + 7])
def test_the_rate_of_an_axis_of_any_length(count: int) -> None:
    axis = np.round(np.arange(count) / 204.8, 9)
    assert rate_of(axis) == 204.8
    broken = axis.copy()
    broken[-1] += 0.3 / 204.8
    assert np.isnan(rate_of(broken)), "one stamp off, wherever it stands"


def test_a_rate_costs_no_second_axis() -> None:
    axis = np.arange(4_000_000) / 25_600.0
    rate, peak = traced(rate_of, axis)
    assert rate == 25_600
    assert peak < axis.nbytes / 2


def test_stamps_become_seconds_in_one_copy() -> None:
    stamps = np.arange(1_000_000, dtype=np.float64)
    found, peak = traced(seconds, stamps, "ms")
    assert isinstance(found, np.ndarray)
    assert found[1000] == 1.0
    assert stamps[1000] == 1000.0, "the stamps stay as they were"
    assert peak < 1.5 * stamps.nbytes


def test_rows_of_a_text_table_are_the_same_whatever_is_parsed_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(6)
    x = rng.normal(size=100)
    cells = [f"{value!r}" if number % 9 else "" for number, value in enumerate(map(float, x))]
    text = "time,x,n\n" + "".join(f"{k / 10},{cell},{k}\n" for k, cell in enumerate(cells))
    (tmp_path / "a.csv").write_text(text)
    whole = csv.READER.read(tmp_path / "a.csv", "", 0, 100, {})
    assert np.isnan(whole["x"][::9]).all()
    for rows in (1, 7, 99, 100):
        monkeypatch.setattr(csv, "ROWS", rows)
        found = csv.READER.read(tmp_path / "a.csv", "", 0, 100, {})
        assert found.keys() == whole.keys()
        for name, values in whole.items():
            assert np.array_equal(found[name], values, equal_nan=True)
    lines = text.splitlines()
    lines[71] = "7.0,oops,70"
    (tmp_path / "b.csv").write_text("\n".join(lines))
    monkeypatch.setattr(csv, "ROWS", 33)
    with pytest.raises(DataError, match="'oops' in row 71 of the column x"):
        csv.READER.read(tmp_path / "b.csv", "", 0, 100, {})


def test_a_regular_time_axis_is_loaded_once_and_again_when_the_file_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    load = parquet.ParquetContents.load

    def counted(
        self: parquet.ParquetContents, names: Sequence[str], start: int, stop: int | None
    ) -> dict[str, np.ndarray]:
        loaded.extend(names)
        return load(self, names, start, stop)

    monkeypatch.setattr(parquet.ParquetContents, "load", counted)
    path = tmp_path / "a.parquet"

    def write(rate: float, rows: int) -> None:
        table = pa.table({"time": np.arange(rows) / rate, "x": np.arange(rows, dtype=np.float32)})
        pyarrow.parquet.write_table(table, path, row_group_size=100)

    write(50.0, 1000)
    parts = [parquet.READER.read(path, "", 0, 250, {})["x"]]
    once = loaded.count("time")
    assert once > 0
    parts += [parquet.READER.read(path, "", start, start + 250, {})["x"] for start in range(250, 1000, 250)]
    assert np.array_equal(np.concatenate(parts), np.arange(1000))
    assert loaded.count("time") == once
    write(20.0, 900)
    (record,) = parquet.READER.scan(path, {})
    assert record.rate == 20.0
    assert loaded.count("time") > once
