"""The array readers against SciPy, h5py, and the published truth of the recordings."""

from __future__ import annotations

import doctest
import importlib
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from hpcflow.data.readers import hdf5, matlab, parquet
from hpcflow.data.readers.base import Quantity, Reader
from hpcflow.data.readers.registry import get_reader, read_stored, reader_for, reader_names
from hpcflow.data.readers.select import channels, check_patterns, match
from hpcflow.errors import DataError, RequestError
from hpcflow.plan.records import Variable

CWRU = {
    "variables": {"acceleration": {"select": ["X*_{channel}_time", "bearing.gs"], "units": "g"}},
    "facts": {
        "speed": {"select": ["X*RPM [rpm]", "bearing.rate [Hz]"]},
        "load": {"select": "bearing.load", "units": "lbf"},
        "sampling_rate": {"select": "bearing.sr", "units": "Hz"},
    },
}
MODULES = ("arrays", "columns", "guard", "select", "timeaxis")


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str) -> None:
    module = importlib.import_module(f"hpcflow.data.readers.{name}")
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize(
    ("pattern", "name", "channel", "wild"),
    [
        ("X*_{channel}_time", "X105_DE_time", "DE", ("105",)),
        ("X*_{channel}_time", "X99_FE_2_time", "FE_2", ("99",)),
        ("*_time", "X105_DE_time", None, ("X105_DE",)),
        ("acc_[xyz]", "acc_y", None, ("y",)),
        ("acc_[!xyz]", "acc_w", None, ("w",)),
        ("a?c", "abc", None, ("b",)),
        ("group/{channel}/acc", "group/pump 1/acc", "pump 1", ()),
        ("a.b", "a.b", None, ()),
        ("50% (raw)+", "50% (raw)+", None, ()),
    ],
)
def test_patterns_match_whole_names(
    pattern: str, name: str, channel: str | None, wild: tuple[str, ...]
) -> None:
    hit = match(pattern, name)
    assert hit is not None
    assert (hit.channel, hit.wild) == (channel, wild)
    assert match(pattern, f"{name}!") is None


def test_two_recordings_in_one_file_stay_apart() -> None:
    """CWRU's 99.mat holds the channels of recording 98 as well."""
    names = ["X098_DE_time", "X098_FE_time", "X099_DE_time", "X099_FE_time"]
    found = channels(names, {"acceleration": {"select": "X*_{channel}_time"}})
    assert [one.name for one in found] == ["098_DE", "098_FE", "099_DE", "099_FE"]
    assert [one.arrays["acceleration"] for one in found] == names


def test_a_variable_without_channel_belongs_to_every_channel() -> None:
    wanted = {"acceleration": {"select": "acc_{channel}"}, "temperature": {"select": "temp"}}
    found = channels(["temp", "acc_x", "acc_y"], wanted)
    assert [(one.name, dict(one.arrays)) for one in found] == [
        ("x", {"acceleration": "acc_x", "temperature": "temp"}),
        ("y", {"acceleration": "acc_y", "temperature": "temp"}),
    ]


def test_a_wildcard_that_matches_once_makes_no_channel() -> None:
    (one,) = channels(["X105_DE_time", "X105_FE_time"], {"acceleration": {"select": "*_DE_time"}})
    assert (one.name, one.arrays["acceleration"]) == ("", "X105_DE_time")
    wanted = {"acceleration": {"select": "*_acc"}, "temperature": {"select": "*_temp"}}
    found = channels(["L_acc", "R_acc", "L_temp"], wanted)
    assert [(one.name, len(one.arrays)) for one in found] == [("L", 2), ("R", 1)]


def test_malformed_patterns_are_named() -> None:
    options = {
        "variables": {"a": {"select": ["x", "{channel}_{channel}"]}},
        "facts": {"b": {"select": "[z-a]"}},
    }
    problems = check_patterns(options)
    assert [place for place, _, _ in problems] == ["variables.a.select", "facts.b.select"]


def test_cwru_channels_facts_and_samples(shared_data: Path) -> None:
    path = shared_data / "industrial/bearing_cwru/105_IR007_0hp_12kHz.mat"
    records = matlab.READER.scan(path, CWRU)
    assert [(one.channel, one.size) for one in records] == [("DE", 121265), ("FE", 121265), ("BA", 121265)]
    assert all(one.facts["speed"] == Quantity(1797.0, "rpm") for one in records)
    assert all(one.rate is None for one in records)
    found = matlab.READER.read(path, "DE", 0, 121265, CWRU)["acceleration"]
    np.testing.assert_array_equal(found, scipy.io.loadmat(path)["X105_DE_time"][:, 0])
    assert found.std() == pytest.approx(0.2912, abs=5e-5)
    piece = matlab.READER.read(path, "FE", 1000, 1500, CWRU)["acceleration"]
    np.testing.assert_array_equal(piece, scipy.io.loadmat(path)["X105_FE_time"][1000:1500, 0])


