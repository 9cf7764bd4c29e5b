"""`hpcflow plan`: one screen for people, stable keys for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hpcflow.api import Asked, ask, whole_cut
from hpcflow.cli.explain import COLUMNS, cheaper, explain, explained_json, span
from hpcflow.executors.slurm import schedule_of
from hpcflow.plan.calibration import Calibration, KernelTimes
from hpcflow.plan.compile import compile_cut, summary
from hpcflow.slurm.jobs import Options
from hpcflow_kernels import get
from tests.cli.conftest import Command, write_files

SCREEN = 40
SHIPPED = {"bearing_condition": "machine", "power_session": "rides"}

KEYS = {
    "schema", "run_id", "records", "samples", "stages", "blocks", "read_bytes", "write_bytes", "files",
    "memory_bytes", "low_seconds", "high_seconds", "calibrated", "pilot", "aside", "warnings", "stage_list",
}  # fmt: skip

STAGE_KEYS = {
    "name", "kind", "blocks", "after", "steps", "memory_bytes", "read_bytes", "write_bytes", "files",
    "low_seconds", "high_seconds",
}  # fmt: skip


def shipped(repo: Path, tmp_path: Path, name: str) -> Asked:
    store = f"datasets.{SHIPPED[name]}.store={tmp_path / 'store.zarr'}"
    return ask(repo / "workflows" / f"{name}.yaml", [store])


@pytest.mark.parametrize("name", list(SHIPPED))
@pytest.mark.parametrize("site", [None, "lumi", "mini-lumi", "local"])
def test_a_shipped_workflow_fits_one_screen(repo: Path, tmp_path: Path, name: str, site: str | None) -> None:
    asked = shipped(repo, tmp_path, name)
    schedule = schedule_of(asked.cut, site, Options(account="project_1")) if site else None
    lines = "\n".join(explain(asked, schedule)).splitlines()
    assert len(lines) <= SCREEN
    assert max(map(len, lines)) <= COLUMNS
    text = "\n".join(lines)
    for answer in ("time ", "memory ", "disk ", *(["partition", "limit"] if site else [])):
        assert answer in text
    for stage in asked.cut.stages:
        assert stage.kind == "assemble" or stage.name in text


def test_many_warnings_and_files_set_aside_stay_few_lines(tmp_path: Path) -> None:
    asked = ask(write_files(tmp_path))
    many = tuple((f"file{i}.csv", "it cannot be read " * 20) for i in range(500))
    crowded = replace(asked, aside=many, warnings=tuple(f"warning {i}" for i in range(500)))
    lines = "\n".join(explain(crowded)).splitlines()
    assert len(lines) <= SCREEN
    assert sum("and 497 more" in line for line in lines) == 2


def test_a_pilot_says_what_all_would_take(tmp_path: Path) -> None:
    asked = ask(write_files(tmp_path), only=["c.csv"])
    text = "\n".join(explain(asked))
    assert "pilot     1 of 3 records" in text
    assert explained_json(asked)["pilot"] == {
        "records": 1, "of_records": 3, "samples": 500, "of_samples": 3000, "factor": 6.0
    }  # fmt: skip
    assert not any("--limit" in hint for hint in cheaper(asked.cut, pilot=True))


def test_all_records_of_a_pilot_are_planned_and_not_multiplied(tmp_path: Path) -> None:
    file = write_files(tmp_path)
    pilot, all_ = ask(file, only=["c.csv"]), ask(file)
    assert whole_cut(pilot).id == all_.cut.id
    assert whole_cut(all_).id == all_.cut.id


def test_samples_are_those_of_the_recordings(tmp_path: Path) -> None:
    """Long records start on chunks, so the axis is longer than what was recorded."""
    asked = ask(write_files(tmp_path))
    table = asked.tables["pump"]
    apart = replace(table, start=table.start * 4)
    cut = compile_cut(asked.spec, {"pump": apart})
    assert cut.dataset("pump").samples > 3000
    assert summary(cut)["samples"] == 3000


@pytest.mark.parametrize("workers", [1, 2])
def test_files_foretold_are_those_found(command: Command, tmp_path: Path, workers: int) -> None:
    file = write_files(tmp_path / "w")
    given = {p for p in tmp_path.rglob("*") if p.is_file()}
    foretold = summary(ask(file).cut)["files"]
    executor = "serial" if workers == 1 else "dask"
    run = ("run", file, "--runs", tmp_path / "w/runs", "--workers", workers, "--executor", executor)
    assert command(*run).exit_code == 0
    found = len({p for p in tmp_path.rglob("*") if p.is_file()} - given)
    assert found <= foretold + 2 * workers  # each worker has receipts of its own
    assert found >= 0.9 * foretold


def test_calibrated_times_say_what_measured_them(tmp_path: Path) -> None:
    asked = ask(write_files(tmp_path))
    kernels = ("condition_indicators", "bandpass", "envelope_spectrum")
    times = {name: KernelTimes(get(name).version, ((1000, 1e-3),)) for name in kernels}
    known = Calibration("A processor", 2, "2026-01-02", times, 1e8, 1e8, 1e-3, 1.0, {"csv": 1e8})
    assert "measured on A processor, 2026-01-02" in "\n".join(explain(asked, None, known))
    found = explained_json(asked, None, known)
    assert found["calibrated"] is True
    assert found["high_seconds"] <= 3 * found["low_seconds"]
    partly = replace(known, kernels={"bandpass": times["bandpass"]})
    assert "partly measured" in "\n".join(explain(asked, None, partly))


def test_json_has_the_keys_of_its_schema(tmp_path: Path, command: Command) -> None:
    done = command("plan", write_files(tmp_path), "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["schema"] == "hpcflow.plan/1"
    assert set(found) == KEYS
    assert all(set(stage) == STAGE_KEYS for stage in found["stage_list"])
    with_site = command("plan", write_files(tmp_path), "--json", "--site", "local")
    assert set(json.loads(with_site.stdout)) == {*KEYS, "schedule"}


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.1, 0.9, "under 1 s"),
        (0.5, 4.0, "0.5-4 s"),
        (30, 90, "30-90 s"),
        (30, 400, "0.5-6.7 min"),
        (7200, 21000, "2-5.8 h"),
        (90_000, 260_000, "1-3 d"),
    ],
)
def test_ranges_have_one_unit(low: float, high: float, text: str) -> None:
    assert span(low, high) == text


@pytest.mark.parametrize(("option", "text"), [("--budget", "10"), ("--block-size", "much")])
def test_an_option_that_cannot_be_read_is_named(
    command: Command, tmp_path: Path, option: str, text: str
) -> None:
    said = str(command("plan", write_files(tmp_path), "--site", "mini-lumi", option, text).exception)
    assert said.startswith(f"{option} must be")
    assert text in said
