"""A small finished run, and the command line in this process."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from hpcflow.api import ask, compute, start
from hpcflow.cli.main import app
from hpcflow.run.folder import RunFolder

WORKFLOW = """\
hpcflow: 1
name: small
datasets:
  pump: {files: "*.csv", reader: csv}
steps:
  condition: {kernel: condition_indicators, input: pump.acceleration, with: {window: 500 ms}}
  band: {kernel: bandpass, input: pump.acceleration, with: {low: 20 Hz, high: 90 Hz}}
  spectrum: {kernel: envelope_spectrum, input: band, with: {window: 1 s, max_frequency: 100 Hz}}
save: [condition, spectrum]
"""

SAMPLES = {"a": 1500, "b": 1000, "c": 500}
"""At 500 samples a second: 3 s, 2 s and 1 s."""

Command = Callable[..., Result]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run a command; errors of ours come as the result's exception. No calibration of the user's is seen."""
    monkeypatch.setenv("HPCFLOW_LUMI_CALIBRATION", str(tmp_path / "no-calibration.json"))

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(a) for a in arguments])

    return run


def write_files(folder: Path) -> Path:
    """Three recordings and the workflow."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in SAMPLES.items():
        t = np.arange(samples) / 500
        x = np.sin(2 * np.pi * 50 * t) * (1 + len(name))
        rows = [f"{a:.3f},{b:.6f}" for a, b in zip(t, x, strict=True)]
        (folder / f"{name}.csv").write_text("\n".join(["time [s],acceleration [m/s2]", *rows]) + "\n")
    (folder / "small.yaml").write_text(WORKFLOW)
    return folder / "small.yaml"


@pytest.fixture(scope="session")
def finished_once(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Computed once; tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("cli")
    run = start(ask(write_files(folder)), folder / "runs")
    compute(run, "serial")
    return run


@pytest.fixture
def finished(finished_once: RunFolder, tmp_path: Path) -> RunFolder:
    """A finished run of one's own."""
    shutil.copytree(finished_once.path.parent, tmp_path / "runs")
    return RunFolder.at(tmp_path / "runs" / finished_once.path.name)


@pytest.fixture
def unfinished(tmp_path: Path) -> RunFolder:
    """Planned, with nothing computed."""
    return start(ask(write_files(tmp_path / "new")), tmp_path / "new" / "runs")
