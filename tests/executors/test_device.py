"""One workflow on the processor and with the array back end: near values, the same bits on every executor."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.io import savemat
from typer.testing import CliRunner

from hpcflow.api import ask, compute, start
from hpcflow.cli.explain import explain
from hpcflow.cli.main import app
from hpcflow.errors import RequestError, WorkflowError
from hpcflow.report.parts import Note
from hpcflow.report.provenance import provenance
from hpcflow.report.source import Source
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from hpcflow_kernels import get
from hpcflow_kernels.arrays import namespace
from hpcflow_kernels.arrays.namespace import Place
from tests.conftest import require
from tests.executors.conftest import hashes

WORKFLOW = """\
hpcflow: 1
name: device
datasets:
  d:
    files: "*.mat"
    reader: matlab
    variables: {v: {select: v, units: V}}
    facts: {sampling_rate: {select: rate, units: Hz}}
steps:
  spectra: {kernel: welch, input: d.v, with: {window: 2 s, nperseg: 512}}
  shape: {kernel: catch22, input: d.v, with: {window: 2 s}}
save: [spectra, shape]
run: {device: DEVICE}
"""


@cache
def recording(size: int) -> bytes:
    """Noise with a gap; made once, since a file's header tells the time."""
    x = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    x[20_000:20_050] = np.nan
    file = BytesIO()
    savemat(file, {"v": x, "rate": 1000.0})
    return file.getvalue()


def planned(folder: Path, device: str) -> RunFolder:
    folder.mkdir()
    for size in (300_001, 40_000):
        (folder / f"{size}.mat").write_bytes(recording(size))
    (folder / "w.yaml").write_text(WORKFLOW.replace("DEVICE", device))
    return start(ask(folder / "w.yaml", block_bytes=1 << 20), folder / "runs")


def spectra(run: RunFolder) -> np.ndarray:
    return xr.open_zarr(run.step_store("spectra", True), consolidated=False)["power"].values


def said(run: RunFolder) -> list[str]:
    """What the report says of devices."""
    notes = [part.text for part in provenance(Source.of(run)).parts if isinstance(part, Note)]
    return [text for text in notes if text.startswith("Computed by")]


def test_on_the_processor_and_with_pytorch_serially_and_on_dask(tmp_path, monkeypatch):
    require(namespace.is_installed("torch"), "PyTorch")
    monkeypatch.setenv(namespace.VARIABLE, "torch:cpu")
    here, serial, dask = (planned(tmp_path / name, name[:3]) for name in ("cpu", "gpu serial", "gpu dask"))
    compute(here)
    compute(serial)
    compute(dask, executor="dask", workers=2)
    assert hashes(serial) == hashes(dask) != hashes(here)
    assert said(serial) == said(dask) == [f"Computed by {Place('torch', 'cpu')}: spectra."]
    assert said(here) == []
    got, expected = spectra(serial), spectra(here)
    assert np.array_equal(np.isnan(got), np.isnan(expected))
    assert np.nanmax(np.abs(got - expected)) <= get("welch").array_error * np.nanmax(expected)


def test_a_plan_says_which_step_computes_where(tmp_path):
    planned(tmp_path / "gpu", "gpu")
    text = " ".join("\n".join(explain(ask(tmp_path / "gpu/w.yaml"))).split())
    assert "computed on a GPU, by PyTorch or CuPy: spectra; on the processor, as their" in text
    assert "kernels have no other: shape" in text


def test_without_a_gpu_nothing_is_begun(tmp_path, monkeypatch):
    monkeypatch.delenv(namespace.VARIABLE, raising=False)
    monkeypatch.setattr(namespace, "_gpus", lambda library: 0)
    run = planned(tmp_path / "gpu", "gpu")
    with pytest.raises(RequestError, match=rf"needs a GPU.*{namespace.VARIABLE}=torch:cpu"):
        compute(run)
    assert not list(run.receipts.glob("*.jsonl"))


@pytest.mark.parametrize("command", ["run", "compile"])
def test_commands_say_in_a_line_which_device_computes_or_where_none_is_asked_for(
    tmp_path, monkeypatch, command
):
    require(namespace.is_installed("torch"), "PyTorch")
    planned(tmp_path / "gpu", "gpu")
    workflow = tmp_path / "gpu/w.yaml"
    end = {
        "run": ["--executor", "serial", "--no-report", "--runs", str(tmp_path / "runs")],
        "compile": ["--site", "local", "-o", str(tmp_path / "runs")],
    }[command]
    monkeypatch.setenv(namespace.VARIABLE, "torch:cpu")
    done = CliRunner().invoke(app, [command, str(workflow), *end])
    assert done.exit_code == 0, done.output
    assert f"device gpu: this machine computes spectra with {Place('torch', 'cpu')}\n" in done.output
    monkeypatch.delenv(namespace.VARIABLE)
    monkeypatch.setattr(namespace, "_gpus", lambda library: 0)
    monkeypatch.chdir(tmp_path)
    fresh = CliRunner().invoke(app, [command, str(workflow), *end[:-1], str(tmp_path / "other")])
    line = next(n for n, text in enumerate(WORKFLOW.splitlines(), 1) if text.startswith("run:"))
    column = WORKFLOW.splitlines()[line - 1].index("DEVICE") + 1
    assert isinstance(fresh.exception, WorkflowError)
    assert f"w.yaml:{line}:{column}: run.device: this machine cannot compute spectra" in str(fresh.exception)
    again = CliRunner().invoke(app, [command, str(workflow), *end])
    assert (again.exit_code == 0) == (command == "run")  # nothing is left to compute


def test_recordings_are_read_in_where_there_is_no_gpu(tmp_path, monkeypatch):
    run = planned(tmp_path / "gpu", "gpu")
    monkeypatch.delenv(namespace.VARIABLE, raising=False)
    monkeypatch.setattr(namespace, "_gpus", lambda library: 0)
    compute(run, stages=["ingest.d", "table.d"])
    assert Ledger(run).complete("table.d")
