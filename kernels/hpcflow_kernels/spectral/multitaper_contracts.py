"""Contracts of multitaper spectra and of cepstra."""

from __future__ import annotations

from collections.abc import Sequence

from hpcflow_kernels.contract import (
    Contract,
    Dim,
    Field,
    Geometry,
    Param,
    Params,
    Pattern,
    Port,
    frequencies,
)
from hpcflow_kernels.spectral.shape_contracts import SCALING, power_field
from hpcflow_kernels.spectral.stft_contracts import SEGMENTS, hop_of


def _geometry(params: Params, rate: float) -> Geometry:
    return Geometry(hop=hop_of(params["nperseg"], params["overlap"]), frame=params["nperseg"])


def _fields_multitaper(params: Params) -> tuple[Field, ...]:
    return (power_field(params, frequencies(params["nperseg"])),)


def _check_multitaper(params: Params, rate: float | None) -> Sequence[str]:
    if params["bandwidth"] < params["nperseg"] / 4:
        return []
    return [
        f"tapers of {params['bandwidth']:g} bins smear half of the spectrum of {params['nperseg']} samples: "
        "lower `bandwidth` or raise `nperseg`"
    ]


def _fields_cepstrum(params: Params) -> tuple[Field, ...]:
    values = tuple(float(k) for k in range(params["nperseg"] // 2 + 1))
    quefrency = Dim("quefrency", values, "s", rate_power=-1, unscaled="quefrency_in_samples")
    return (Field("cepstrum", f"{params['kind']} cepstrum", dtype="same", dims=(quefrency,)),)


CONTRACTS = (
    Contract(
        name="multitaper",
        version=2,
        pattern=Pattern.WINDOW,
        summary="Power spectra by several orthogonal tapers: less variance and leakage from one segment.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *SEGMENTS[:2],
            Param(
                "bandwidth",
                "number",
                "half the width over which a line is spread, in bins",
                default=4.0,
                minimum=1.0,
                maximum=64.0,
            ),
            Param(
                "weighting",
                "text",
                "how tapers are averaged",
                default="eigenvalues",
                choices=("eigenvalues", "uniform", "adaptive"),
            ),
            SCALING,
        ),
        fields=_fields_multitaper,
        implementation="hpcflow_kernels.spectral.multitaper:multitaper_frames",
        array="hpcflow_kernels.arrays.spectrum:multitaper_frames",
        array_error=4e-6,
        axis="frame",
        geometry=_geometry,
        check=_check_multitaper,
        bytes_per_sample=24.0,
        flops_per_sample=900.0,
        error="4e-6 of the largest bin for float32 (1e-5 with adaptive weights), 1e-13 for float64",
        source="Thomson, Proc. IEEE 70 (1982); Percival and Walden (1993), chapter 7",
    ),
    Contract(
        name="cepstrum",
        version=3,
        pattern=Pattern.WINDOW,
        summary="Cepstrum of segments: peaks at the periods of families of lines and the delays of echoes.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *SEGMENTS,
            Param("kind", "text", "which one", default="real", choices=("real", "power")),
        ),
        fields=_fields_cepstrum,
        implementation="hpcflow_kernels.spectral.cepstrum:cepstrum_frames",
        array="hpcflow_kernels.arrays.spectrum:cepstrum_frames",
        array_error=1e-6,
        axis="frame",
        geometry=_geometry,
        check=lambda params, rate: [],
        bytes_per_sample=32.0,
        flops_per_sample=150.0,
        error="rounding of the float type (float64 inside)",
        source="Bogert, Healy and Tukey (1963); Oppenheim and Schafer (2010), section 13.5",
    ),
)
