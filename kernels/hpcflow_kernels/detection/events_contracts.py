"""Contracts of the steps that find events."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from hpcflow_kernels.contract import Contract, Field, Param, Params, Pattern, Port

SIGNAL = Port("signal", "signal", "samples, or rows of one number each")

HIGH = Param("high", "number", "the signal is above from here on, in its units")
LOW = Param("low", "number", "and stays so until it falls below this; `high` by default", default=None)


def apart(name: str, least: int) -> Callable[[Params, int, float], int]:
    """How many events a record has at most, where parameter `name` says how long one takes.

    `least` is what it takes in samples whatever the parameter says.
    """

    def most(params: Params, samples: int, rate: float) -> int:
        asked = params[name]
        spacing = math.floor(asked * rate) if asked and math.isfinite(rate) else 0
        return samples // max(spacing, least) + 1

    return most


def _fields_peaks(params: Params) -> tuple[Field, ...]:
    return (
        Field("time", "time of the peak since the first sample", "s", "float64"),
        Field("height", "value at the peak", "same", "same"),
        Field("prominence", "height above the higher of its two bases", "same", "same"),
        Field("width", "width at half the prominence", "s", "float32"),
    )


def _fields_crossings(params: Params) -> tuple[Field, ...]:
    return (
        Field("time", "time of the crossing since the first sample", "s", "float64"),
        Field("direction", "1 where the signal rises, -1 where it falls"),
    )


def _fields_bursts(params: Params) -> tuple[Field, ...]:
    return (
        Field("start", "time of its first sample since the record's first", "s", "float64"),
        Field("duration", "duration", "s", "float64"),
        Field("peak_time", "time of its largest sample since the record's first", "s", "float64"),
        Field("peak", "its largest sample", "same", "same"),
        Field("mean", "mean of its samples", "same", "same"),
        Field("whole", "0 where a gap or the record's end may have cut it, else 1"),
    )


def _check_hysteresis(params: Params, rate: float | None) -> Sequence[str]:
    high, low = params["high"], params["low"]
    if low is not None and low > high:
        return [f"`low` must not lie above `high` (found {low:g} and {high:g}): exchange them"]
    return []


CONTRACTS = (
    Contract(
        name="peaks",
        version=2,
        pattern=Pattern.EVENTS,
        summary="Peaks of each record with height, prominence and width.",
        ports=(SIGNAL,),
        params=(
            Param("height", "number", "least height, in the signal's units", default=None),
            Param("prominence", "number", "least prominence, in the signal's units", default=None),
            Param("distance", "quantity", "least time between peaks", "duration", default=None, minimum=0.0),
            Param(
                "width",
                "quantity",
                "least width at half the prominence",
                "duration",
                default=None,
                minimum=0.0,
            ),
        ),
        fields=_fields_peaks,
        implementation="hpcflow_kernels.detection.events_records:peaks",
        axis="event",
        most_events=apart("distance", 2),
        bytes_per_sample=96.0,
        flops_per_sample=60.0,
        error="exact: the places, heights, prominences and widths of scipy.signal.find_peaks",
        source="scipy.signal.find_peaks",
    ),
    Contract(
        name="crossings",
        version=2,
        pattern=Pattern.EVENTS,
        summary="Crossings of a threshold with hysteresis.",
        ports=(SIGNAL,),
        params=(HIGH, LOW),
        fields=_fields_crossings,
        implementation="hpcflow_kernels.detection.events_records:crossings",
        axis="event",
        check=_check_hysteresis,
        bytes_per_sample=24.0,
        flops_per_sample=10.0,
        error="exact; times between samples by a straight line, in float64",
        source="Schmitt, A thermionic trigger, J. Sci. Instrum. 15 (1938)",
    ),
    Contract(
        name="bursts",
        version=2,
        pattern=Pattern.EVENTS,
        summary="Stretches above a threshold that last, merged where they are close.",
        ports=(SIGNAL,),
        params=(
            HIGH,
            LOW,
            Param("least", "quantity", "shortest burst", "duration", default=0.0, minimum=0.0),
            Param(
                "merge",
                "quantity",
                "longest stretch below that is bridged",
                "duration",
                default=0.0,
                minimum=0.0,
            ),
        ),
        fields=_fields_bursts,
        implementation="hpcflow_kernels.detection.events_records:bursts",
        axis="event",
        most_events=apart("least", 2),
        check=_check_hysteresis,
        bytes_per_sample=40.0,
        flops_per_sample=10.0,
        error="exact; means in float64",
    ),
)
