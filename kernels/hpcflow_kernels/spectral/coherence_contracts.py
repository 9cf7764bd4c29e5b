"""Contracts of what two signals have in common."""

from __future__ import annotations

from hpcflow_kernels.contract import Contract, Field, Param, Params, Pattern, Port, frequencies
from hpcflow_kernels.spectral.stft_contracts import SEGMENTS


def _counted() -> tuple[Field, ...]:
    return (
        Field("coherence_noise", "coherence that independent signals stay below in 95 % of the bins"),
        Field("segments", "segments without missing samples"),
    )


def _fields_coherence(params: Params) -> tuple[Field, ...]:
    dims = (frequencies(params["nperseg"]),)
    return (
        Field("coherence", "magnitude-squared coherence", dtype="same", dims=dims),
        Field("phase", "phase of the signal against the reference", units="rad", dtype="same", dims=dims),
        *_counted(),
    )


def _fields_transfer(params: Params) -> tuple[Field, ...]:
    dims = (frequencies(params["nperseg"]),)
    ratio = "{response} {excitation}-1"
    return (
        Field("gain", "modulus of the transfer function", units=ratio, dtype="same", dims=dims),
        Field("phase", "phase of the transfer function", units="rad", dtype="same", dims=dims),
        Field("coherence", "magnitude-squared coherence", dtype="same", dims=dims),
        *_counted(),
    )


_ERROR = (
    "1e-5 for float32 signals, 1e-12 for float64, against scipy.signal.coherence in float64, where bins hold "
    "more than a millionth of the largest power"
)

CONTRACTS = (
    Contract(
        name="coherence",
        version=1,
        pattern=Pattern.RECORD,
        summary="How much of one signal follows another one linearly, by frequency.",
        ports=(Port("signal", "signal", "samples"), Port("reference", "signal", "samples to compare with")),
        params=SEGMENTS,
        fields=_fields_coherence,
        implementation="hpcflow_kernels.spectral.coherence_records:coherence_of_record",
        axis="record",
        bytes_per_sample=32.0,
        flops_per_sample=150.0,
        error=_ERROR,
        source="Carter, Knapp and Nuttall, IEEE Trans. Audio Electroacoust. 21 (1973); overlap: Welch (1967)",
    ),
    Contract(
        name="transfer_function",
        version=1,
        pattern=Pattern.RECORD,
        summary="Frequency response from an excitation to a response, with its coherence.",
        ports=(
            Port("excitation", "signal", "what drives: a force, a ground motion"),
            Port("response", "signal", "what answers"),
        ),
        params=(
            *SEGMENTS,
            Param(
                "estimator",
                "text",
                "h1 bears noise in the response, h2 in the excitation, hv in both alike",
                default="h1",
                choices=("h1", "h2", "hv"),
            ),
        ),
        fields=_fields_transfer,
        implementation="hpcflow_kernels.spectral.coherence_records:transfer_function_of_record",
        axis="record",
        bytes_per_sample=32.0,
        flops_per_sample=150.0,
        error=_ERROR,
        source="Bendat and Piersol, Random Data, 4th edition, chapter 6; Rocklin, Crowley and Vold, "
        "3rd IMAC (1985)",
    ),
)
