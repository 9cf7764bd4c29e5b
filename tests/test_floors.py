"""Floors: what breaks one is told, what was not measured is never passed over."""

from __future__ import annotations

import json

import pytest

from benchmarks import check


@pytest.fixture
def floors(tmp_path, monkeypatch):
    file = tmp_path / "floors.json"
    file.write_text(
        json.dumps(
            {
                "filter.speed": {"at_least": 3, "timed": True, "full_size": True, "why": "three times"},
                "filter.error": {"at_most": 1e-6, "timed": False, "full_size": False, "why": "exact"},
                "growth": {"at_most": 1.1, "timed": True, "full_size": True, "large": True, "why": "flat"},
            }
        )
    )
    monkeypatch.setattr(check, "FLOORS", file)
    return file


def document(values, **how):
    measures = [{"name": name, "value": value, "unit": ""} for name, value in values.items()]
    return {"small": False, "timers": True, "measures": measures, **how}


def test_what_breaks_a_floor_is_told_and_what_is_missing_too(floors):
    assert check.complaints(document({"filter.speed": 3.0, "filter.error": 1e-7})) == []
    assert check.complaints(document({"filter.speed": 2.0, "filter.error": 1e-5})) == [
        "filter.speed: 2 is below 3 (three times)",
        "filter.error: 1e-05 is above 1e-06 (exact)",
    ]
    assert check.complaints(document({"filter.error": 0.0})) == ["filter.speed: not measured"]


def test_small_runs_and_runs_without_timers_are_held_to_what_they_can_show(floors):
    exact = {"filter.error": 0.0}
    assert check.complaints(document(exact, small=True)) == []
    assert check.complaints(document(exact, timers=False)) == []
    assert check.complaints(document({**exact, "filter.speed": 4.0}, large=True)) == ["growth: not measured"]


def test_the_table_has_a_row_for_every_timed_floor(floors):
    rows = check.table(document({"filter.speed": 3.456}, large=True)).splitlines()[2:]
    assert rows == [
        "| `filter.speed` | 3.46 | ≥ 3 | three times |",
        "| `growth` | not measured | ≤ 1.1 | flat |",
    ]


def test_a_kernel_has_one_row_with_rate_limit_peers_and_errors(floors):
    held = {"kernels.fir.against_scipy": {"at_least": 4, "timed": True, "full_size": True, "why": "so"}}
    floors.write_text(json.dumps(held))
    found = document({"kernels.fir.rate": 783.2, "kernels.fir.error": 2e-7, "kernels.fir.scipy.error": 4e-7})
    found["measures"].append({"name": "kernels.fir.of_limit", "value": 0.42, "unit": "limit of memory"})
    (row,) = check.table(found).splitlines()[2:]
    assert row == "| `fir` | 783 | 42 % memory | scipy not measured (≥ 4) | 2e-07; scipy 4e-07 |"
    found["measures"].append({"name": "kernels.fir.against_scipy", "value": 4.27, "unit": ""})
    assert "| scipy 4.27 (≥ 4) |" in check.table(found)
