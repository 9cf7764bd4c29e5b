"""Any cut gives the same bits, and the values that the whole record gives."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from tests import toy

pytestmark = pytest.mark.usefixtures("toy_kernels")


def hashes(folder: RunFolder) -> dict[str, str]:
    """sha256 of every file under results/."""
    return {
        str(p.relative_to(folder.results)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.results.rglob("*"))
        if p.is_file()
    }


def opened(folder: RunFolder, step: str) -> xr.Dataset:
    return xr.open_zarr(folder.step_store(step, True), consolidated=False).load()


def rows_of(dataset: xr.Dataset, name: str, record: int) -> np.ndarray:
    start, size = int(dataset.row_start[record]), int(dataset.row_size[record])
    return dataset[name].values[start : start + size]


def by_segments(x: np.ndarray) -> np.ndarray:
    """The obvious way: each stretch without gaps is a record of its own."""
    y = np.full_like(x, np.nan)
    good = np.isfinite(x)
    start = None
    for i in range(len(x) + 1):
        inside = i < len(x) and good[i]
        if inside and start is None:
            start = i
        if not inside and start is not None:
            if i - start >= 3:
                y[start:i] = toy.smooth(x[start:i], rate=1.0)
            start = None
    return y


@pytest.fixture
def run(tmp_path: Path) -> tuple[RunFolder, list[np.ndarray]]:
    records = toy.signals()
    folder = toy.prepare(tmp_path, records)
    execute(folder, SerialExecutor())
    return folder, records


def test_map_over_tiles_equals_the_whole_record(run: tuple[RunFolder, list[np.ndarray]]) -> None:
    folder, records = run
    soft = opened(folder, "soft")
    for index, x in enumerate(records):
        np.testing.assert_array_equal(rows_of(soft, "values", index), by_segments(x))


def test_windows_over_tiles_equal_the_whole_record(run: tuple[RunFolder, list[np.ndarray]]) -> None:
    folder, records = run
    frames, coarse = opened(folder, "frames"), opened(folder, "coarse")
    for index, x in enumerate(records):
        if len(x) >= 1000:
            want = toy.framed(by_segments(x), rate=1.0, frame=1000, hop=300)
            np.testing.assert_array_equal(rows_of(frames, "peak", index), want["peak"])
        if len(x) >= 4096:
            want = toy.framed(x, rate=1.0, frame=4096, hop=4096)
            np.testing.assert_array_equal(
                rows_of(coarse, "quartiles", index), want["quartiles"].astype(np.float32)
            )
    assert frames["time"].values[1] == pytest.approx(0.3)
    assert frames["record_index"].values[-1] == len(records) - 1
    assert list(coarse["quantile"].values) == [0.25, 0.5, 0.75]


def test_rates_change_along_a_chain_and_are_told(tmp_path: Path) -> None:
    steps = (
        toy.step("slower", "respaced", {"signal": "made.x"}, up=3, down=5),
        toy.step("soft", "smooth", {"signal": "slower"}),
        toy.step("faster", "respaced", {"signal": "soft"}, up=7, down=4),
        toy.step("frames", "framed", {"signal": "faster"}, frame=1000, hop=300),
    )
    records = toy.signals()
    folder = toy.prepare(tmp_path, records, 1 << 20, steps=steps)
    execute(folder, SerialExecutor())
    stores = {step.name: opened(folder, step.name) for step in steps}
    for index, x in enumerate(records):
        slower = toy.respaced(x, rate=1000.0, up=3, down=5)["values"]
        soft = by_segments(slower)
        faster = toy.respaced(soft, rate=600.0, up=7, down=4)["values"]
        for name, want in (("slower", slower), ("soft", soft), ("faster", faster)):
            np.testing.assert_array_equal(rows_of(stores[name], "values", index), want)
        if len(faster) >= 1000:
            want = toy.framed(faster, rate=1050.0, frame=1000, hop=300)["peak"]
            np.testing.assert_array_equal(rows_of(stores["frames"], "peak", index), want)
    rates = {name: float(store["rate"].values[0]) for name, store in stores.items()}
    assert rates == {"slower": 600, "soft": 600, "faster": 1050, "frames": 1000}
    assert stores["frames"]["time"].values[1] == pytest.approx(300 / 1050)


def test_records_and_reduction(run: tuple[RunFolder, list[np.ndarray]]) -> None:
    folder, records = run
    sums, total = opened(folder, "sums"), opened(folder, "all")
    for index, x in enumerate(records):
        if len(x) < 40:
            assert np.isnan(sums["samples"].values[index])
        else:
            assert sums["samples"].values[index] == pytest.approx(2 * np.nansum(x.astype(np.float64)))
    assert float(total["total"]) == pytest.approx(np.nansum(sums["peaks"].values))
    assert int(total["records"]) == len(records)
    assert Ledger(folder).aside() == {"r2.bin": "sums: fewer than 40 samples"}


@pytest.mark.parametrize("block_bytes", [1, 1 << 20, 3 << 20, 1 << 30])
def test_any_block_size_gives_the_same_bits(tmp_path: Path, block_bytes: int) -> None:
    records = toy.signals()
    whole = toy.prepare(tmp_path / "a", records)
    other = toy.prepare(tmp_path / "b", records, block_bytes)
    for folder in (whole, other):
        execute(folder, SerialExecutor())
    assert hashes(whole) == hashes(other)
    assert whole.run_id != other.run_id
    assert len(hashes(whole)) > 30


def test_nothing_temporary_is_left(run: tuple[RunFolder, list[np.ndarray]]) -> None:
    folder, _ = run
    assert not folder.packs.exists()
    assert not folder.intermediate.exists()
    assert not [p for p in folder.path.parent.parent.rglob("*") if ".part-" in p.name]


def test_a_second_execution_computes_nothing(run: tuple[RunFolder, list[np.ndarray]]) -> None:
    folder, _ = run
    before = hashes(folder), sorted(folder.receipts.iterdir())
    execute(folder, SerialExecutor())
    assert (hashes(folder), sorted(folder.receipts.iterdir())) == before


def test_same_inputs_make_the_same_cut(tmp_path: Path) -> None:
    a = toy.prepare(tmp_path / "a", toy.signals())
    b = toy.prepare(tmp_path / "somewhere else", toy.signals())
    assert a.cut_file.read_bytes() == b.cut_file.read_bytes()
    assert str(tmp_path) not in a.cut_file.read_text()
