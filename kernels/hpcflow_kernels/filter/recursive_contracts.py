"""Contracts of the recursive filters: what planning must know, in plain arithmetic, without scipy."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Sequence
from functools import lru_cache

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port
from hpcflow_kernels.filter.poles import DESIGNS, Design, Zpk, digital, halo, padding

DESIGN = (
    Param("order", "integer", "order of the prototype, a pass", default=4, minimum=1, maximum=12),
    Param("design", "text", "family", default="butterworth", choices=DESIGNS),
    Param(
        "ripple",
        "number",
        "of chebyshev1 and elliptic in their pass band, dB a pass",
        default=0.5,
        minimum=1e-3,
        maximum=20.0,
    ),
    Param(
        "attenuation",
        "number",
        "of chebyshev2 and elliptic in their stop band, dB a pass",
        default=40.0,
        minimum=5.0,
        maximum=200.0,
    ),
)
"""Parameters of every step that is designed from an analogue prototype."""


def asked(kind: str, params: Params, rate: float) -> Design:
    """What a step asks of its filter."""
    edges = (params["low"], params["high"]) if kind == "bandpass" else (params["cutoff"],)
    rest = params["order"], params["design"], params["ripple"], params["attenuation"]
    return Design(kind, edges, rate, *rest)


@lru_cache(maxsize=256)
def two_way_halo(design: Design) -> int:
    """Samples on either side after which the zero-phase filter has forgotten where it began."""
    found = digital(design)
    return halo(found, found)


def notch_poles(frequency: float, harmonics: int, quality: float, rate: float) -> Zpk:
    """Zeros, poles and gain of the notches that `scipy.signal.iirnotch` designs, one after another.

    Examples
    --------
    >>> len(notch_poles(50.0, 3, 30.0, 1000.0).poles)
    6
    """
    gain, zeros, poles = 1.0, [], []
    for k in range(1, harmonics + 1):
        if k * frequency < rate / 2:
            angle = 2 * math.pi * k * frequency / rate
            part = 1 / (1 + math.tan(math.pi * frequency / quality / rate))
            root = cmath.sqrt((part * math.cos(angle)) ** 2 - (2 * part - 1))
            gain *= part
            zeros += [cmath.exp(1j * angle), cmath.exp(-1j * angle)]
            poles += [part * math.cos(angle) + root, part * math.cos(angle) - root]
    return Zpk(tuple(zeros), tuple(poles), gain)


@lru_cache(maxsize=256)
def _notch_halo(frequency: float, harmonics: int, quality: float, rate: float) -> int:
    found = notch_poles(frequency, harmonics, quality, rate)
    return halo(found, found)


def _geometry(kind: str) -> Callable[[Params, float], Geometry]:
    def geometry(params: Params, rate: float) -> Geometry:
        reach = two_way_halo(asked(kind, params, rate))
        return Geometry(before=reach, after=reach)

    return geometry


def _geometry_notch(params: Params, rate: float) -> Geometry:
    reach = _notch_halo(params["frequency"], params["harmonics"], params["quality"], rate)
    return Geometry(before=reach, after=reach)


def _least_notch(params: Params, rate: float) -> int:
    below = math.ceil(rate / 2 / params["frequency"]) - 1
    return padding(2 * max(1, min(params["harmonics"], below))) + 1


def check_design(params: Params) -> list[str]:
    """Whether an elliptic filter's ripple and attenuation leave it anything to do."""
    if params["design"] != "elliptic" or params["ripple"] < params["attenuation"]:
        return []
    return [
        f"an elliptic filter's `attenuation` must exceed its `ripple` ({params['attenuation']:g} and "
        f"{params['ripple']:g} dB): raise `attenuation`"
    ]


def _check_bandpass(params: Params, rate: float | None) -> Sequence[str]:
    low, high = params["low"], params["high"]
    problems = check_design(params)
    if low >= high:
        problems.append(
            f"the band's lower edge must lie below its upper edge (low {low:g} Hz, high {high:g} Hz): "
            "exchange them"
        )
    if rate is not None and math.isfinite(rate) and high >= rate / 2:
        problems.append(
            f"the band must end below half the sampling rate (high {high:g} Hz, sampling rate {rate:g} Hz, "
            f"half of it {rate / 2:g} Hz): nothing above was recorded, lower `high` to {0.45 * rate:g} Hz"
        )
    return problems


def _check_cutoff(remedy: str) -> Callable[[Params, float | None], Sequence[str]]:
    below = _check_below_half("cutoff", remedy)
    return lambda params, rate: [*check_design(params), *below(params, rate)]


