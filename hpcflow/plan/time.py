"""How long stages should take: a range, from what a machine was measured to do, or from usual rates.

Without a calibration the range is wide and says that it is assumed: kernels take their rate on a usual core.
With one, high is at most three times low, and docs/prediction.md says how often measured times lay inside.
"""

from __future__ import annotations

from dataclasses import dataclass

from hpcflow.plan.calibration import Calibration, computed, reads_float64, stage_key
from hpcflow.plan.model import Cut, StagePlan, StepPlan
from hpcflow.plan.stages import listed
from hpcflow_kernels.usual import RATES

FLOPS = (0.25e9, 2e9)
"""Assumed arithmetic per second and core where a kernel's usual rate is not known: slow (scalar, cold cache)
and fast."""

AROUND = 3.0
"""Without a calibration: a kernel's time on a usual core, times this and divided by it, is its range."""

BYTES = (60e6, 800e6)
"""Assumed decoded bytes read or written per second and core."""

PER_BLOCK = (0.02, 0.002)
"""Assumed seconds of bookkeeping per block."""

SPREAD = 1.7
"""With a calibration: high is the middle times this, low the middle by it; their ratio is 2.9."""


@dataclass(frozen=True)
class Seconds:
    """One worker's time for a stage."""

    low: float
    high: float

    def __add__(self, other: Seconds) -> Seconds:
        return Seconds(self.low + other.low, self.high + other.high)


def stage_seconds(cut: Cut, stage: StagePlan, calibration: Calibration | None = None) -> Seconds:
    """Worker time over all blocks of a stage, without its workers' start.

    Parameters
    ----------
    calibration
        None, or one that has not measured a kernel or the reader of the stage: assumed rates.
    """
    if calibration is not None and calibration.covers(cut, stage):
        middle = measured_seconds(cut, stage, calibration)
        middle *= calibration.correction(stage_key(cut, stage))
        return Seconds(middle / SPREAD, middle * SPREAD)
    moved = stage.read_bytes + stage.write_bytes
    own = _usual_seconds(cut, stage)
    slow = own.high + moved / BYTES[0] + stage.blocks * PER_BLOCK[0]
    fast = own.low + moved / BYTES[1] + stage.blocks * PER_BLOCK[1]
    return Seconds(fast, slow)


def _usual_seconds(cut: Cut, stage: StagePlan) -> Seconds:
    """What a stage's arithmetic takes on a usual core, shared out over steps as their contracts count it."""
    from hpcflow_kernels import get

    shares = []
    for step in computed(cut, stage):
        contract = get(step.kernel)
        length = stage.work_samples / _calls(cut, stage)
        counted = listed(step) * contract.flops_per_sample + contract.flops_per_pair * length
        known = RATES.get(step.kernel)
        rates = FLOPS if known is None else (known * 1e9 / AROUND, known * 1e9 * AROUND)
        shares.append((counted, *rates))
    total = sum(counted for counted, _, _ in shares)
    if not total:
        return Seconds(stage.flops / FLOPS[1], stage.flops / FLOPS[0])
    low, high = (stage.flops * sum(s[0] / s[k] for s in shares) / total for k in (2, 1))
    return Seconds(low, high)


def measured_seconds(cut: Cut, stage: StagePlan, calibration: Calibration) -> float:
    """Middle of the prediction from kernels' times and rates alone, no run's experience in it."""
    seconds = moving_seconds(cut, stage, calibration)
    calls = _calls(cut, stage)
    bookkept = max(stage.blocks, calls) if stage.kind == "reduce" else stage.blocks
    seconds += bookkept * calibration.seconds_per_block
    for step in computed(cut, stage):
        times = calibration.kernels[step.kernel]
        wide = times.wide if reads_float64(cut, step) else 1.0
        seconds += wide * _inputs(step) * calls * times.seconds(stage.work_samples / calls)
    return seconds


def _inputs(step: StepPlan) -> float:
    """Inputs of a step's list, over those that its kernel was timed with; 1 where it takes no list."""
    from hpcflow_kernels import get

    timed = next((port.several for port in get(step.kernel).ports if port.several), 0)
    return listed(step) / timed if timed else 1.0


def moving_seconds(cut: Cut, stage: StagePlan, calibration: Calibration) -> float:
    """Time to read, decode, encode and durably write what a stage moves."""
    reading = calibration.read_bytes_per_second
    if stage.kind == "ingest":
        reading = calibration.readers.get(cut.dataset(stage.dataset).reader, reading)
    return stage.read_bytes / reading + stage.write_bytes / calibration.write_bytes_per_second


def _calls(cut: Cut, stage: StagePlan) -> int:
    """How often each kernel of a stage is called: once a tile, or once a record."""
    if stage.kind == "tiles":
        return max(1, stage.blocks * stage.tiles_per_block)
    return max(1, cut.dataset(stage.dataset).live)


def total_seconds(cut: Cut, calibration: Calibration | None = None) -> Seconds:
    """Worker time over all stages, and the start of one worker."""
    start = calibration.seconds_per_start if calibration else 0.0
    total = Seconds(start / SPREAD, start * SPREAD)
    for stage in cut.stages:
        total += stage_seconds(cut, stage, calibration)
    return total


def calibrated(cut: Cut, calibration: Calibration | None) -> bool:
    """Whether every kernel and reader of a cut was measured."""
    return calibration is not None and all(calibration.covers(cut, s) for s in cut.stages)
