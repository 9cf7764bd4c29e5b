"""Contracts of exposure to vibration: windows, three axes, a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import check_frames, geometry_frames

FACTORS: Mapping[str, tuple[float, float, float]] = {
    "whole-body": (1.4, 1.4, 1.0),
    "hand-arm": (1.0, 1.0, 1.0),
}
"""Of the axes x, y and z: health of seated or standing people (Directive 2002/44/EC, annex, part B; ISO
2631-1:1997, 7.2), and hand and arm (ISO 5349-1:2001, 4.5)."""

LIMITS: Mapping[str, tuple[float, float]] = {"whole-body": (0.5, 1.15), "hand-arm": (2.5, 5.0)}
"""Action and limit value of A(8), m/s²: Directive 2002/44/EC, article 3."""

LIMITS_OF_DOSE = (9.1, 21.0)
"""Action and limit value of a day's VDV, m/s^1.75, whole body, for states that chose it: the same article."""

ASSESSED = ("not_above_action_value", "above_action_value", "above_limit_value")
_AXIS = Dim("axis", ("x", "y", "z"))
_KIND = Param("kind", "text", "which rule and limits", default="whole-body", choices=tuple(FACTORS))


def _check_windows(params: Params, rate: float | None) -> Sequence[str]:
    problems = list(check_frames(params, rate))
    if params["window"] < 1.0:
        problems.append(
            f"the largest RMS of one second needs a second (window {params['window']:g} s): lengthen `window`"
        )
    return problems


def _fields_windows(params: Params) -> tuple[Field, ...]:
    return (
        Field("weighted_rms", "root mean square of the weighted acceleration", units="same", dtype="same"),
        Field("rmq", "root mean quad of the weighted acceleration", units="same", dtype="same"),
        Field("vdv", "vibration dose value", units="m s-1.75", dtype="same"),
        Field("mtvv", "maximum transient vibration value (1 s)", units="same", dtype="same"),
        Field("peak", "largest weighted acceleration", units="same", dtype="same"),
        Field("crest_factor", "peak over root mean square", dtype="same"),
    )


def _check_factors(params: Params, rate: float | None) -> Sequence[str]:
    factors = params["factors"]
    if factors is not None and len(factors) != 3:
        return [f"`factors` are those of x, y and z (found {len(factors)}): write three, as [1.4, 1.4, 1]"]
    return []


def _fields_total(params: Params) -> tuple[Field, ...]:
    return (
        Field("weighted_rms", "root mean square of a weighted axis", "m s-2", "float64", (_AXIS,)),
        Field("total_value", "vibration total value, with factors", "m s-2", "float64"),
        Field("a8_axis", "part of the daily exposure, by axis", "m s-2", "float64", (_AXIS,)),
        Field("a8", "part of the daily exposure A(8)", "m s-2", "float64"),
        Field("vdv_axis", "vibration dose value of the operation, by axis", "m s-1.75", "float64", (_AXIS,)),
        Field("vdv", "vibration dose value of the operation, largest axis", "m s-1.75", "float64"),
        Field("duration", "duration of the operation in a day", "s", "float64"),
        Field("measured", "duration of the windows that were used", "s", "float64"),
    )


def _fields_day(params: Params) -> tuple[Field, ...]:
    shift = Dim("shift", tuple(float(k) for k in range(1, params["shifts"] + 1)))
    return (
        Field("a8", "daily exposure A(8)", "m s-2", "float64", (shift,)),
        Field("a8_axis", "daily exposure, by axis", "m s-2", "float64", (shift, _AXIS)),
        Field("vdv", "vibration dose value of the day, largest axis", "m s-1.75", "float64", (shift,)),
        Field("vdv_axis", "vibration dose value of the day, by axis", "m s-1.75", "float64", (shift, _AXIS)),
        Field("duration", "sum of durations", "s", "float64", (shift,)),
        Field("records", "records of the shift", "1", "int64", (shift,)),
        Field("left_out", "records without a shift of the list", "1", "int64"),
        Field("by_a8", "A(8) by the directive", dtype="int8", dims=(shift,), flags=ASSESSED),
        Field("by_vdv", "dose value by the directive", dtype="int8", dims=(shift,), flags=ASSESSED),
    )


CONTRACTS = (
    Contract(
        name="vibration_exposure",
        version=2,
        pattern=Pattern.WINDOW,
        summary="Weighted RMS, dose value, largest RMS of a second and crest factor, window by window.",
        ports=(Port("signal", "signal", "weighted acceleration", dimension="acceleration"),),
        params=(
            Param("window", "quantity", "frame duration", "duration", default=60.0, minimum=1e-3),
            Param(
                "overlap",
                "quantity",
                "shared part of frames",
                "fraction",
                default=0.0,
                minimum=0.0,
                maximum=0.95,
            ),
        ),
        fields=_fields_windows,
        implementation="hpcflow_kernels.machine.exposure:vibration_exposure",
        array="hpcflow_kernels.arrays.indicators:vibration_exposure",
        array_error=1e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check_windows,
        bytes_per_sample=64.0,
        flops_per_sample=40.0,
        error="rounding of the float type (float64 inside)",
        source="ISO 2631-1:1997, 6.1 to 6.3",
    ),
    Contract(
        name="vibration_total",
        version=1,
        pattern=Pattern.RECORD,
        summary="Three axes of an operation together, and its part of a day's exposure to vibration.",
        ports=(
            Port("x", "rows", "the `vibration_exposure` of the weighted x axis"),
            Port("y", "rows", "the `vibration_exposure` of the weighted y axis"),
            Port("z", "rows", "the `vibration_exposure` of the weighted z axis"),
            Port("duration", "fact", "how long it lasts in a day", "duration", optional=True),
        ),
        params=(_KIND, Param("factors", "list", "of x, y and z", default=None, minimum=0.0)),
        fields=_fields_total,
        implementation="hpcflow_kernels.machine.exposure:total_of_record",
        axis="record",
        check=_check_factors,
        bytes_per_sample=100.0,
        flops_per_sample=30.0,
        error="rounding (float64)",
        source="Directive 2002/44/EC, annex; ISO 2631-1:1997, 6.5 and 7.2; ISO 5349-1:2001, 4.5 and annex A",
    ),
    Contract(
        name="daily_vibration",
        version=1,
        pattern=Pattern.REDUCE,
        summary="A(8) and dose value of each shift from its operations, against action and limit values.",
        ports=(
            Port("total", "rows", "the step that joined the axes"),
            Port("shift", "fact", "whose day a record belongs to, counted from 1", optional=True),
        ),
        params=(
            _KIND,
            Param("shifts", "integer", "how many there are", default=1, minimum=1, maximum=100_000),
        ),
        fields=_fields_day,
        implementation="hpcflow_kernels.machine.exposure:DailyVibration",
        axis="record",
        bytes_per_sample=200.0,
        flops_per_sample=40.0,
        error="sums in float64, merged in a fixed tree",
        source="Directive 2002/44/EC, article 3 and annex",
    ),
)