def test_mfpt_struct_fields_are_variables_and_facts(shared_data: Path) -> None:
    path = shared_data / "industrial/bearing_mfpt_noncommercial/OuterRaceFault_vload_4.mat"
    (record,) = matlab.READER.scan(path, CWRU)
    assert (record.channel, record.size, record.rate) == ("", 146484, 48828.0)
    assert record.facts["speed"] == Quantity(25.0, "Hz")
    assert record.facts["load"] == Quantity(150.0, "lbf")
    found = matlab.READER.read(path, "", 0, record.size, CWRU)["acceleration"]
    assert found.std() == pytest.approx(0.834, abs=5e-4)


def test_read_si_scales_and_fills(shared_data: Path) -> None:
    path = shared_data / "industrial/bearing_cwru/097_normal_0hp_48kHz.mat"
    variables = (Variable("acceleration", "m s-2", "float32"), Variable("temperature", "K", "float32"))
    found = read_stored(matlab.READER, path, "DE", 10, 20, CWRU, variables)
    raw = scipy.io.loadmat(path)["X097_DE_time"][10:20, 0]
    np.testing.assert_array_equal(found["acceleration"], (raw * 9.80665).astype(np.float32))
    assert np.isnan(found["temperature"]).all()
    assert all(values.dtype == np.float32 for values in found.values())


def test_read_si_refuses_units_that_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("speed [m/s]\n1\n2\n")
    reader = get_reader("csv")
    with pytest.raises(DataError, match="where the dataset has K"):
        read_stored(reader, path, "", 0, 2, {}, (Variable("speed", "K", "float64"),))


