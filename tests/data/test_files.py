"""Finding, naming and hashing files."""

from __future__ import annotations

import hashlib
import os
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcflow.data.files import ScanCache, expand, record_id, split_id


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_order_hidden_files_folders_and_links(tmp_path: Path) -> None:
    make(
        tmp_path,
        "b.mat",
        "a.mat",
        "B.mat",
        ".hidden.mat",
        "day/.x/c.mat",
        "day/c.mat",
        "day/deep/d.mat",
        "n.txt",
    )
    (tmp_path / "folder.mat").mkdir()
    (tmp_path / "day/loop").symlink_to(tmp_path)
    (tmp_path / "dead.mat").symlink_to("nowhere")
    (tmp_path / "same.mat").symlink_to("a.mat")
    files, unmatched = expand(["*.mat", "a.mat", "./a.mat"], tmp_path)
    assert files == ["B.mat", "a.mat", "b.mat", "dead.mat", "same.mat"]
    assert unmatched == []
    assert expand(["**/*.mat"], tmp_path)[0] == [
        "B.mat", "a.mat", "b.mat", "day/c.mat", "day/deep/d.mat", "dead.mat", "same.mat",
    ]  # fmt: skip
    assert expand([".h*.mat"], tmp_path)[0] == [".hidden.mat"]
    assert expand(["day/loop/a.mat", "day/loop/b*"], tmp_path)[0] == ["day/loop/a.mat", "day/loop/b.mat"]


def test_paths_above_and_absolute_ones_stay_relative(tmp_path: Path) -> None:
    make(tmp_path, "data/a.mat")
    home = tmp_path / "project"
    home.mkdir()
    assert expand(["../data/*.mat"], home)[0] == ["../data/a.mat"]
    assert expand([str(tmp_path / "data" / "*.mat")], home)[0] == ["../data/a.mat"]


def test_a_name_that_looks_like_a_pattern(tmp_path: Path) -> None:
    make(tmp_path, "run[1].mat", "run1.mat")
    assert expand(["run[1].mat"], tmp_path)[0] == ["run[1].mat"]


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("x/*.mat", "x does not exist"),
        ("*.mat", "no file matches"),
        ("a\0*", "zero byte"),
        ("a.mat", "a.mat does not"),
        ("day", "day is a folder: write day/* for the files in it"),
        ("d*", "day is a folder: write d*/* for the files in it"),
    ],
)
def test_why_nothing_matches(pattern: str, why: str, tmp_path: Path) -> None:
    make(tmp_path, "day/a.txt")
    ((shown, reason),) = expand([pattern], tmp_path)[1]
    assert shown == pattern
    assert why in reason


NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)


@given(NAMES, NAMES | st.just(""))
def test_ids_are_reversible_printable_and_composed(path: str, channel: str) -> None:
    name = record_id(path, channel)
    assert split_id(name) == (path, channel)
    assert name.isprintable()
    assert unicodedata.is_normalized("NFC", name)


def test_ids_do_not_clash() -> None:
    tricky = [
        ("a#b", ""),
        ("a", "b"),
        ("a%23b", ""),
        ("é", ""),
        ("e\u0301", ""),
        ("a\nb", ""),
        ("a%0Ab", ""),
        ("a'\"b", ""),
    ]
    ids = [record_id(*pair) for pair in tricky]
    assert len(set(ids)) == len(tricky)
    assert record_id("Jyväskylä/Mittaus 1.mat", "kiihtyvyys") == "Jyväskylä/Mittaus 1.mat#kiihtyvyys"


def test_cache_saves_reading_and_notices_changes(tmp_path: Path) -> None:
    make(tmp_path, "a.mat")
    path, cache = tmp_path / "a.mat", tmp_path / "cache" / "scan.json"
    old = time.time() - 100
    os.utime(path, (old, old))
    first = ScanCache(cache, tmp_path)
    truth = hashlib.sha256(b"a.mat").hexdigest()
    assert first.sha256("a.mat") == truth
    first.remember("a.mat", "key", [1])
    first.save()
    status = path.stat()
    path.write_bytes(b"b.mat")  # same size; with the same time it cannot be told apart, so it is not read
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    again = ScanCache(cache, tmp_path)
    assert again.sha256("a.mat") == truth
    assert again.scanned("a.mat", "key") == [1]
    assert again.scanned("a.mat", "other") is None
    os.utime(path, (old + 1, old + 1))
    later = ScanCache(cache, tmp_path)
    assert later.sha256("a.mat") == hashlib.sha256(b"b.mat").hexdigest()
    assert later.scanned("a.mat", "key") is None


def test_a_file_that_was_just_written_is_not_trusted(tmp_path: Path) -> None:
    make(tmp_path, "a.mat")
    cache = ScanCache(tmp_path / "scan.json", tmp_path)
    cache.sha256("a.mat")
    cache.save()
    assert "a.mat" not in (tmp_path / "scan.json").read_text()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"schema": "hpcflow.scan/1", "files": 3}', "\x00"]
)
def test_a_damaged_cache_is_ignored(content: str, tmp_path: Path) -> None:
    make(tmp_path, "a.mat")
    (tmp_path / "scan.json").write_text(content)
    assert ScanCache(tmp_path / "scan.json", tmp_path).sha256("a.mat") == hashlib.sha256(b"a.mat").hexdigest()
