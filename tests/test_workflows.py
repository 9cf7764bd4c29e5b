"""The shipped workflows on recordings with known truth: what a user would get."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hpcflow.api import ask, compute, open_results, start
from hpcflow.results import set_aside
from hpcflow.run.folder import RunFolder


def labels(dataset: xr.Dataset) -> dict[str, str]:
    """Diagnosis per record."""
    meanings = dataset.diagnosis.attrs["flag_meanings"].split()
    return {
        str(record): meanings[int(code)]
        for record, code in zip(dataset.record.values, dataset.diagnosis.values, strict=True)
    }


def run(workflow: Path, folder: Path, *settings: str) -> RunFolder:
    made = start(ask(workflow, settings), folder / "runs")
    compute(made)
    return made


def test_the_simulated_machine_is_diagnosed(repo: Path, tmp_path: Path) -> None:
    made = run(
        repo / "workflows/bearing_condition.yaml",
        tmp_path,
        f"datasets.machine.files={repo}/workflows/examples/simulated_machine/*.mat",
        f"datasets.machine.store={tmp_path}/machine.zarr",
    )
    diagnosis = open_results(made)["diagnosis"]
    table: Counter[tuple[str, str]] = Counter()
    for index, (record, label) in enumerate(labels(diagnosis).items()):
        truth = str(diagnosis.fact_truth.values[index]).removeprefix("simulated ")
        table[truth, label] += 1
        assert label in (truth, "uncertain"), (record, truth, label)
    assert sum(n for (truth, label), n in table.items() if truth == label) >= 6
    assert not set_aside(made)


REAL = {
    "097_normal_0hp_48kHz.mat": "none",
    "105_IR007_0hp_12kHz.mat": "inner",
    "130_OR007at6_0hp_12kHz.mat": "outer",
    "222_B021_0hp_12kHz.mat": "rolling",
    "InnerRaceFault_vload_1.mat": "inner",
    "OuterRaceFault_vload_4.mat": "outer",
}

INDEX = """\
file,sampling_rate [Hz],speed [rpm],bearing
097*,48000,1796,SKF 6205-2RS JEM
105*,12000,1797,SKF 6205-2RS JEM
130*,12000,1796,SKF 6205-2RS JEM
222*,12000,1796,SKF 6205-2RS JEM
InnerRace*,,,MFPT NICE
OuterRace*,,,MFPT NICE
"""


@pytest.mark.shared_data
def test_real_bearings_are_diagnosed_and_never_wrongly(repo: Path, shared_data: Path, tmp_path: Path) -> None:
    (tmp_path / "index.csv").write_text(INDEX)
    for folder in ("bearing_cwru", "bearing_mfpt_noncommercial"):
        for file in (shared_data / "industrial" / folder).glob("*.mat"):
            (tmp_path / file.name).symlink_to(file)
    made = run(
        repo / "workflows/bearing_condition.yaml",
        tmp_path,
        f"datasets.machine.files={tmp_path}/*.mat",
        f"datasets.machine.records={tmp_path}/index.csv",
        f"datasets.machine.store={tmp_path}/machine.zarr",
    )
    diagnosis = open_results(made)["diagnosis"]
    found = labels(diagnosis)
    assert len(found) == 13
    for record, label in found.items():
        assert label in (REAL[record.partition("#")[0]], "uncertain"), record
    sure = {record for record, label in found.items() if label != "uncertain"}
    assert {
        "105_IR007_0hp_12kHz.mat#DE",
        "130_OR007at6_0hp_12kHz.mat#DE",
        "InnerRaceFault_vload_1.mat",
        "OuterRaceFault_vload_4.mat",
    } <= sure
    index = list(found).index("130_OR007at6_0hp_12kHz.mat#DE")
    lines = diagnosis.line_found.sel(fault="outer").values[index]
    np.testing.assert_allclose(lines[:3], [107.67, 215.3, 323.0], rtol=0.005)


@pytest.fixture(scope="module")
def session(repo: Path, tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    folder = tmp_path_factory.mktemp("power")
    return run(repo / "workflows/power_session.yaml", folder, f"datasets.rides.store={folder}/rides.zarr")


DEVICES = [
    ("4078723797.fit", "distance", 57567.24),
    ("4078723797.fit", "elapsed_time", 8355.6),
    ("4078723797.fit", "average_power", 219),
    ("4078723797.fit", "max_power", 1022),
    ("4078723797.fit", "normalized_power", 267),
    ("4078723797.fit", "work", 1830776),
    ("4078723797.fit", "average_heart_rate", 165),
    ("4078723797.fit", "max_heart_rate", 190),
    ("4078723797.fit", "ascent", 1254),
    ("4078723797.fit", "training_load", 413.7),
    ("sample-activity-indoor-trainer.fit", "average_power", 201),
    ("sample-activity-indoor-trainer.fit", "normalized_power", 228),
    ("sample-activity-indoor-trainer.fit", "max_power", 331),
    ("sample-activity-indoor-trainer.fit", "average_heart_rate", 148),
    ("sample-activity-indoor-trainer.fit", "max_heart_rate", 176),
    ("sample-activity-indoor-trainer.fit", "training_load", 50.8),
    ("developer-types-sample.fit", "distance", 6753.99),
    ("developer-types-sample.fit", "average_power", 218),
    ("developer-types-sample.fit", "max_power", 314),
    ("2020-06-01-16-52-40.fit", "distance", 668.19),
    ("2020-06-01-16-52-40.fit", "timer_time", 93.7),
    ("2020-06-01-16-52-40.fit", "average_power", 149),
    ("2020-06-01-16-52-40.fit", "normalized_power", 150),
    ("cross-country-skiing_activity_1.tcx", "distance", 5692.01),
    ("cross-country-skiing_activity_1.tcx", "timer_time", 2401.26),
    ("cross-country-skiing_activity_1.tcx", "average_heart_rate", 141.2),
    ("cross-country-skiing_activity_1.tcx", "max_heart_rate", 172),
    ("2013-02-06-12-11-14.fit", "distance", 4835.38),
    ("korita-zbevnica.gpx", "distance", 14913.75),
    ("2013-02-06-12-11-14.fit", "average_heart_rate", 147),
    ("event_timestamp.fit", "distance", 2606.04),
    ("event_timestamp.fit", "timer_time", 4371.56),
    ("event_timestamp.fit", "average_moving_heart_rate", 142),
    ("event_timestamp.fit", "max_heart_rate", 161),
]
"""What the devices say, from their files and the origin of each (see the examples' README)."""


@pytest.mark.parametrize(("file", "name", "device"), DEVICES)
def test_sessions_agree_with_the_devices(session: RunFolder, file: str, name: str, device: float) -> None:
    summary = open_results(session)["session"]
    index = [str(r).endswith(file) for r in summary.record.values].index(True)
    assert float(summary[name][index]) == pytest.approx(device, rel=0.01, abs=1.0)


def test_no_power_is_missing_and_never_zero(session: RunFolder) -> None:
    summary = open_results(session)["session"]
    for index, record in enumerate(summary.record.values):
        if str(record).endswith((".tcx", ".gpx", "12-11-14.fit", "event_timestamp.fit")):
            assert np.isnan(float(summary.normalized_power[index])), record
            assert np.isnan(float(summary.training_load[index])), record
        assert float(summary.normalized_power[index]) != 0


def test_one_ride_in_three_formats_counts_once(session: RunFolder) -> None:
    results = open_results(session)
    assert results["session"].sizes["record"] == 8
    assert int(results["totals"].activities) == 8
    assert sorted(Path(name).suffix for name, _ in session.request["duplicates"]) == [".gpx", ".tcx"]


def test_best_mean_powers(session: RunFolder) -> None:
    best = open_results(session)["best"]
    for seconds, watts in ((60, 392.3), (300, 340.4), (1200, 306.8)):
        assert float(best.best_power.sel(duration=seconds)) == pytest.approx(watts, abs=0.5)
    holder = open_results(session)["curve"].record.values[int(best.record.sel(duration=300))]
    assert str(holder).endswith("4078723797.fit")


def test_every_time_base_is_stated(session: RunFolder) -> None:
    summary = open_results(session)["session"]
    for name in ("average_power", "normalized_power", "training_load", "average_heart_rate", "average_speed"):
        words = summary[name].attrs["long_name"]
        assert any(word in words for word in ("timer", "elapsed", "moving", "recorded")), (name, words)
    assert json.loads(session.status_file.read_text())["state"] == "done"
