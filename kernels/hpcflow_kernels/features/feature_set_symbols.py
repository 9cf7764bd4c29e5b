"""Features of the large set that take samples as symbols: repeated values, first digits, orders, phrases."""

from __future__ import annotations

from functools import cache

import numpy as np

from hpcflow_kernels.features.feature_set_contracts import COUNTED, ORDERS, PHRASE_BINS, RANGES
from hpcflow_kernels.features.feature_set_groups import Batch, Features


def repeats(b: Batch) -> Features:
    """How often values occur again, and how often some given ones occur."""
    x, ordered, n = b.x, b.ordered, b.n
    same = ordered[:, 1:] == ordered[:, :-1]
    edge = np.zeros((len(x), 1), bool)
    again, before = np.concatenate([edge, same], axis=1), np.concatenate([same, edge], axis=1)
    first, any_of = before & ~again, before | again
    yield "has_duplicate", same.any(axis=1) * 1.0
    yield "length", np.full(len(x), float(n))
    yield "percentage_of_reoccurring_values_to_all_values", first.sum(axis=1) / (n - same.sum(axis=1))
    yield "percentage_of_reoccurring_datapoints_to_all_datapoints", any_of.sum(axis=1) / n
    yield "sum_of_reoccurring_values", np.sum(np.where(first, ordered, 0.0), axis=1)
    yield "sum_of_reoccurring_data_points", np.sum(np.where(any_of, ordered, 0.0), axis=1)
    for value in COUNTED:
        yield f"value_count__value_{value}", np.sum(x == value, axis=1) * 1.0
    for low, high in RANGES:
        yield f"range_count__max_{high}__min_{low}", np.sum((x >= low) & (x < high), axis=1) * 1.0


def digits(b: Batch) -> Features:
    """Correlation of the shares of first decimal digits with Benford's law."""
    place = np.searchsorted(_decimals(), np.sort(np.abs(b.x), axis=1), side="right") - 1
    digit = np.where(place >= 0, place % 9 + 1, 0)
    shares = np.stack([np.mean(digit == d, axis=1) for d in range(1, 10)], axis=1)
    law = np.log10(1 + 1 / np.arange(1, 10))
    law -= law.mean()
    away = shares - shares.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.sum(law * law) * np.sum(away * away, axis=1))
    yield "benford_correlation", np.sum(law * away, axis=1) / spread


@cache
def _decimals() -> np.ndarray:
    """1e-307, 2e-307, ... 9e307, as read: a float is written with the first digit of the last it reaches."""
    return np.array([float(f"{d}e{e}") for e in range(-307, 308) for d in range(1, 10)])


def sequences(b: Batch) -> Features:
    """Entropies of the order of successive samples, and phrases of binned ones."""
    from hpcflow_kernels.features.entropy_loops import permutation
    from hpcflow_kernels.features.feature_set_loops import phrases

    found = np.empty(len(b.x))
    for order in ORDERS:
        permutation(b.x.ravel(), b.n, b.n, order, 1, found)
        yield f"permutation_entropy__dimension_{order}__tau_1", found.copy()
    for bins in PHRASE_BINS:
        phrases(b.x, bins, found)
        yield f"lempel_ziv_complexity__bins_{bins}", found / b.n
