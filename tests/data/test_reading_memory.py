"""What a scan says that reading takes is never exceeded, and no more than twice of what is taken."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from hpcflow.data.readers.matfile import real_array, walk
from hpcflow.data.readers.registry import get_reader

SAMPLES = 1 << 22

GROWTH = """
import json, sys
from pathlib import Path
from hpcflow.data.readers.registry import get_reader
from hpcflow.run.peak import peak_memory
reader, options = get_reader(sys.argv[1]), json.loads(sys.argv[4])
reader.read(Path(sys.argv[2]), "", 0, 1, options)
before = peak_memory()
reader.read(Path(sys.argv[3]), "", int(sys.argv[5]), int(sys.argv[6]), options)
print(peak_memory() - before)
"""

SLACK = 12 << 20
"""Bytes that libraries keep for themselves: caches of chunks, pools of allocators, parsers."""


def growth(
    reader: str, small: Path, large: Path, options: dict[str, Any], most: int = 10**9
) -> tuple[int, int]:
    """(bytes by which a process grew, bytes that were promised) when it read a stretch of a large file."""
    (record,) = get_reader(reader).scan(large, options)
    assert record.held is not None
    stretch = min(record.size, most)
    start = (record.size - stretch) // 2
    command = [sys.executable, "-c", GROWTH, reader, str(small), str(large), json.dumps(options)]
    command += [str(start), str(start + stretch)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(done.stdout), math.ceil(record.held + stretch * record.per_sample)


def hdf5(path: Path, samples: int) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        x = np.random.default_rng(1).standard_normal(samples)
        file.create_dataset("x", data=x, chunks=(samples,), compression="gzip", compression_opts=1)


def hdf5_in_chunks(path: Path, samples: int) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["x"] = np.zeros(samples, np.float32)
        file.create_dataset("time", data=np.arange(samples) / 1000, chunks=(1000,))


def parquet(path: Path, samples: int) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    x = np.random.default_rng(1).standard_normal(samples)
    table = pa.table({"time": np.arange(samples) / 1000, "x": x})
    pyarrow.parquet.write_table(table, path, row_group_size=1 << 19, use_dictionary=False)


def matlab(path: Path, samples: int) -> None:
    x = np.random.default_rng(1).standard_normal(samples)
    scipy.io.savemat(path, {"x": x, "time": np.arange(samples) / 1000})


def matlab_packed(path: Path, samples: int) -> None:
    scipy.io.savemat(path, {"x": (np.arange(samples) % 251).astype(np.float64)}, do_compression=True)


def csv(path: Path, samples: int) -> None:
    rows = "".join(f"{k / 1000:.3f},{k % 977}.5\n" for k in range(100_000))
    with path.open("w") as file:
        file.write("a,x\n")
        for _ in range(max(1, samples // 100_000)):
            file.write(rows)


def gpx(path: Path, samples: int) -> None:
    start = datetime(2026, 5, 1)
    points = "".join(
        f'<trkpt lat="60.{k:06}" lon="24"><time>{(start + timedelta(seconds=k)).isoformat()}Z</time></trkpt>'
        for k in range(samples)
    )
    space = "http://www.topografix.com/GPX/1/1"
    path.write_text(f'<gpx version="1.1" xmlns="{space}"><trk><trkseg>{points}</trkseg></trk></gpx>')


def tcx(path: Path, samples: int) -> None:
    start = datetime(2026, 5, 1)
    points = "".join(
        f"<Trackpoint><Time>{(start + timedelta(seconds=k)).isoformat()}Z</Time>"
        "<HeartRateBpm><Value>120</Value></HeartRateBpm></Trackpoint>"
        for k in range(samples)
    )
    space = "http://www.garmin.com/xmlschemas/TrainingCenterDatabase/v2"
    path.write_text(
        f'<TrainingCenterDatabase xmlns="{space}"><Activities><Activity Sport="Running">'
        f'<Id>2026-05-01T00:00:00Z</Id><Lap StartTime="2026-05-01T00:00:00Z"><Track>{points}</Track></Lap>'
        "</Activity></Activities></TrainingCenterDatabase>"
    )


X = {"variables": {"x": {"select": ["x"]}}}
TIMED = {"variables": {"x": {"select": ["x"]}, "time": {"select": ["time"], "units": "s"}}}

CASES: dict[str, tuple[str, Callable[[Path, int], None], dict[str, Any], int, float]] = {
    # reader, file, options, samples of the stretch, least share of the promise that is taken
    "one chunk": ("hdf5", hdf5, X, 1 << 16, 0.5),
    "chunks and a time axis": ("hdf5", hdf5_in_chunks, TIMED, 1 << 22, 0.3),
    "row groups": ("parquet", parquet, X, 1 << 22, 0.3),
    "matlab": ("matlab", matlab, TIMED, 10**9, 0.5),
    "matlab, compressed": ("matlab", matlab_packed, X, 10**9, 0.5),
    "gpx": ("gpx", gpx, {}, 10**9, 0.4),
    "tcx": ("tcx", tcx, {}, 10**9, 0.4),
    "csv": ("csv", csv, X, 10**9, 0.3),
}


@pytest.mark.parametrize("case", CASES)
def test_a_process_grows_by_no_more_than_the_scan_says(tmp_path: Path, case: str) -> None:
    reader, make, options, most, least = CASES[case]
    small, large = tmp_path / "small", tmp_path / "large"
    make(small, 1000)
    make(large, {"csv": SAMPLES // 2, "gpx": 40_000, "tcx": 80_000}.get(reader, SAMPLES))
    took, said = growth(reader, small, large, options, most)
    assert took <= said + SLACK
    assert took + SLACK >= least * said, "the promise is not loose either"


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("code", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8", ">f8", ">i2"])
def test_arrays_are_those_of_scipy(tmp_path: Path, code: str, packed: bool) -> None:
    given = np.arange(-6, 18).astype(code).reshape(4, 6)
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"a": given, "b": given[0, :1], "c": given.T[:1]}, do_compression=packed)
    whole, elements = scipy.io.loadmat(path), walk(path)
    for name in "abc":
        found = real_array(path, elements[name])
        assert found is not None
        assert found.dtype == whole[name].dtype
        assert np.array_equal(found, whole[name])


def test_what_is_no_array_of_real_numbers_is_left_to_scipy(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(
        path,
        {
            "z": np.array([1 + 2j, 3]),
            "s": {"x": np.zeros(3)},
            "t": "text",
            "p": scipy.sparse.eye(3),
            "l": np.array([True, False]),
        },
    )
    found = {name: real_array(path, element) for name, element in walk(path).items()}
    assert {name for name, value in found.items() if value is None} == {"z", "s", "t", "p"}
    assert np.array_equal(np.ravel(found["l"]), [1, 0])


def test_doubles_that_matlab_saves_as_bytes() -> None:
    """MATLAB saves whole numbers of class double in as few bytes as hold them."""
    folder = Path(scipy.io.__file__).parent / "matlab" / "tests" / "data"
    files = sorted(folder.glob("test*double_*.mat")) + sorted(folder.glob("testmatrix_*.mat"))
    if not files:
        pytest.skip("SciPy is installed without its test files")
    for path in files:
        if path.read_bytes()[126:128] not in (b"IM", b"MI"):
            continue
        whole = scipy.io.loadmat(path)
        for name, element in walk(path).items():
            found = real_array(path, element)
            if found is not None:
                assert np.array_equal(found, whole[name])
