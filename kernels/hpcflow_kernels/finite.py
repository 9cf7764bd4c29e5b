"""Whether a signal has a sample that is missing or infinite, at the speed of reading it."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.cache import compiled
from hpcflow_kernels.simd import load, splat, total


@compiled
def all_finite(x: np.ndarray) -> bool:
    """Whether no sample is missing or infinite; the difference of such a sample with itself is NaN."""
    if len(x) == 0:
        return True
    rest = x[0] - x[0]
    a = splat(x, rest, 8)
    b = c = d = a
    i = 0
    while i + 32 <= len(x):
        p, q, r, s = load(x, i, 8), load(x, i + 8, 8), load(x, i + 16, 8), load(x, i + 24, 8)
        a, b, c, d = a + (p - p), b + (q - q), c + (r - r), d + (s - s)
        i += 32
    while i < len(x):
        rest += x[i] - x[i]
        i += 1
    return np.isfinite(total((a + b) + (c + d)) + rest)  # type: ignore[no-any-return]
