"""Contracts of the steps that find events."""

from __future__ import annotations

from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port

SIGNAL = Port("signal", "signal", "samples, or rows of one number each")

MOST = Param("most", "integer", "length of each record's table", default=1000, minimum=1, maximum=100_000)

HIGH = Param("high", "number", "the signal is above from here on, in its units")
LOW = Param("low", "number", "and stays so until it falls below this; `high` by default", default=None)


def event_axis(params: Params) -> tuple[Dim, ...]:
    """The places of a record's table."""
    return (Dim("event", tuple(float(k) for k in range(params["most"]))),)


def count_of(what: str) -> Field:
    """The field that counts events."""
    return Field("count", f"{what} in the record, those beyond the table included", dtype="int64")


def _fields_peaks(params: Params) -> tuple[Field, ...]:
    dims = event_axis(params)
    return (
        count_of("peaks"),
        Field("time", "time of the peak since the first sample", "s", "float64", dims),
        Field("height", "value at the peak", "same", "same", dims),
        Field("prominence", "height above the higher of its two bases", "same", "same", dims),
        Field("width", "width at half the prominence", "s", "float32", dims),
    )


def _fields_crossings(params: Params) -> tuple[Field, ...]:
    dims = event_axis(params)
    return (
        count_of("crossings"),
        Field("time", "time of the crossing since the first sample", "s", "float64", dims),
        Field("direction", "1 where the signal rises, -1 where it falls", dims=dims),
    )


def _fields_bursts(params: Params) -> tuple[Field, ...]:
    dims = event_axis(params)
    return (
        count_of("bursts"),
        Field("start", "time of its first sample since the record's first", "s", "float64", dims),
        Field("duration", "duration", "s", "float64", dims),
        Field("peak_time", "time of its largest sample since the record's first", "s", "float64", dims),
        Field("peak", "its largest sample", "same", "same", dims),
        Field("mean", "mean of its samples", "same", "same", dims),
        Field("whole", "0 where a gap or the record's end may have cut it, else 1", dims=dims),
    )


def _check_hysteresis(params: Params, rate: float | None) -> Sequence[str]:
    high, low = params["high"], params["low"]
    if low is not None and low > high:
        return [f"`low` must not lie above `high` (found {low:g} and {high:g}): exchange them"]
    return []


CONTRACTS = (
    Contract(
        name="peaks",
        version=1,
        pattern=Pattern.RECORD,
        summary="Peaks of each record with height, prominence and width, as a table.",
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
            MOST,
        ),
        fields=_fields_peaks,
        implementation="hpcflow_kernels.detection.events_records:peaks",
        axis="record",
        bytes_per_sample=96.0,
        flops_per_sample=60.0,
        error="exact: the places, heights, prominences and widths of scipy.signal.find_peaks",
        source="scipy.signal.find_peaks",
    ),
    Contract(
        name="crossings",
        version=1,
        pattern=Pattern.RECORD,
        summary="Crossings of a threshold with hysteresis, as a table for each record.",
        ports=(SIGNAL,),
        params=(HIGH, LOW, MOST),
        fields=_fields_crossings,
        implementation="hpcflow_kernels.detection.events_records:crossings",
        axis="record",
        check=_check_hysteresis,
        bytes_per_sample=24.0,
        flops_per_sample=10.0,
        error="exact; times between samples by a straight line, in float64",
        source="Schmitt, A thermionic trigger, J. Sci. Instrum. 15 (1938)",
    ),
    Contract(
        name="bursts",
        version=1,
        pattern=Pattern.RECORD,
        summary="Stretches above a threshold that last, merged where they are close, as a table.",
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
            MOST,
        ),
        fields=_fields_bursts,
        implementation="hpcflow_kernels.detection.events_records:bursts",
        axis="record",
        check=_check_hysteresis,
        bytes_per_sample=40.0,
        flops_per_sample=10.0,
        error="exact; means in float64",
    ),
)
