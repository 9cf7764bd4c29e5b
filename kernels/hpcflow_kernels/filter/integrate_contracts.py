"""Contracts of integrals and derivatives in time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port
from hpcflow_kernels.filter.integrate_design import integrating_passes
from hpcflow_kernels.filter.poles import halo

TIMES = Param("times", "integer", "once or twice", default=1, minimum=1, maximum=2)


@lru_cache(maxsize=256)
def _reach(low: float, rate: float, order: int, times: int) -> int:
    """Halo of the passes, scaled to an integral's gain at `low`; the extension where that is longer."""
    first, second = integrating_passes(low, rate, order, times)
    first = first._replace(gain=first.gain * 2 * math.pi * low)
    if times == 2:
        second = second._replace(gain=second.gain * 2 * math.pi * low)
    return max(halo(first, second), 2 * math.ceil(rate / low)) + 8


def _geometry(params: Params, rate: float) -> Geometry:
    reach = _reach(params["low"], rate, params["order"], params["times"])
    return Geometry(before=reach, after=reach)


def _check(params: Params, rate: float | None) -> Sequence[str]:
    if rate is None or not math.isfinite(rate) or params["low"] < rate / 4:
        return []
    return [
        f"`low` must lie below a quarter of the sampling rate ({params['low']:g} Hz, sampling rate "
        f"{rate:g} Hz): above that no integral is left"
    ]


def _least(params: Params, rate: float) -> int:
    low: float = params["low"]
    return 2 * math.ceil(rate / low)


CONTRACTS = (
    Contract(
        name="integrate",
        version=2,
        pattern=Pattern.MAP,
        summary="Integrate over time what is faster than a frequency: velocity or displacement.",
        ports=(Port("signal", "signal", "acceleration, or whatever is to be integrated"),),
        params=(
            Param("low", "quantity", "edge of the high-pass against drift", "frequency", minimum=1e-6),
            TIMES,
            Param("order", "integer", "of the high-pass, a pass", default=2, minimum=1, maximum=8),
        ),
        fields=lambda params: (
            Field(
                "integral",
                "integral" if params["times"] == 1 else "integral of the integral",
                units="same s" if params["times"] == 1 else "same s2",
                dtype="same",
            ),
        ),
        implementation="hpcflow_kernels.filter.integrate:integrate",
        array="hpcflow_kernels.arrays.filter:integrate",
        array_error=1e-6,
        axis="sample",
        geometry=_geometry,
        min_samples=_least,
        check=_check,
        bytes_per_sample=64.0,
        flops_per_sample=60.0,
        error="1e-9 of the largest sample times (1 / (2 pi low))**times against the whole record in one "
        "piece; gain off by 2e-5 at an eighth of the rate, 1e-3 at a fifth",
        source="trapezoidal rule, its gain put right by central differences; Butterworth, zero phase",
    ),
    Contract(
        name="differentiate",
        version=1,
        pattern=Pattern.MAP,
        summary="First or second derivative in time: acceleration from velocity or displacement.",
        ports=(Port("signal", "signal", "velocity, or whatever is to be differentiated"),),
        params=(TIMES,),
        fields=lambda params: (
            Field("derivative", "derivative", units=f"same s-{params['times']}", dtype="same"),
        ),
        implementation="hpcflow_kernels.filter.integrate:differentiate",
        array="hpcflow_kernels.arrays.filter:differentiate",
        array_error=1e-6,
        axis="sample",
        geometry=lambda params, rate: Geometry(before=8, after=8),
        min_samples=lambda params, rate: 9,
        bytes_per_sample=32.0,
        flops_per_sample=18.0,
        error="gain off by 4e-5 at a tenth of the rate, 0.7 % at a fifth",
        source="Savitzky and Golay, Analytical Chemistry 36 (1964), nine points, degree eight",
    ),
)
