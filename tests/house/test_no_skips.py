"""The rule against skips in CI, tried on small test files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import pytest

@pytest.mark.slurm
def test_skipped():
    pytest.skip("no Slurm here")

def test_of_recordings(shared_data):
    pass

@pytest.fixture
def shared_data():
    pytest.skip("no recordings here")

def test_other():
    pytest.skip("a detail")

@pytest.mark.mpi
@pytest.mark.xfail(strict=True)
def test_known_fault():
    assert False
"""

INI = "[pytest]\nmarkers =\n    slurm: x\n    mpi: x\n"


def outcome(folder: Path, repo: Path, ci: str) -> str:
    (folder / "pytest.ini").write_text(INI)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.no_skips", str(folder)],
        env={**os.environ, "CI": ci, "PYTHONPATH": str(repo)},
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done.stdout


@pytest.mark.parametrize(
    ("ci", "counts"), [("true", "1 failed, 1 skipped, 1 xfailed, 1 error"), ("", "3 skipped, 1 xfailed")]
)
def test_only_ci_refuses_skips_of_what_it_must_have(tmp_path: Path, repo: Path, ci: str, counts: str) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    assert counts in outcome(tmp_path, repo, ci)


def test_a_module_that_skips_itself_fails_in_ci(tmp_path: Path, repo: Path) -> None:
    (tmp_path / "test_gone.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    assert "skipped itself" in outcome(tmp_path, repo, "true")
    assert "1 skipped" in outcome(tmp_path, repo, "")
