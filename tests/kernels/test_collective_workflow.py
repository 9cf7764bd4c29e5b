"""Steps that ranks compute together, in a workflow: serially, by threads, and by processes over MPI."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from hpcflow import api
from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run.folder import RunFolder
from tests.mpi.launch import under_mpi
from tests.run.test_execute import hashes

WORKFLOW = """
hpcflow: 1
name: together
datasets:
  made:
    files: "*.h5"
    reader: hdf5
    variables:
      x: {select: x, units: m/s^2}
      y: {select: y, units: m/s^2}
    facts:
      sampling_rate: {select: "@rate", units: Hz}
steps:
  band: {kernel: lowpass, input: made.x, with: {cutoff: 100 Hz}}
  alone: {kernel: matrix_profile, input: made.x, with: {window: 50 ms}}
  profile: {kernel: long_matrix_profile, input: made.x, with: {window: 50 ms}}
  found: {kernel: motifs, input: profile, with: {window: 50 ms, top: 2}}
  lines: {kernel: long_spectrum, input: band, with: {taper: boxcar, scaling: density}}
  pairs: {kernel: pair_correlations, input: {signals: [made.x, made.y]}, with: {max_lag: 40 ms}}
save: [band, alone, profile, found, lines, pairs]
"""

RATE = 1000.0
SAMPLES = {"a": 3001, "b": 2500}


def started(folder: Path) -> RunFolder:
    """Two records; in the second one samples are missing, and y comes 12 samples after x in both."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(80)
    for name, samples in SAMPLES.items():
        x = rng.standard_normal(samples).astype(np.float32)
        y = np.roll(x, 12)
        if name == "b":
            x[1000:1010] = np.nan
        with h5py.File(folder / f"{name}.h5", "w") as file:
            file["x"], file["y"], file.attrs["rate"] = x, y, RATE
    (folder / "workflow.yaml").write_text(WORKFLOW)
    return api.start(api.ask(folder / "workflow.yaml"), runs=folder / "runs")


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    run = started(tmp_path_factory.mktemp("serial"))
    api.compute(run, executor="serial")
    return run


def test_the_profile_is_that_of_one_worker(serial: RunFolder) -> None:
    profile, alone = api.open_step(serial, "profile"), api.open_step(serial, "alone")
    assert profile["distance"].shape == (sum(SAMPLES.values()) - 2 * 49,)
    for field in ("distance", "neighbour"):
        assert np.array_equal(profile[field].values, alone[field].values, equal_nan=True)
    assert np.isfinite(profile["distance"].values).any()
    found, least = api.open_step(serial, "found"), alone["distance"].values[: SAMPLES["a"] - 49].min()
    assert found["motif_distance"].values[0, 0] == least


def test_the_spectrum_is_of_the_filtered_record_and_the_one_with_gaps_is_set_aside(serial: RunFolder) -> None:
    lines = api.open_step(serial, "lines")
    band = api.open_step(serial, "band")
    x = band["filtered"].values[:3000].astype(np.float64)
    density = 2 * np.abs(np.fft.rfft(x - x.mean())) ** 2 / (RATE * 3000)
    density[[0, -1]] /= 2
    held = lines["density"].values[:1501]
    assert np.abs(held - density).max() <= 4e-6 * density.max()
    np.testing.assert_allclose(lines["frequency"].values[:1501], np.fft.rfftfreq(3000, 1 / RATE), rtol=1e-15)
    assert lines["density"].attrs["units"] == "m2 s-4 Hz-1"
    assert np.isnan(lines["density"].values[1501:]).all()


def test_pairs_are_named_and_peak_where_one_follows_the_other(serial: RunFolder) -> None:
    pairs = api.open_step(serial, "pairs")
    assert pairs["pair"].values.tolist() == ["x-y"]
    for rows in (slice(0, 81), slice(81, 162)):
        correlation = pairs["correlation"].values[rows, 0]
        assert pairs["lag"].values[rows][correlation.argmax()] == 0.012
        assert correlation.max() > 0.97


def test_threads_give_the_same_bytes(serial: RunFolder, tmp_path: Path) -> None:
    run = started(tmp_path)
    api.compute(run, executor="dask", workers=2)
    assert hashes(run) == hashes(serial)


@pytest.mark.mpi
@pytest.mark.parametrize("count", [2, 3])
def test_processes_give_the_same_bytes(serial: RunFolder, tmp_path: Path, count: int) -> None:
    run = started(tmp_path)
    collective = [stage["name"] for stage in run.cut["stages"] if stage["kind"] == "collective"]
    assert len(collective) == 3
    needed = [
        stage["name"]
        for stage in run.cut["stages"]
        if stage["name"].startswith(("ingest.", "table.", "tiles.", "assemble.band"))
    ]
    execute(run, SerialExecutor(), stages=needed)
    for stage in collective:
        done = under_mpi(count, "-m", "hpcflow.run.ranks", str(run.path), "--stage", stage)
        assert done.returncode == 0, done.stderr
    execute(run, SerialExecutor())
    assert hashes(run) == hashes(serial)
