"""What a machine was measured to do: an input of times and schedules, never of a cut.

Plain numbers, read from JSON by whoever asks for a prediction; nothing here opens a file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import pairwise
from typing import Any

from hpcflow.errors import StoreError
from hpcflow.plan.model import COMPUTED, Cut, FieldPlan, StagePlan, StepPlan, VariablePlan

SCHEMA = "hpcflow.calibration/1"

REMEMBERED = 20
"""Runs whose measured times correct a kind of stage; older ones are forgotten."""

FADING = 0.8
"""Weight of a run relative to the one after it: machines are shared, and last week's neighbours have gone."""

Points = tuple[tuple[int, float], ...]
"""(input samples, seconds of one call), rising in samples."""


STEEP = 1.75
"""Powers of the length up to this one are put down to caches, not to growth with the square."""


@dataclass(frozen=True)
class KernelTimes:
    """One kernel, called on records or tiles of several lengths."""

    version: int
    points: Points
    bytes_per_sample: float = 0.0
    """Growth of the process's peak memory with the input; the measurement behind a contract's bound."""
    wide: float = 1.0
    """Time of a call on float64 relative to one on what `points` were measured on."""

    def seconds(self, samples: float) -> float:
        """Time of one call: straight lines between the measured lengths, and on from the last two.

        Where the last two say that time grows about as the square of the length, it goes on as the power that
        leads through them.

        >>> KernelTimes(1, ((100, 1.0), (300, 3.0))).seconds(200), KernelTimes(1, ((100, 1.0),)).seconds(300)
        (2.0, 3.0)
        >>> KernelTimes(1, ((100, 1.0), (200, 4.0))).seconds(1600)
        256.0
        """
        first, last = self.points[0], self.points[-1]
        if samples <= first[0]:
            return first[1]
        for (n0, t0), (n1, t1) in pairwise(self.points):
            if samples <= n1:
                return t0 + (t1 - t0) * (samples - n0) / (n1 - n0)
        if len(self.points) == 1:
            return last[1] * samples / last[0]
        n0, t0 = self.points[-2]
        power = math.log(last[1] / t0) / math.log(last[0] / n0)
        if power > STEEP:
            return float(last[1] * (samples / last[0]) ** power)
        return last[1] + max(0.0, last[1] - t0) / (last[0] - n0) * (samples - last[0])


