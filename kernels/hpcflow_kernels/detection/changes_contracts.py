"""Contracts of trends, change points and cumulative sums."""

from __future__ import annotations

from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Param, Params, Pattern, Port
from hpcflow_kernels.detection.events_contracts import SIGNAL


def _fields_points(params: Params) -> tuple[Field, ...]:
    return (
        Field("time", "start of the new level since the first sample", "s", "float64"),
        Field("level", "the new level", "same", "float64"),
        Field("change", "the new level less the one before", "same", "float64"),
    )


def _fields_cusum(params: Params) -> tuple[Field, ...]:
    return (
        Field("time", "time of the alarm since the first sample", "s", "float64"),
        Field("onset", "about when the change began, since the first sample", "s", "float64"),
        Field("direction", "1 where the level rose, -1 where it fell"),
    )


def _check_cusum(params: Params, rate: float | None) -> Sequence[str]:
    stated = [params[name] is not None for name in ("mean", "std", "reference")]
    if stated not in ([True, True, False], [False, False, True]):
        return ["a cumulative sum starts from what is normal: give `mean` and `std`, or `reference` alone"]
    if params["std"] is not None and not params["std"] > 0:
        return [f"`std` must be above 0 (found {params['std']:g}): give that of the signal while all is well"]
    return []


CONTRACTS = (
    Contract(
        name="trend",
        version=1,
        pattern=Pattern.RECORD,
        summary="Whether each record rises or falls, how fast, and how sure that is.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param(
                "points",
                "integer",
                "stretches into which a record is divided; the trend is that of their medians",
                default=100,
                minimum=4,
                maximum=2000,
            ),
        ),
        fields=lambda params: (
            Field("slope", "slope of Theil and Sen", units="same s-1", dtype="float64"),
            Field("tau", "rank correlation of Kendall with time", "1"),
            Field("p_value", "chance of such a tau where no trend is (Mann and Kendall)", dtype="float64"),
        ),
        implementation="hpcflow_kernels.detection.changes:trend",
        axis="record",
        bytes_per_sample=24.0,
        flops_per_sample=20.0,
        error="1e-12 of SciPy's kendalltau and theilslopes of the same medians",
        source="Mann (1945); Kendall (1948); Sen (1968)",
    ),
    Contract(
        name="change_points",
        version=2,
        pattern=Pattern.EVENTS,
        summary="Where the level of each record changes, and by how much.",
        ports=(SIGNAL,),
        params=(
            Param(
                "points",
                "integer",
                "stretches into which a record is divided; levels are those of their medians",
                default=2000,
                minimum=4,
                maximum=20_000,
            ),
            Param(
                "penalty",
                "number",
                "squared error that a change must save, in the signal's units squared",
                default=None,
                minimum=0.0,
            ),
            Param("least", "quantity", "shortest level", "duration", default=0.0, minimum=0.0),
        ),
        fields=_fields_points,
        implementation="hpcflow_kernels.detection.changes_records:change_points",
        axis="event",
        most_events=lambda params, samples, rate: min(params["points"], samples),
        bytes_per_sample=24.0,
        flops_per_sample=60.0,
        error="the best cut of the medians, exactly",
        source="Killick, Fearnhead and Eckley, J. Am. Stat. Assoc. 107 (2012)",
    ),
    Contract(
        name="cusum",
        version=2,
        pattern=Pattern.EVENTS,
        summary="When the level of each record has moved away from what it was.",
        ports=(SIGNAL,),
        params=(
            Param("mean", "number", "mean while all is well, in the signal's units", default=None),
            Param("std", "number", "standard deviation while all is well", default=None),
            Param(
                "reference",
                "quantity",
                "or the time from the start in which all was well",
                "duration",
                default=None,
                minimum=0.0,
            ),
            Param(
                "drift",
                "number",
                "half of the shift that matters",
                default=0.5,
                minimum=0.0,
                maximum=10.0,
            ),
            Param(
                "threshold",
                "number",
                "height of the sum that is an alarm",
                default=8.0,
                minimum=0.5,
            ),
        ),
        fields=_fields_cusum,
        implementation="hpcflow_kernels.detection.changes_records:cusum",
        axis="event",
        check=_check_cusum,
        bytes_per_sample=64.0,
        flops_per_sample=15.0,
        error="sums in float64",
        source="Page, Biometrika 41 (1954)",
    ),
)
