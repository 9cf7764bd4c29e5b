"""`workflows/power_session.yaml` from end to end, on the example activities and on awkward ones."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from hpcflow import api

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows"
EXAMPLES = WORKFLOWS / "examples" / "activities"


def run(folder, names, *, damaged=()):
    """Run the shipped workflow in a folder of its own, on copies of some examples."""
    activities = folder / "examples" / "activities"
    activities.mkdir(parents=True)
    shutil.copy(WORKFLOWS / "power_session.yaml", folder)
    for name in ("index.csv", *names):
        shutil.copy(EXAMPLES / name, activities)
    for name in damaged:
        (activities / f"damaged-{name}").write_bytes((EXAMPLES / name).read_bytes()[:5000])
    asked = api.ask(folder / "power_session.yaml")
    run_folder = api.start(asked, runs=folder / "runs")
    api.compute(run_folder, executor="serial")
    return asked, run_folder


def names(step):
    return [Path(str(name)).name for name in np.atleast_1d(step["record"].values)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    files = sorted(p.name for p in EXAMPLES.iterdir() if p.suffix in (".fit", ".tcx", ".gpx"))
    folder = tmp_path_factory.mktemp("power")
    return run(folder, files, damaged=["2013-02-06-12-11-14.fit"])


def test_a_damaged_file_is_set_aside_and_copies_count_once(whole):
    asked, folder = whole
    aside = dict(asked.aside)
    assert [Path(name).name for name in aside] == ["damaged-2013-02-06-12-11-14.fit"]
    assert "truncated" in next(iter(aside.values()))
    totals = api.open_step(folder, "totals")
    assert int(totals["activities"]) == 8
    assert int(totals["activities_with_power"]) == 4
    assert int(totals["activities_with_load"]) == 3


def test_sessions_carry_the_devices_numbers(whole):
    session = api.open_step(whole[1], "session")
    at = {name: i for i, name in enumerate(names(session))}
    ride = session.isel(record=at["4078723797.fit"])
    assert float(ride["normalized_power"]) == pytest.approx(267, abs=1)
    assert float(ride["training_load"]) == pytest.approx(413.7, rel=0.01)
    assert float(ride["average_heart_rate"]) == pytest.approx(165, abs=1)
    ski = session.isel(record=at["cross-country-skiing_activity_1.tcx"])
    assert float(ski["distance"]) == pytest.approx(5692.01, abs=0.1)
    assert np.isnan(float(ski["normalized_power"]))
    assert "activity_5039744860.tcx" not in at


def test_the_best_efforts_point_at_the_activity_that_holds_them(whole):
    _, folder = whole
    best, curve = api.open_step(folder, "best"), api.open_step(folder, "curve")
    table = curve["mean_maximal_power"].values
    known = np.isfinite(table).any(axis=0)
    np.testing.assert_array_equal(best["best_power"].values[known], np.nanmax(table[:, known], axis=0))
    np.testing.assert_array_equal(best["record"].values[known], np.nanargmax(table[:, known], axis=0))


def test_cleaned_channels_have_a_second_for_every_second(whole):
    _, folder = whole
    clean = api.open_step(folder, "clean")
    flags = clean["gap"].attrs["flag_meanings"].split()
    assert flags == ["recorded", "interpolated", "missing", "paused"]
    assert clean["heart_rate"].attrs["units"] == "min-1"


def test_files_without_power_timer_or_heart_rate_run_through(tmp_path):
    asked, folder = run(tmp_path, ["korita-zbevnica.gpx"])
    assert asked.aside == ()
    totals = api.open_step(folder, "totals")
    assert int(totals["activities"]) == 1
    assert int(totals["activities_with_power"]) == 0
    for name in ("training_load", "work", "average_power", "average_heart_rate"):
        assert np.isnan(float(totals[name])), name
    assert np.isnan(api.open_step(folder, "best")["best_power"].values).all()
