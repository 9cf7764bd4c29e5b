"""Results open in xarray with coordinates, units and attributes, and in a second Zarr implementation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import xarray as xr

from hpcflow.api import compute
from hpcflow.run.folder import RunFolder
from tests.executors.conftest import make_run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = make_run(tmp_path_factory.mktemp("results"))
    compute(folder)
    return folder


@pytest.mark.filterwarnings("error")
def test_xarray_shows_coordinates_units_and_attributes(run: RunFolder) -> None:
    envelope = xr.open_zarr(run.step_store("envelope", True))
    assert envelope.amplitude.dims == ("frame", "frequency")
    assert envelope.amplitude.attrs["units"] == "m s-2"
    assert envelope.frequency.attrs["units"] == "Hz"
    assert float(envelope.frequency[-1]) == 100.0
    assert envelope.time.attrs["units"] == "s"
    assert envelope.attrs["Conventions"].startswith("CF-")
    assert envelope.attrs["kernel"] == "envelope_spectrum"
    assert "window" in envelope.attrs["parameters"]
    assert list(envelope.record.values) == ["a.mat", "b.mat", "c.mat", "d.mat", "e.mat"]
    assert len(envelope.checksum.values[0]) == 64
    assert envelope.rate.attrs["units"] == "s-1"
    assert int(envelope.row_size.sum()) == envelope.sizes["frame"]
    diagnosis = xr.open_zarr(run.step_store("diagnosis", True))
    assert "inner" in diagnosis.diagnosis.attrs["flag_meanings"].split()
    assert diagnosis.sizes["record"] == 5


def test_the_dataset_store_opens_too(run: RunFolder) -> None:
    store = Path(run.request["datasets"]["machine"]["store"])
    machine = xr.open_zarr(store)
    assert machine.acceleration.dims == ("sample",)
    assert machine.acceleration.attrs["units"] == "m s-2"
    assert float(machine.fact_speed[0]) == pytest.approx(25.0)
    assert list(machine.status.values) == [0] * 5


def test_tensorstore_reads_the_same_values(run: RunFolder) -> None:
    for step in ("band", "envelope", "condition", "diagnosis"):
        store = run.step_store(step, True)
        dataset = xr.open_zarr(store, consolidated=False)
        for name, variable in dataset.variables.items():
            data_type = json.loads((store / str(name) / "zarr.json").read_text())["data_type"]
            if data_type == "string" or isinstance(data_type, dict):
                continue  # variable-length text is not in tensorstore
            path = str(store / str(name))
            opened = tensorstore.open(
                {"driver": "zarr3", "kvstore": {"driver": "file", "path": path}}
            ).result()
            np.testing.assert_array_equal(opened.read().result(), variable.values, err_msg=f"{step}.{name}")


def test_outputs_carry_no_time_host_or_path(run: RunFolder) -> None:
    for path in run.results.rglob("zarr.json"):
        text = path.read_text()
        assert str(run.path.parent.parent) not in text
        assert "2026" not in text
