"""What the documents promise: examples run, links lead somewhere, versions agree, scripts are sound."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import hpcflow
from hpcflow_kernels.machine.bearing_geometry import find

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs")


def documents(repo: Path) -> list[Path]:
    return [
        p
        for name in DOCUMENTS
        for p in ([repo / name] if name.endswith(".md") else (repo / name).rglob("*.md"))
    ]


def test_the_workflow_of_the_readme_runs_and_its_program_too(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    readme = (repo / "README.md").read_text()
    workflow = re.findall(r"```yaml\n(.*?)```", readme, re.DOTALL)[0]
    program = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)[0]
    assert len(workflow.splitlines()) == 5
    (tmp_path / "first.yaml").write_text(workflow)
    time = np.arange(25_000) / 10_000
    rows = [f"{t:.4f},{2 * np.sin(2 * np.pi * 50 * t):.9f}" for t in time]
    (tmp_path / "pump.csv").write_text("\n".join(["time [s],acceleration [g]", *rows]) + "\n")
    monkeypatch.chdir(tmp_path)
    space: dict[str, object] = {}
    exec(compile(program, "README.md", "exec"), space)
    run = space["run"]
    assert isinstance(run, hpcflow.Run)
    rms = run.results()["condition"].rms
    # A sine of 2 g has an RMS of 2 g / sqrt(2); 2.5 s hold two whole windows of 1 s.
    np.testing.assert_allclose(rms.values, [2 * 9.80665 / np.sqrt(2)] * 2, rtol=1e-6)
    assert rms.attrs["units"] == "m s-2"


def test_links_lead_to_files(repo: Path) -> None:
    broken = [
        f"{page.relative_to(repo)}: {target}"
        for page in documents(repo)
        for target in re.findall(r"\]\(([^)#\s]+)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]
    assert not broken


def test_bearings_of_the_examples_are_known(repo: Path) -> None:
    pages = [*documents(repo), *(repo / "workflows").glob("*.yaml"), *(repo / "hpcflow").rglob("*.py")]
    named = [
        name.strip()
        for page in pages
        for name in re.findall(r"bearing: ([A-Z][A-Za-z]+ [^,}\n#`]+)", page.read_text())
    ]
    assert len(named) >= 3
    for name in named:
        find(name)


def test_the_changelog_begins_with_this_version(repo: Path) -> None:
    first = re.findall(r"^## \[([^\]]+)\]", (repo / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
    assert first in (hpcflow.__version__, "Unreleased")


def test_no_document_tells_to_install_the_other_project(repo: Path) -> None:
    for page in documents(repo):
        text = page.read_text()
        for found in re.finditer(r"pip install\s+['\"]?hpcflow\b(?!-lumi)", text):
            assert "never" in text[max(0, found.start() - 40) : found.start()], page


def test_scripts_named_in_documents_are_there_and_executable(repo: Path) -> None:
    for page in documents(repo):
        for name in re.findall(r"`?((?:scripts|\.ci|benchmarks)/[a-z]+)\b(?![./_])", page.read_text()):
            path = repo / name
            assert path.is_dir() or path.stat().st_mode & 0o111, f"{page}: {name}"


def test_shell_scripts_are_sound(repo: Path) -> None:
    shellcheck = shutil.which("shellcheck")
    scripts = [p for p in [*(repo / "scripts").iterdir(), repo / ".ci" / "run"] if p.is_file()]
    shell = [str(p) for p in scripts if p.read_bytes().startswith(b"#!/usr/bin/env bash")]
    assert len(shell) >= 5
    for path in shell:
        subprocess.run(["bash", "-n", path], check=True)
    if shellcheck:
        subprocess.run([shellcheck, *shell], check=True)
