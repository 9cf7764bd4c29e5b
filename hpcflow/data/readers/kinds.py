"""In which type samples are given, by the type in which a file holds them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcflow.data.packing import SMALL
from hpcflow.errors import DataError


def signal_dtype(dtype: np.dtype[Any]) -> str:
    """Type in which samples of a stored type are given: the smallest float that holds each value.

    >>> [signal_dtype(np.dtype(code)) for code in ("i2", "f4", "i4", "f8")]
    ['float32', 'float32', 'float64', 'float64']
    """
    small = dtype.itemsize <= {"i": 2, "u": 2, "b": 1, "f": 4}.get(dtype.kind, 0)
    return "float32" if small else "float64"


def sample_dtype(dtype: np.dtype[Any]) -> str:
    """As `signal_dtype`, but integers that 16 bits hold stay what they are: formats in which none is missing.

    >>> [sample_dtype(np.dtype(code)) for code in ("i2", ">i2", "u1", "u2", "i4", "f4")]
    ['int16', 'int16', 'uint8', 'float32', 'float64', 'float32']
    """
    return dtype.name if dtype.name in SMALL else signal_dtype(dtype)


def given_bytes(stored: np.dtype[Any], given: str) -> int:
    """Bytes of the copy of a sample that another type or byte order needs; 0 where none is made.

    >>> [given_bytes(np.dtype(code), "float64") for code in ("<f8", ">f8", "<i4")]
    [0, 8, 8]
    """
    return 0 if stored == np.dtype(given) else max(stored.itemsize, np.dtype(given).itemsize)


def as_promised(values: np.ndarray, dtype: str) -> np.ndarray:
    """Samples in the type that a header promised.

    Raises
    ------
    DataError
        If that is a type of integers which does not hold them.
    """
    cast = values.astype(dtype, copy=False)
    if cast.dtype.kind in "iu" and not np.can_cast(values.dtype, cast.dtype) and (cast != values).any():
        raise DataError(f"holds values that its type {dtype} cannot hold: it is damaged, copy it again")
    return cast
