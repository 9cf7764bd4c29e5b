"""Machine code kept between processes: compiled once, loaded ever after, never believed when torn."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpcflow_kernels import cache

PACKAGE = Path(cache.__file__).parent
AT_IMPORT = {PACKAGE / f"{name}.py" for name in ("contract", "ports", "ranks", "registry")}
"""What the package itself imports to hand on."""
FOLDERS = {path for path in PACKAGE.glob("*/__init__.py") if path.parent.name != "simd"}
"""Families' folders, which hold a sentence and no code."""

PROGRAM = """
import json, time
import numpy as np
from hpcflow_kernels.cache import TALLY
from hpcflow_kernels.features.condition import condition_indicators
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


def importing_numba() -> float:
    """Processor seconds of a process that does nothing else: 0.3 on a usual machine."""
    program = "import numba, time; print(time.process_time())"
    return float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout)


def test_the_second_process_compiles_nothing_and_starts_at_once(repo, tmp_path):
    first = run(repo, tmp_path)
    second = run(repo, tmp_path)
    assert (first["compiled"], first["loaded"], first["saved"]) == (1, 0, 1)
    assert (second["compiled"], second["loaded"]) == (0, 1)
    assert second["rms"] == first["rms"]
    started, numba = (
        min(once() for _ in range(3)) for once in (lambda: run(repo, tmp_path)["seconds"], importing_numba)
    )
    assert started < 3 * numba, "CPU seconds of imports and the first kernel, against numba's import alone"
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


def test_the_folder_is_named_by_what_all_machine_code_depends_on(monkeypatch):
    machine = ("x86_64-unknown-linux-gnu", "znver3", "+avx2,+fma")
    name = cache.folder_name(machine)
    assert name == cache.folder_name(machine)
    others = {
        cache.folder_name(machine[:1] + ("znver4",) + machine[2:]),
        cache.folder_name((*machine[:2], "+avx2")),
    }
    monkeypatch.setattr("numba.__version__", "0")
    others.add(cache.folder_name(machine))
    assert len(others) == 3
    assert name not in others


LOOPS = """
from hpcflow_kernels.cache import TALLY, compiled
from hpcflow_kernels import {part}

@compiled
def twice(x):
    return {factor} * {part}.one(x)

print(twice(3.0), TALLY.compiled, TALLY.loaded)
"""
PART = """
from hpcflow_kernels.cache import inlined

@inlined
def one(x):
    return x + {more}
"""


def test_an_edit_compiles_anew_what_it_touches_and_nothing_else(repo, tmp_path):
    """A copy of the package, so that its text can be edited; the loops stand in a module of a user."""
    package = shutil.copytree(repo / "kernels" / "hpcflow_kernels", tmp_path / "lib" / "hpcflow_kernels")
    environment = {
        **os.environ,
        cache.VARIABLE: str(tmp_path / "kept"),
        "PYTHONPATH": str(tmp_path / "lib"),
        "PYTHONDONTWRITEBYTECODE": "1",  # Python takes files of one size and second for the same
    }

    def said(factor: int, more: int) -> str:
        (tmp_path / "loops.py").write_text(LOOPS.format(factor=factor, part="part"))
        (package / "part.py").write_text(PART.format(more=more))
        command = [sys.executable, str(tmp_path / "loops.py")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert said(2, 0) == "6.0 1 0\n"
    assert said(2, 0) == "6.0 0 1\n"
    (package / "rolling" / "statistics_loops.py").write_text("# nothing that these loops import\n")
    assert said(2, 0) == "6.0 0 1\n"
    assert said(2, 1) == "8.0 1 0\n", "a part in another module of the package"
    assert said(3, 1) == "12.0 1 0\n", "the user's own module"
    assert said(2, 0) == "6.0 0 1\n", "back to what was kept first"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*_loops.py")), ids=lambda path: path.stem)
def test_what_the_text_imports_is_what_python_imports(repo, path):
    """Modules of this package that Python loads for a module of loops, against those whose text counts."""
    module = ".".join(("hpcflow_kernels", *path.relative_to(PACKAGE).with_suffix("").parts))
    program = (
        f"import sys, {module}\n"
        "for name, module in sys.modules.items():\n"
        "    if name.startswith('hpcflow_kernels.'):\n"
        "        print(module.__file__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(repo / "kernels")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    loaded = {Path(line) for line in done.stdout.split()} - AT_IMPORT - FOLDERS
    assert path in loaded
    assert loaded <= cache.modules_of(path)


def test_a_function_over_other_values_is_not_mistaken_for_its_twin(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))

    def times(factor: int):
        @cache.compiled
        def product(x):
            return factor * x

        return product

    assert [times(factor)(1.0) for factor in (2, 3)] == [2.0, 3.0]


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
    command = [sys.executable, "-m", "hpcflow_kernels.warm", "mean_max"]
    said = [
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert re.fullmatch(r"\d+ compiled, 0 loaded, \d+ kept\n", said[0])
    assert re.fullmatch(r"0 compiled, \d+ loaded, 0 kept\n", said[1])


SLOW = """
import numpy as np
from hpcflow_kernels.cache import TALLY
from hpcflow_kernels.features.catch22 import FEATURES, catch22_windows

x = np.sin(0.004 * np.arange(20_000)).astype(np.float32)
found = dict(zip(FEATURES, catch22_windows(x, rate=10_000.0)["features"][0]))
print(TALLY.compiled, TALLY.loaded, found["periodicity"], found["whiten_timescale"])
"""


WARMED = """
from hpcflow_kernels import cache, warm
file_of = cache._Kept._file
cache._Kept._file = lambda *given: print(file := file_of(*given)) or file
warm.warm(["catch22"])
"""


def test_once_warm_a_slow_signal_compiles_nothing(repo, tmp_path):
    """A folder of the files alone that warming loads or makes, in the folder where the user's are."""
    environment = {**os.environ, "PYTHONPATH": str(repo / "kernels")}
    warmed = subprocess.run(
        [sys.executable, "-c", WARMED], env=environment, capture_output=True, text=True, check=True
    )
    for file in map(Path, set(warmed.stdout.split())):
        (tmp_path / file.parent.name).mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / file.parent.name)
    environment[cache.VARIABLE] = str(tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", SLOW], env=environment, capture_output=True, text=True, check=True
    )
    compiled, loaded, period, whiten = said.stdout.split()
    assert (int(compiled), int(loaded) >= 4) == (0, True)
    assert 1500 < float(period) < 1650  # 1571 samples: beyond the lags that are looked at first
    assert float(whiten) > 0.9
