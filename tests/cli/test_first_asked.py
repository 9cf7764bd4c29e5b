"""What users ask for first: start, ingest, watch, replay, export, clean, resume with other limits."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hpcflow.cli import watch
from hpcflow.cli.waiting import job_words
from hpcflow.errors import RequestError, WorkflowError
from hpcflow.results import open_step
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from tests.cli.conftest import SAMPLES, Command, write_files


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.mark.parametrize("kind", ["vibration", "activity"])
def test_a_new_workflow_passes_its_check(
    kind: str, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command("new", "my-work", "--kind", kind).exit_code == 0
    checked = command("check", "my-work.yaml")
    assert checked.exit_code == 0, checked.exception
    assert "warning" not in checked.output
    again = command("new", "my-work")
    assert isinstance(again.exception, RequestError)
    assert "not overwritten" in str(again.exception)


@pytest.mark.parametrize("name", ["My", "a b", "../a", "$(x)", "", "-a", "a" * 41])
def test_a_name_that_cannot_be_one_is_refused(name: str, command: Command, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    done = command("new", "--", name)
    assert isinstance(done.exception, RequestError)
    assert not list(tmp_path.glob("*.yaml"))


def test_ingest_reads_and_computes_nothing(command: Command, tmp_path: Path) -> None:
    file = write_files(tmp_path / "w")
    done = command("ingest", file, "--runs", tmp_path / "runs", "--executor", "serial")
    assert done.exit_code == 0, done.exception
    folder = RunFolder.at(next((tmp_path / "runs").iterdir()))
    ledger = Ledger(folder)
    assert {name: ledger.complete(name) for name in ledger.stages} == {
        name: name.split(".")[0] in ("ingest", "table") for name in ledger.stages
    }
    ran = command("run", file, "--runs", tmp_path / "runs", "--executor", "serial", "--no-report")
    assert ran.exit_code == 0, ran.exception
    assert "ingest" not in ran.stderr, "what is ingested is not ingested again"


def test_a_pilot_extrapolates(command: Command, tmp_path: Path) -> None:
    file = write_files(tmp_path / "w")
    runs = ("--runs", tmp_path / "runs", "--executor", "serial", "--no-report")
    done = command("run", file, *runs, "--only", "b.csv")
    assert "this pilot computed 1 of 3 records in" in done.stdout
    assert "this pilot" not in command("run", file, *runs).stdout


def test_a_damaged_calibration_spoils_no_run(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bad.json").write_text("{")
    monkeypatch.setenv("HPCFLOW_LUMI_CALIBRATION", str(tmp_path / "bad.json"))
    file = write_files(tmp_path / "w")
    done = command("run", file, "--runs", tmp_path / "runs", "--executor", "serial", "--no-report")
    assert done.exit_code == 0, done.exception
    assert "has not learnt" in done.stderr
    assert "hpcflow calibrate" in str(command("plan", file).exception)


def test_replay_computes_a_block_and_writes_nothing(command: Command, finished: RunFolder) -> None:
    before = tree(finished.path)
    stage = next(s["name"] for s in finished.cut["stages"] if s["kind"] == "tiles")
    done = command("replay", finished.path, "--stage", stage, "--block", 0)
    assert done.exit_code == 0, done.exception
    assert "nothing written" in done.stdout
    assert "condition.rms" in done.stdout
    assert tree(finished.path) == before


def test_replay_shows_the_traceback_of_a_failed_block(
    command: Command, finished: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpcflow.run.stages import tiles

    def broken(*_: object) -> None:
        raise ZeroDivisionError("a planted fault")

    stage = next(s["name"] for s in finished.cut["stages"] if s["kind"] == "tiles")
    for path in finished.receipts.glob("*.jsonl"):
        path.unlink()
    Ledger(finished).fail(stage, 1, "a planted fault")
    monkeypatch.setattr(tiles, "run_block", broken)
    waiting = command("replay", finished.path)
    assert "not complete" in str(waiting.exception), "it needs what the stages before it make"
    ready = Ledger(finished)
    for name in ready.stages:
        if name.split(".")[0] in ("ingest", "table"):
            from hpcflow.run.ledger import append

            append(finished.receipts / "w.jsonl", {"stage": name, "blocks": [0, ready.stages[name]]})
    done = command("replay", finished.path)
    assert done.exit_code == 1
    assert "ZeroDivisionError: a planted fault" in done.output
    assert "replay.py" not in done.output, "the traceback begins where the block does"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--stage", "tiles.pump"), "go together"),
        (("--stage", "none", "--block", 0), "no stage 'none'"),
        (("--stage", "tiles.pump", "--block", 9999), "is none"),
        ((), "has failed"),
    ],
)
def test_replay_refuses_in_words(
    command: Command, finished_once: RunFolder, arguments: tuple[object, ...], words: str
) -> None:
    assert words in str(command("replay", finished_once.path, *arguments).exception)


def test_export_writes_what_the_results_hold(
    command: Command, finished_once: RunFolder, tmp_path: Path
) -> None:
    import pandas
    from scipy.io import loadmat

    results = open_step(finished_once, "condition")
    frames = sum(n // 250 for n in SAMPLES.values())
    for ending in ("csv", "parquet", "mat"):
        done = command("export", finished_once.path, "--step", "condition", "-o", tmp_path / f"out.{ending}")
        assert done.exit_code == 0, done.exception
        assert f"{frames} rows" in done.stdout
    csv, parquet = pandas.read_csv(tmp_path / "out.csv"), pandas.read_parquet(tmp_path / "out.parquet")
    mat = loadmat(tmp_path / "out.mat")
    assert list(csv.columns[:3]) == ["record", "record_index", "time [s]"]
    assert list(csv["record"]) == [f"{list(SAMPLES)[i]}.csv" for i in csv["record_index"]]
    np.testing.assert_allclose(csv["rms [m s-2]"], results.rms.values, rtol=1e-6)
    np.testing.assert_array_equal(parquet["rms"], results.rms.values)
    np.testing.assert_array_equal(mat["rms"].ravel(), results.rms.values)
    assert mat["units"]["rms"][0, 0][0] == "m s-2"


def test_spectra_are_too_wide_for_csv_and_not_for_the_others(
    command: Command, finished_once: RunFolder, tmp_path: Path
) -> None:
    import pandas

    done = command("export", finished_once.path, "--step", "spectrum", "-o", tmp_path / "s.csv")
    assert "left out, too wide for CSV: amplitude" in done.stdout
    command("export", finished_once.path, "--step", "spectrum", "-o", tmp_path / "s.parquet")
    frame = pandas.read_parquet(tmp_path / "s.parquet")
    amplitude = open_step(finished_once, "spectrum").amplitude
    column = f"amplitude[{float(amplitude.frequency[3]):g}]"
    np.testing.assert_array_equal(frame[column], amplitude.values[:, 3])


@pytest.mark.parametrize(
    ("step", "file", "words"),
    [
        ("none", "a.csv", "saves no step"),
        ("condition", "a.xlsx", "ends in"),
        ("condition", "no/a.csv", "no folder"),
    ],
)
def test_export_refuses_in_words(
    command: Command, finished_once: RunFolder, tmp_path: Path, step: str, file: str, words: str
) -> None:
    done = command("export", finished_once.path, "--step", step, "-o", tmp_path / file)
    assert words in str(done.exception)


def test_clean_says_first_and_removes_then(command: Command, finished: RunFolder) -> None:
    leftover = finished.results / "condition.zarr" / "zarr.json.part-abc"
    leftover.write_bytes(b"x" * 1000)
    before = tree(finished.path)
    said = command("clean", finished.path)
    assert "nothing removed" in said.stdout
    assert "frees 0.977 KiB in 1 file" in said.stdout
    assert tree(finished.path) == before
    assert command("clean", finished.path, "--yes").exit_code == 0
    del before[str(leftover.relative_to(finished.path))]
    assert {n: b for n, b in tree(finished.path).items() if n != "lock"} == {
        n: b for n, b in before.items() if n != "lock"
    }
    assert command("clean", finished.path, "--all", "--yes").exit_code == 0
    assert not finished.path.exists()
    assert finished.path.parent.exists()


def test_an_unfinished_run_keeps_its_packs(command: Command, unfinished: RunFolder) -> None:
    pack = unfinished.packs / "w.pack"
    pack.write_bytes(b"what was computed")
    command("clean", unfinished.path, "--yes")
    assert pack.exists()


def test_clean_never_reaches_outside(command: Command, finished: RunFolder, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious.part-1").write_bytes(b"not ours")
    (finished.path / "intermediate").symlink_to(outside)
    (finished.results / "link").symlink_to(outside)
    assert command("clean", finished.path, "--yes").exit_code == 0
    assert (outside / "precious.part-1").exists()
    assert command("clean", finished.path, "--all", "--yes").exit_code == 0
    assert (outside / "precious.part-1").exists()


def test_a_run_that_another_needs_stays(command: Command, finished: RunFolder) -> None:
    import json
    import shutil

    other = finished.path.parent / "small-other"
    shutil.copytree(finished.path, other)
    for receipts in (other / "receipts").glob("*.jsonl"):
        receipts.unlink()
    (other / "reuse.json").write_text(json.dumps({"condition": {finished.path.name: [[0, 0]]}}))
    done = command("clean", finished.path, "--all", "--yes")
    assert "small-other is not finished" in str(done.exception)
    assert finished.path.exists()


@dataclass
class FakeJob:
    state: str = "PENDING"
    reason: str = "Priority"
    started: str = ""
    kind: str = "blocks"

    @property
    def alive(self) -> bool:
        return self.state in ("PENDING", "RUNNING")


def test_waiting_jobs_say_why_and_when() -> None:
    jobs = [
        FakeJob(started="2026-05-01T12:00:00"),
        FakeJob(started="2026-05-01T11:30:00"),
        FakeJob(reason="ReqNodeNotAvail, UnavailableNodes:nid[1-3]"),
        FakeJob(reason="SomethingNew"),
        FakeJob(state="RUNNING"),
        FakeJob(kind="gate", reason="Dependency"),
    ]
    assert list(job_words(jobs)) == [  # type: ignore[arg-type]
        "2 jobs waiting: jobs of higher priority are before it, expected to start 2026-05-01 11:30:00",
        "1 job waiting: its nodes are reserved or down, often for maintenance: a shorter --time may fit",
        "1 job waiting: Slurm says SomethingNew",
    ]


def test_watching_asks_slurm_at_most_once_a_minute(unfinished: RunFolder) -> None:
    unfinished.epochs.mkdir()
    (unfinished.epochs / "0001.json").write_text("{}")
    now, asked = [0.0], []

    def ask(folder: RunFolder) -> list[FakeJob]:
        asked.append(now[0])
        return [FakeJob()] if now[0] < 200 else []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    lines = list(watch.lines(unfinished, 2.0, ask, sleep, lambda: now[0]))  # type: ignore[arg-type]
    assert asked == [0.0, 60.0, 120.0, 180.0, 240.0]
    assert "no job of the run is left" in lines[-1]
    assert len(lines) == 3, "a line only where something changed"


def test_watching_ends_with_the_run(command: Command, finished_once: RunFolder) -> None:
    done = command("watch", finished_once.path)
    assert done.exit_code == 0
    assert "done after" in done.stdout


def test_limits_are_for_jobs(command: Command, finished: RunFolder) -> None:
    done = command("resume", finished.path, "--time", "4 h")
    assert "has none to send" in str(done.exception)


def test_errors_of_a_workflow_are_its_own(command: Command, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("hpcflow: 1\nname: bad\n")
    assert isinstance(command("ingest", tmp_path / "bad.yaml").exception, WorkflowError)
