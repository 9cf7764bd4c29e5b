"""Contracts of what two signals have in common."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port, frequencies
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


def _fields_matrix(params: Params) -> tuple[Field, ...]:
    pairs = Dim("pair", tuple(f"{one}-{other}" for one, other in combinations(params["signals"], 2)))
    dims = (pairs, frequencies(params["nperseg"]))
    band: tuple[Field, ...] = ()
    if params["band"]:
        names = tuple(f"{a:g}-{b:g} Hz" for a, b in pairwise(params["band"]))
        band = (
            Field(
                "band_coherence", "mean coherence in a band", dtype="same", dims=(pairs, Dim("band", names))
            ),
        )
    return (
        Field("coherence", "magnitude-squared coherence", dtype="same", dims=dims),
        Field("phase", "phase of a pair's second signal after its first", "rad", "same", dims),
        *band,
        *_counted(),
    )


def _check_matrix(params: Params, rate: float | None) -> Sequence[str]:
    edges = list(params["band"] or ())
    if not edges or (len(edges) > 1 and all(a < b for a, b in pairwise(edges))):
        return []
    return [f"`band` are two or more rising edges of bands (found {edges}): write it like [10 Hz, 100 Hz]"]


_ERROR = (
    "1e-5 for float32 signals, 1e-12 for float64, against scipy.signal.coherence in float64, where bins hold "
    "more than a millionth of the largest power"
)

CONTRACTS = (
    Contract(
        name="coherence",
        version=2,
        pattern=Pattern.RECORD,
        summary="How much of one signal follows another one linearly, by frequency.",
        ports=(Port("signal", "signal", "samples"), Port("reference", "signal", "samples to compare with")),
        params=SEGMENTS,
        fields=_fields_coherence,
        implementation="hpcflow_kernels.spectral.coherence_records:coherence_of_record",
        array="hpcflow_kernels.arrays.coherence:coherence_of_record",
        array_error=1e-5,
        axis="record",
        bytes_per_sample=32.0,
        flops_per_sample=150.0,
        error=_ERROR,
        source="Carter, Knapp and Nuttall, IEEE Trans. Audio Electroacoust. 21 (1973); overlap: Welch (1967)",
    ),
    Contract(
        name="coherence_matrix",
        version=1,
        pattern=Pattern.RECORD,
        summary="Coherence and phase of all pairs of a record's signals, by frequency.",
        ports=(Port("signals", "signal", "variables of one dataset", several=2),),
        params=(
            *SEGMENTS,
            Param(
                "band",
                "list",
                "edges of neighbouring bands, to average over",
                "frequency",
                default=None,
                minimum=0.0,
            ),
        ),
        fields=_fields_matrix,
        implementation="hpcflow_kernels.spectral.coherence_pairs:coherence_of_pairs",
        array="hpcflow_kernels.arrays.coherence:coherence_of_pairs",
        array_error=1e-5,
        axis="record",
        check=_check_matrix,
        bytes_per_sample=40.0,
        flops_per_sample=150.0,
        error=_ERROR,
        source="Carter, Knapp and Nuttall, IEEE Trans. Audio Electroacoust. 21 (1973); overlap: Welch (1967)",
    ),
    Contract(
        name="transfer_function",
        version=2,
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
        array="hpcflow_kernels.arrays.coherence:transfer_function_of_record",
        array_error=1e-5,
        axis="record",
        bytes_per_sample=32.0,
        flops_per_sample=150.0,
        error=_ERROR,
        source="Bendat and Piersol, Random Data, 4th edition, chapter 6; Rocklin, Crowley and Vold, "
        "3rd IMAC (1985)",
    ),
)
