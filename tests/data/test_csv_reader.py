"""Text tables as instruments, spreadsheets and people write them."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from hpcflow.data.readers.base import Quantity
from hpcflow.data.readers.csv import READER
from hpcflow.errors import DataError

X, Y = [0.5, 1.5, -2.25, 1e-3], [10.0, 20.0, 30.0, 40.0]

DIALECTS = {
    "comma": "x [g],y [V]\n0.5,10\n1.5,20\n-2.25,30\n1e-3,40\n",
    "semicolon": "x [g];y [V]\n0.5;10\n1.5;20\n-2.25;30\n1e-3;40\n",
    "decimal comma": "x [g];y [V]\n0,5;10\n1,5;20\n-2,25;30\n1e-3;40\n",
    "tab and decimal comma": "x [g]\ty [V]\n0,5\t10,0\n1,5\t20,0\n-2,25\t30,0\n0,001\t40,0\n",
    "blanks": "x y\n 0.5   10\n 1.5   20\n-2.25   30\n 1e-3   40\n",
    "pipe": "x [g]|y [V]\n0.5|10\n1.5|20\n-2.25|30\n1e-3|40\n",
    "round brackets": "x (g),y (V)\n0.5,10\n1.5,20\n-2.25,30\n1e-3,40\n",
    "units row": "x,y\ng,V\n0.5,10\n1.5,20\n-2.25,30\n1e-3,40\n",
    "bracketed units row": "x;y\n[g];[V]\n0.5;10\n1.5;20\n-2.25;30\n1e-3;40\n",
    "quoted": '"x [g]","y [V]"\n"0.5","10"\n"1.5","20"\n"-2.25","30"\n"1e-3","40"\n',
    "CRLF": "x [g],y [V]\r\n0.5,10\r\n1.5,20\r\n-2.25,30\r\n1e-3,40\r\n",
    "byte order mark": "\ufeffx [g],y [V]\n0.5,10\n1.5,20\n-2.25,30\n1e-3,40\n",
    "comments": "# made by hand\n# x is first\nx [g],y [V]\n0.5,10\n1.5,20\n-2.25,30\n1e-3,40\n",
    "commented header": "# x,y\n0.5,10\n1.5,20\n-2.25,30\n1e-3,40\n",
    "commented header, blanks": "% x y\n0.5 10\n1.5 20\n-2.25 30\n1e-3 40\n",
    "preamble": "Device;Pump 3\nOperator;N.N.\nRate;12\n\n"
    "x [g];y [V];z\n0.5;10;1\n1.5;20;2\n-2.25;30;3\n1e-3;40;4\n",
    "no last newline": "x,y\n0.5,10\n1.5,20\n-2.25,30\n1e-3,40",
    "blank lines": "x,y\n\n0.5,10\n1.5,20\n\n-2.25,30\n1e-3,40\n\n",
    "text column": "who,x,y\nA,0.5,10\nA,1.5,20\nB,-2.25,30\nB,1e-3,40\n",
    "trailing separator": "x;y;\n0.5;10;\n1.5;20;\n-2.25;30;\n1e-3;40;\n",
}


@pytest.mark.parametrize("text", DIALECTS.values(), ids=list(DIALECTS))
def test_the_same_numbers_from_every_dialect(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode())
    options = {"variables": {"x": {}, "y": {}}}
    (record,) = READER.scan(path, options)
    found = READER.read(path, "", 0, record.size, options)
    np.testing.assert_array_equal(found["x"], X)
    np.testing.assert_array_equal(found["y"], Y)
    if "[g]" in text or "(g)" in text or "g,V" in text:
        assert [variable.units for variable in record.variables] == ["g", "V"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_encodings(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Lämpötila [°C];y\n0,5;1\n1,5;2\n".encode(encoding))
    (record,) = READER.scan(path, {"variables": {"temperature": {"select": "Lämpötila"}}})
    assert record.variables[0].units == "°C"


def test_gzip(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"x,y\n1,2\n3,4\n"))
    assert READER.scan(path, {})[0].size == 2
    path.write_bytes(gzip.compress(b"x,y\n" + b"1,2\n" * 9999)[:-9])
    with pytest.raises(DataError, match="ends early or is damaged"):
        READER.scan(path, {})


def test_a_single_column_with_decimal_comma(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("pressure [bar]\n1,5\n2,25\n3,0\n")
    assert READER.read(path, "", 0, 3, {})["pressure"].tolist() == [1.5, 2.25, 3.0]


@pytest.mark.parametrize(
    ("stamps", "rate"),
    [
        (["0", "0.5", "1.0", "1.5"], 2.0),
        (["0.000", "0.005", "0.010", "0.015"], 200.0),
        ([f"{k / 204.8:.3f}" for k in range(400)], 204.8),
        (["0", "1", "2", "4"], math.nan),
        (["0", "1", "1", "2"], math.nan),
        (["0", "1", "", "3"], math.nan),
        (["3", "2", "1", "0"], math.nan),
        (["2024-01-01T00:00:00Z", "2024-01-01T00:00:01Z", "2024-01-01T00:00:02Z"], 1.0),
        (["2024-01-01 00:00:00.25", "2024-01-01 00:00:00.50", "2024-01-01 00:00:00.75"], 4.0),
        (["31.12.2023 23:59:59", "1.1.2024 00:00:00", "1.1.2024 00:00:01"], 1.0),
    ],
)
def test_time_column(stamps: list[str], rate: float, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("time;x\n" + "".join(f"{stamp};{k}\n" for k, stamp in enumerate(stamps)))
    (record,) = READER.scan(path, {"variables": {"x": {}}})
    assert record.rate == pytest.approx(rate, rel=1e-6, nan_ok=True)
    assert ("time" in {variable.name for variable in record.variables}) == math.isnan(rate)


def test_time_units_from_header_and_name(tmp_path: Path) -> None:
    for header in ("time [ms]", "time_ms", "t (ms)"):
        path = tmp_path / "a.csv"
        path.write_text(f"{header},x\n0,1\n2,1\n4,1\n")
        assert READER.scan(path, {})[0].rate == 500.0
    path.write_text("time [V],x\n0,1\n2,1\n4,1\n")
    with pytest.raises(DataError, match="time axis in 'V'"):
        READER.scan(path, {})


def test_irregular_stamps_of_a_real_process(shared_data: Path) -> None:
    """SKAB has gaps of 2 s; the rows between keep their true distance."""
    path = shared_data / "industrial/process_skab/valve1_1.csv"
    (record,) = READER.scan(path, {})
    assert record.rate is not None
    assert (record.size, math.isnan(record.rate)) == (1145, True)
    assert record.facts["start_time"] == Quantity("2020-03-09T10:34:33")
    found = READER.read(path, "", 0, 1145, {})
    assert set(np.diff(found["time"])) == {1.0, 2.0}
    assert found["anomaly"].sum() == 402
    at = np.flatnonzero(found["anomaly"])
    # 10:44:33 to 10:51:33 of a file that starts at 10:34:33
    assert (found["time"][at[0]], found["time"][at[-1]]) == (600.0, 1020.0)


def test_weather_in_finnish_conventions(shared_data: Path) -> None:
    path = shared_data / "environment/weather_fmi/Helsinki_Kumpula.csv"
    options = {
        "variables": {"temperature": {"select": "Air temperature mean"}, "rh": {"select": "Relative*"}}
    }
    (record,) = READER.scan(path, options)
    assert [(v.name, v.units) for v in record.variables] == [("temperature", "°C"), ("rh", "%")]
    found = READER.read(path, "", 0, record.size, options)
    assert found["temperature"].min() == 8.3
    assert found["temperature"].max() == 27.3
    assert found["temperature"].mean() == pytest.approx(18.429, abs=5e-4)
    assert np.isnan(found["rh"]).sum() == 1


def test_header_rate_of_a_real_recording(shared_data: Path) -> None:
    (record,) = READER.scan(shared_data / "physio/emg/emg_1.txt", {"variables": {"emg": {"select": "1"}}})
    assert (record.size, record.rate) == (63880, 1000.0)


def test_two_header_rows(shared_data: Path) -> None:
    path = shared_data / "sport/imu_gait/gaitmap_imu_sample.csv.gz"
    records = READER.scan(path, {"variables": {"acc": {"select": "{channel}.acc_x"}}})
    assert [(one.channel, one.size) for one in records] == [("left_sensor", 7928), ("right_sensor", 7928)]


def test_facts_from_notes_and_constant_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("# Speed: 1480 rpm\n# Load (kN) := 1,5\n# Place = Kajaani\nx,gear,unit\n1,3,A\n2,3,B\n")
    facts = {"speed": {"select": "Speed"}, "load": {"select": "Load"}, "place": {"select": "Place"}}
    facts |= {"gear": {"units": "1"}, "unit": {}, "absent": {}}
    (record,) = READER.scan(path, {"variables": {"x": {}}, "facts": facts})
    assert record.facts == {
        "speed": Quantity(1480.0, "rpm"),
        "load": Quantity(1.5, "kN"),
        "place": Quantity("Kajaani"),
        "gear": Quantity(3.0, "1"),
    }


def test_a_word_among_numbers_is_named_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x\n" + "1\n" * 300 + "overload\n2\n")
    with pytest.raises(DataError, match=r"'overload' in row 301 of the column x"):
        READER.scan(path, {})


def test_missing_values(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("x,y\n1,-\n,NA\n3,5\n-,NaN\n")
    found = READER.read(path, "", 0, 4, {})
    np.testing.assert_array_equal(found["x"], [1, np.nan, 3, np.nan])
    np.testing.assert_array_equal(found["y"], [np.nan, np.nan, 5, np.nan])
