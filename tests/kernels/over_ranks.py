"""Collective kernels called by tests: on threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.ranks import Share, Spread, joined
from hpcflow_kernels.threads import Threads


def spread(x: np.ndarray, rate: float = 1000.0) -> Spread:
    """A record in memory."""
    return Spread.of(Rows(x, rate, "m s-2", {}))


def on_threads(count: int, kernel: Callable[..., Share], **given: Any) -> dict[str, np.ndarray]:
    """What so many ranks make of a record."""
    return joined(Threads(count).run(lambda ranks: kernel(ranks=ranks, **given)))
