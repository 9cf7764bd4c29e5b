"""What a kernel is tried with."""

from __future__ import annotations

from typing import Any, NamedTuple


class Case(NamedTuple):
    """Parameters to try a map or window kernel with, and how far a cut may move its output."""

    params: dict[str, Any]
    bound: float = 0.0
    """Of the largest output, in float64; 0 where no bit may change."""
