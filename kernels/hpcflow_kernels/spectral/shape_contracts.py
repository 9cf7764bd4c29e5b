"""Contracts of periodograms, of the shape of spectra, and of spectral kurtosis."""

from __future__ import annotations

import math
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
from hpcflow_kernels.frames_contracts import FRAMES, check_frames, geometry_frames
from hpcflow_kernels.spectral.stft_contracts import SEGMENTS, hop_of
from hpcflow_kernels.spectral.welch_contracts import TAPERS

SCALING = Param(
    "scaling", "text", "per hertz, or per bin", default="density", choices=("density", "spectrum")
)


def power_field(params: Params, dim: Dim) -> Field:
    """The power of a frame, as `scaling` says."""
    density = params["scaling"] == "density"
    return Field(
        "power",
        "power spectral density" if density else "power spectrum",
        units="same^2 Hz-1" if density else "same^2",
        dtype="same",
        dims=(dim,),
    )


def _fields_periodogram(params: Params) -> tuple[Field, ...]:
    count = int(params["max_frequency"] * params["window"] + 1e-9) + 1
    grid = tuple(float(f"{k / params['window']:.15g}") for k in range(count))
    return (power_field(params, Dim("frequency", grid, "Hz")),)


def _check_periodogram(params: Params, rate: float | None) -> Sequence[str]:
    problems = check_frames(params, rate)
    if rate is not None and math.isfinite(rate) and params["max_frequency"] > rate / 2:
        problems.append(
            f"`max_frequency` must lie at or below half the sampling rate ({params['max_frequency']:g} Hz of "
            f"{rate / 2:g} Hz): lower it"
        )
    if params["max_frequency"] * params["window"] < 1:
        problems.append(
            f"a window of {params['window']:g} s resolves {1 / params['window']:g} Hz, more than "
            f"max_frequency ({params['max_frequency']:g} Hz): lengthen `window` or raise `max_frequency`"
        )
    return problems


def _fields_shape(params: Params) -> tuple[Field, ...]:
    return (
        Field("centroid", "mean frequency, weighted by power", units="Hz", dtype="same"),
        Field("spread", "standard deviation of frequency about it", units="Hz", dtype="same"),
        Field("rolloff", f"frequency below which {params['rolloff']:.0%} of the power lies", "Hz", "same"),
        Field("flatness", "geometric over arithmetic mean of the powers", dtype="same"),
        Field("entropy", "entropy of the powers, 1 where all are equal", dtype="same"),
        Field("peak_frequency", "frequency of the strongest line", units="Hz", dtype="same"),
    )


def _check_shape(params: Params, rate: float | None) -> Sequence[str]:
    problems, low, high = check_frames(params, rate), params["low"], params["high"]
    end = high if high is not None else rate / 2 if rate is not None and math.isfinite(rate) else math.inf
    if rate is not None and math.isfinite(rate) and end > rate / 2:
        problems.append(
            f"`high` must lie at or below half the sampling rate ({high:g} Hz of {rate / 2:g} Hz)"
        )
    if (end - low) * params["window"] < 4:
        problems.append(
            f"a shape needs 4 bins (from {low:g} to {end:g} Hz a window of {params['window']:g} s has "
            f"{max(0.0, (end - low) * params['window']):g}): lengthen `window` or widen the band"
        )
    return problems


def _geometry_windows(params: Params, rate: float) -> Geometry:
    frame = max(1, int(params["window"] * rate + 0.5))
    return Geometry(hop=frame, frame=frame)


def _fields_kurtosis(params: Params) -> tuple[Field, ...]:
    dims = (frequencies(params["nperseg"]),)
    return (Field("kurtosis", "spectral kurtosis, 0 for Gaussian noise", dtype="same", dims=dims),)


def _check_kurtosis(params: Params, rate: float | None) -> Sequence[str]:
    if rate is None or not math.isfinite(rate):
        return []
    n = params["nperseg"]
    frame, least = int(params["window"] * rate + 0.5), n + 7 * hop_of(n, params["overlap"])
    if frame >= least:
        return []
    return [
        f"a kurtosis needs 8 segments (window {params['window']:g} s at {rate:g} Hz holds {frame} samples, 8 "
        f"segments {least}): lengthen `window` to {least / rate:g} s or lower `nperseg`"
    ]


CONTRACTS = (
    Contract(
        name="periodogram",
        version=2,
        pattern=Pattern.WINDOW,
        summary="Power spectrum of each frame, on a grid that does not depend on the sampling rate.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *FRAMES,
            Param("max_frequency", "quantity", "end of the grid", "frequency", minimum=1e-9),
            Param("taper", "text", "weights of a frame", default="hann", choices=TAPERS),
            SCALING,
        ),
        fields=_fields_periodogram,
        implementation="hpcflow_kernels.spectral.periodogram:periodogram_frames",
        array="hpcflow_kernels.arrays.spectrum:periodogram_frames",
        array_error=4e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check_periodogram,
        bytes_per_sample=24.0,
        flops_per_sample=60.0,
        error="4e-6 of the largest bin for float32 against scipy.signal.periodogram, 2e-14 for float64 "
        "(1e-9 where window x rate is no whole number)",
        source="Schuster (1898); scaling as scipy.signal.periodogram",
    ),
    Contract(
        name="spectral_shape",
        version=2,
        pattern=Pattern.WINDOW,
        summary="Centroid, spread, roll-off, flatness, entropy and peak frequency of each frame's spectrum.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *FRAMES,
            Param("low", "quantity", "lower end of the band", "frequency", default=0.0, minimum=0.0),
            Param(
                "high",
                "quantity",
                "upper end; half the sampling rate if left out",
                "frequency",
                default=None,
                minimum=1e-9,
            ),
            Param(
                "rolloff",
                "quantity",
                "part of the power below the roll-off",
                "fraction",
                default=0.85,
                minimum=0.01,
                maximum=1.0,
            ),
        ),
        fields=_fields_shape,
        implementation="hpcflow_kernels.spectral.shape:spectral_shape",
        array="hpcflow_kernels.arrays.spectrum_numbers:spectral_shape",
        array_error=1e-5,
        axis="frame",
        geometry=geometry_frames,
        check=_check_shape,
        bytes_per_sample=16.0,
        flops_per_sample=120.0,
        error="1e-5 of the value for float32 (flatness 1e-3 over 60 dB), 1e-12 for float64",
        source="Peeters, A large set of audio features, IRCAM (2004), of powers",
    ),
    Contract(
        name="spectral_kurtosis",
        version=2,
        pattern=Pattern.WINDOW,
        summary="How impulsive a signal is at each frequency, one row for each window.",
        ports=(Port("signal", "signal", "a raw signal"),),
        params=(
            Param("window", "quantity", "duration behind one row", "duration", default=10.0, minimum=1e-6),
            Param(
                "nperseg",
                "integer",
                "samples of a segment; powers of two are fastest",
                default=256,
                minimum=8,
                maximum=1 << 16,
            ),
            *SEGMENTS[1:],
        ),
        fields=_fields_kurtosis,
        implementation="hpcflow_kernels.spectral.shape:spectral_kurtosis_frames",
        array="hpcflow_kernels.arrays.spectrum_numbers:spectral_kurtosis_frames",
        array_error=1e-5,
        axis="frame",
        geometry=_geometry_windows,
        check=_check_kurtosis,
        bytes_per_sample=8.0,
        flops_per_sample=90.0,
        error="1e-5 of 2 + kurtosis for float32 signals, 1e-12 for float64",
        source="Antoni, MSSP 20 (2006); unbiased estimate of Vrabie et al. (2003)",
    ),
)
