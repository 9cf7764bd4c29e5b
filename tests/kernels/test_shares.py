"""What ranks have of a whole: nothing is lost or held twice, and nobody has much more than another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcflow_kernels.mpi.shares import dealt, fair
from hpcflow_kernels.mpi.transpose import to_columns, to_rows, with_halo
from hpcflow_kernels.ranks import Ranks
from hpcflow_kernels.threads import Threads

COUNTS = [1, 2, 3, 5]


@given(st.integers(0, 10_000), st.integers(1, 70), st.integers(1, 50))
def test_fair_shares_are_the_whole_in_units(total: int, count: int, unit: int) -> None:
    shares = fair(total, count, unit)
    assert len(shares) == count
    assert [start for start, _ in shares] == [0, *(stop for _, stop in shares[:-1])]
    assert shares[-1][1] == total
    assert all(start % unit == 0 or start == total for start, _ in shares)
    units = [-(-(stop - start) // unit) for start, stop in shares]
    assert max(units) - min(units) <= 1


@given(st.integers(0, 3000), st.integers(1, 40))
def test_hands_weigh_alike(total: int, count: int) -> None:
    hands = [dealt(total, count, rank) for rank in range(count)]
    assert sorted(np.concatenate(hands).tolist()) == list(range(total))
    weight = [int((total - hand).sum()) for hand in hands]  # from `total` down to 1
    assert max(weight) - min(weight) <= total


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("shape", [(7, 11), (2, 3), (0, 4), (40, 1)])
def test_rows_become_columns_and_rows_again(count: int, shape: tuple[int, int]) -> None:
    matrix = np.random.default_rng(1).standard_normal(shape) * (1 + 2j)
    rows, columns = fair(shape[0], count), fair(shape[1], count, 4)

    def there_and_back(ranks: Ranks) -> np.ndarray:
        start, stop = rows[ranks.number]
        left, right = columns[ranks.number]
        turned = to_columns(matrix[start:stop], columns, ranks)
        np.testing.assert_array_equal(turned, matrix[:, left:right])
        return to_rows(turned, rows, ranks)

    np.testing.assert_array_equal(np.concatenate(Threads(count).run(there_and_back)), matrix)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("before", "after"), [(0, 0), (1, 2), (3, 0), (9, 30)])
def test_halos_reach_over_several_ranks(count: int, before: int, after: int) -> None:
    lengths = [5, 0, 1, 12, 2][:count]
    whole = np.arange(2 * sum(lengths)).reshape(-1, 2)
    edges = np.concatenate([[0], np.cumsum(lengths)])

    def around(ranks: Ranks) -> np.ndarray:
        start, stop = edges[ranks.number : ranks.number + 2]
        return with_halo(whole[start:stop], before, after, ranks)

    for rank, found in enumerate(Threads(count).run(around)):
        low, high = max(0, edges[rank] - before), edges[rank + 1] + after
        np.testing.assert_array_equal(found, whole[low:high])
