"""A data set that grows or changes recomputes what is new, and files that cannot be read go aside."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from hpcflow.api import ask, compute, open_results, start
from hpcflow.results import set_aside, stage_times
from hpcflow.run.folder import RunFolder
from tests.executors.conftest import recording, write_workflow


def run(folder: Path) -> RunFolder:
    made = start(ask(folder / "contract.yaml"), folder / "runs")
    compute(made)
    return made


def counted(folder: RunFolder) -> dict[str, tuple[int, int]]:
    """(records computed, records taken over) by stage."""
    return {t.name: (t.computed, t.reused) for t in stage_times(folder)}


def values(folder: RunFolder, record: str) -> dict[str, np.ndarray]:
    """Everything the results say of one record."""
    found = {}
    for step, dataset in open_results(folder).items():
        index = list(dataset.record.values).index(record)
        for name, variable in dataset.data_vars.items():
            if variable.dims[0] == "record":
                found[f"{step}.{name}"] = variable.values[index]
            else:
                start, size = int(dataset.row_start[index]), int(dataset.row_size[index])
                found[f"{step}.{name}"] = variable.values[start : start + size]
    return found


def same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    assert a.keys() == b.keys()
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_new_recordings_alone_are_computed(tmp_path: Path) -> None:
    write_workflow(tmp_path, "abc")
    first = run(tmp_path)
    write_workflow(tmp_path, "f")
    second = run(tmp_path)
    assert second.path != first.path
    done = counted(second)
    assert done["tiles.machine"] == (1, 3)
    assert done["records.machine"] == (1, 3)
    assert done["ingest.machine"][0] == 1
    for record in ("a.mat", "b.mat", "c.mat"):
        same(values(first, record), values(second, record))
    fresh = tmp_path / "fresh"
    write_workflow(fresh, "abcf")
    whole = run(fresh)
    for record in ("a.mat", "b.mat", "c.mat", "f.mat"):
        same(values(whole, record), values(second, record))


def test_a_changed_recording_alone_is_computed_again(tmp_path: Path) -> None:
    write_workflow(tmp_path, "abc")
    first = run(tmp_path)
    (tmp_path / "b.mat").write_bytes(recording("g"))
    second = run(tmp_path)
    assert counted(second)["tiles.machine"] == (1, 2)
    same(values(first, "a.mat"), values(second, "a.mat"))
    same(values(first, "c.mat"), values(second, "c.mat"))
    fresh = tmp_path / "fresh"
    write_workflow(fresh, "g")
    same(values(run(fresh), "g.mat"), values(second, "b.mat"))


def test_the_same_again_is_the_same_run(tmp_path: Path) -> None:
    write_workflow(tmp_path, "ac")
    first = run(tmp_path)
    again = run(tmp_path)
    assert again.path == first.path
    assert len(list(again.receipts.iterdir())) == len(list(first.receipts.iterdir()))


def test_another_parameter_computes_its_steps_and_reads_no_file(tmp_path: Path) -> None:
    write_workflow(tmp_path, "ac")
    run(tmp_path)
    text = (tmp_path / "contract.yaml").read_text().replace("high: 400 Hz", "high: 450 Hz")
    (tmp_path / "contract.yaml").write_text(text)
    done = counted(run(tmp_path))
    assert done["ingest.machine"][0] == 0
    assert done["tiles.machine"] == (2, 0)
    assert done["records.machine"] == (0, 2)


BAD = {
    "empty.mat": b"",
    "foreign.mat": b"%PDF-1.7 this is no MATLAB file\n" * 50,
    "text.mat": "gemessen am 3. März;1,5\n".encode("latin-1") * 20,
}


def test_files_that_cannot_be_read_go_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    write_workflow(tmp_path, "ac")
    alone = run(tmp_path)
    mixed = tmp_path / "mixed"
    write_workflow(mixed, "ac")
    for name, content in BAD.items():
        (mixed / name).write_bytes(content)
    whole = recording("b")
    (mixed / "truncated.mat").write_bytes(whole[: len(whole) * 2 // 3])
    torn = bytearray(whole)
    torn[len(torn) // 2 :] = bytes(len(torn) - len(torn) // 2)
    (mixed / "torn.mat").write_bytes(torn)
    (mixed / "folder.mat").mkdir()
    made = run(mixed)
    aside = dict(set_aside(made))
    assert {*BAD, "truncated.mat", "torn.mat"} <= set(aside)
    assert all(len(reason) > 10 for reason in aside.values())
    for record in ("a.mat", "c.mat"):
        same(values(alone, record), values(made, record))
    assert json.loads(made.status_file.read_text())["state"] == "done"


def test_a_file_that_fails_only_when_read_is_set_aside_in_results(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpcflow.errors import DataError
    from hpcflow.run.stages import ingest

    write_workflow(tmp_path, "ac")
    read = ingest.read_stored

    def failing(reader: object, path: Path, *rest: object) -> object:
        if path.name == "c.mat":
            raise DataError("the disk has a bad sector here: copy the file again")
        return read(reader, path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "read_stored", failing)
    made = run(tmp_path)
    assert dict(set_aside(made)) == {"c.mat": "the disk has a bad sector here: copy the file again"}
    results = open_results(made)
    assert list(results["diagnosis"].status.values) == [0, 1]
    assert int(results["diagnosis"].diagnosis.values[1]) == -1
    assert np.isnan(values(made, "c.mat")["band.filtered"]).all()
    monkeypatch.undo()
    assert start(ask(tmp_path / "contract.yaml"), tmp_path / "runs").path == made.path


def test_a_pilot_computes_its_records_and_spoils_nothing(tmp_path: Path) -> None:
    write_workflow(tmp_path / "whole", "abcd")
    whole = run(tmp_path / "whole")
    write_workflow(tmp_path, "abcd")
    for only in ("b", "c"):
        pilot = start(ask(tmp_path / "contract.yaml", only=[f"{only}.mat"]), tmp_path / "runs")
        compute(pilot)
        assert list(open_results(pilot)["condition"].record.values) == [f"{only}.mat"]
        same(values(whole, f"{only}.mat"), values(pilot, f"{only}.mat"))
    full = run(tmp_path)
    for record in ("a.mat", "b.mat", "c.mat", "d.mat"):
        same(values(whole, record), values(full, record))
    assert counted(full)["records.machine"] == (2, 2)
    assert start(ask(tmp_path / "contract.yaml"), tmp_path / "runs").path == full.path


def test_a_file_that_changes_between_scan_and_ingest_is_set_aside(tmp_path: Path) -> None:
    write_workflow(tmp_path, "ac")
    planned = start(ask(tmp_path / "contract.yaml"), tmp_path / "runs")
    (tmp_path / "c.mat").write_bytes(recording("h"))
    compute(planned)
    assert "changed since it was scanned" in dict(set_aside(planned))["c.mat"]
    made = run(tmp_path)
    assert set_aside(made) == []
    fresh = tmp_path / "fresh"
    write_workflow(fresh, "h")
    same(values(run(fresh), "h.mat"), values(made, "c.mat"))


def test_rows_are_not_taken_from_a_run_that_lost_a_file(tmp_path: Path) -> None:
    write_workflow(tmp_path, "ac")
    first = run(tmp_path)
    (first.results / "envelope.zarr/amplitude/c/0/0").unlink()
    write_workflow(tmp_path, "f")
    second = run(tmp_path)
    assert counted(second)["tiles.machine"] == (3, 0)
    assert np.isfinite(values(second, "a.mat")["envelope.amplitude"]).all()


def test_a_stop_file_ends_a_run_and_resume_goes_on(tmp_path: Path) -> None:
    from hpcflow.errors import RunError

    write_workflow(tmp_path, "ac")
    made = start(ask(tmp_path / "contract.yaml"), tmp_path / "runs")
    made.stop_file.touch()
    with pytest.raises(RunError, match="hpcflow resume"):
        compute(made)
    made.stop_file.unlink()
    compute(made)
    assert json.loads(made.status_file.read_text())["state"] == "done"


def test_a_record_over_several_shards_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpcflow.run.stages import ingest

    write_workflow(tmp_path, "b")
    asked: list[tuple[int, int]] = []
    read = ingest.read_stored

    def counting(reader: object, path: Path, channel: str, start: int, stop: int, *rest: object) -> object:
        asked.append((start, stop))
        return read(reader, path, channel, start, stop, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest, "read_stored", counting)
    made = run(tmp_path)
    assert made.cut["datasets"][0]["samples"] > made.cut["datasets"][0]["shard"]
    assert asked == [(0, 300_001)]
