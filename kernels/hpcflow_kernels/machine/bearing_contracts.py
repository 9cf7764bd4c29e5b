"""Contracts of the bearing kernels: envelope spectrum, condition indicators, diagnosis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import MISSING, check_frames, geometry_frames
from hpcflow_kernels.machine.bearing_geometry import UnknownBearingError, multiples_of
from hpcflow_kernels.machine.envelope_contracts import check_band

FAULTS = ("inner", "outer", "rolling")
HARMONICS = 5
ORDERS_PER_STEP, LAST_ORDER = 32, 30
"""The evidence spectrum has this many points per shaft order, up to this order."""

DIAGNOSES = ("none", "inner", "outer", "rolling", "uncertain")
REASONS = (
    "fault_lines",
    "no_fault_lines",
    "no_speed",
    "no_bearing",
    "unknown_bearing",
    "no_signal",
    "constant_signal",
    "saturated_signal",
    "too_short",
    "sampling_rate_too_low",
    "band_only",
    "weak_lines",
    "single_line",
    "fundamental_missing",
    "speed_not_confirmed",
    "shaft_or_mains_lines",
    "unexplained_lines",
    "several_faults",
    "sidebands_missing",
    "impulses_not_periodic",
    "impulsive_without_lines",
    "too_little_power",
)
"""Why; the first two go with a label, all others with `uncertain`. Explained in docs/bearing.md."""


def _fields_envelope(params: Params) -> tuple[Field, ...]:
    count = int(params["max_frequency"] * params["window"] + 1e-9) + 1
    grid = tuple(k / params["window"] for k in range(count))
    return (
        Field(
            "amplitude",
            "amplitude of the envelope's modulation",
            units="same",
            dtype="same",
            dims=(Dim("frequency", grid, "Hz"),),
        ),
    )


def _check_envelope(params: Params, rate: float | None) -> Sequence[str]:
    problems = check_frames(params, rate)
    if params.get("band") is not None:
        problems += check_band(params, rate)
    if rate is not None and math.isfinite(rate) and params["max_frequency"] > rate / 2:
        problems.append(
            f"the spectrum must end at or below half the sampling rate (max_frequency "
            f"{params['max_frequency']:g} Hz, sampling rate {rate:g} Hz): lower `max_frequency`"
        )
    if params["max_frequency"] * params["window"] < 1:
        problems.append(
            f"a window of {params['window']:g} s resolves {1 / params['window']:g} Hz, more than "
            f"max_frequency ({params['max_frequency']:g} Hz): lengthen `window` or raise `max_frequency`"
        )
    return problems


def _fields_indicators(params: Params) -> tuple[Field, ...]:
    fields = [
        Field("rms", "root mean square about the mean", units="same", dtype="same"),
        Field("peak", "largest distance from the mean", units="same", dtype="same"),
        Field("peak_to_peak", "largest less smallest value", units="same", dtype="same"),
        Field("crest_factor", "peak over root mean square", dtype="same"),
        Field("kurtosis", "fourth standardised moment, 3 for Gaussian noise", dtype="same"),
        Field("skewness", "third standardised moment", dtype="same"),
    ]
    edges = params.get("band")
    if edges:
        names = tuple(f"{low:g}-{high:g} Hz" for low, high in pairwise(edges))
        fields.append(
            Field("band_power", "power in a band", units="same^2", dtype="same", dims=(Dim("band", names),))
        )
    return tuple(fields)


def _check_indicators(params: Params, rate: float | None) -> Sequence[str]:
    problems = check_frames(params, rate)
    edges = params.get("band")
    if edges and (len(edges) < 2 or any(low >= high for low, high in pairwise(edges))):
        problems.append(
            f"`band` needs two or more rising frequencies (found {list(edges)}): write [low, high]"
        )
    elif edges and rate is not None and math.isfinite(rate) and edges[-1] > rate / 2:
        problems.append(
            f"`band` must end at or below half the sampling rate ({edges[-1]:g} Hz of {rate / 2:g} Hz)"
        )
    return problems


def _fields_faults(params: Params) -> tuple[Field, ...]:
    fault = Dim("fault", FAULTS)
    lines = (fault, Dim("harmonic", tuple(float(k) for k in range(1, HARMONICS + 1))))
    orders = tuple(k / ORDERS_PER_STEP for k in range(LAST_ORDER * ORDERS_PER_STEP + 1))
    order = (Dim("order", orders),)
    return (
        Field("diagnosis", "bearing fault", dtype="int8", flags=DIAGNOSES),
        Field("reason", "why this diagnosis", dtype="int8", flags=REASONS),
        Field("score", "minus log10 of the chance that noise alone shows the best fault's lines"),
        Field("fault_score", "the same for each fault", dims=(fault,)),
        Field("shaft_frequency", "shaft frequency, refined from the spectrum where it shows", units="Hz"),
        Field("band_low", "lower edge of the band with the evidence", units="Hz"),
        Field("band_high", "upper edge of the band with the evidence", units="Hz"),
        Field("explained", "share of the line power, shaft and mains aside, that the best fault explains"),
        Field("impulsiveness", "largest spectral kurtosis over the bands, 0 for Gaussian noise"),
        Field("detectable_depth", "smallest modulation that would have been found, in decibel of band power"),
        Field("line_expected", "frequency of the fault's line by kinematics", units="Hz", dims=lines),
        Field(
            "line_found", "frequency where the line stands, missing where none does", units="Hz", dims=lines
        ),
        Field("line_ratio", "amplitude over background at the line", dims=lines),
        Field("line_depth", "modulation at the line, in decibel of band power", dims=lines),
        Field("line_sidebands", "significant sidebands beside the line, of 4", dims=lines),
        Field("spectrum", "modulation of the band's power by shaft order, in decibel", dims=order),
        Field("background", "background of that spectrum, in decibel", dims=order),
    )


def _doubt_faults(facts: Mapping[str, Any]) -> str:
    """Why a record with these facts stays uncertain; "" where it need not."""
    bearing, speed = (facts.get("bearing") or "").strip(), facts.get("speed")
    if not bearing:
        return "the bearing is not known: give the input `bearing`, in `records` or `defaults`"
    try:
        multiples_of(bearing)
    except UnknownBearingError as error:
        return str(error)
    if speed is None or not 0 < speed < math.inf:
        return "the shaft speed is not known: give the input `speed`, in `records` or `defaults`"
    return ""


MOST_REVOLUTIONS, MOST_SAMPLES = 4000.0, 1 << 24
"""Longer records are judged by their middle (`hpcflow_kernels.machine.bearing.middle`)."""


def _most_samples(params: Params, rate: float, facts: Mapping[str, Any]) -> int:
    """Samples of a record that are judged."""
    speed = facts.get("speed")
    if not isinstance(speed, float) or not 0 < speed < math.inf or not 0 < rate < math.inf:
        return MOST_SAMPLES
    return int(min(MOST_REVOLUTIONS / speed * rate, MOST_SAMPLES))


CONTRACTS = (
    Contract(
        name="envelope_spectrum",
        version=6,
        pattern=Pattern.WINDOW,
        summary="Amplitude spectrum of the envelope, on a frequency grid that no sampling rate changes.",
        ports=(Port("signal", "signal", "a band-passed signal, or a raw one with `band`"),),
        params=(
            Param("window", "quantity", "frame duration", "duration", default=1.0, minimum=1e-6),
            Param(
                "overlap",
                "quantity",
                "shared part of frames",
                "fraction",
                default=0.5,
                minimum=0.0,
                maximum=0.95,
            ),
            Param("max_frequency", "quantity", "end of the grid", "frequency", default=1000.0, minimum=1e-6),
            Param("band", "list", "edges, where the signal is raw", "frequency", default=None, minimum=0.0),
            Param(
                "oversampling", "number", "envelope's rate over the band's width", default=4.0, minimum=2.0
            ),
        ),
        fields=_fields_envelope,
        implementation="hpcflow_kernels.machine.envelope:envelope_spectrum",
        array="hpcflow_kernels.arrays.envelope:envelope_spectrum",
        array_error=4e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check_envelope,
        bytes_per_sample=64.0,
        flops_per_sample=400.0,
        error="1e-5 of the mean envelope for float32 input, 1e-12 for float64, against scipy.signal.hilbert",
        source="Randall and Antoni, MSSP 25 (2011), section 5",
    ),
    Contract(
        name="condition_indicators",
        version=4,
        pattern=Pattern.WINDOW,
        summary="RMS, peak, crest factor, kurtosis, skewness and band power, frame by frame.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param("window", "quantity", "frame duration", "duration", default=1.0, minimum=1e-6),
            Param(
                "overlap",
                "quantity",
                "shared part of frames",
                "fraction",
                default=0.0,
                minimum=0.0,
                maximum=0.95,
            ),
            Param(
                "band",
                "list",
                "edges of adjacent bands for band power",
                "frequency",
                default=None,
                minimum=0.0,
            ),
            MISSING,
        ),
        fields=_fields_indicators,
        implementation="hpcflow_kernels.features.condition:condition_indicators",
        array="hpcflow_kernels.arrays.indicators:condition_indicators",
        array_error=2e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check_indicators,
        bytes_per_sample=48.0,
        flops_per_sample=120.0,
        error="1e-6 relative for float32 input (float64 inside), 1e-12 for float64, against scipy.stats",
        source="ISO 13373-1:2002 annex; moments as scipy.stats.kurtosis(fisher=False) and scipy.stats.skew",
    ),
    Contract(
        name="bearing_faults",
        version=3,
        pattern=Pattern.RECORD,
        summary="Name the faulty part of a rolling bearing, or say why not.",
        ports=(
            Port("signal", "signal", "the raw vibration, not band-passed", optional=True),
            Port("spectrum", "rows", "envelope_spectrum frames of a band of your choice", optional=True),
            Port("speed", "fact", "shaft speed", "frequency", optional=True),
            Port("bearing", "fact", "designation, geometry or multiples", "text", optional=True),
        ),
        params=(
            Param(
                "false_alarm",
                "number",
                "chance per record that noise alone passes as a fault's lines",
                default=1e-4,
                minimum=1e-12,
                maximum=0.1,
            ),
            Param(
                "tolerance",
                "quantity",
                "distance from kinematics within which lines are sought: slip and speed error",
                "fraction",
                default=0.03,
                minimum=0.001,
                maximum=0.05,
            ),
            Param(
                "least_depth",
                "number",
                "decibel of band power below which a line is too weak for a label",
                default=1.0,
                minimum=0.0,
                maximum=20.0,
            ),
        ),
        fields=_fields_faults,
        implementation="hpcflow_kernels.machine.bearing:bearing_faults",
        axis="record",
        bytes_per_sample=120.0,
        flops_per_sample=6000.0,
        most_samples=_most_samples,
        doubt=_doubt_faults,
        error="decisions at a stated false-alarm rate: docs/bearing.md",
        source="Randall and Antoni, MSSP 25 (2011); Smith and Randall, MSSP 64-65 (2015); Borghesani and "
        "Antoni, MSSP 90 (2017): log-envelope; derivation in docs/bearing.md",
    ),
)
