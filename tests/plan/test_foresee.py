"""What can be known of empty results before anything is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpcflow.api import ask
from hpcflow.errors import WorkflowError

WORKFLOW = """
hpcflow: 1
name: short
datasets:
  made: {files: "*.csv", reader: csv, records: facts.tsv}
steps:
  indicators: {kernel: condition_indicators, input: made.level, with: {window: WINDOW}}
  diagnosis:
    kernel: bearing_faults
    input: {signal: made.level, speed: made.speed, bearing: made.bearing}
save: [indicators, diagnosis]
"""


def lay_out(folder: Path, window: str) -> Path:
    """Recordings of 1, 2 and 3 s: one bearing that is known, one that is not, one without a speed."""
    (folder / "r0.csv").write_text("")  # set aside; its row comes first in the table
    for number in (1, 2, 3):
        rows = [f"{i / 100},{i * number % 11}" for i in range(100 * number)]
        (folder / f"r{number}.csv").write_text("\n".join(["time [s],level [m/s2]", *rows]) + "\n")
    (folder / "facts.tsv").write_text(
        "file\tspeed [rpm]\tbearing\n"
        "r1.csv\t1500\tSKF 6205-2RS\n"
        "r2.csv\t1500\tACME 1\n"
        "r3.csv\t\tSKF 6205-2RS\n"
    )
    (folder / "short.yaml").write_text(WORKFLOW.replace("WINDOW", window))
    return folder / "short.yaml"


def test_records_without_an_answer_are_told_with_the_reason(tmp_path: Path) -> None:
    notes = ask(lay_out(tmp_path, "1 s")).cut.notes
    assert not [note for note in notes if note.startswith("step indicators")]
    unknown, speed = (note for note in notes if note.startswith("step diagnosis"))
    assert "1 of 3 records (r2.csv) is without an answer: no bearing is known as 'ACME 1'" in unknown
    assert "1 of 3 records (r3.csv) is without an answer: the shaft speed is not known" in speed


def test_records_shorter_than_a_window_are_told(tmp_path: Path) -> None:
    notes = ask(lay_out(tmp_path, "2.5 s")).cut.notes
    (told,) = (note for note in notes if note.startswith("step indicators"))
    assert told == (
        "step indicators: 2 of 3 records (r1.csv, r2.csv) are shorter than one window, so nothing comes of "
        "them (window 2.5 s, the longest such record 2 s)"
    )


@pytest.mark.parametrize("window", ["3.01 s", "1e30 s"])
def test_a_window_longer_than_every_record_is_refused(tmp_path: Path, window: str) -> None:
    with pytest.raises(WorkflowError) as caught:
        ask(lay_out(tmp_path, window))
    (problem,) = caught.value.problems
    assert (problem.path, problem.line) == ("steps.indicators.with.window", 7)
    assert problem.remedy == "lower `window` to 3 s or less"


def test_records_without_a_rate_are_told_with_what_is_wrong_with_their_stamps(tmp_path: Path) -> None:
    file = lay_out(tmp_path, "500 ms")
    rows = [f"{i % 150 / 100},{i % 11}" for i in range(300)]
    (tmp_path / "r2.csv").write_text("\n".join(["time [s],level [m/s2]", *rows]) + "\n")
    (told,) = (note for note in ask(file).cut.notes if note.startswith("step indicators"))
    fault = "stamp 151 is not after the one before it (0 s, 1.49 s)"
    assert told == f"step indicators: 1 of 3 records (r2.csv) is left out: no sampling rate: {fault}"
    for name in ("r1.csv", "r3.csv"):
        (tmp_path / name).unlink()
    with pytest.raises(WorkflowError) as caught:
        ask(file)
    (problem,) = (one for one in caught.value.problems if one.path == "steps.indicators")
    assert f"r2.csv: {fault}" in problem.value
    # What the table of facts says goes before the stamps, as the remedy promises.
    (tmp_path / "facts.tsv").write_text("file\tsampling_rate [Hz]\nr2.csv\t100\n")
    file.write_text(WORKFLOW.replace("WINDOW", "500 ms").replace("bearing: made.bearing", ""))
    assert ask(file, ["datasets.made.defaults={speed: 1500 rpm, bearing: SKF 6205-2RS}"]).cut.steps


def test_stages_are_numbered_within_their_own_dataset(tmp_path: Path) -> None:
    rows = [f"{i / 100},{i % 11}" for i in range(300)]
    (tmp_path / "r.csv").write_text("\n".join(["time [s],level [V]", *rows]) + "\n")
    (tmp_path / "w.yaml").write_text(
        "hpcflow: 1\nname: prefix\n"
        "datasets: {ab: {files: '*.csv', reader: csv}, a: {files: '*.csv', reader: csv}}\n"
        "steps:\n"
        "  one: {kernel: detrend, input: ab.level}\n"
        "  two: {kernel: trend, input: a.level}\n"
        "save: [one, two]\n"
    )
    names = [stage.name for stage in ask(tmp_path / "w.yaml").cut.stages if stage.kind == "records"]
    assert sorted(names) == ["records.a", "records.ab"]
