"""Contracts of envelope kernels that need no knowledge of bearings."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import check_frames, geometry_frames


def _fields_squared(params: Params) -> tuple[Field, ...]:
    count = int(params["max_frequency"] * params["window"] + 1e-9) + 1
    grid = tuple(k / params["window"] for k in range(count))
    return (
        Field(
            "squared_amplitude",
            "amplitude of the squared envelope's modulation",
            units="same^2",
            dtype="same",
            dims=(Dim("frequency", grid, "Hz"),),
        ),
    )


def check_band(params: Params, rate: float | None) -> list[str]:
    """What is wrong with `band` as a pair of edges, and with the grid of a band's envelope."""
    band = list(params["band"])
    if len(band) != 2 or not band[0] < band[1]:
        return [f"`band` is two rising frequencies (found {band}): write [low, high]"]
    problems = []
    if rate is not None and math.isfinite(rate) and band[1] > rate / 2:
        problems.append(
            f"`band` must end at or below half the sampling rate ({band[1]:g} Hz of {rate / 2:g} Hz): "
            "lower its upper edge"
        )
    if (band[1] - band[0]) * params["window"] < 2:
        problems.append(
            f"a window of {params['window']:g} s resolves {1 / params['window']:g} Hz, too coarse for a band "
            f"of {band[1] - band[0]:g} Hz: lengthen `window` or widen `band`"
        )
    if params["max_frequency"] > band[1] - band[0]:
        problems.append(
            f"the envelope of a band has its lines below the band's width (max_frequency "
            f"{params['max_frequency']:g} Hz, band of {band[1] - band[0]:g} Hz): lower `max_frequency` or "
            "widen `band`"
        )
    return problems


def _check_squared(params: Params, rate: float | None) -> Sequence[str]:
    problems = check_frames(params, rate) + check_band(params, rate)
    if params["max_frequency"] * params["window"] < 1:
        problems.append(
            f"a window of {params['window']:g} s resolves {1 / params['window']:g} Hz, more than "
            f"max_frequency ({params['max_frequency']:g} Hz): lengthen `window` or raise `max_frequency`"
        )
    return problems


FRAMES = (
    Param("window", "quantity", "frame duration", "duration", default=1.0, minimum=1e-6),
    Param("overlap", "quantity", "shared part of frames", "fraction", default=0.5, minimum=0.0, maximum=0.95),
)

CONTRACTS = (
    Contract(
        name="squared_envelope_spectrum",
        version=2,
        pattern=Pattern.WINDOW,
        summary="Amplitude spectrum of a band's squared envelope; filter and demodulation in one.",
        ports=(Port("signal", "signal", "a raw signal"),),
        params=(
            Param("band", "list", "lower and upper edge", "frequency", minimum=0.0),
            *FRAMES,
            Param("max_frequency", "quantity", "end of the grid", "frequency", default=1000.0, minimum=1e-6),
        ),
        fields=_fields_squared,
        implementation="hpcflow_kernels.machine.envelope_band:squared_envelope_spectrum",
        array="hpcflow_kernels.arrays.envelope:squared_envelope_spectrum",
        array_error=4e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check_squared,
        bytes_per_sample=64.0,
        flops_per_sample=200.0,
        error="1e-6 of the mean squared envelope for float32 input, 1e-12 for float64 (1e-9 where window x "
        "rate is no whole number), against scipy.signal.hilbert of the band",
        source="Randall, Antoni and Chobsaard, MSSP 15 (2001), section 4",
    ),
)
