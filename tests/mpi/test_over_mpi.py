"""Ranks over MPI keep what the protocol promises, and kernels on them the bits of one rank."""

from __future__ import annotations

import pytest

from tests.mpi import computed, said
from tests.mpi.launch import under_mpi
from tests.mpi.on_ranks import GOOD

pytestmark = pytest.mark.mpi

SAID = [
    (check, count) for check in sorted(said.CHECKS) for count in (1, 2, 3) if (check, count) != ("lost", 1)
]


@pytest.mark.parametrize(("check", "count"), SAID)
def test_what_is_said(check: str, count: int) -> None:
    done = under_mpi(count, "-m", "tests.mpi.said", check)
    assert done.returncode == 0, done.stderr
    assert done.stdout == GOOD


def test_an_error_on_one_rank_ends_all() -> None:
    done = under_mpi(3, "-m", "tests.mpi.said", "ended")
    assert done.returncode != 0
    assert "only here" in done.stderr
    assert "nobody waited" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("check", sorted(computed.CHECKS))
def test_what_is_computed(check: str, count: int) -> None:
    done = under_mpi(count, "-m", "tests.mpi.computed", check)
    assert done.returncode == 0, done.stderr
    assert done.stdout == GOOD
