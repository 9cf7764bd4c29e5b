"""What the shell is told: each way a command can end has its number, whatever typer makes of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hpcflow.cli.main import main

WORKFLOW = """
hpcflow: 1
name: codes
datasets: {made: {files: "*.csv", reader: csv}}
steps:
  band: {kernel: bandpass, input: made.level, with: {low: 10 Hz, high: 50 Hz}}
  indicators: {kernel: condition_indicators, input: made.level, with: {window: 1 s}}
save: [band, indicators]
"""


def lay_out(folder: Path, files: int, samples: int) -> None:
    for number in range(files):
        rows = [f"{i / 1000},{i * (number + 3) % 11}" for i in range(samples)]
        (folder / f"r{number}.csv").write_text("\n".join(["time [s],level [V]", *rows]) + "\n")
    (folder / "codes.yaml").write_text(WORKFLOW)


def code_of(*arguments: str, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["hpcflow", *arguments])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_codes_are_those_of_the_documents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(tmp_path, 1, 3000)
    monkeypatch.chdir(tmp_path)
    run = ("run", "codes.yaml", "--executor", "serial", "--no-report")
    assert code_of(*run, monkeypatch=monkeypatch) == 0
    (tmp_path / "empty.csv").write_text("")
    assert code_of(*run, monkeypatch=monkeypatch) == 3
    assert code_of(*run, "--strict", monkeypatch=monkeypatch) == 1
    assert code_of("run", "nothing.yaml", monkeypatch=monkeypatch) == 2
    chunk = next(p for p in tmp_path.glob("runs/*/results/band.zarr/**/c/*") if p.is_file())
    chunk.write_bytes(b"damaged")
    assert code_of("verify", chunk.relative_to(tmp_path).parts[1], monkeypatch=monkeypatch) == 1


@pytest.mark.parametrize("place", ["--runs", "--set"])
def test_a_file_where_a_folder_is_wanted_is_named_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    lay_out(tmp_path, 1, 3000)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").write_text("mine")
    value = {"--runs": "mine", "--set": "datasets.made.store=mine"}[place]
    assert code_of("run", "codes.yaml", place, value, monkeypatch=monkeypatch) == 1
    said = capsys.readouterr().err
    assert "mine" in said
    assert "a folder is wanted where a file lies" in said
    assert "Traceback" not in said
    assert (tmp_path / "mine").read_text() == "mine"


def test_an_interrupt_ends_dask_workers_in_one_line_and_is_resumed(tmp_path: Path) -> None:
    lay_out(tmp_path, 6, 100_000)
    command = [sys.executable, "-m", "hpcflow.cli.main"]
    running = subprocess.Popen(
        [*command, "run", "codes.yaml", "--workers", "2", "--no-report"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    end = time.monotonic() + 120
    while not list(tmp_path.glob("runs/*/receipts/*.jsonl")) and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all processes in it
    _, said = running.communicate(timeout=120)
    assert running.returncode == 130, said
    assert "interrupted: what was finished is kept, `hpcflow resume` goes on" in said
    assert "Traceback" not in said
    assert "distributed" not in said
    resumed = subprocess.run(
        [*command, "resume", "--executor", "serial", "--no-report"], cwd=tmp_path, capture_output=True
    )
    assert resumed.returncode == 0, resumed.stderr
