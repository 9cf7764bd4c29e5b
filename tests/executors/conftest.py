"""A small workflow over recordings made here, and a Slurm to run it on."""

from __future__ import annotations

import hashlib
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest

from hpcflow.api import ask, start
from hpcflow.run.folder import RunFolder
from tests.slurm.conftest import _session_bed, bed

__all__ = ["_session_bed", "bed"]

WORKFLOW = """\
hpcflow: 1
name: contract
datasets:
  machine:
    files: "*.mat"
    reader: matlab
    variables: {acceleration: {select: acceleration, units: m/s2, dimension: acceleration}}
    facts: {sampling_rate: {select: rate, units: Hz}}
    records: index.csv
steps:
  band: {kernel: bandpass, input: machine.acceleration, with: {low: 100 Hz, high: 400 Hz}}
  envelope:
    {kernel: envelope_spectrum, input: band, with: {window: 1 s, overlap: 50 %, max_frequency: 100 Hz}}
  condition: {kernel: condition_indicators, input: machine.acceleration, with: {window: 1 s}}
  diagnosis:
    kernel: bearing_faults
    input: {signal: machine.acceleration, speed: machine.speed, bearing: machine.bearing}
  knocks: {kernel: peaks, input: machine.acceleration, with: {height: 3.5, distance: 20 ms}}
save: [band, envelope, condition, diagnosis, knocks]
"""

SIZES = {"a": 60_000, "b": 300_001, "c": 5_000, "d": 40_000, "e": 262_144}


@cache
def recording(name: str) -> bytes:
    """One MATLAB file of noise with a hum, a gap in recording d; made once: its header tells the time."""
    from scipy.io import savemat

    size = SIZES.get(name, 30_000)
    rng = np.random.default_rng(list(name.encode()))
    x = rng.standard_normal(size).astype(np.float32) + np.sin(np.arange(size) * 0.3).astype(np.float32)
    if name == "d":
        x[10_000:10_050] = np.nan
    file = BytesIO()
    savemat(file, {"acceleration": x, "rate": 2000.0}, do_compression=True)
    return file.getvalue()


def write_workflow(folder: Path, names: str = "abcde") -> Path:
    """The workflow and its recordings in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}.mat").write_bytes(recording(name))
    (folder / "index.csv").write_text("file,speed [rpm],bearing\n*.mat,1500,SKF 6205-2RS JEM\n")
    (folder / "contract.yaml").write_text(WORKFLOW)
    return folder / "contract.yaml"


def make_run(folder: Path, block_bytes: int | None = None, names: str = "abcde") -> RunFolder:
    """A run that is planned and not started, with a dataset store of its own."""
    return start(ask(write_workflow(folder, names), block_bytes=block_bytes), folder / "runs")


def hashes(folder: RunFolder) -> dict[str, str]:
    """sha256 of every file under results/."""
    return {
        str(p.relative_to(folder.results)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.results.rglob("*"))
        if p.is_file()
    }


def leftovers(folder: RunFolder) -> list[Path]:
    """Temporary files in the run and beside it, and packs."""
    root = folder.path.parent.parent
    found = [p for p in root.rglob("*") if ".part-" in p.name]
    return found + ([folder.packs] if folder.packs.exists() else [])


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one undisturbed serial run gives."""
    from hpcflow.executors.drive import execute
    from hpcflow.executors.serial import SerialExecutor

    folder = make_run(tmp_path_factory.mktemp("undisturbed"))
    execute(folder, SerialExecutor())
    return hashes(folder)
