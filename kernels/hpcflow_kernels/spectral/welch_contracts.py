"""Contracts of the power spectra."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port, frequencies
from hpcflow_kernels.frames_contracts import MISSING

TAPERS = ("hann", "hamming", "blackman", "blackmanharris", "flattop", "boxcar")


def _geometry(params: Params, rate: float) -> Geometry:
    frame = max(1, int(params["window"] * rate + 0.5))
    return Geometry(hop=frame, frame=frame)


def _fields(params: Params) -> tuple[Field, ...]:
    density = params["scaling"] == "density"
    return (
        Field(
            "power",
            "power spectral density" if density else "power spectrum",
            units="same^2 Hz-1" if density else "same^2",
            dtype="same",
            dims=(frequencies(params["nperseg"]),),
        ),
    )


def _check(params: Params, rate: float | None) -> Sequence[str]:
    if rate is None or not math.isfinite(rate):
        return []
    frame = int(params["window"] * rate + 0.5)
    if frame >= params["nperseg"]:
        return []
    return [
        f"a window must hold a segment (window {params['window']:g} s at {rate:g} Hz holds {frame} samples, "
        f"nperseg {params['nperseg']}): lengthen `window` to {params['nperseg'] / rate:g} s "
        "or lower `nperseg`"
    ]


CONTRACTS = (
    Contract(
        name="welch",
        version=4,
        pattern=Pattern.WINDOW,
        summary="Power spectral density by Welch's method, one spectrum for each window.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param(
                "window", "quantity", "duration behind one spectrum", "duration", default=10.0, minimum=1e-6
            ),
            Param(
                "nperseg",
                "integer",
                "samples of a segment; powers of two are fastest",
                default=1024,
                minimum=8,
                maximum=1 << 16,
            ),
            Param(
                "overlap",
                "quantity",
                "shared part of segments",
                "fraction",
                default=0.5,
                minimum=0.0,
                maximum=0.95,
            ),
            Param("taper", "text", "weights of a segment", default="hann", choices=TAPERS),
            Param(
                "scaling",
                "text",
                "per hertz, or per bin",
                default="density",
                choices=("density", "spectrum"),
            ),
            MISSING,
        ),
        fields=_fields,
        implementation="hpcflow_kernels.spectral.welch:welch_windows",
        array="hpcflow_kernels.arrays.welch:welch_windows",
        array_error=2e-6,
        axis="frame",
        geometry=_geometry,
        check=_check,
        bytes_per_sample=8.0,
        flops_per_sample=60.0,
        error="2e-6 of the largest bin against scipy.signal.welch in float64 (1e-14 for float64 signals)",
        source="Welch (1967); scaling as scipy.signal.welch",
    ),
)
