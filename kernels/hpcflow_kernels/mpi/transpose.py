"""A matrix over ranks: whole rows on each, or whole columns; and what lies beside a rank's rows."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hpcflow_kernels.mpi.shares import Shares
    from hpcflow_kernels.ranks import Ranks


def to_columns(block: np.ndarray, columns: Shares, ranks: Ranks) -> np.ndarray:
    """From whole rows to whole columns.

    Parameters
    ----------
    block : ndarray, shape (rows of this rank, all columns)
        Ranks hold rows in their order.
    columns : Shares
        That ranks hold afterwards.
    ranks : Ranks

    Returns
    -------
    ndarray, shape (all rows, columns of this rank)
        `to_rows` leads back.
    """
    return np.concatenate(ranks.exchange([block[:, start:stop] for start, stop in columns]))


def to_rows(block: np.ndarray, rows: Shares, ranks: Ranks) -> np.ndarray:
    """From whole columns to whole rows.

    Parameters
    ----------
    block : ndarray, shape (all rows, columns of this rank)
        Ranks hold columns in their order.
    rows : Shares
        That ranks hold afterwards.
    ranks : Ranks

    Returns
    -------
    ndarray, shape (rows of this rank, all columns)
        `to_columns` leads back.
    """
    return np.concatenate(ranks.exchange([block[start:stop] for start, stop in rows]), axis=1)


def with_halo(block: np.ndarray, before: int, after: int, ranks: Ranks) -> np.ndarray:
    """Rows of this rank with those that lie before and after them, wherever these are.

    For what ranks have computed; of a record that can be read, each rank reads its halo itself.

    Parameters
    ----------
    block : ndarray, shape (rows of this rank, ...)
        Ranks hold rows in their order, as many as they like.
    before, after : int
        How many rows more, as far as there are any.
    ranks : Ranks

    Returns
    -------
    ndarray, shape (rows, ...)
        For a rank without rows, those that lie around its place.
    """
    edges = np.concatenate([[0], np.cumsum(ranks.allgather(len(block)))])
    own = edges[ranks.number]
    parts = [
        block[max(0, start - before - own) : max(0, stop + after - own)] for start, stop in pairwise(edges)
    ]
    return np.concatenate(ranks.exchange(parts))