def write_mat73(path: Path) -> None:
    """What MATLAB writes with `save -v7.3`: HDF5 behind 512 bytes of text, arrays transposed."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        acc = file.create_dataset("acc", data=np.arange(12.0).reshape(3, 4).repeat(5, axis=1))
        acc.attrs["MATLAB_class"] = np.bytes_("double")
        name = file.create_dataset("name", data=np.array([[ord(c)] for c in "Kajaani"], np.uint16))
        name.attrs["MATLAB_class"] = np.bytes_("char")
        group = file.create_group("bearing")
        group.create_dataset("gs", data=np.arange(20, dtype="f4")[None]).attrs["MATLAB_class"] = np.bytes_(
            "single"
        )
        group.create_dataset("sr", data=[[48828.0]]).attrs["MATLAB_class"] = np.bytes_("double")
        file.create_dataset("#refs#/a", data=[1.0, 2.0])
        empty = file.create_dataset("none", data=np.zeros(2, np.uint64))
        empty.attrs["MATLAB_empty"] = 1
    with path.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: Mon Jan  1 00:00:00 2024".ljust(128))


def test_matlab_73(tmp_path: Path) -> None:
    path = tmp_path / "new.mat"
    write_mat73(path)
    options = {
        "variables": {"acceleration": {"select": "acc.{channel}"}, "gs": {"select": "bearing.gs"}},
        "facts": {"sampling_rate": {"select": "bearing.sr"}, "name": {"select": "name"}},
    }
    records = matlab.READER.scan(path, options)
    assert [(one.channel, one.size, one.rate) for one in records] == [(k, 20, 48828.0) for k in "123"]
    assert records[0].facts["name"] == Quantity("Kajaani")
    found = matlab.READER.read(path, "2", 4, 6, options)
    assert found["acceleration"].tolist() == [4.0, 5.0]
    assert found["gs"].tolist() == [4.0, 5.0]
    assert found["gs"].dtype == np.float32


def test_matlab_columns_structs_and_cells(tmp_path: Path) -> None:
    path = tmp_path / "nested.mat"
    run = {"acc": np.arange(8.0).reshape(4, 2), "info": {"fs": 100.0, "who": "x"}}
    cells = np.empty(2, object)
    cells[:] = [np.arange(4.0), np.arange(4.0) + 10]
    scipy.io.savemat(
        path, {"data": {"run": run}, "c": cells, "z": np.arange(4) * 1j, "i": np.arange(4, dtype="i2")}
    )
    options = {
        "variables": {"a": {"select": "data.run.acc.{channel}"}},
        "facts": {"sampling_rate": {"select": "data.run.info.fs"}, "who": {"select": "*.who"}},
    }
    records = matlab.READER.scan(path, options)
    assert [(one.channel, one.size, one.rate) for one in records] == [("1", 4, 100.0), ("2", 4, 100.0)]
    assert matlab.READER.read(path, "2", 1, 3, options)["a"].tolist() == [3.0, 5.0]
    assert matlab.READER.read(path, "2", 0, 2, {"variables": {"a": {"select": "c.{channel}"}}})[
        "a"
    ].tolist() == [10, 11]
    (whole,) = matlab.READER.scan(path, {"variables": {"i": {}}})
    assert whole.variables[0].dtype == "int16"
    with pytest.raises(DataError, match=r"z.*complex.*real"):
        matlab.READER.scan(path, {"variables": {"a": {"select": "z"}}})


def test_hdf5_das_has_a_regular_time_axis_in_nanoseconds(shared_data: Path) -> None:
    path = shared_data / "environment/fibre_das/brady_gdr_1.h5"
    options = {
        "variables": {
            "strain": {"select": "DasRawData/RawData.{channel}", "units": "1"},
            "time": {"select": "DasRawData/DasTimeArray", "units": "ns"},
        }
    }
    records = hdf5.READER.scan(path, options)
    assert [one.channel for one in records] == [str(k) for k in range(1, 11)]
    assert {(one.size, one.rate) for one in records} == {(10000, 1000.0)}
    import h5py

    with h5py.File(path) as file:
        truth = file["DasRawData/RawData"][500:600, 6]
    found = hdf5.READER.read(path, "7", 500, 600, options)
    assert list(found) == ["strain"]
    np.testing.assert_array_equal(found["strain"], truth)


def test_hdf5_attributes_units_and_external_data(tmp_path: Path) -> None:
    import h5py

    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        data = file.create_dataset("pump/acc", data=np.arange(50, dtype=">i2"))
        data.attrs["units"] = "m/s^2"
        file.attrs["sampling_rate"] = 25600
        file["pump"].attrs["speed"] = "1480"
        file["bad"] = h5py.ExternalLink("/etc/passwd", "x")
        file.create_dataset("outside", (4,), "u1", external=[("/etc/hostname", 0, 4)])
    options = {
        "variables": {"acceleration": {"select": "pump/acc"}},
        "facts": {"speed": {"select": "pump@speed [rpm]"}, "room": {"select": "@room"}},
    }
    (record,) = hdf5.READER.scan(path, options)
    assert (record.rate, record.facts) == (25600.0, {"speed": Quantity(1480.0, "rpm")})
    assert record.variables[0].units == "m/s^2"
    assert hdf5.READER.read(path, "", 3, 5, options)["acceleration"].tolist() == [3.0, 4.0]
    with pytest.raises(DataError, match="lies in other files"):
        hdf5.READER.scan(path, {"variables": {"a": {"select": "outside"}}})


def test_contradicting_units_stop_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("v [mm/s]\n1\n2\n")
    with pytest.raises(DataError, match=r"mm/s \(speed\).*acceleration"):
        get_reader("csv").scan(path, {"variables": {"a": {"select": "v", "units": "m/s2"}}})
    (record,) = get_reader("csv").scan(path, {"variables": {"a": {"select": "v", "units": "m/s"}}})
    assert record.variables[0].units == "mm/s"


def test_parquet_row_groups_time_and_facts(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    stamps = np.datetime64("2024-05-01T12:00:00", "ms") + np.arange(1000) * np.timedelta64(20, "ms")
    power = np.arange(1000, dtype="f4")
    table = pa.table(
        {
            "timestamp": pa.array(stamps, pa.timestamp("ms", tz="UTC")),
            "power [W]": pa.array([None if k == 7 else float(k) for k in power], pa.float32()),
            "hr": pa.array(np.arange(1000) % 200, pa.int16()),
            "athlete": pa.array(["A"] * 1000).dictionary_encode(),
        },
        metadata={"site": "Vuokatti", "ftp [W]": "250"},
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=64)
    options = {
        "variables": {"power": {}, "heart_rate": {"select": "hr", "units": "bpm"}},
        "facts": {"site": {}, "ftp": {}, "athlete": {}},
    }
    (record,) = parquet.READER.scan(path, options)
    assert (record.size, record.rate) == (1000, 50.0)
    assert record.facts == {
        "site": Quantity("Vuokatti"),
        "ftp": Quantity(250.0, "W"),
        "athlete": Quantity("A"),
        "start_time": Quantity("2024-05-01T12:00:00Z"),
    }
    found = parquet.READER.read(path, "", 60, 200, options)
    np.testing.assert_array_equal(found["power"], power[60:200])
    assert found["heart_rate"].dtype == np.float32
    assert math.isnan(parquet.READER.read(path, "", 7, 8, options)["power"][0])


def test_every_stretch_equals_the_slice_of_the_whole(tmp_path: Path) -> None:
    """What ingest relies on: reading in pieces gives what reading at once gives."""
    import h5py
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(5)
    x = rng.normal(size=300)
    t = np.cumsum(rng.uniform(0.5, 2, 300))
    scipy.io.savemat(tmp_path / "a.mat", {"x": x, "time": t}, do_compression=True)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"], file["time"] = x, t
    pq.write_table(pa.table({"x": x, "time": t}), tmp_path / "a.parquet", row_group_size=70)
    lines = [f"{float(a)!r},{float(b)!r}" for a, b in zip(t, x, strict=True)]
    (tmp_path / "a.csv").write_text("\n".join(["time,x", *lines]))
    for name in ("a.mat", "a.h5", "a.parquet", "a.csv"):
        reader = reader_for(tmp_path / name)
        options = {"variables": {"x": {}, "time": {}}}
        (record,) = reader.scan(tmp_path / name, options)
        assert record.rate is not None
        assert math.isnan(record.rate)
        whole = reader.read(tmp_path / name, "", 0, 300, options)
        np.testing.assert_array_equal(whole["x"], x)
        np.testing.assert_allclose(whole["time"], t - t[0], rtol=1e-15)
        for start, stop in [(0, 1), (69, 141), (299, 300), (5, 5)]:
            piece = reader.read(tmp_path / name, "", start, stop, options)
            for key, values in whole.items():
                np.testing.assert_array_equal(piece[key], values[start:stop])
        with pytest.raises(DataError, match="scan again"):
            reader.read(tmp_path / name, "", 0, 301, options)
        with pytest.raises(DataError, match="no channel 'DE'"):
            reader.read(tmp_path / name, "DE", 0, 1, options)


def test_unequal_lengths_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"a": np.arange(5.0), "b": np.arange(4.0)})
    with pytest.raises(DataError, match="a 5, b 4 samples"):
        matlab.READER.scan(path, {"variables": {"a": {}, "b": {}}})
    (longest,) = matlab.READER.scan(path, {})
    assert [v.name for v in longest.variables] == ["a"]


def test_nothing_selected_lists_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"left": np.arange(5.0), "right": np.arange(5.0)})
    with pytest.raises(DataError, match=r"acceleration \(X\*\); it holds left, right"):
        matlab.READER.scan(path, {"variables": {"acceleration": {"select": "X*"}}})


def test_readers_by_name_and_suffix() -> None:
    assert {"matlab", "hdf5", "csv", "parquet"} <= set(reader_names())
    for name in ("matlab", "hdf5", "csv", "parquet"):
        assert isinstance(get_reader(name), Reader)
    assert reader_for(Path("A.MAT")).name == "matlab"
    assert reader_for(Path("b.csv.gz")).name == "csv"
    with pytest.raises(RequestError, match="did you mean matlab"):
        get_reader("matlib")
    with pytest.raises(RequestError, match="reader:"):
        reader_for(Path("a.docx"))


def test_a_reader_of_another_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from hpcflow.data.readers import registry

    entries = [
        EntryPoint("mine", "hpcflow.data.readers.csv:READER", "hpcflow_lumi.readers"),
        EntryPoint("broken", "no_such_package:READER", "hpcflow_lumi.readers"),
        EntryPoint("odd", "math:pi", "hpcflow_lumi.readers"),
    ]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    registry.get_reader.cache_clear()
    registry.reader_names.cache_clear()
    try:
        assert get_reader("mine").name == "csv"
        with pytest.raises(RequestError, match=r"'broken'.*reinstall"):
            get_reader("broken")
        with pytest.raises(RequestError, match=r"'odd'.*does not fit"):
            get_reader("odd")
    finally:
        registry.get_reader.cache_clear()
        registry.reader_names.cache_clear()
