"""Ranks of an MPI job compute records: the serial run's bytes, also after any of them was killed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from hpcflow.executors.drive import execute
from hpcflow.executors.serial import SerialExecutor
from hpcflow.run.account import DONE
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


@pytest.fixture
def expected(tmp_path: Path) -> dict[str, str]:
    """What one undisturbed serial run gives."""
    run = prepared(tmp_path / "serial")
    execute(run, SerialExecutor())
    return hashes(run)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_ranks_give_the_bytes_of_the_serial_run(tmp_path: Path, expected: dict[str, str], count: int) -> None:
    run = prepared(tmp_path)
    done = under_mpi(count, "-m", "tests.mpi.rank", str(run.path), STAGE)
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
    killed = under_mpi(3, "-m", "tests.mpi.rank", str(run.path), STAGE, str(rank), point)
    assert killed.returncode
    before = Ledger(run).done(STAGE)
    assert before == ([(0, done_before)] if done_before else [])
    assert not Ledger(run).failures(STAGE)
    again = under_mpi(2, "-m", "tests.mpi.rank", str(run.path), STAGE)
    assert again.returncode == DONE, again.stderr
    execute(run, SerialExecutor())
    assert hashes(run) == expected
    times = Counter(b for r in Ledger(run).receipts(STAGE) for b in range(*r["blocks"]))
    assert times == dict.fromkeys(range(len(SIZES)), 1)
