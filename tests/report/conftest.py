"""Small real runs to report on: simulated machines, recorded activities, kernels without a view."""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from hpcflow import api
from hpcflow.plan.compile import compile_cut
from hpcflow.run.folder import RunFolder
from hpcflow.run.prepare import DatasetRequest, prepare_run
from hpcflow.run.stages import ingest
from hpcflow_kernels import registry
from hpcflow_kernels.machine.bearing_simulation import Machine, simulate
from tests import toy

SCRIPT = "<script>alert(1)</script>"
IMAGE = '"><img src=x onerror=alert(2)>'
TURNED = "safe\u202egnp.exe"
LONG = "x" * 3000
DOLLARS = "$\\frac{1}{0}$ & 'quoted' {{ 7 * 7 }} {% raw %}"
HOSTILE = (SCRIPT, IMAGE, TURNED, LONG, DOLLARS, "\x00\x1b[31mred\x07", "tr\u00e4\u4e2d\U0001f9bf")
"""Names that channels and files may have, none of which may do anything to the page."""

MACHINES = {
    "pump-inner.mat": Machine(fault="inner", level=1.5, seed=1),
    "pump-outer.mat": Machine(fault="outer", level=1.5, seed=2),
    "pump-sound.mat": Machine(seed=4),
    "pump-short.mat": Machine(seconds=0.5, seed=3),
    "<img src=x onerror=alert(3)>&\"'\u202e.mat": Machine(fault="outer", level=2.0, seconds=4, seed=5),
    f"{'long_' * 40}.mat": Machine(seconds=4, seed=6),
}
ACTIVITIES = (
    "2020-06-01-16-52-40.fit",
    "activity_5039744860.gpx",
    "cross-country-skiing_activity_1.tcx",
    "sample-activity-indoor-trainer.fit",
)


@pytest.fixture(scope="session")
def machines(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> RunFolder:
    """The shipped bearing workflow over simulated machines; one file is no recording at all."""
    from scipy.io import savemat

    folder = tmp_path_factory.mktemp("machines")
    data = folder / "examples" / "simulated_machine"
    data.mkdir(parents=True)
    for name, machine in MACHINES.items():
        values = {"acceleration": simulate(machine) / 9.80665, "rate": machine.rate}
        with open(data / name, "wb") as file:
            savemat(file, values)
    (data / "damaged.mat").write_bytes(b"MATLAB 5.0 MAT-file, but only its first words")
    speed = f"{Machine().speed * 60:g}"
    (data / "index.csv").write_text(f"file,speed [rpm],bearing\n*.mat,{speed},{Machine().bearing}\n")
    shutil.copy(repo / "workflows" / "bearing_condition.yaml", folder)
    return computed(folder, "bearing_condition.yaml")


@pytest.fixture(scope="session")
def activities(tmp_path_factory: pytest.TempPathFactory, repo: Path) -> RunFolder:
    """The shipped sport workflow over four recorded activities, two of them one ride."""
    folder = tmp_path_factory.mktemp("activities")
    data = folder / "examples" / "activities"
    data.mkdir(parents=True)
    for name in (*ACTIVITIES, "index.csv"):
        shutil.copy(repo / "workflows" / "examples" / "activities" / name, data)
    shutil.copy(repo / "workflows" / "power_session.yaml", folder)
    return computed(folder, "power_session.yaml")


def computed(folder: Path, workflow: str) -> RunFolder:
    """Run a workflow in a folder of its own."""
    run = api.start(api.ask(folder / workflow), runs=folder / "runs")
    api.compute(run, executor="serial")
    return run


@pytest.fixture
def toys(tmp_path: Path, toy_kernels: None) -> RunFolder:
    """Toy kernels over records with hostile names."""
    run = hostile(tmp_path)
    api.compute(run, executor="serial")
    return run


@pytest.fixture
def toy_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Toy kernels and a toy reader in place of the real ones."""
    monkeypatch.setattr(registry, "contracts", lambda: toy.CONTRACTS)
    monkeypatch.setattr(ingest, "get_reader", lambda name: toy.READER)
    monkeypatch.setattr(ingest, "checksum", toy.checksum)
    monkeypatch.setattr(ingest, "read_stored", toy.read)


def hostile(folder: Path) -> RunFolder:
    """A run, not yet computed, over records that are called like `HOSTILE`."""
    rng = np.random.default_rng(7)
    records = [
        rng.standard_normal(n).astype(np.float32) for n in (30_000, 33, 9_000, 12_000, 8_000, 8_200, 9_999)
    ]
    for index, values in enumerate(records):
        (folder / f"r{index}.bin").write_bytes(values.tobytes())
    sums = [sha256(values.tobytes()).hexdigest() for values in records]
    table = toy.table_of([len(r) for r in records], checksums=sums)
    ids = np.asarray([f"file.bin#{name}" for name in HOSTILE], object)
    table = replace(table, ids=ids, channel=np.asarray(HOSTILE, object))
    cut = compile_cut(toy.workflow(folder), {"made": table})
    request = DatasetRequest(folder, folder / "store.zarr", "toy", {})
    asked = f"hpcflow: 1\nname: {SCRIPT}\n# {IMAGE}\n".encode()
    extra = {
        "aside": [[f"{SCRIPT}.bin", f"reason {IMAGE}"]],
        "settings": [f"name={SCRIPT}"],
        "warnings": [f"looks like {IMAGE}"],
        "duplicates": [[f"{TURNED}.bin", "a copy of r0.bin"]],
    }
    return prepare_run(folder / "runs", cut, {"made": table}, {"made": request}, asked, extra)
