"""Whatever is wrong with a file, a reader says so in one sentence and raises nothing but `DataError`."""

from __future__ import annotations

import os
import random
import socket
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io

from hpcflow.data.readers.registry import get_reader
from hpcflow.errors import DataError

OPTIONS: dict[str, Any] = {
    "variables": {"x": {"select": ["x", "s.x"], "units": "g"}},
    "facts": {"speed": {"select": ["speed", "s.speed", "@speed"], "units": "rpm"}},
}
NAMES = ("matlab", "hdf5", "csv", "parquet")
X = np.random.default_rng(3).normal(size=2000)


def write_matlab(path: Path) -> None:
    scipy.io.savemat(
        path, {"x": X, "speed": 1797.0, "s": {"y": X, "speed": 3}, "t": "text"}, do_compression=True
    )


def write_matlab_plain(path: Path) -> None:
    scipy.io.savemat(path, {"s": {"x": X.astype("f4"), "speed": np.uint16(7)}, "n": "text"})


def write_hdf5(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=X, chunks=(256,), compression="gzip").attrs["units"] = "g"
        file.create_dataset("speed", data=1797.0)
        file.create_dataset("time", data=np.arange(2000) / 100)
        file.attrs["site"] = "Kajaani"


def write_csv(path: Path) -> None:
    rows = "\n".join(f"{k / 100},{value!r}" for k, value in enumerate(X.tolist()))
    path.write_text(f"# speed (rpm): 1797\ntime [s],x [g]\n{rows}\n")


def write_parquet(path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"time": np.arange(2000) / 100, "x": X}, metadata={"speed": "1797"})
    pq.write_table(table, path, row_group_size=500)


WRITERS: dict[str, tuple[str, Callable[[Path], None]]] = {
    "matlab compressed": ("matlab", write_matlab),
    "matlab plain": ("matlab", write_matlab_plain),
    "hdf5": ("hdf5", write_hdf5),
    "csv": ("csv", write_csv),
    "parquet": ("parquet", write_parquet),
}


