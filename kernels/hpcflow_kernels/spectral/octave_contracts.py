"""Contract of octave bands."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import FRAMES, check_frames, geometry_frames
from hpcflow_kernels.spectral.octave_bands import bands, edges, nominal


def least_bins(fraction: int) -> int:
    """Bins of a frame that the narrowest band must hold, for its gain to keep within class 1.

    >>> least_bins(1), least_bins(3)
    (24, 6)
    """
    return {1: 24, 2: 12}.get(fraction, 6)


def _fields(params: Params) -> tuple[Field, ...]:
    fraction = params["fraction"]
    names = tuple(nominal(k, fraction) for k in bands(params["low"], params["high"], fraction))
    band = (Dim("frequency", names, "Hz"),)
    return (
        Field("rms", "root mean square in the band", units="same", dtype="same", dims=band),
        Field("level", f"level in the band, re {params['reference']:g}", units="dB", dtype="same", dims=band),
    )


def _check(params: Params, rate: float | None) -> Sequence[str]:
    problems, fraction = check_frames(params, rate), params["fraction"]
    found = bands(params["low"], params["high"], fraction)
    if not found:
        problems.append(
            f"no middle of a band lies from {params['low']:g} to {params['high']:g} Hz: lower `low` or raise "
            "`high`"
        )
        return problems
    lower, upper = edges(found[0], fraction)
    least = least_bins(fraction)
    if (upper - lower) * params["window"] < least:
        problems.append(
            f"the band at {nominal(found[0], fraction):g} Hz is {upper - lower:.3g} Hz wide and needs "
            f"{least} bins (a window of {params['window']:g} s has one every {1 / params['window']:g} Hz): "
            f"lengthen `window` to {least / (upper - lower):.3g} s or raise `low`"
        )
    end = edges(found[-1], fraction)[1]
    if rate is not None and math.isfinite(rate) and end > rate / 2:
        problems.append(
            f"the band at {nominal(found[-1], fraction):g} Hz ends at {end:.6g} Hz, above half the sampling "
            f"rate ({rate / 2:g} Hz): lower `high`"
        )
    return problems


CONTRACTS = (
    Contract(
        name="octave_bands",
        version=2,
        pattern=Pattern.WINDOW,
        summary="Root mean square and level in octave, third-octave or narrower bands of IEC 61260-1.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *FRAMES,
            Param("low", "quantity", "middle of the first band", "frequency", minimum=1e-6),
            Param("high", "quantity", "middle of the last band", "frequency", minimum=1e-6),
            Param("fraction", "integer", "bands per octave", default=3, minimum=1, maximum=24),
            Param(
                "reference",
                "number",
                "what 0 dB stands for, in SI units of the signal: 2e-5 for sound pressure",
                default=1.0,
                minimum=1e-30,
            ),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.spectral.octave:octave_bands",
        array="hpcflow_kernels.arrays.spectrum_numbers:octave_bands",
        array_error=4e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check,
        bytes_per_sample=24.0,
        flops_per_sample=200.0,
        error="4e-6 of the frame's root mean square for float32, 1e-13 for float64; gains within class 1",
        source="IEC 61260-1:2014, class 1, base ten",
    ),
)
