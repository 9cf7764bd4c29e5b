"""Collective kernels called by tests: on threads, their shares put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from hpcflow_kernels.ranks import Share, Spread
from hpcflow_kernels.threads import Threads


def spread(x: np.ndarray, rate: float = 1000.0) -> Spread:
    """A record in memory."""

    def read(start: int, stop: int) -> np.ndarray:
        assert 0 <= start <= stop <= len(x)
        return x[start:stop].copy()

    return Spread(len(x), rate, "m s-2", read)


def joined(shares: Sequence[Share]) -> dict[str, np.ndarray]:
    """All rows, once each share is known to begin where the one before it ended."""
    held = sorted((s for s in shares if len(next(iter(s.values.values())))), key=lambda s: s.start)
    stops = [s.start + len(values) for s in held for values in s.values.values()]
    starts = [s.start for s in held[1:] for _ in s.values]
    assert not held or held[0].start == 0
    assert starts == stops[: len(starts)]
    return {name: np.concatenate([s.values[name] for s in held or shares[:1]]) for name in shares[0].values}


def on_threads(count: int, kernel: Callable[..., Share], **given: Any) -> dict[str, np.ndarray]:
    """What so many ranks make of a record."""
    return joined(Threads(count).run(lambda ranks: kernel(ranks=ranks, **given)))
