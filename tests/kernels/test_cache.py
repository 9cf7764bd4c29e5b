"""Machine code kept between processes: compiled once, loaded ever after, never believed when torn."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hpcflow_kernels import cache

PROGRAM = """
import json, time
import numpy as np
from hpcflow_kernels.cache import TALLY
from hpcflow_kernels.features import condition_indicators
before = time.process_time()
got = condition_indicators(np.sin(np.arange(1000.0)), rate=100.0)
print(json.dumps({"compiled": TALLY.compiled, "loaded": TALLY.loaded, "saved": TALLY.saved,
    "rms": got["rms"].tolist(), "seconds": time.process_time()}))
"""


def run(repo: Path, folder: Path | str) -> dict:
    environment = {**os.environ, cache.VARIABLE: str(folder), "PYTHONPATH": str(repo / "kernels")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_second_process_compiles_nothing_and_starts_at_once(repo, tmp_path):
    first = run(repo, tmp_path)
    second = run(repo, tmp_path)
    assert (first["compiled"], first["loaded"], first["saved"]) == (1, 0, 1)
    assert (second["compiled"], second["loaded"]) == (0, 1)
    assert second["rms"] == first["rms"]
    assert second["seconds"] < 1.0, "imports and the first kernel, in CPU seconds"
    (file,) = tmp_path.rglob("*.code")
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".part")]

    file.write_bytes(file.read_bytes()[:-100])
    torn = run(repo, tmp_path)
    assert (torn["compiled"], torn["rms"]) == (1, first["rms"])
    assert run(repo, tmp_path)["compiled"] == 0


def test_off_and_unwritable_folders_cost_time_only(repo, tmp_path):
    assert run(repo, "")["saved"] == 0
    file = tmp_path / "a file"
    file.write_text("not a folder")
    assert run(repo, file / "below")["saved"] == 0


def test_the_folder_is_named_by_all_that_machine_code_depends_on(monkeypatch):
    machine = ("x86_64-unknown-linux-gnu", "znver3", "+avx2,+fma")
    name = cache.folder_name(machine)
    assert name == cache.folder_name(machine)
    others = {
        cache.folder_name(machine[:1] + ("znver4",) + machine[2:]),
        cache.folder_name((*machine[:2], "+avx2")),
    }
    monkeypatch.setattr("numba.__version__", "0")
    others.add(cache.folder_name(machine))
    monkeypatch.setattr(cache, "sources_hash", lambda: "another")
    others.add(cache.folder_name(machine))
    assert len(others) == 4
    assert name not in others


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({cache.VARIABLE: "/scratch/kernels"}, "/scratch/kernels"),
        ({cache.VARIABLE: ""}, None),
        ({"XDG_CACHE_HOME": "/c"}, "/c/hpcflow-lumi/kernels"),
        ({"HOME": "/h"}, "/h/.cache/hpcflow-lumi/kernels"),
    ],
)
def test_where_the_folder_is(monkeypatch, variables, expected):
    for name in (cache.VARIABLE, "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    base = cache.base_folder()
    assert (str(base) if base is not None else None) == expected


def test_once_warm_nothing_is_compiled(repo, tmp_path):
    environment = {**os.environ, cache.VARIABLE: str(tmp_path), "PYTHONPATH": str(repo / "kernels")}
    command = [sys.executable, "-m", "hpcflow_kernels.warm"]
    said = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert re.fullmatch(r"\d\d compiled, 0 loaded, \d\d kept\n", said[0])
    assert re.fullmatch(r"0 compiled, \d\d loaded, 0 kept\n", said[1])
