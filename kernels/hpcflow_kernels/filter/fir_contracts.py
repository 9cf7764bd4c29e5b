"""Contract of the filter of finite length."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port

WINDOWS = ("hamming", "hann", "blackman", "blackmanharris", "boxcar")


def _check(params: Params, rate: float | None) -> Sequence[str]:
    low, high, taps = params["low"], params["high"], params["taps"]
    problems = []
    if low is None and high is None:
        problems.append("a filter needs an edge, `low`, `high` or both: give high: 100 Hz for a low-pass")
    if low is not None and high is not None and low >= high:
        problems.append(
            f"the band's lower edge must lie below its upper edge (low {low:g} Hz, high {high:g} Hz): "
            "exchange them"
        )
    if taps % 2 == 0:
        problems.append(
            f"an even number of taps delays by half a sample (taps {taps}): give {taps + 1} instead"
        )
    if rate is not None and math.isfinite(rate):
        for name, edge in (("low", low), ("high", high)):
            if edge is not None and edge >= rate / 2:
                problems.append(
                    f"band edges must lie below half the sampling rate ({name} {edge:g} Hz, sampling rate "
                    f"{rate:g} Hz, half of it {rate / 2:g} Hz): nothing above was recorded, leave "
                    f"`{name}` out or lower it to {0.45 * rate:g} Hz"
                )
    return problems


def _geometry(params: Params, rate: float) -> Geometry:
    half = params["taps"] // 2
    return Geometry(before=half, after=half)


CONTRACTS = (
    Contract(
        name="fir",
        version=2,
        pattern=Pattern.MAP,
        summary="Keep or remove a frequency band with a filter of finite length, without delay.",
        ports=(Port("signal", "signal", "samples to filter"),),
        params=(
            Param("low", "quantity", "lower edge, half amplitude", "frequency", None, minimum=1e-6),
            Param("high", "quantity", "upper edge, half amplitude", "frequency", None, minimum=1e-6),
            Param("taps", "integer", "length of the filter, odd", default=257, minimum=3, maximum=65_537),
            Param("window", "text", "what shapes the taps", default="hamming", choices=WINDOWS),
            Param("stop", "flag", "remove the band instead of keeping it", default=False),
        ),
        fields=lambda params: (Field("filtered", "filtered signal", units="same", dtype="same"),),
        implementation="hpcflow_kernels.filter.fir:fir",
        array="hpcflow_kernels.arrays.filter:fir",
        array_error=2e-6,
        axis="sample",
        geometry=_geometry,
        min_samples=lambda params, rate: params["taps"] // 2 + 1,
        check=_check,
        bytes_per_sample=12.0,
        flops_per_sample=100.0,
        error="4 + taps / 50 roundings of the largest sample times the sum of the taps' sizes",
        source="window method: Oppenheim and Schafer, Discrete-Time Signal Processing, section 7.5; "
        "overlap-save: section 8.7; Crandall and Fagin, Mathematics of Computation 62 (1994)",
    ),
)
