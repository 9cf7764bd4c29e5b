"""Small kernels to check workflows against, so that these tests depend on no family."""

from __future__ import annotations

import pytest

from hpcflow_kernels import Contract, Dim, Field, Geometry, Param, Pattern, Port, registry


def _order(params, rate):
    return ["the band's lower edge must lie below its upper edge"] if params["low"] >= params["high"] else []


CONTRACTS = (
    Contract(
        name="bandpass",
        version=1,
        pattern=Pattern.MAP,
        summary="Keep one frequency band.",
        ports=(Port("signal", "signal", "samples to filter"),),
        params=(
            Param("low", "quantity", "lower edge", "frequency", minimum=0.001),
            Param("high", "quantity", "upper edge", "frequency"),
            Param("order", "integer", "order of the filter", default=4, minimum=1, maximum=12),
            Param("kind", "text", "family", default="butterworth", choices=("butterworth", "bessel")),
            Param("zero_phase", "flag", "whether to filter twice", default=True),
        ),
        fields=lambda params: (Field("filtered", "band-passed signal", units="same", dtype="same"),),
        implementation="none:none",
        axis="sample",
        geometry=lambda params, rate: Geometry(),
        check=_order,
    ),
    Contract(
        name="spectrum",
        version=1,
        pattern=Pattern.WINDOW,
        summary="Spectra of frames.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param("window", "quantity", "frame length", "duration", default=1.0, minimum=1e-6),
            Param("overlap", "quantity", "shared part", "fraction", default="50 %", minimum=0, maximum=0.99),
        ),
        fields=lambda params: (
            Field("amplitude", "amplitude", units="same", dims=(Dim("frequency", (0.0, 1.0), "Hz"),)),
        ),
        implementation="none:none",
        axis="frame",
    ),
    Contract(
        name="indicators",
        version=1,
        pattern=Pattern.WINDOW,
        summary="Indicators of frames.",
        ports=(Port("signal", "signal", "acceleration", "acceleration"),),
        params=(
            Param("window", "quantity", "frame length", "duration", default=1.0),
            Param("bands", "list", "band edges", "frequency", default=()),
            Param("weights", "list", "weights", default=None),
            Param("gain", "number", "factor", default=1.0),
        ),
        fields=lambda params: (
            Field("rms", "root mean square", units="same"),
            Field("power", "band power", units="same^2"),
        ),
        implementation="none:none",
        axis="frame",
    ),
    Contract(
        name="diagnose",
        version=1,
        pattern=Pattern.RECORD,
        summary="Name the fault.",
        ports=(
            Port("spectrum", "rows", "envelope spectra", "acceleration"),
            Port("speed", "fact", "shaft speed", "frequency", optional=True),
            Port("bearing", "fact", "designation", "text", optional=True),
        ),
        params=(),
        fields=lambda params: (Field("diagnosis", "diagnosis", dtype="int8", flags=("none", "inner")),),
        implementation="none:none",
        axis="record",
    ),
    Contract(
        name="power_curve",
        version=1,
        pattern=Pattern.RECORD,
        summary="Best mean power.",
        ports=(
            Port("power", "signal", "power", "power"),
            Port("time", "signal", "time", "duration", optional=True),
        ),
        params=(Param("durations", "list", "durations", "duration", default=(1.0, 60.0)),),
        fields=lambda params: (Field("best", "best mean power", units="W"),),
        implementation="none:none",
        axis="record",
    ),
    Contract(
        name="compare",
        version=1,
        pattern=Pattern.RECORD,
        summary="What signals have in common.",
        ports=(Port("signals", "signal", "samples of each", "acceleration", several=2),),
        params=(),
        fields=lambda params: (Field("level", "level", dims=(Dim("signal", params["signals"]),)),),
        implementation="none:none",
        axis="record",
    ),
    Contract(
        name="nearest",
        version=1,
        pattern=Pattern.RECORD,
        summary="Nearest of all records.",
        ports=(
            Port("signal", "signal", "samples"),
            Port("references", "signal", "of all", whole=True),
        ),
        params=(),
        fields=lambda params: (Field("far", "distance", dims=(Dim("reference", params["references"]),)),),
        implementation="none:none",
        axis="record",
    ),
    Contract(
        name="brittle",
        version=1,
        pattern=Pattern.MAP,
        summary="A kernel whose own code fails.",
        ports=(Port("signal", "signal", "samples"),),
        params=(Param("step", "number", "step", default=1.0),),
        fields=lambda params: (Field("out", str(1 / (params["step"] - 2))),),
        implementation="none:none",
        axis="sample",
        check=lambda params, rate: [] * int(1 / params["step"]),
    ),
)


@pytest.fixture(autouse=True, scope="module")
def small_kernels():
    """Only the kernels of this file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "contracts", lambda: {one.name: one for one in CONTRACTS})
        yield
