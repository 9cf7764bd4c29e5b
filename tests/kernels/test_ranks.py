"""Ranks as one, and as threads: what is sent arrives, and ranks that lose each other are told so."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hpcflow_kernels import UnusableRecordError
from hpcflow_kernels.ranks import Alone, EndedError, Ranks, together
from hpcflow_kernels.threads import Threads

COUNTS = [1, 2, 3, 5]


@pytest.mark.parametrize("count", COUNTS)
class TestOperations:
    def test_allgather_is_in_order_of_rank(self, count: int) -> None:
        def late_first(ranks: Ranks) -> list[int]:
            time.sleep(0.01 * (ranks.count - ranks.number))
            return ranks.allgather(10 * ranks.number)

        assert Threads(count).run(late_first) == [[10 * n for n in range(count)]] * count

    def test_what_is_gathered_is_the_receivers_own(self, count: int) -> None:
        def write(ranks: Ranks) -> float:
            mine = np.zeros(3)
            found = ranks.allgather(mine)
            found[0][:] = ranks.number + 1
            ranks.barrier()
            return float(mine.sum() + found[0][0])

        assert Threads(count).run(write) == [n + 1.0 for n in range(count)]

    def test_bcast_is_the_roots(self, count: int) -> None:
        root = count - 1
        assert Threads(count).run(lambda r: r.bcast({"from": r.number}, root)) == [{"from": root}] * count

    def test_exchange_is_a_transpose(self, count: int) -> None:
        """Rank i sends to rank j an array that both can tell, of a shape and dtype of its own; also none."""

        def sent(i: int, j: int) -> np.ndarray:
            return np.full((i, j + 1), 100 * i + j, np.float32 if (i + j) % 2 else np.complex128)

        def swap(ranks: Ranks) -> None:
            mine = [sent(ranks.number, j) for j in range(ranks.count)]
            found = ranks.exchange(mine)
            for array in mine:
                array[...] = -1
            ranks.barrier()
            assert len(found) == ranks.count
            for i, array in enumerate(found):
                expected = sent(i, ranks.number)
                assert array.dtype == expected.dtype
                np.testing.assert_array_equal(array, expected)

        Threads(count).run(swap)

    def test_barrier_waits_for_all(self, count: int) -> None:
        come: list[int] = []

        def wait(ranks: Ranks) -> int:
            time.sleep(0.02 * ranks.number)
            come.append(ranks.number)
            ranks.barrier()
            return len(come)

        assert Threads(count).run(wait) == [count] * count

    def test_the_same_ranks_run_again_after_an_error(self, count: int) -> None:
        threads = Threads(count)
        with pytest.raises(ZeroDivisionError):
            threads.run(lambda ranks: 1 // 0)
        assert threads.run(lambda ranks: ranks.allgather(1)) == [[1] * count] * count

    def test_a_record_that_no_rank_can_use(self, count: int) -> None:
        def refuse(ranks: Ranks) -> None:
            raise UnusableRecordError("too short")

        with pytest.raises(UnusableRecordError, match="too short"):
            Threads(count).run(refuse)


def test_an_error_on_one_rank_ends_all() -> None:
    def fail(ranks: Ranks) -> None:
        if ranks.number == 2:
            raise KeyError("rank 2")
        ranks.barrier()

    with pytest.raises(KeyError, match="rank 2"):
        Threads(3).run(fail)


def test_ranks_that_call_different_operations() -> None:
    def differ(ranks: Ranks) -> None:
        ranks.allgather(0) if ranks.number else ranks.barrier()

    with pytest.raises(RuntimeError, match="rank 0 came to barrier, rank 1 to allgather"):
        Threads(2).run(differ)


def test_a_rank_that_ends_before_the_others() -> None:
    def leave(ranks: Ranks) -> None:
        if ranks.number == 0:
            ranks.barrier()

    with pytest.raises(RuntimeError, match="rank 0 came to barrier, rank 1 to an end"):
        Threads(2).run(leave)


@pytest.mark.parametrize("others", ["barrier", "exchange", "end"])
def test_a_record_that_only_one_rank_cannot_use_is_set_aside_on_all(others: str) -> None:
    def refuse(ranks: Ranks) -> None:
        if ranks.number == 1:
            raise UnusableRecordError("a gap")
        if others == "barrier":
            ranks.barrier()
        elif others == "exchange":
            ranks.exchange([np.zeros(2)] * ranks.count)

    def run(ranks: Ranks) -> tuple[str, list[int]]:
        with pytest.raises(UnusableRecordError) as refused:
            together(ranks, refuse)
        return str(refused.value), ranks.allgather(ranks.number)  # they still talk

    assert Threads(3).run(run) == [("a gap", [0, 1, 2])] * 3
    with pytest.raises(UnusableRecordError, match="a gap"):
        Threads(3).run(refuse)


def test_a_fault_is_told_before_an_unusable_record() -> None:
    def fail(ranks: Ranks) -> None:
        raise (ZeroDivisionError("a bug"), UnusableRecordError("a gap"))[ranks.number % 2]

    def run(ranks: Ranks) -> str:
        with pytest.raises((EndedError, ZeroDivisionError)) as found:
            together(ranks, fail)
        return str(found.value)

    told = "ZeroDivisionError: a bug (on rank 0 of 3)"
    assert Threads(3).run(run) == ["a bug", told, "a bug"]
    with pytest.raises(ZeroDivisionError):
        Threads(3).run(fail)


@pytest.mark.parametrize("count", [2, 3])
def test_an_exchange_names_every_rank(count: int) -> None:
    with pytest.raises(ValueError, match=f"each of {count} ranks"):
        Threads(count).run(lambda ranks: ranks.exchange([np.zeros(1)]))


def test_alone_is_rank_0_of_1() -> None:
    assert (Alone().number, Alone().count) == (0, 1)
    with pytest.raises(ValueError, match="at least one rank"):
        Threads(0)
