"""Answers as real Slurms gave them, and every word that releases have for states and reasons."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hpcflow.cli.waiting import REASONS
from hpcflow.slurm.answers import _WAITING, ENDED, Row, parse_sacct, parse_squeue

ANSWERS = Path(__file__).parent / "answers"
RECORDED = sorted(file.parent.name for file in ANSWERS.glob("*/sacct.txt"))
WORDS = json.loads((ANSWERS / "words.json").read_text())

FLAGS = {"REVOKED"}
"""No base state, but the end of a job all the same: another cluster of a federation runs it."""

LAST = {"PENDING", "RUNNING", "SUSPENDED"}
"""Base states that a job leaves (slurm.h, enum job_states)."""


def named(rows: list[Row], name: str) -> list[Row]:
    return sorted((row for row in rows if row.name == name), key=lambda row: row.element or 0)


@pytest.fixture(params=RECORDED)
def queue(request: pytest.FixtureRequest) -> list[Row]:
    return parse_squeue((ANSWERS / request.param / "squeue.txt").read_text())


@pytest.fixture(params=RECORDED)
def past(request: pytest.FixtureRequest) -> list[Row]:
    return parse_sacct((ANSWERS / request.param / "sacct.txt").read_text())


def test_there_are_recordings() -> None:
    assert {"22.05.8", "24.05.8"} <= set(RECORDED), "Debian 12 has the first, LUMI the release of the second"


@pytest.mark.parametrize(
    ("name", "state", "reason", "alive"),
    [
        ("done", "COMPLETED", "", False),
        ("failed", "FAILED", "NonZeroExitCode", False),
        ("with|bars|", "COMPLETED", "", False),
        ("running", "RUNNING", "", True),
        ("held", "PENDING", "JobHeldUser", True),
        ("later", "PENDING", "BeginTime", True),
        ("ended-by-user", "CANCELLED", "", False),
        ("never-begun", "CANCELLED", "", False),
        ("waits", "PENDING", "Dependency", True),
        ("never", "PENDING", "DependencyNeverSatisfied", True),
    ],
)
def test_the_queue(queue: list[Row], name: str, state: str, reason: str, alive: bool) -> None:
    (row,) = named(queue, name)
    assert (row.state, row.reason, row.alive, row.element) == (state, reason, alive, None)
    assert row.submitted.startswith("20")
    assert bool(row.started) == (row.name not in ("held", "waits", "never"))
    assert bool(row.ended) == (not alive)


def test_an_array_in_the_queue_is_its_elements(queue: list[Row]) -> None:
    rows = named(queue, "array")
    assert [row.element for row in rows] == [0, 1, 2, 3, 4, 5]
    assert len({row.job_id for row in rows}) == 1, "the number of the whole array"
    assert [row.state for row in rows] == ["RUNNING"] * 2 + ["PENDING"] * 4
    assert {row.reason for row in rows[2:]} == {"JobArrayTaskLimit"}
    assert {row.started for row in rows[2:]} == {""}


@pytest.mark.parametrize(
    ("name", "state", "code"),
    [
        ("done", "COMPLETED", "0:0"),
        ("failed", "FAILED", "3:0"),
        ("killed", "FAILED", "0:9"),
        ("steps", "FAILED", "1:0"),
        ("with|bars|", "COMPLETED", "0:0"),
        ("running", "RUNNING", "0:0"),
        ("ended-by-user", "CANCELLED", "0:0"),
    ],
)
def test_accounting(past: list[Row], name: str, state: str, code: str) -> None:
    (row,) = named(past, name)
    assert (row.state, row.exit_code, row.element) == (state, code, None)
    assert row.alive == (state == "RUNNING")
    assert bool(row.ended) == (not row.alive)
    assert row.node.startswith("nid")
    assert row.cancelled_by == ("1000" if state == "CANCELLED" else "")
    assert not row.out_of_memory


def test_elements_and_steps_in_accounting(past: list[Row]) -> None:
    rows = named(past, "array-done")
    assert [(row.element, row.state, row.exit_code) for row in rows] == [
        (3, "COMPLETED", "0:0"),
        (7, "FAILED", "1:0"),
    ]
    assert len({row.job_id for row in rows}) == 1
    (steps,) = named(past, "steps")
    assert 2**20 < steps.max_rss < 2**30, "bytes, from its steps"
    assert not named(past, "batch"), "steps are no jobs"


@pytest.mark.parametrize("release", WORDS["releases"])
def test_states_of_every_release(release: str) -> None:
    """Base states are those that job_state_string tests last; what is no base state is a flag, and alive."""
    words = {w for w, (first, last) in WORDS["states"].items() if first <= release <= last}
    ended = {
        *("COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE"),
        "OUT_OF_MEMORY",
    }
    assert ended | FLAGS == ENDED
    assert words >= ended | FLAGS | LAST
    for word in words:
        form = f"7|7|N/A|{word}|2026-01-01T00:00:00|N/A|N/A||None|a|b"
        (row,) = parse_squeue(form)
        assert (row.state, row.alive) == (word, word not in ENDED)
        if word == "RESIZING":
            continue  # an extra row of a job that goes on
        times = "2026-01-01T00:00:00|None|Unknown"
        (row,) = parse_sacct(f"7|7|{word}|0:0|0:0|{times}|0|1|||None|None assigned|a")
        assert row.alive == (word not in ENDED)
        assert (row.started, row.ended, row.node) == ("", "", "")


def test_reasons_that_are_explained_are_slurms_words() -> None:
    """A reason that Slurm never gives explains nothing."""
    newest = WORDS["releases"][-1]
    current = {word for word, (_, last) in WORDS["reasons"].items() if last == newest}
    assert set(REASONS) <= current
    assert set(_WAITING) <= current