def try_all(name: str, path: Path) -> str:
    """Scan and read; the sentence of the `DataError`, or "" where the file could be read."""
    reader = get_reader(name)
    try:
        for record in reader.scan(path, OPTIONS):
            found = reader.read(path, record.channel, 0, record.size, OPTIONS)
            assert all(len(values) == record.size for values in found.values())
    except DataError as error:
        text = str(error)
        assert "\n" not in text
        assert len(text) < 600
        assert text.isprintable()
        return text
    return ""


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_ordinary_file(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder.mat").mkdir()
    os.mkfifo(tmp_path / "pipe.mat")
    (tmp_path / "link.mat").symlink_to(tmp_path / "nothing")
    (tmp_path / "loop.mat").symlink_to(tmp_path / "loop.mat")
    (tmp_path / "empty.mat").touch()
    (tmp_path / "file").touch()
    with socket.socket(socket.AF_UNIX) as listener:
        old = Path.cwd()
        os.chdir(tmp_path)  # the path of a socket may have about 100 bytes
        try:
            listener.bind("sock.mat")
        finally:
            os.chdir(old)
        expected = {
            "folder.mat": "is a folder",
            "pipe.mat": "is a pipe",
            "link.mat": "is a link to nothing",
            "loop.mat": "cannot be opened",
            "empty.mat": "is empty",
            "sock.mat": "is a socket",
            "absent.mat": "is not there",
            "file/inside.mat": "cannot be opened",
            "a\0b.mat": "cannot be opened",
            "n" * 300: "cannot be opened",
        }
        for file, sentence in expected.items():
            assert sentence in try_all(name, tmp_path / file)
    assert "is a device" in try_all(name, Path("/dev/zero"))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_that_may_not_be_read(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, write = WRITERS[kind]
    path = tmp_path / "a.dat"
    write(path)
    if os.geteuid() == 0:
        # Root may read everything, so the refusal is made by hand.
        def refuse(self: Path, *args: Any, **kwargs: Any) -> Any:
            raise PermissionError(13, "Permission denied", str(self))

        monkeypatch.setattr(Path, "open", refuse)
    else:
        path.chmod(0)
    assert "may not be read" in try_all(name, path)


@pytest.mark.parametrize("name", NAMES)
def test_foreign_content_under_the_right_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    random_bytes = np.random.default_rng(9).bytes(5000)
    foreign = {
        "zeros": bytes(5000),
        "noise": random_bytes,
        "text": b"Dear all,\n\nthe recordings will follow tomorrow.\n" * 20,
        "page": b"<!DOCTYPE html><html><body>404 Not Found</body></html>",
        "pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1190891\n",
        "png": b"\x89PNG\r\n\x1a\n" + random_bytes,
        "zip": b"PK\x03\x04" + random_bytes,
        "one byte": b"\0",
        "header alone": b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM",
        "hdf5 signature": b"\x89HDF\r\n\x1a\n" + random_bytes,
        "parquet ends": b"PAR1" + random_bytes + b"PAR1",
        "gzip": b"\x1f\x8b" + random_bytes,
        "byte order mark": b"\xff\xfe",
        "7.3 without HDF5": b"MATLAB 7.3 MAT-file".ljust(600),
    }
    for what, content in foreign.items():
        path.write_bytes(content)
        assert try_all(name, path), what
    for kind, (other, write) in WRITERS.items():
        # MATLAB's own newer format is HDF5, so the reader takes HDF5 under its name.
        if other != name and (name, other) != ("matlab", "hdf5"):
            write(path)
            assert try_all(name, path), kind


@pytest.mark.parametrize("kind", WRITERS)
def test_truncated_anywhere(kind: str, tmp_path: Path) -> None:
    name, write = WRITERS[kind]
    path = tmp_path / "a.dat"
    write(path)
    assert try_all(name, path) == ""
    content = path.read_bytes()
    places = sorted({*range(1, len(content), max(len(content) // 60, 1)), len(content) - 1})
    for place in places:
        path.write_bytes(content[:place])
        sentence = try_all(name, path)
        # A text table that ends after a whole row is a shorter table; nothing can tell.
        assert sentence or name == "csv", f"cut at {place} of {len(content)}"


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.filterwarnings("ignore")
def test_flipped_bytes_anywhere(kind: str, tmp_path: Path) -> None:
    name, write = WRITERS[kind]
    path = tmp_path / "a.dat"
    write(path)
    content = path.read_bytes()
    chance = random.Random(11)
    caught = 0
    for round_number in range(120):
        damaged = bytearray(content)
        reach = [64, 512, 2048, len(content)][round_number % 4]
        for _ in range(chance.choice((1, 1, 4, 16))):
            damaged[chance.randrange(min(reach, len(content)))] = chance.randrange(256)
        path.write_bytes(damaged)
        caught += try_all(name, path) != ""
    assert caught > 0


def test_a_truncated_real_recording_is_found_by_its_header(shared_data: Path, tmp_path: Path) -> None:
    content = (shared_data / "industrial/bearing_cwru/105_IR007_0hp_12kHz.mat").read_bytes()
    path = tmp_path / "cut.mat"
    options = {"variables": {"acceleration": {"select": "X*_{channel}_time"}}}
    reader = get_reader("matlab")
    for place in (1, 127, 128, 130, 200, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:place])
        with pytest.raises(DataError, match=r"ends after|not a MATLAB file|no variables"):
            reader.scan(path, options)


def test_a_claim_of_more_than_memory_is_refused(tmp_path: Path) -> None:
    """The dimensions of a plain array are changed to 2**31 - 1 rows; nothing of that size is asked for."""
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"x": X})
    content = bytearray(path.read_bytes())
    at = content.index((1).to_bytes(4, "little") + (2000).to_bytes(4, "little"))
    content[at : at + 8] = (2**31 - 1).to_bytes(4, "little") * 2
    path.write_bytes(content)
    assert "more than its" in try_all("matlab", path)


def test_a_huge_empty_hdf5_dataset_is_refused(tmp_path: Path) -> None:
    import h5py

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (2**40,), "f8", chunks=(1024,))
    assert "more values than the file can hold" in try_all("hdf5", tmp_path / "a.h5")


def test_arrays_that_are_no_signals(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    reader = get_reader("matlab")
    for value, sentence in [
        (X + 1j, "complex"),
        (np.zeros((0, 1)), "no samples"),
        (np.zeros((3, 4, 5)), "shape 3 x 4 x 5"),
        (np.array(["ab", "cd"]), "nothing that matches"),
    ]:
        scipy.io.savemat(path, {"x": value})
        with pytest.raises(DataError, match=sentence):
            reader.scan(path, OPTIONS)


def test_headers_without_a_number_are_missing_facts(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    reader = get_reader("matlab")
    for value in (np.nan, np.inf, "fast", np.zeros((0, 0)), 1 + 2j, np.arange(3.0), {"a": 1}):
        scipy.io.savemat(path, {"x": X, "speed": value})
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            (record,) = reader.scan(path, OPTIONS)
        assert dict(record.facts) == {}
