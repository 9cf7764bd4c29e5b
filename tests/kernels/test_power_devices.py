"""What the devices and files themselves state, against what comes out of reader, cleaning and summary.

The limit is 1 % or one unit of the last printed digit. Values that a limit does not fit are in docs/power.md.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from hpcflow.data.readers.activity import READER
from hpcflow.units import convert
from hpcflow_kernels import Rows, get
from hpcflow_kernels.sport.activity import clean_activity
from hpcflow_kernels.sport.power import mean_max, session_summary

EXAMPLES = Path(__file__).resolve().parents[2] / "workflows" / "examples" / "activities"


@cache
def analysed(path: Path, own_timer: bool = True):
    """Facts, session and power curve of one file, along the steps of `workflows/power_session.yaml`."""
    record = READER.scan(path, {})[0]
    values = READER.read(path, record.channel, 0, record.size, {})
    ports = {}
    for variable in record.variables:
        factor, _, si = convert(variable.units)
        ports[variable.name] = Rows((values[variable.name] * factor).astype(variable.dtype), np.nan, si, {})
    facts = {name: fact.value for name, fact in record.facts.items()}
    gaps = {"max_gap": 60.0, "max_power_gap": 10.0}
    units = {f.name: f.units for f in get("clean_activity").fields(gaps)}
    made = clean_activity(**ports, elapsed=facts["elapsed"], **gaps)
    rows = {name: Rows(x, 1.0, units[name], {}) for name, x in made.items()}
    names = [port.name for port in get("session_summary").ports if port.kind == "rows"]
    session = session_summary(
        **{name: rows[name] for name in names},
        ftp=facts.get("ftp"),
        elapsed_time=facts.get("device_elapsed_time"),
        timer_time=facts.get("timer_time") if own_timer else None,
        moving_speed=0.5,
    )
    best = mean_max(power=rows["power"], durations=[60.0, 300.0, 1200.0], missing="zero")
    return facts, {**session, **dict(zip((60, 300, 1200), best["mean_maximal_power"], strict=True))}


TABLE = [
    # (file, quantity, stated value, one printed unit)
    ("4078723797.fit", "distance", 57567.24, 0.01),
    ("4078723797.fit", "timer_time", 8355.6, 0.1),
    ("4078723797.fit", "average_power", 219, 1),
    ("4078723797.fit", "max_power", 1022, 1),
    ("4078723797.fit", "normalized_power", 267, 1),
    ("4078723797.fit", "work", 1_830_776, 1),
    ("4078723797.fit", "average_heart_rate", 165, 1),
    ("4078723797.fit", "max_heart_rate", 190, 1),
    ("4078723797.fit", "average_cadence", 91, 1),
    ("4078723797.fit", "ascent", 1254, 1),
    ("4078723797.fit", "descent", 1250, 1),
    ("4078723797.fit", "intensity_factor", 1.337, 0.001),
    ("4078723797.fit", "training_load", 413.7, 0.1),
    ("4078723797.fit", 60, 392.3, 0.1),
    ("4078723797.fit", 300, 340.4, 0.1),
    ("4078723797.fit", 1200, 306.8, 0.1),
    ("sample-activity-indoor-trainer.fit", "timer_time", 2261.85, 0.01),
    ("sample-activity-indoor-trainer.fit", "average_power", 201, 1),
    ("sample-activity-indoor-trainer.fit", "normalized_power", 228, 1),
    ("sample-activity-indoor-trainer.fit", "max_power", 331, 1),
    ("sample-activity-indoor-trainer.fit", "average_heart_rate", 148, 1),
    ("sample-activity-indoor-trainer.fit", "max_heart_rate", 176, 1),
    ("sample-activity-indoor-trainer.fit", "average_cadence", 82, 1),
    ("sample-activity-indoor-trainer.fit", "intensity_factor", 0.914, 0.001),
    ("sample-activity-indoor-trainer.fit", "training_load", 50.8, 0.1),
    ("sample-activity-indoor-trainer.fit", "ascent", 4, 1),
    ("activity-small-fenix2-run.fit", "distance", 9008.22, 0.01),
    ("activity-small-fenix2-run.fit", "timer_time", 2832.0, 1),
    ("activity-small-fenix2-run.fit", "ascent", 64, 1),
    ("activity-small-fenix2-run.fit", "descent", 61, 1),
    ("activity-small-fenix2-run.fit", "average_cadence", 81, 1),
    ("activity-small-fenix2-run.fit", "average_heart_rate", 153.98, 0.01),
    ("activity-small-fenix2-run.fit", "max_heart_rate", 178, 1),
    ("developer-types-sample.fit", "distance", 6753.99, 0.01),
    ("developer-types-sample.fit", "timer_time", 3424, 1),
    ("developer-types-sample.fit", "average_power", 218, 1),
    ("developer-types-sample.fit", "max_power", 314, 1),
    ("developer-types-sample.fit", "average_heart_rate", 130.84, 0.01),
    ("developer-types-sample.fit", "average_cadence", 74, 1),
    ("event_timestamp.fit", "distance", 2606.04, 0.01),
    ("event_timestamp.fit", "timer_time", 4371.56, 0.01),
    ("event_timestamp.fit", "elapsed_time", 4567.485, 0.001),
    ("event_timestamp.fit", "moving_time", 2763.254, 0.001),
    ("event_timestamp.fit", "average_moving_speed", 0.945, 0.001),
    ("event_timestamp.fit", "max_heart_rate", 161, 1),
    ("event_timestamp.fit", "average_cadence", 26, 1),
    ("2013-02-06-12-11-14.fit", "distance", 4835.38, 0.01),
    ("2013-02-06-12-11-14.fit", "timer_time", 2625.14, 0.01),
    ("2013-02-06-12-11-14.fit", "average_heart_rate", 147, 1),
    ("2013-02-06-12-11-14.fit", "max_heart_rate", 171, 1),
    ("2013-02-06-12-11-14.fit", "max_speed", 5.222, 0.001),
    ("2013-02-06-12-11-14.fit", "average_speed", 1.842, 0.001),
    ("2013-02-06-12-11-14.fit", "ascent", 168, 1),
    ("2013-02-06-12-11-14.fit", "descent", 160, 1),
    ("2020-06-01-16-52-40.fit", "distance", 668.19, 0.01),
    ("2020-06-01-16-52-40.fit", "timer_time", 93.7, 0.1),
    ("2020-06-01-16-52-40.fit", "elapsed_time", 113.15, 0.01),
    ("2020-06-01-16-52-40.fit", "average_speed", 7.131, 0.001),
    ("2020-06-01-16-52-40.fit", "average_power", 149, 1),
    ("2020-06-01-16-52-40.fit", "max_power", 434, 1),
    ("2020-06-01-16-52-40.fit", "normalized_power", 150, 1),
    ("2020-06-01-16-52-40.fit", "intensity_factor", 0.752, 0.001),
    ("2020-06-01-16-52-40.fit", "training_load", 1.1, 0.1),
    ("2020-06-01-16-52-40.fit", "work", 14303, 1),
    ("2020-06-01-16-52-40.fit", "average_heart_rate", 150, 1),
    ("2020-06-01-16-52-40.fit", "ascent", 1, 1),
    ("activity_5039744860.tcx", "distance", 668.19, 0.01),
    ("activity_5039744860.gpx", "distance", 900.3, 0.1),
    ("cross-country-skiing_activity_1.tcx", "distance", 5692.01, 0.01),
    ("cross-country-skiing_activity_1.tcx", "timer_time", 2401.26, 0.01),
    ("cross-country-skiing_activity_1.tcx", "average_heart_rate", 141.2, 0.1),
    ("cross-country-skiing_activity_1.tcx", "average_heart_rate", 142.7, 0.1),  # its laps, by their time
    ("cross-country-skiing_activity_1.tcx", "max_heart_rate", 172, 1),
    ("tcxparser_test.tcx", "distance", 4689.24, 0.01),
    ("tcxparser_test.tcx", "timer_time", 1992.78, 0.01),
    ("tcxparser_test.tcx", "average_heart_rate", 160.24, 0.01),  # its laps, by their time
    ("tcxparser_test.tcx", "max_heart_rate", 189, 1),
]
"""Session messages of FIT files, laps of TCX files, and computed values of their publishers."""


def found(name: str, shared_data: Path) -> Path:
    example = EXAMPLES / name
    return example if example.exists() else shared_data / "sport" / "activities" / name


@pytest.mark.shared_data
@pytest.mark.parametrize(("file", "quantity", "stated", "unit"), TABLE)
def test_values_agree_with_the_device(file, quantity, stated, unit, shared_data):
    _, numbers = analysed(found(file, shared_data))
    assert numbers[quantity] == pytest.approx(stated, rel=0.01, abs=unit)


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("file", "laps"),
    [
        ("cross-country-skiing_activity_1.tcx", [(0, 2160.4, 144), (2161, 2401, 131)]),
        ("tcxparser_test.tcx", [(0, 608.5, 139), (609, 1323, 172), (1323, 1992, 167)]),
    ],
)
def test_heart_rate_by_time_agrees_lap_by_lap(file, laps, shared_data):
    path = found(file, shared_data)
    record = READER.scan(path, {})[0]
    values = READER.read(path, "", 0, record.size, {})
    known = np.isfinite(values["heart_rate"])
    for start, stop, stated in laps:
        seconds = np.arange(start, stop)
        mean = np.interp(seconds, values["time"][known], values["heart_rate"][known]).mean()
        assert mean == pytest.approx(stated, rel=0.01, abs=1)


def test_the_swim_s_heart_rate_is_what_the_strap_kept():
    # The watch averages beats while swimming: 142. By time and over the whole timer it is less.
    _, numbers = analysed(EXAMPLES / "event_timestamp.fit")
    assert numbers["average_moving_heart_rate"] == pytest.approx(142, rel=0.01)
    assert numbers["average_heart_rate"] == pytest.approx(138.2, abs=0.1)


@pytest.mark.parametrize("file", ["event_timestamp.fit", "2013-02-06-12-11-14.fit", "korita-zbevnica.gpx"])
def test_no_power_means_no_normalised_power(file):
    _, numbers = analysed(EXAMPLES / file)
    for quantity in ("average_power", "normalized_power", "training_load", "work", 60):
        assert math.isnan(numbers[quantity])


def test_power_without_threshold_power_gives_no_load():
    facts, numbers = analysed(EXAMPLES / "developer-types-sample.fit")
    assert "ftp" not in facts
    assert numbers["normalized_power"] == pytest.approx(220.1, abs=0.1)
    assert math.isnan(numbers["training_load"])


@pytest.mark.parametrize(
    "path", sorted(EXAMPLES.glob("*.*x")) + sorted(EXAMPLES.glob("*.fit")), ids=lambda p: p.name
)
def test_any_reader_output_runs_through(path):
    _, numbers = analysed(path)
    assert numbers["elapsed_time"] > 60


@pytest.mark.parametrize(
    ("file", "stated"),
    [
        ("4078723797.fit", 8355.6),
        ("sample-activity-indoor-trainer.fit", 2261.85),
        ("event_timestamp.fit", 4371.56),
        ("2013-02-06-12-11-14.fit", 2625.14),
        ("2020-06-01-16-52-40.fit", 93.7),
    ],
)
def test_the_timer_counted_from_events_agrees_with_the_device_s_own(file, stated):
    _, numbers = analysed(EXAMPLES / file, own_timer=False)
    assert numbers["timer_time"] == pytest.approx(stated, rel=0.01)
    assert numbers["clock_time"] >= numbers["timer_time"]
