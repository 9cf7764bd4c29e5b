"""`hpcflow status` answers in a few lines, however much there is."""

from __future__ import annotations

import time
from dataclasses import dataclass

import pytest

from hpcflow.cli.inspect import _job_lines
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, append
from hpcflow.run.pace import seconds_left
from tests.cli.conftest import Command


@dataclass
class FakeJob:
    state: str
    job_id: int = 7
    element: int | None = None
    name: str = "hl-x"
    reason: str = "Priority"
    started: str = ""
    kind: str = "blocks"


def receipt(end: float, first: int, stop: int) -> dict[str, object]:
    return {"stage": "tiles.pump", "blocks": [first, stop], "end": end, "seconds": 1.0, "worker": "w"}


def stage_of(folder: RunFolder, blocks: int) -> Ledger:
    ledger = Ledger(folder)
    ledger.stages["tiles.pump"] = blocks
    return ledger


def test_the_pace_of_the_last_receipts_tells_what_is_left(unfinished: RunFolder) -> None:
    for number in range(5):
        append(unfinished.receipts / "w.jsonl", receipt(1000.0 + 10 * number, 4 * number, 4 * number + 4))
    ledger = stage_of(unfinished, 100)
    assert seconds_left(ledger, "tiles.pump", 1050.0) == pytest.approx(80 * 10 / 4)
    assert seconds_left(ledger, "tiles.pump", 5000.0) is None, "nobody computes it any more"
    assert seconds_left(stage_of(unfinished, 20), "tiles.pump", 1050.0) is None, "it is complete"
    assert seconds_left(ledger, "ingest.pump", 1050.0) is None


def test_failures_lead_to_replay_and_stay_few_lines(command: Command, unfinished: RunFolder) -> None:
    stage = next(s["name"] for s in unfinished.cut["stages"] if s["kind"] == "tiles")
    for block in range(3):
        Ledger(unfinished).fail(stage, block, "ValueError: planted")
    done = command("status", unfinished.path)
    assert f"hpcflow replay {unfinished.path} --stage {stage} --block 0" in done.stdout
    for number in range(50):
        aside = {"record": f"r{number:02}", "reason": "broken"}
        append(
            unfinished.receipts / "a.jsonl",
            {"stage": "ingest.pump", "blocks": [0, 1], "seconds": 1.0, "end": time.time(), "aside": [aside]},
        )
    lines = command("status", unfinished.path).stdout.splitlines()
    assert "and 40 more; the report lists all" in lines
    assert len(lines) < 40


def test_many_jobs_are_counted_and_the_odd_ones_shown() -> None:
    jobs = [FakeJob("COMPLETED")] * 150 + [FakeJob("PENDING")] * 40 + [FakeJob("FAILED", 9)]
    lines = "\n".join(_job_lines(jobs)).splitlines()  # type: ignore[arg-type]
    assert lines[0] == "191 jobs: 150 COMPLETED, 40 PENDING, 1 FAILED"
    assert sum("FAILED" in line for line in lines) == 2
    assert lines[-1].startswith("40 jobs waiting")
    assert len(lines) < 10
