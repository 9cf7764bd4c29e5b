"""A dataset's files become a record table, whatever is among them."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from hpcflow.data.scan import scan_dataset
from hpcflow.errors import WorkflowError
from hpcflow.plan.records import ASIDE, DUPLICATE, OK, REPLACED
from hpcflow.workflow.model import DatasetSpec, FactSpec, VariableSpec

ACC = {"acceleration": VariableSpec(("X*_{channel}_time",), "g", "acceleration")}
SPEED = {"speed": FactSpec(("X*RPM",), "rpm", "frequency")}


def bearing(**kwargs: object) -> DatasetSpec:
    values = {"files": ("*.mat",), "reader": "matlab", "variables": ACC, "facts": SPEED} | kwargs
    return DatasetSpec("machine", **values)  # type: ignore[arg-type]


def write(path: Path, number: int, channels: str = "DE FE", rpm: int = 1797, size: int = 100) -> None:
    rng = np.random.default_rng(number)
    content: dict[str, object] = {f"X{number}_{c}_time": rng.normal(size=(size, 1)) for c in channels.split()}
    scipy.io.savemat(path, {**content, f"X{number}RPM": rpm}, do_compression=True)


@pytest.fixture
def rig(tmp_path: Path) -> Path:
    write(tmp_path / "105.mat", 105)
    write(tmp_path / "097.mat", 97, "DE", 1796)
    return tmp_path


def test_records_facts_and_units(rig: Path) -> None:
    (rig / "index.csv").write_text(
        "file,channel,sampling rate [Hz],bearing\n097.mat,,48000,\n105.mat,FE,,SKF 6203\n"
    )
    spec = bearing(records="index.csv", defaults={"sampling_rate": "12 kHz", "bearing": "SKF 6205-2RS"})
    result = scan_dataset(spec, folder=rig)
    table = result.records
    assert table.ids.tolist() == ["097.mat#DE", "105.mat#DE", "105.mat#FE"]
    assert table.rate.tolist() == [48000.0, 12000.0, 12000.0]
    assert table.facts["speed"].values == pytest.approx([1796 / 60, 1797 / 60, 1797 / 60], rel=1e-15)
    assert table.facts["bearing"].values.tolist() == ["SKF 6205-2RS", "SKF 6205-2RS", "SKF 6203"]
    assert [(v.name, v.units) for v in table.variables] == [("acceleration", "m s-2")]
    assert (result.aside, result.warnings) == ((), ())


def test_the_same_files_give_the_same_table_elsewhere(rig: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other machine"
    elsewhere.mkdir()
    for path in rig.glob("*.mat"):
        shutil.copy(path, elsewhere)
    os.utime(elsewhere / "105.mat", (1, 1))
    one = scan_dataset(bearing(), folder=rig, workers=1)
    two = scan_dataset(bearing(), folder=elsewhere, workers=4, cache=elsewhere / "cache.json")
    three = scan_dataset(bearing(), folder=elsewhere, cache=elsewhere / "cache.json")
    assert one.records.digest() == two.records.digest() == three.records.digest()
    assert one.records.ids.tolist() == two.records.ids.tolist()


def test_bad_files_are_named_and_the_rest_goes_on(rig: Path) -> None:
    content = (rig / "105.mat").read_bytes()
    (rig / "cut.mat").write_bytes(content[: len(content) // 2])
    (rig / "empty.mat").touch()
    (rig / "foreign.mat").write_text("<html>404</html>")
    scipy.io.savemat(rig / "other.mat", {"pressure": np.arange(9.0)})
    os.mkfifo(rig / "pipe.mat")
    (rig / "dead.mat").symlink_to("nowhere")
    (rig / "folder.mat").mkdir()
    (rig / b"caf\xe9.mat".decode("utf-8", "surrogateescape")).touch()
    result = scan_dataset(bearing(), folder=rig)
    assert {path: re.split("[:;] ", reason)[0] for path, reason in result.aside} == {
        "caf\\xe9.mat": "has a name that is not UTF-8",
        "cut.mat": f"ends after {len(content) // 2} bytes",
        "dead.mat": "is a link to nothing",
        "empty.mat": "is empty (0 bytes)",
        "foreign.mat": "is not a MATLAB file of version 5 or later (its header says otherwise)",
        "other.mat": "holds nothing that matches acceleration (X*_{channel}_time)",
        "pipe.mat": "is a pipe, which cannot be read twice",
    }
    table = result.records
    assert [str(name) for name in table.ids[table.status == OK]] == ["097.mat#DE", "105.mat#DE", "105.mat#FE"]
    assert (table.status == ASIDE).sum() == 7
    assert (table.size[table.status == ASIDE] == 0).all()


def test_a_changed_a_new_and_a_lost_file(rig: Path) -> None:
    first = scan_dataset(bearing(), folder=rig)
    write(rig / "097.mat", 97, "DE", 1796, size=120)
    write(rig / "222.mat", 222, "DE")
    (rig / "105.mat").unlink()
    second = scan_dataset(bearing(), folder=rig, previous=first.records, layout=first.layout)
    table = second.records
    assert table.status.tolist() == [REPLACED, REPLACED, REPLACED, OK, OK]
    assert [str(name) for name in table.ids[3:]] == ["097.mat#DE", "222.mat#DE"]
    assert table.start[3] == first.layout.shard


def test_facts_alone_move_and_replace_nothing(rig: Path) -> None:
    first = scan_dataset(bearing(defaults={"load": "1 kN"}), folder=rig)
    second = scan_dataset(bearing(defaults={"load": "2 kN"}), folder=rig, previous=first.records)
    assert second.records.facts["load"].values.tolist() == [2000.0] * 3
    assert second.records.checksum.tolist() == first.records.checksum.tolist()
    assert second.records.start.tolist() == first.records.start.tolist()
    assert second.records.digest() != first.records.digest()


def test_other_variables_make_other_records(rig: Path) -> None:
    first = scan_dataset(bearing(), folder=rig)
    other = {"acceleration": VariableSpec(("X*_{channel}_time",), "m/s2", "acceleration")}
    second = scan_dataset(bearing(variables=other), folder=rig, previous=first.records)
    assert second.records.status.tolist() == [REPLACED] * 3 + [OK] * 3


def test_everything_wrong_with_a_request_comes_at_once(rig: Path) -> None:
    (rig / "index.csv").write_text("file,speed\n097.mat,1500\n097.mat,1\n")
    spec = bearing(
        files=("*.txt", "no/such/*.mat"),
        records="index.csv",
        variables={"a": VariableSpec(("{channel}{channel}",))},
        defaults={"sampling_rate": "12 kg"},
    )
    with pytest.raises(WorkflowError) as caught:
        scan_dataset(spec, folder=rig)
    text = str(caught.value)
    for words in (
        "at least one file",
        "no does not exist",
        "{channel} twice",
        "units of its numbers",
        "once",
        "12 kg",
    ):
        assert words in text


def test_a_pattern_of_several_that_matches_nothing_is_a_warning(rig: Path) -> None:
    result = scan_dataset(bearing(files=("*.mat", "more/*.mat")), folder=rig)
    assert result.warnings == ("datasets.machine.files: more/*.mat: more does not exist",)


def test_the_index_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x [V]\n1\n2\n")
    (tmp_path / "index.csv").write_text("file,sampling_rate [Hz]\na.csv,10\n")
    spec = DatasetSpec("d", files=("*.csv",), reader="csv", records="index.csv")
    table = scan_dataset(spec, folder=tmp_path).records
    assert table.ids.tolist() == ["a.csv"]
    assert table.rate.tolist() == [10.0]


def test_copies_count_once_where_asked(rig: Path) -> None:
    shutil.copy(rig / "097.mat", rig / "copy of 097.mat")
    kept = scan_dataset(bearing(), folder=rig).records
    assert (kept.status == OK).all()
    once = scan_dataset(bearing(duplicates="once"), folder=rig).records
    assert once.status.tolist() == [OK, OK, OK, DUPLICATE]
    assert once.reason[3] == "a copy of 097.mat#DE"


def test_one_ride_in_three_formats_counts_once(shared_data: Path) -> None:
    spec = DatasetSpec("rides", files=("sport/activities/*",), reader="activity", duplicates="once")
    table = scan_dataset(spec, folder=shared_data).records
    copies = {
        str(table.ids[k]).rpartition("/")[2]: str(table.reason[k])
        for k in np.flatnonzero(table.status == DUPLICATE)
    }
    original = "a copy of sport/activities/2020-06-01-16-52-40.fit"
    assert copies == {"activity_5039744860.gpx": original, "activity_5039744860.tcx": original}


def test_a_reader_that_fails_otherwise_is_named(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name, version, suffixes = "broken", 1, (".mat",)

        def scan(self, path: Path, options: object) -> object:
            raise KeyError("no such thing")

    monkeypatch.setattr("hpcflow.data.scan.get_reader", lambda name: Broken())
    result = scan_dataset(bearing(), folder=rig)
    assert all("made the reader broken fail (KeyError" in reason for _, reason in result.aside)


def test_the_real_bearings(shared_data: Path) -> None:
    spec = DatasetSpec(
        "machine",
        files=("industrial/bearing_*/*.mat",),
        reader="matlab",
        variables={"acceleration": VariableSpec(("X*_{channel}_time", "bearing.gs"), "g")},
        facts={
            "speed": FactSpec(("X*RPM [rpm]", "bearing.rate [Hz]"), None, "frequency"),
            "sampling_rate": FactSpec(("bearing.sr",), "Hz"),
        },
        defaults={"sampling_rate": "12 kHz"},
    )
    result = scan_dataset(spec, folder=shared_data)
    table = result.records
    assert len(table) == 13
    assert (result.aside, result.warnings) == ((), ())
    rpm = {
        str(i).rpartition("/")[2].partition("_")[0]: float(v) * 60
        for i, v in zip(table.ids, table.facts["speed"].values, strict=True)
    }
    assert rpm == pytest.approx(
        {"097": 1796, "105": 1797, "130": 1796, "222": 1796, "InnerRaceFault": 1500, "OuterRaceFault": 1500}
    )
    assert table.rate[-2:].tolist() == [48828.0, 48828.0]
