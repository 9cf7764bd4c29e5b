"""The other `hpcflow` itself, in one folder with ours, installed before and after it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import require

SENTENCE = "another project that imports as `hpcflow` is installed beside hpcflow-lumi (hpcflow 0.3.0 in "


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The other project as pip lays it out, without what it depends on."""
    site = tmp_path_factory.mktemp("theirs")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site)]
    done = subprocess.run([*pip, "hpcflow==0.3.0"], capture_output=True, text=True)
    require(done.returncode == 0, f"a package index that has the other hpcflow ({done.stderr[-300:]})")
    return site


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> Path:
    """This project as a wheel lays it out."""
    site = tmp_path_factory.mktemp("ours")
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(repo / "hpcflow", site / "hpcflow", ignore=ignored)
    shutil.copytree(repo / "kernels" / "hpcflow_kernels", site / "hpcflow_kernels", ignore=ignored)
    shutil.copy(repo / "hpcflow_lumi.py", site)
    (site / "hpcflow_lumi-0.1.0.dist-info").mkdir()
    return site


def last_lines(site: Path, code: str) -> str:
    """What a program says when it can see only this folder and the dependencies."""
    bare = f"import sys; sys.path[:] = [p for p in sys.path if p != ''] ; sys.path.insert(0, {str(site)!r})\n"
    done = subprocess.run(
        [sys.executable, "-c", bare + code],
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
        cwd=site,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize("ours_last", [True, False], ids=["ours last", "theirs last"])
def test_commands_stop_with_one_sentence(ours: Path, theirs: Path, tmp_path: Path, ours_last: bool) -> None:
    for source in (theirs, ours) if ours_last else (ours, theirs):
        shutil.copytree(source, tmp_path / "site", dirs_exist_ok=True)
    said = last_lines(tmp_path / "site", "import hpcflow_lumi; hpcflow_lumi.main()")
    assert said.startswith(f"{SENTENCE}{tmp_path / 'site'})")
    if ours_last:
        said = last_lines(tmp_path / "site", "import hpcflow")
        assert said.startswith(f"ImportError: {SENTENCE}")
