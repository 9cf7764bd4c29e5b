"""Contracts of vibration severity and waveform factors."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from hpcflow_kernels.contract import Contract, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import FRAMES, check_frames, geometry_frames

ZONES: Mapping[str, tuple[float, float, float]] = {
    "group 1 rigid": (2.3e-3, 4.5e-3, 7.1e-3),
    "group 1 flexible": (3.5e-3, 7.1e-3, 11.0e-3),
    "group 2 rigid": (1.4e-3, 2.8e-3, 4.5e-3),
    "group 2 flexible": (2.3e-3, 4.5e-3, 7.1e-3),
    "class I": (0.71e-3, 1.8e-3, 4.5e-3),
    "class II": (1.12e-3, 2.8e-3, 7.1e-3),
    "class III": (1.8e-3, 4.5e-3, 11.2e-3),
    "class IV": (2.8e-3, 7.1e-3, 18.0e-3),
}
"""Velocities, m/s, between zones A, B, C and D. Groups: ISO 10816-3:2009, annex A; classes: ISO 10816-1:1995,
annex B, as in ISO 2372:1974. Where these numbers can be looked up: docs/kernels/features.md."""


def _fields_severity(params: Params) -> tuple[Field, ...]:
    return (
        Field("velocity_rms", "root mean square of the velocity in the band", units="m s-1", dtype="same"),
        Field("zone", "evaluation zone: 1 for A to 4 for D", dtype="same"),
    )


def _check_severity(params: Params, rate: float | None) -> Sequence[str]:
    problems, (low, high) = check_frames(params, rate), (params["low"], params["high"])
    if not 0 < low < high:
        problems.append(f"`low` must lie below `high` (found {low:g} and {high:g} Hz): exchange them")
    elif rate is not None and math.isfinite(rate) and high > rate / 2:
        problems.append(
            f"`high` must end at or below half the sampling rate ({high:g} Hz of {rate / 2:g} Hz): lower it, "
            "and tell whoever reads the result, for the standard asks for 1 kHz"
        )
    if low * params["window"] < 4:
        problems.append(
            f"a window of {params['window']:g} s holds {low * params['window']:g} periods of {low:g} Hz, and "
            f"needs 4: lengthen `window` to {4 / low:g} s"
        )
    return problems


def _fields_factors(params: Params) -> tuple[Field, ...]:
    return (
        Field("mean_absolute", "mean distance from the mean", units="same", dtype="same"),
        Field("shape_factor", "root mean square over mean distance", dtype="same"),
        Field("impulse_factor", "peak over mean distance", dtype="same"),
        Field("clearance_factor", "peak over the squared mean of roots of distances", dtype="same"),
        Field("zero_crossing_rate", "crossings of the mean per second", units="Hz", dtype="same"),
    )


CONTRACTS = (
    Contract(
        name="vibration_severity",
        version=3,
        pattern=Pattern.WINDOW,
        summary="RMS velocity of a machine's acceleration and its zone by ISO 10816.",
        ports=(Port("signal", "signal", "acceleration, not filtered", dimension="acceleration"),),
        params=(
            *FRAMES,
            Param("low", "quantity", "lower end of the band", "frequency", default=10.0, minimum=0.1),
            Param("high", "quantity", "upper end of the band", "frequency", default=1000.0, minimum=0.1),
            Param(
                "machine",
                "text",
                "group and support (ISO 10816-3), or class (ISO 10816-1)",
                default="group 2 rigid",
                choices=tuple(ZONES),
            ),
        ),
        fields=_fields_severity,
        implementation="hpcflow_kernels.machine.severity:vibration_severity",
        array="hpcflow_kernels.arrays.indicators:vibration_severity",
        array_error=1e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check_severity,
        bytes_per_sample=64.0,
        flops_per_sample=60.0,
        error="rounding of the float type (float64 inside)",
        source="ISO 10816-1:1995, ISO 10816-3:2009",
    ),
    Contract(
        name="waveform_factors",
        version=1,
        pattern=Pattern.WINDOW,
        summary="Shape, impulse and clearance factor, and the rate of zero crossings, frame by frame.",
        ports=(Port("signal", "signal", "samples"),),
        params=FRAMES,
        fields=_fields_factors,
        implementation="hpcflow_kernels.machine.severity:waveform_factors",
        array="hpcflow_kernels.arrays.indicators:waveform_factors",
        array_error=1e-6,
        axis="frame",
        geometry=geometry_frames,
        check=check_frames,
        bytes_per_sample=64.0,
        flops_per_sample=20.0,
        error="rounding of the float type (float64 inside)",
        source="Lei et al., A new approach to intelligent fault diagnosis of rotating machinery, Expert "
        "Systems with Applications 35 (2008), table 1",
    ),
)
