"""How long stages should take: a range from the kernels' arithmetic, honest about being a guess.

The rates are assumptions for one core until a calibration replaces them; `hpcflow plan` says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpcflow.plan.model import Cut, StagePlan

FLOPS = (0.25e9, 2e9)
"""Arithmetic per second and core that kernels reach here: slow (scalar, cold cache) and fast."""

BYTES = (60e6, 800e6)
"""Decoded bytes read or written per second and core."""

PER_BLOCK = (0.02, 0.002)
"""Seconds of bookkeeping per block."""


@dataclass(frozen=True)
class Seconds:
    """One worker's time for a stage."""

    low: float
    high: float

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.low + other.low, self.high + other.high)


def stage_seconds(stage: StagePlan) -> Seconds:
    """Worker time over all blocks of a stage."""
    moved = stage.read_bytes + stage.write_bytes
    slow = stage.flops / FLOPS[0] + moved / BYTES[0] + stage.blocks * PER_BLOCK[0]
    fast = stage.flops / FLOPS[1] + moved / BYTES[1] + stage.blocks * PER_BLOCK[1]
    return Seconds(fast, slow)


def total_seconds(cut: Cut) -> Seconds:
    """Worker time over all stages."""
    total = Seconds(0.0, 0.0)
    for stage in cut.stages:
        total += stage_seconds(stage)
    return total
