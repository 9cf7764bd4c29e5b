"""What ranks say to each other over MPI: ``mpiexec -n N python -m tests.mpi.said CHECK``.

Each check runs on every rank; with an error on one, all end.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from hpcflow_kernels.mpi.over_mpi import OverMpi
from tests.mpi.on_ranks import run


def gathered(ranks: OverMpi) -> None:
    """Small values arrive in order of rank, and are the receiver's own."""
    mine = np.full(3, ranks.number)
    found = ranks.allgather({"from": ranks.number, "array": mine})
    assert [value["from"] for value in found] == list(range(ranks.count))
    found[ranks.number]["array"][:] = -1
    assert (mine == ranks.number).all()


def broadcast(ranks: OverMpi) -> None:
    """The root's value arrives, whatever others give."""
    for root in range(ranks.count):
        assert ranks.bcast([ranks.number], root) == [root]


def exchanged(ranks: OverMpi) -> None:
    """Arrays of any shape, type and memory order arrive, in one message, in several and in none."""

    def sent(i: int, j: int) -> np.ndarray:
        dtype = (np.float32, np.complex128, np.int16, np.bool_)[(i + 2 * j) % 4]
        filled = np.arange(7 * i * (j + 1)).reshape(i, j + 1, 7) + 100 * i + j
        return filled.astype(dtype).transpose(2, 0, 1)

    for most in (1 << 30, 16, 1):
        with OverMpi(most_bytes=most) as small:
            mine = [sent(ranks.number, j) for j in range(ranks.count)]
            found = small.exchange(mine)
            for array in mine:
                array[...] = 0
            assert len(found) == ranks.count
            for i, array in enumerate(found):
                expected = sent(i, ranks.number)
                assert array.dtype == expected.dtype
                np.testing.assert_array_equal(array, expected)


def single(ranks: OverMpi) -> None:
    """A number without dimensions keeps that it has none."""
    found = ranks.exchange([np.array(10.0 * ranks.number + j) for j in range(ranks.count)])
    assert [value.shape for value in found] == [()] * ranks.count
    assert [float(value) for value in found] == [10.0 * i + ranks.number for i in range(ranks.count)]


def others_messages(ranks: OverMpi) -> None:
    """What the program sends on its own communicator does not get in between."""
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    request = world.isend("the program's own", (ranks.number + 1) % ranks.count)
    assert ranks.exchange([np.full(5, ranks.number)] * ranks.count)[0].tolist() == [0] * 5
    assert world.recv() == "the program's own"
    request.wait()


def too_few(ranks: OverMpi) -> None:
    """An exchange that leaves a rank out is refused before anything is sent."""
    with pytest.raises(ValueError, match=f"each of {ranks.count} ranks"):
        ranks.exchange([np.zeros(1)] * (ranks.count - 1))


def lost(ranks: OverMpi) -> None:
    """Ranks that call different operations are told so."""
    with pytest.raises(RuntimeError, match="rank 0 came to barrier, rank 1 to bcast of rank 0"):
        ranks.barrier() if ranks.number == 0 else ranks.bcast(1)


def ended(ranks: OverMpi) -> None:
    """Of three ranks that wait for the last one, none is left when that one fails."""
    if ranks.number == ranks.count - 1:
        raise ZeroDivisionError("only here")
    ranks.barrier()
    raise AssertionError("nobody waited")


CHECKS: dict[str, Callable[[OverMpi], None]] = {
    check.__name__: check
    for check in (gathered, broadcast, exchanged, single, others_messages, too_few, lost)
}


if __name__ == "__main__":
    run({**CHECKS, "ended": ended})
