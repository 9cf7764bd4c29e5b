"""Events make a table without holes, however many there are and whatever the blocks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hpcflow.errors import RunError
from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run.folder import RunFolder
from hpcflow.run.verify import verify
from tests import toy
from tests.run.test_execute import hashes, opened, rows_of

pytestmark = pytest.mark.usefixtures("toy_kernels")


def run(folder: Path, above: float, block_bytes: int | None = None) -> tuple[RunFolder, list[np.ndarray]]:
    records = toy.signals()
    steps = (
        toy.step("hits", "beyond", {"signal": "made.x"}, above=above),
        toy.step("tally", "tally", {"heights": "hits.height"}),
    )
    made = toy.prepare(folder, records, block_bytes, steps=steps)
    execute(made, SerialExecutor())
    return made, records


@pytest.mark.parametrize("above", [3.0, -9.0, 99.0], ids=["some", "every sample", "none"])
def test_the_table_holds_every_event_and_nothing_else(tmp_path: Path, above: float) -> None:
    made, records = run(tmp_path, above)
    hits = opened(made, "hits")
    total = 0
    for index, x in enumerate(records):
        place = np.flatnonzero(x > above)
        np.testing.assert_array_equal(rows_of(hits, "place", index), place)
        np.testing.assert_array_equal(rows_of(hits, "height", index), x[place])
        assert (rows_of(hits, "record_index", index) == index).all()
        total += len(place)
    assert hits.sizes["event"] == total
    assert hits.beside.shape == (total, 2)
    assert not verify(made).damages
    tally = opened(made, "tally")
    assert int(tally.records) == total
    assert float(tally.total) == pytest.approx(hits.height.values.astype(np.float64).sum(), abs=1e-6)


def test_blocks_leave_no_trace(tmp_path: Path) -> None:
    whole, _ = run(tmp_path / "whole", 2.5)
    cut, _ = run(tmp_path / "cut", 2.5, block_bytes=1)
    assert cut.cut["stages"][2]["blocks"] > whole.cut["stages"][2]["blocks"]
    assert hashes(cut) == hashes(whole)


def test_more_events_than_the_plan_has_room_for_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    contract = replace(toy.CONTRACTS["beyond"], most_events=lambda params, samples, rate: samples // 1000)
    monkeypatch.setitem(toy.CONTRACTS, "beyond", contract)
    with pytest.raises(RunError):
        run(tmp_path, 1.0)
    assert "events where its contract says 262 at most" in "".join(capfd.readouterr())
