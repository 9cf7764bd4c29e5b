"""Ranks of an MPI job compute records: the serial run's bytes, also after any of them was killed."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run.account import DONE, FAILED, RETRY
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger
from tests import toy
from tests.mpi.launch import under_mpi
from tests.run.conftest import toy_kernels
from tests.run.test_execute import hashes

__all__ = ["toy_kernels"]

pytestmark = [pytest.mark.mpi, pytest.mark.usefixtures("toy_kernels")]

STAGE = "collective.made"
SIZES = (150_001, 2_621, 33, 70_000, 1_000)
"""Of records; the third is too short for the kernel."""


def prepared(folder: Path) -> RunFolder:
    """A run whose collective stage comes next."""
    rng = np.random.default_rng(4)
    records = [rng.standard_normal(n).astype(np.float32) for n in SIZES]
    run = toy.prepare(folder, records, steps=toy.COLLECTIVE[1:2])
    execute(run, SerialExecutor(), stages=["ingest.made", "table.made"])
    return run


def on_ranks(count: int, run: RunFolder, *options: str) -> subprocess.CompletedProcess[str]:
    """Have so many ranks compute what is left of the stage."""
    return under_mpi(count, "-m", "tests.mpi.rank", *options, str(run.path), "--stage", STAGE)


def doomed(rank: int, point: str) -> tuple[str, ...]:
    """Options by which one of them ends at a point."""
    return "--doomed", str(rank), "--point", point


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, str]:
    """What one undisturbed serial run gives."""
    run = prepared(tmp_path / "serial")
    execute(run, SerialExecutor())
    return hashes(run)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_ranks_give_the_bytes_of_the_serial_run(tmp_path: Path, expected: dict[str, str], count: int) -> None:
    run = prepared(tmp_path)
    done = on_ranks(count, run)
    assert done.returncode == DONE, done.stderr
    receipts = Ledger(run).receipts(STAGE)
    assert [r["ranks"] for r in receipts] == [count] * len(SIZES)
    assert len(list(run.packs.glob("ranks-*.pack"))) == count
    assert Ledger(run).aside() == {"r2.bin": "mirror: fewer than 40 samples"}
    execute(run, SerialExecutor())
    assert hashes(run) == expected


@pytest.mark.parametrize(
    ("rank", "point", "done_before"),
    [
        (1, "exchange:2", 1),
        (2, "exchange:4", 4),
        (0, "after-pack:1", 0),
        (2, "after-pack:2", 1),
        (0, "before-receipt:2", 1),
        (0, "mid-line:3", 2),
        (0, "after-receipt:4", 4),
    ],
)
def test_a_killed_rank(
    tmp_path: Path, expected: dict[str, str], rank: int, point: str, done_before: int
) -> None:
    run = prepared(tmp_path)
    killed = on_ranks(3, run, *doomed(rank, point))
    assert killed.returncode
    before = Ledger(run).done(STAGE)
    assert before == ([(0, done_before)] if done_before else [])
    assert not Ledger(run).failures(STAGE)
    again = on_ranks(2, run)
    assert again.returncode == DONE, again.stderr
    execute(run, SerialExecutor())
    assert hashes(run) == expected
    times = Counter(b for r in Ledger(run).receipts(STAGE) for b in range(*r["blocks"]))
    assert times == dict.fromkeys(range(len(SIZES)), 1)


@pytest.mark.parametrize("at", [2, 3])
def test_an_error_on_one_rank_is_the_blocks_and_all_go_on(
    tmp_path: Path, expected: dict[str, str], at: int
) -> None:
    run = prepared(tmp_path)
    ended = on_ranks(3, run, *doomed(1, f"error:{at}"))
    assert ended.returncode == FAILED, ended.stderr
    assert "ZeroDivisionError: a bug" in ended.stderr
    bad = {2: 1, 3: 3}[at]  # the record before that is too short for an exchange
    assert Ledger(run).failures(STAGE) == {bad: "ZeroDivisionError: a bug (on rank 1 of 3)"}
    assert Ledger(run).remaining(STAGE, retry_failed=True) == [(bad, bad + 1)]
    second = on_ranks(3, run, "--attempt", "2")
    assert second.returncode == FAILED, second.stderr
    execute(run, SerialExecutor())
    assert hashes(run) == expected


def test_a_record_that_one_rank_finds_unusable_is_set_aside(tmp_path: Path) -> None:
    run = prepared(tmp_path)
    done = on_ranks(3, run, *doomed(2, "unusable:2"))
    assert done.returncode == DONE, done.stderr
    assert Ledger(run).aside(STAGE) == {
        "r1.bin": "mirror: a gap",
        "r2.bin": "mirror: fewer than 40 samples",
    }
    assert Ledger(run).complete(STAGE)


def test_a_rank_without_memory_for_what_others_send_ends_all(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    run = prepared(tmp_path)
    ended = on_ranks(3, run, *doomed(1, "memory:2"))
    assert ended.returncode == RETRY
    assert Ledger(run).done(STAGE) == [(0, 1)]
    assert list(Ledger(run).failures(STAGE)) == [1]
    execute(run, SerialExecutor())
    assert hashes(run) == expected