def _check_below_half(name: str, remedy: str) -> Callable[[Params, float | None], Sequence[str]]:
    def check(params: Params, rate: float | None) -> Sequence[str]:
        if rate is None or not math.isfinite(rate) or params[name] < rate / 2:
            return []
        return [
            f"`{name}` must lie below half the sampling rate ({params[name]:g} Hz, sampling rate "
            f"{rate:g} Hz, half of it {rate / 2:g} Hz): {remedy}"
        ]

    return check


ERROR = (
    "1e-9 of the largest sample against scipy.signal.sosfiltfilt on the whole record, before rounding to the "
    "signal's own type"
)

BANDPASS = Contract(
    name="bandpass",
    version=4,
    pattern=Pattern.MAP,
    summary="Keep one frequency band, without shifting anything in time.",
    ports=(Port("signal", "signal", "samples to filter"),),
    params=(
        Param("low", "quantity", "lower edge, half power per pass", "frequency", minimum=1e-6),
        Param("high", "quantity", "upper edge, half power per pass", "frequency", minimum=1e-6),
        *DESIGN,
    ),
    fields=lambda params: (Field("filtered", "band-passed signal", units="same", dtype="same"),),
    implementation="hpcflow_kernels.filter.zero_phase:bandpass",
    array="hpcflow_kernels.arrays.filter:bandpass",
    array_error=1e-6,
    axis="sample",
    geometry=_geometry("bandpass"),
    min_samples=lambda params, rate: padding(2 * params["order"]) + 1,
    check=_check_bandpass,
    bytes_per_sample=24.0,
    flops_per_sample=160.0,
    error=ERROR,
    source="designs as SciPy makes them; zero phase by two passes, odd extension",
)

LOWPASS = Contract(
    name="lowpass",
    version=2,
    pattern=Pattern.MAP,
    summary="Keep what is slower than a frequency, without shifting anything in time.",
    ports=(Port("signal", "signal", "samples to filter"),),
    params=(Param("cutoff", "quantity", "edge, half power per pass", "frequency", minimum=1e-6), *DESIGN),
    fields=lambda params: (Field("filtered", "low-passed signal", units="same", dtype="same"),),
    implementation="hpcflow_kernels.filter.bands:lowpass",
    array="hpcflow_kernels.arrays.filter:lowpass",
    array_error=1e-6,
    axis="sample",
    geometry=_geometry("lowpass"),
    min_samples=lambda params, rate: padding(params["order"]) + 1,
    check=_check_cutoff("leave the step out, for nothing above was recorded"),
    bytes_per_sample=24.0,
    flops_per_sample=80.0,
    error=ERROR,
    source=BANDPASS.source,
)

HIGHPASS = Contract(
    name="highpass",
    version=2,
    pattern=Pattern.MAP,
    summary="Keep what is faster than a frequency, without shifting anything in time.",
    ports=LOWPASS.ports,
    params=LOWPASS.params,
    fields=lambda params: (Field("filtered", "high-passed signal", units="same", dtype="same"),),
    implementation="hpcflow_kernels.filter.bands:highpass",
    array="hpcflow_kernels.arrays.filter:highpass",
    array_error=1e-6,
    axis="sample",
    geometry=_geometry("highpass"),
    min_samples=LOWPASS.min_samples,
    check=_check_cutoff("lower it, for nothing above was recorded"),
    bytes_per_sample=24.0,
    flops_per_sample=80.0,
    error=ERROR,
    source=BANDPASS.source,
)

NOTCH = Contract(
    name="notch",
    version=2,
    pattern=Pattern.MAP,
    summary="Take out one frequency and its multiples, without shifting anything in time.",
    ports=(Port("signal", "signal", "samples to filter"),),
    params=(
        Param("frequency", "quantity", "what to take out", "frequency", minimum=1e-6),
        Param("harmonics", "integer", "how many multiples, 1 for none", default=1, minimum=1, maximum=100),
        Param(
            "quality",
            "number",
            "frequency over the width of each notch at half power per pass",
            default=30.0,
            minimum=0.5,
            maximum=1000.0,
        ),
    ),
    fields=lambda params: (Field("filtered", "signal without the frequency", units="same", dtype="same"),),
    implementation="hpcflow_kernels.filter.bands:notch",
    array="hpcflow_kernels.arrays.filter:notch",
    array_error=1e-6,
    axis="sample",
    geometry=_geometry_notch,
    min_samples=_least_notch,
    check=_check_below_half("frequency", "leave the step out, for nothing above was recorded"),
    bytes_per_sample=24.0,
    flops_per_sample=80.0,
    error=ERROR,
    source="scipy.signal.iirnotch (Orfanidis, Introduction to Signal Processing, 1996, chapter 11)",
)

CONTRACTS = (BANDPASS, LOWPASS, HIGHPASS, NOTCH)
