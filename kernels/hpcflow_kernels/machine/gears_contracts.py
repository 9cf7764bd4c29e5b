"""Contracts of the steps for gears."""

from __future__ import annotations

from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port

SPEED = Port("speed", "fact", "turns per second of the timed shaft", "frequency", optional=True)
RATIO = Param(
    "ratio", "number", "turns of the gear's shaft for one of the timed shaft", default=1.0, minimum=1e-6
)
TEETH = Param("teeth", "integer", "teeth of the gear", minimum=2, maximum=2000)


def _fields_average(params: Params) -> tuple[Field, ...]:
    points = params["points"]
    angle = Dim("turn", tuple(k / points for k in range(points)))
    return (
        Field("average", "mean waveform of a turn", "same", "float64", (angle,)),
        Field("turns", "turns that were averaged"),
        Field("speed", "mean speed of the averaged shaft", "Hz", "float64"),
    )


def _fields_indicators(params: Params) -> tuple[Field, ...]:
    return (
        Field("rms", "root mean square of the average", "same", "float64"),
        Field("fm0", "peak to peak over the amplitudes of the mesh", dtype="float64"),
        Field("fm4", "kurtosis of the difference signal", dtype="float64"),
        Field("m6a", "sixth moment of the difference signal", dtype="float64"),
        Field("m8a", "eighth moment of the difference signal", dtype="float64"),
        Field("energy_ratio", "difference over regular signal", dtype="float64"),
        Field("sideband_level", "first sidebands of the strongest harmonic over rms", dtype="float64"),
    )


def _fields_sidebands(params: Params) -> tuple[Field, ...]:
    harmonic = Dim("harmonic", tuple(float(k) for k in range(1, params["harmonics"] + 1)))
    most = params["sidebands"]
    sideband = Dim("sideband", tuple(float(k) for k in range(-most, most + 1)))
    return (
        Field("amplitude", "amplitude at mesh and sidebands", "same", "float64", (harmonic, sideband)),
        Field("energy_ratio", "sidebands over mesh", dtype="float64", dims=(harmonic,)),
    )


def _check_thresholds(params: Params, rate: float | None) -> Sequence[str]:
    high, low = params["high"], params["low"]
    if low is not None and high is None:
        return ["`low` is the lower of two thresholds: give `high` too"]
    if low is not None and low > high:
        return [f"`low` must not lie above `high` (found {low:g} and {high:g}): exchange them"]
    return []


CONTRACTS = (
    Contract(
        name="synchronous_average",
        version=1,
        pattern=Pattern.RECORD,
        summary="Mean waveform of a turn, by a tachometer or by a constant speed.",
        ports=(
            Port("signal", "signal", "a raw signal"),
            Port("tacho", "signal", "pulses of a tachometer", optional=True),
            SPEED,
        ),
        params=(
            Param("points", "integer", "points of a turn", default=1024, minimum=8, maximum=65_536),
            RATIO,
            Param("pulses", "integer", "pulses of a turn of the timed shaft", default=1, minimum=1),
            Param("high", "number", "a pulse begins here, in the tachometer's units", default=None),
            Param("low", "number", "and ends below this", default=None),
        ),
        fields=_fields_average,
        implementation="hpcflow_kernels.machine.gears_records:average_of_record",
        axis="record",
        check=_check_thresholds,
        bytes_per_sample=80.0,
        flops_per_sample=150.0,
        error="that of a cubic spline between samples",
        source="McFadden, MSSP 3(1) (1989)",
    ),
    Contract(
        name="gear_indicators",
        version=1,
        pattern=Pattern.RECORD,
        summary="Indicators of tooth faults from a synchronous average.",
        ports=(Port("average", "rows", "the average of `synchronous_average`"),),
        params=(
            TEETH,
            Param("harmonics", "integer", "harmonics of the mesh in fm0", default=5, minimum=1, maximum=50),
        ),
        fields=_fields_indicators,
        implementation="hpcflow_kernels.machine.gears_records:indicators_of_average",
        axis="record",
        bytes_per_sample=64.0,
        flops_per_sample=200.0,
        error="rounding of float64",
        source="Stewart (1977); Večeř, Kreidl and Šmíd, Acta Polytechnica 45 (2005)",
    ),
    Contract(
        name="gear_sidebands",
        version=1,
        pattern=Pattern.RECORD,
        summary="Amplitudes of a mesh, its harmonics and their sidebands, at a constant speed.",
        ports=(Port("signal", "signal", "a raw signal"), SPEED),
        params=(
            TEETH,
            RATIO,
            Param("harmonics", "integer", "harmonics of the mesh", default=3, minimum=1, maximum=20),
            Param("sidebands", "integer", "on either side of each", default=6, minimum=1, maximum=50),
            Param(
                "tolerance",
                "quantity",
                "how far off a line may lie",
                "fraction",
                default=0.0,
                minimum=0.0,
                maximum=0.05,
            ),
        ),
        fields=_fields_sidebands,
        implementation="hpcflow_kernels.machine.gears_records:sidebands_of_record",
        axis="record",
        bytes_per_sample=48.0,
        flops_per_sample=150.0,
        error="a line between two bins at most 15 % low",
        source="Hanna, Hatch, Kalb, Weiss and Luo, sideband energy ratio, GE Energy",
    ),
)
