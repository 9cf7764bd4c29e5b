"""The MPI stack works here: a launcher, two ranks, one reduction."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mpi.launch import under_mpi

SCRIPT = Path(__file__).with_name("sum_over_ranks.py")


@pytest.mark.mpi
def test_two_ranks_agree_on_a_sum() -> None:
    done = under_mpi(2, str(SCRIPT), seconds=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["2", str(10_000_000 * 9_999_999 // 2)]
