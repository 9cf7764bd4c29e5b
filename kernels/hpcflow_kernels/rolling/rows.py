"""What rolling statistics share: row after row, and windows that miss samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def whole_windows(row: np.ndarray, n: int, out: np.ndarray) -> Iterator[np.ndarray]:
    """The row with 0 for missing samples, to compute `out` from; windows that hold one are NaN afterwards."""
    missing = np.isnan(row)
    if not missing.any():
        yield row
        return
    yield np.where(missing, row.dtype.type(0), row)
    touched = np.concatenate([[0], np.cumsum(missing)])
    out[touched[n:] > touched[:-n]] = np.nan


def by_row(x: np.ndarray, n: int, fill: Callable[[np.ndarray, np.ndarray], object]) -> np.ndarray:
    """Apply ``fill(row, out)`` to each row; `out` is what is left of a row after the first n - 1.

    Raises
    ------
    ValueError
        Where a window holds no sample, or `x` has no axis or complex numbers.
    """
    if n < 1:
        raise ValueError(f"a window holds at least one sample, not {n}")
    x = np.asarray(x)
    if x.ndim == 0 or x.dtype.kind == "c":
        raise ValueError(f"windows roll along the last axis of real numbers, not over {x.dtype} {x.shape}")
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    y = np.empty(x.shape, dtype)
    y[..., : n - 1] = np.nan
    if n <= x.shape[-1]:
        for index in np.ndindex(x.shape[:-1]):
            fill(np.ascontiguousarray(x[index], dtype), y[index][n - 1 :])
    return y
