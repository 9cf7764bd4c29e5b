"""Ranks over MPI keep what the protocol promises."""

from __future__ import annotations

import pytest

from tests.mpi.launch import under_mpi
from tests.mpi.said import CHECKS

pytestmark = pytest.mark.mpi


CALLS = [(check, count) for check in sorted(CHECKS) for count in (1, 2, 3) if (check, count) != ("lost", 1)]


@pytest.mark.parametrize(("check", "count"), CALLS)
def test_what_is_said(check: str, count: int) -> None:
    done = under_mpi(count, "-m", "tests.mpi.said", check)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "as it should\n"
