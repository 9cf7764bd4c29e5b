"""Signals of small integers: stored as they were recorded, computed with as floats.

``value = stored * factor + offset`` as CF's `scale_factor` and `add_offset` say it (CF conventions 1.11,
section 8.1), in float64 and rounded once: the bits that a store of floats would hold. No code stands for
"missing", since a recording may use all 65536 of 16 bits; a variable that some record lacks is therefore
stored as floats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

Packing = tuple[float, float]
"""Factor and offset that make SI out of what is stored."""

STORED = "int16"
"""Type of every packed variable on disk."""

SMALL = ("int8", "uint8", "int16")
"""Types of a file whose values `STORED` holds."""

BLOCK = 1 << 15
"""Samples converted at a time: 256 KiB of float64 stay in a core's cache."""


def common_packing(seen: Iterable[tuple[np.dtype[Any], Packing]]) -> Packing | None:
    """What all records of a variable have in common; None where one of them is no small integer.

    >>> two, four = ((np.dtype("int16"), (2.0, 0.0)), (np.dtype("int8"), (4.0, 0.0)))
    >>> common_packing([two, two]), common_packing([two, four])
    ((2.0, 0.0), None)
    """
    found = set(seen)
    packings = {packing for _, packing in found}
    small = all(dtype.name in SMALL for dtype, _ in found)
    return packings.pop() if small and len(packings) == 1 else None


def packing_attrs(packing: Packing | None) -> dict[str, float]:
    """CF attributes. Both are always given, since xarray then computes in float64 too."""
    return {} if packing is None else {"scale_factor": packing[0], "add_offset": packing[1]}


def packing_of(attrs: Mapping[str, Any]) -> Packing | None:
    """What CF attributes say; None where they say nothing."""
    if "scale_factor" not in attrs and "add_offset" not in attrs:
        return None
    return float(attrs.get("scale_factor", 1.0)), float(attrs.get("add_offset", 0.0))


def unpacked(stored: np.ndarray, packing: Packing, dtype: Any) -> np.ndarray:
    """Values of stored numbers.

    Parameters
    ----------
    stored : ndarray of numbers, C-contiguous
    packing : (factor, offset)
    dtype
        float32 or float64.

    Returns
    -------
    ndarray
        Of the shape of `stored`; the same bits for any cut of it.
    """
    factor, offset = packing
    if packing == (1.0, 0.0):
        return stored.astype(dtype)
    out = np.empty(stored.shape, dtype)
    source, target = stored.reshape(-1), out.reshape(-1)
    wide = np.empty(min(BLOCK, len(source)), np.float64)
    shifted = offset != 0 or not factor > 0  # else there is no -0.0 for the offset to turn into 0.0
    for start in range(0, len(source), BLOCK):
        part = source[start : start + BLOCK]
        block = wide[: len(part)]
        block[:] = part
        block *= factor
        if shifted:
            block += offset
        target[start : start + BLOCK] = block
    return out
