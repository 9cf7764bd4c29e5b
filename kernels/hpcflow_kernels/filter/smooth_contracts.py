"""Contracts of smoothing, detrending and despiking."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port


def points(window: float, rate: float) -> int:
    """Nearest odd number of samples of a window, at least 1.

    Examples
    --------
    >>> points(0.1, 100.0), points(0.05, 100.0), points(0.001, 100.0)
    (11, 5, 1)
    """
    return 2 * max(0, math.floor((window * rate - 1) / 2 + 0.5)) + 1


def _centred(params: Params, rate: float) -> Geometry:
    """A whole window on either side, for the ends of a stretch are treated by its first and last window."""
    n = max(3, points(params["window"], rate))
    return Geometry(before=n - 1, after=n - 1)


def _check_polynomial(params: Params, rate: float | None) -> Sequence[str]:
    problems = []
    if params["derivative"] > params["degree"]:
        problems.append(
            f"a polynomial of degree {params['degree']} has no derivative {params['derivative']}: raise "
            "`degree`"
        )
    if rate is not None and math.isfinite(rate) and points(params["window"], rate) <= params["degree"]:
        n, least = points(params["window"], rate), params["degree"] // 2 * 2 + 3
        problems.append(
            f"a polynomial of degree {params['degree']} needs more than {params['degree']} samples (window "
            f"{params['window']:g} s at {rate:g} Hz holds {n}): lengthen `window` to {least / rate:g} s"
        )
    return problems


def _fields_polynomial(params: Params) -> tuple[Field, ...]:
    k = params["derivative"]
    name = f"derivative {k} of the smoothed signal" if k else "smoothed signal"
    return (Field("smoothed", name, units=f"same s-{k}" if k else "same", dtype="same"),)


def _fields_spikes(params: Params) -> tuple[Field, ...]:
    if params["result"] == "signal":
        return (Field("despiked", "signal without spikes", units="same", dtype="same"),)
    return (Field("replaced", "1 where a spike was replaced", dtype="same"),)


CONTRACTS = (
    Contract(
        name="savitzky_golay",
        version=2,
        pattern=Pattern.MAP,
        summary="Smooth, or differentiate smoothly, by the polynomial that fits each window best.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param("window", "quantity", "duration of the window", "duration", minimum=1e-9),
            Param("degree", "integer", "of the polynomial", default=3, minimum=0, maximum=12),
            Param("derivative", "integer", "which one; 0 for the value", default=0, minimum=0, maximum=4),
        ),
        fields=_fields_polynomial,
        implementation="hpcflow_kernels.filter.smooth:savitzky_golay",
        array="hpcflow_kernels.arrays.filter:savitzky_golay",
        array_error=2e-6,
        axis="sample",
        geometry=_centred,
        min_samples=lambda params, rate: points(params["window"], rate),
        check=_check_polynomial,
        bytes_per_sample=32.0,
        flops_per_sample=60.0,
        error="a few roundings of the largest sample; derivatives in float64; windows of more than some 40 "
        "samples may move by roundings where a tile is cut elsewhere",
        source="Savitzky and Golay, Anal. Chem. 36 (1964); coefficients by scipy.signal.savgol_coeffs",
    ),
    Contract(
        name="despike",
        version=1,
        pattern=Pattern.MAP,
        summary="Replace samples that stand out from the median of their neighbours by that median.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param("window", "quantity", "duration of the window about a sample", "duration", minimum=1e-9),
            Param(
                "threshold",
                "number",
                "distance from the median, in robust standard deviations of the window",
                default=3.0,
                minimum=0.0,
            ),
            Param(
                "least",
                "number",
                "smallest distance that stands out, in SI units of the signal",
                default=0.0,
                minimum=0.0,
            ),
            Param(
                "result",
                "text",
                "the signal, or 1 where a sample was replaced",
                default="signal",
                choices=("signal", "replaced"),
            ),
        ),
        fields=_fields_spikes,
        implementation="hpcflow_kernels.filter.despike:despike",
        array="hpcflow_kernels.arrays.smooth:despike",
        axis="sample",
        geometry=_centred,
        min_samples=lambda params, rate: max(3, points(params["window"], rate)),
        bytes_per_sample=32.0,
        flops_per_sample=60.0,
        error="exact",
        source="Pearson, IEEE Trans. Control Syst. Technol. 10 (2002); Hampel, J. Am. Stat. Assoc. 69 (1974)",
    ),
    Contract(
        name="detrend",
        version=1,
        pattern=Pattern.RECORD,
        summary="Take the mean or the straight line out of each record, or of each window of it.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param("type", "text", "straight line or mean", default="linear", choices=("linear", "constant")),
            Param(
                "window",
                "quantity",
                "duration of pieces that each lose their own; 0 s for the record",
                "duration",
                default=0.0,
                minimum=0.0,
            ),
        ),
        fields=lambda params: (Field("detrended", "signal without its trend", units="same", dtype="same"),),
        implementation="hpcflow_kernels.filter.smooth:detrend",
        array="hpcflow_kernels.arrays.smooth:detrend",
        array_error=1e-6,
        axis="sample",
        length=lambda params, samples, rate, facts: samples,
        row_rate=lambda params, rate: rate,
        bytes_per_sample=64.0,
        flops_per_sample=12.0,
        error="rounding of the float type (float64 inside)",
        source="least squares, as scipy.signal.detrend",
    ),
)
