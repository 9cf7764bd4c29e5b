"""The cut: the same bytes anywhere, and a size that does not know how much there is to do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import planning
from hpcflow.api import ask
from hpcflow.errors import WorkflowError
from hpcflow.plan.model import Cut
from hpcflow_kernels import Pattern, get, registry

WORKFLOW = """
hpcflow: 1
name: twice
datasets:
  made: {files: "in/*.csv", reader: csv, records: facts.csv, defaults: {sensor: left}}
steps:
  band: {kernel: bandpass, input: made.level, with: {low: 50 Hz, high: 200 Hz}}
  spectrum: {kernel: envelope_spectrum, input: band, with: {window: 100 ms, max_frequency: 200 Hz}}
  indicators: {kernel: condition_indicators, input: made.level, with: {window: 100 ms, band: [10 Hz, 90 Hz]}}
save: [spectrum, indicators]
"""

PROGRAM = "import sys; from hpcflow.api import ask; print(ask(sys.argv[1]).cut.to_json(), end='')"


def lay_out(folder: Path, order: list[int]) -> Path:
    """The same recordings and workflow, written in some order."""
    (folder / "in").mkdir(parents=True)
    for number in order:
        rows = [f"{i / 1000},{(i * number) % 11}" for i in range(300 + number)]
        (folder / "in" / f"r{number}.csv").write_text("\n".join(["time [s],level [V]", *rows]) + "\n")
    (folder / "facts.csv").write_text("file,load [kW]\nin/r1.csv,3\nin/r2.csv,4\n")
    (folder / "twice.yaml").write_text(WORKFLOW)
    return folder / "twice.yaml"


def cut_of(file: Path, repo: Path, seed: str, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(file)],
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(repo), str(repo / "kernels")]),
            "PYTHONHASHSEED": seed,
            "TZ": "Asia/Tokyo" if seed == "1" else "UTC",
        },
        cwd=cwd,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_same_inputs_give_the_same_bytes_anywhere(tmp_path: Path, repo: Path) -> None:
    here = lay_out(tmp_path / "here", [1, 2, 3])
    there = lay_out(tmp_path / "there" / "at last", [3, 1, 2])
    first = cut_of(here, repo, "1", tmp_path)
    assert first == cut_of(there, repo, "2", there.parent)
    assert str(tmp_path) not in first
    assert Cut.from_dict(json.loads(first)).to_json() == first


def test_ten_million_blocks_weigh_what_ten_do() -> None:
    found = {m.name: m.value for m in planning.measures(small=True, timers=False)}
    assert found["planning.regular.blocks"] == 10_000_000
    assert found["planning.regular.text_ratio"] < 1.5
    assert found["planning.regular.memory_ratio"] < 1.5


@pytest.mark.parametrize("blocks", [1, 10, 12_345])
def test_regular_data_make_as_many_blocks_as_they_hold(blocks: int) -> None:
    cut, text = planning.plan(planning.regular(blocks))
    assert planning.blocks_of(cut) == blocks
    assert json.loads(text)["id"] == cut.id


@pytest.mark.parametrize("first", ["excitation", "response"])
def test_ports_stand_in_the_contracts_order_however_the_file_names_them(tmp_path: Path, first: str) -> None:
    """A response in m/s² over a force in N has the units of a response per force, either way round."""
    ports = {"excitation": "made.force", "response": "made.motion"}
    order = sorted(ports, key=lambda name: name != first)
    named = ", ".join(f"{name}: {ports[name]}" for name in order)
    rows = [f"{i / 1000},{i % 7},{i % 5}" for i in range(3000)]
    (tmp_path / "a.csv").write_text("\n".join(["time [s],force [N],motion [m/s2]", *rows]) + "\n")
    (tmp_path / "w.yaml").write_text(
        "hpcflow: 1\nname: w\ndatasets: {made: {files: '*.csv', reader: csv}}\n"
        f"steps: {{answer: {{kernel: transfer_function, input: {{{named}}}, with: {{nperseg: 256}}}}}}\n"
        "save: [answer]\n"
    )
    step = ask(tmp_path / "w.yaml").cut.step("answer")
    assert [one.port for one in step.inputs] == ["excitation", "response"]
    assert step.fields[0].units == "m s-2 N-1"


@pytest.mark.parametrize("pattern", [Pattern.COLLECTIVE, Pattern.EVENTS])
def test_only_kernels_of_whole_records_are_given_all_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: Pattern
) -> None:
    contract = replace(get("dtw_distances"), pattern=pattern)
    monkeypatch.setitem(registry.contracts(), "dtw_distances", contract)
    file = lay_out(tmp_path / "here", [1, 2, 3])
    ports = "{signal: made.level, references: made.level}"
    step = f"  near: {{kernel: dtw_distances, input: {ports}}}"
    text = WORKFLOW.replace("save: [spectrum,", f"{step}\nsave: [near, spectrum,")
    file.write_text(text)
    with pytest.raises(WorkflowError) as refused:
        ask(file)
    (problem,) = refused.value.problems
    assert problem.path == "steps.near.input.references"
    assert problem.line == 1 + next(n for n, line in enumerate(text.splitlines()) if "near:" in line)
    assert problem.value == f"dtw_distances is of pattern {pattern}"
    assert "which kernels of pattern record alone can" in problem.rule
