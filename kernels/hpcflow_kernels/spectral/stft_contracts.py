"""Contract of the spectrogram."""

from __future__ import annotations

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port, frequencies
from hpcflow_kernels.spectral.welch_contracts import TAPERS

SCALINGS = ("density", "spectrum", "magnitude")
_NAMES = {
    "density": ("power spectral density", "same^2 Hz-1"),
    "spectrum": ("power spectrum", "same^2"),
    "magnitude": ("magnitude", "same"),
}


def hop_of(nperseg: int, overlap: float) -> int:
    """Samples from the start of a segment to that of the next, at least one.

    >>> hop_of(1024, 0.75)
    256
    """
    return nperseg - min(int(nperseg * overlap + 0.5), nperseg - 1)


def _geometry(params: Params, rate: float) -> Geometry:
    return Geometry(hop=hop_of(params["nperseg"], params["overlap"]), frame=params["nperseg"])


def _fields(params: Params) -> tuple[Field, ...]:
    name, units = _NAMES[params["scaling"]]
    dims = (frequencies(params["nperseg"]),)
    return (Field("spectrogram", f"{name} of a segment", units=units, dtype="same", dims=dims),)


SEGMENTS = (
    Param(
        "nperseg",
        "integer",
        "samples of a segment; powers of two are fastest",
        default=1024,
        minimum=8,
        maximum=1 << 16,
    ),
    Param(
        "overlap", "quantity", "shared part of segments", "fraction", default=0.5, minimum=0.0, maximum=0.95
    ),
    Param("taper", "text", "weights of a segment", default="hann", choices=TAPERS),
)
"""How a signal is cut into weighted segments."""

CONTRACTS = (
    Contract(
        name="spectrogram",
        version=3,
        pattern=Pattern.WINDOW,
        summary="Spectra of short segments that overlap: time by frequency.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *SEGMENTS,
            Param(
                "scaling",
                "text",
                "power per hertz, power per bin, or the modulus of the transform",
                default="density",
                choices=SCALINGS,
            ),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.spectral.spectrogram:spectrogram_frames",
        array="hpcflow_kernels.arrays.spectrum:spectrogram_frames",
        array_error=2e-6,
        axis="frame",
        geometry=_geometry,
        bytes_per_sample=16.0,
        flops_per_sample=80.0,
        error="2e-6 of the largest value against scipy.signal.spectrogram in float64 (1e-14 for float64 "
        "signals)",
        source="Allen and Rabiner, Proc. IEEE 65 (1977); scaling as scipy.signal.spectrogram, each segment's "
        "mean taken off",
    ),
)
