"""Contract of frequency weightings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port
from hpcflow_kernels.filter.poles import halo
from hpcflow_kernels.filter.weighting_design import VIBRATION, WEIGHTINGS, weighting_sections, zeros_and_poles

SOUND_RATE = 8000.0
"""Lowest rate, Hz, at which the gains of A and C stay within class 1 up to half of it."""


RATES = 2.5, 7e4
"""Lowest rate over the upper band limit, and highest rate over the slowest frequency, of a vibration's
weighting."""


@lru_cache(maxsize=64)
def _halo(weighting: str, rate: float) -> int:
    return halo(zeros_and_poles(weighting_sections(weighting, rate)))


def _check(params: Params, rate: float | None) -> Sequence[str]:
    name = params["weighting"]
    if rate is None or not math.isfinite(rate):
        return []
    least, most = SOUND_RATE, math.inf
    if name in VIBRATION:
        w = VIBRATION[name]
        least, most = RATES[0] * w.f2, RATES[1] * min(w.f2, w.f4, w.f5)
    if rate < least:
        return [
            f"weighting {name} needs {least:g} samples per second to be as the standard says (sampling rate "
            f"{rate:g} Hz): use recordings of a higher rate"
        ]
    if rate > most:
        return [
            f"weighting {name} is too slow for float64 above {most:g} samples per second (sampling rate "
            f"{rate:g} Hz): lower the rate first"
        ]
    return []


CONTRACTS = (
    Contract(
        name="frequency_weighting",
        version=2,
        pattern=Pattern.MAP,
        summary="Weight a signal as a sound level meter or a meter of human vibration does.",
        ports=(Port("signal", "signal", "sound pressure (A, C) or acceleration"),),
        params=(Param("weighting", "text", "which one", choices=WEIGHTINGS),),
        fields=lambda params: (
            Field("weighted", f"{params['weighting']}-weighted signal", units="same", dtype="same"),
        ),
        implementation="hpcflow_kernels.filter.weighting:frequency_weighting",
        array="hpcflow_kernels.arrays.filter:frequency_weighting",
        array_error=1e-6,
        axis="sample",
        geometry=lambda params, rate: Geometry(before=_halo(params["weighting"], rate)),
        check=_check,
        bytes_per_sample=24.0,
        flops_per_sample=30.0,
        error="1e-9 of the largest sample against the whole record in one piece; gains within class 1 of IEC "
        "61672-1 and within the tolerances of ISO 8041-1",
        source="IEC 61672-1:2013, annex E; ISO 8041-1:2017, 5.6 and table 3",
    ),
)