@dataclass(frozen=True)
class Calibration:
    """A machine's rates.

    Attributes
    ----------
    cpu, cores, measured
        Model and number of cores it was taken on, and the day.
    kernels
        Times per kernel.
    read_bytes_per_second, write_bytes_per_second
        Decoded bytes of shards read, and encoded and written durably, by one process.
    seconds_per_block, seconds_per_start
        Bookkeeping of one block; a worker from its start to its first block.
    readers
        Decoded bytes per second of one process, by reader of files.
    observed
        Per kind of stage (`stage_key`): what finished runs took, relative to the prediction without them,
        by run, the newest last.
    """

    cpu: str
    cores: int
    measured: str
    kernels: Mapping[str, KernelTimes]
    read_bytes_per_second: float
    write_bytes_per_second: float
    seconds_per_block: float
    seconds_per_start: float
    readers: Mapping[str, float] = field(default_factory=dict)
    observed: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def correction(self, key: str) -> float:
        """Geometric mean of what runs took relative to the prediction, the newest counting most.

        1 where none has been seen.
        """
        ratios = [r for r in self.observed.get(key, {}).values() if r > 0]
        weights = [FADING**age for age in range(len(ratios))][::-1]
        logs = [w * math.log(r) for w, r in zip(weights, ratios, strict=True)]
        return math.exp(sum(logs) / sum(weights)) if ratios else 1.0

    def knows(self, names: Sequence[str]) -> bool:
        """Whether every kernel of a stage was measured in its present version."""
        from hpcflow_kernels import get

        return all(n in self.kernels and self.kernels[n].version == get(n).version for n in names)

    def covers(self, cut: Cut, stage: StagePlan) -> bool:
        """Whether what a stage's time depends on was measured, or a run has shown what its reader takes."""
        if stage.kind == "ingest":
            return cut.dataset(stage.dataset).reader in self.readers or stage_key(cut, stage) in self.observed
        return self.knows(kernels_of(cut, stage))

    def seen(self, key: str, run: str, ratio: float) -> Calibration:
        """The same with one more run seen."""
        ratios = {name: r for name, r in self.observed.get(key, {}).items() if name != run}
        kept = dict(list(ratios.items())[-(REMEMBERED - 1) :])
        return replace(self, observed={**self.observed, key: {**kept, run: round(ratio, 4)}})

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """The inverse of `to_dict`, from parsed JSON.

        Raises
        ------
        StoreError
            Where something is missing, or is no positive number.
        """
        try:
            kernels = {
                str(name): KernelTimes(
                    int(k["version"]),
                    tuple((int(n), float(t)) for n, t in k["points"]),
                    float(k.get("bytes_per_sample", 0.0)),
                    float(k.get("wide", 1.0)),
                )
                for name, k in values["kernels"].items()
            }
            found = cls(
                cpu=str(values["cpu"]),
                cores=int(values["cores"]),
                measured=str(values["measured"]),
                kernels=kernels,
                readers={str(name): float(rate) for name, rate in values.get("readers", {}).items()},
                observed={
                    str(key): {str(run): float(ratio) for run, ratio in runs.items()}
                    for key, runs in values.get("observed", {}).items()
                },
                **{name: float(values[name]) for name in _RATES},
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise StoreError(f"a calibration is damaged ({error!r}): run `hpcflow calibrate` again") from None
        bad = [name for name in _RATES if not 0 < getattr(found, name) < math.inf]
        bad += [name for name, k in kernels.items() if not _rising(k.points) or not 0 < k.wide < math.inf]
        bad += [name for name, rate in found.readers.items() if not 0 < rate < math.inf]
        if bad:
            raise StoreError(
                f"a calibration's numbers must be positive, and its points must rise: {', '.join(bad)}; "
                "run `hpcflow calibrate` again"
            )
        return found


_RATES = ("read_bytes_per_second", "write_bytes_per_second", "seconds_per_block", "seconds_per_start")


def _rising(points: Points) -> bool:
    positive = bool(points) and all(n > 0 and 0 < t < math.inf for n, t in points)
    return positive and all(a[0] < b[0] for a, b in pairwise(points))


def computed(cut: Cut, stage: StagePlan) -> tuple[StepPlan, ...]:
    """Steps whose arithmetic is a stage's time; none where it moves data or adds up one row a record."""
    return tuple(map(cut.step, stage.steps)) if stage.kind in COMPUTED else ()


def kernels_of(cut: Cut, stage: StagePlan) -> tuple[str, ...]:
    """Kernels of the computed steps."""
    return tuple(step.kernel for step in computed(cut, stage))


def reads_float64(cut: Cut, step: StepPlan) -> bool:
    """Whether a step's first port carries float64: twice the bytes, and half the lanes of a vector."""
    first = next((i for i in step.inputs if i.kind != "fact"), None)
    if first is None:
        return False
    held: Sequence[VariablePlan | FieldPlan] = (
        cut.dataset(first.source).variables if first.kind == "variable" else cut.step(first.source).fields
    )
    return any(one.dtype == "float64" for one in held if first.field in (None, one.name))


def stage_key(cut: Cut, stage: StagePlan) -> str:
    """What stages have in common that take the same time per sample: kind, and kernels or reader."""
    what = "+".join(sorted(kernels_of(cut, stage)))
    if stage.kind == "ingest":
        what = cut.dataset(stage.dataset).reader
    return f"{stage.kind}:{what}" if what else stage.kind
