"""Contract of cyclic coherence."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port

MOST_SAMPLES = 1 << 18
"""Longer records are judged by their middle."""


def _fields(params: Params) -> tuple[Field, ...]:
    frequencies, orders = params["frequencies"], params["orders"]
    wanted = frequencies if frequencies is not None else (orders or ())
    units = "Hz" if frequencies is not None else "1"
    cyclic = Dim("cyclic", tuple(float(value) for value in wanted), units)
    n = params["nperseg"]
    frequency = Dim("relative_frequency", tuple(k / n for k in range(n // 2 + 1)))
    return (
        Field("cyclic_frequency", "where the mean coherence is largest", "Hz", "float64", (cyclic,)),
        Field("mean_coherence", "squared coherence there, mean over frequencies", dims=(cyclic,)),
        Field(
            "coherence",
            "squared coherence there, by lower frequency over sampling rate",
            dims=(cyclic, frequency),
        ),
        Field("expected", "mean of squared coherence for stationary noise"),
    )


def _check(params: Params, rate: float | None) -> Sequence[str]:
    if (params["frequencies"] is None) == (params["orders"] is None):
        return ["cyclic frequencies are told in one way: give `frequencies`, or `orders` and a speed"]
    found = params["frequencies"]
    wanted = found if found is not None else params["orders"]
    if not wanted or min(wanted) <= 0:
        return [f"cyclic frequencies are above 0 (found {list(wanted)}): leave the others out"]
    if found is not None and rate is not None and math.isfinite(rate) and max(found) > rate / 2:
        return [f"cyclic frequencies end at half the sampling rate ({max(found):g} Hz of {rate / 2:g} Hz)"]
    return []


def _most_samples(params: Params, rate: float, facts: Mapping[str, Any]) -> int:
    return MOST_SAMPLES


CONTRACTS = (
    Contract(
        name="cyclic_coherence",
        version=1,
        pattern=Pattern.RECORD,
        summary="How strongly frequencies that lie a cyclic frequency apart belong together.",
        ports=(
            Port("signal", "signal", "a raw signal"),
            Port("speed", "fact", "turns per second, for `orders`", "frequency", optional=True),
        ),
        params=(
            Param("frequencies", "list", "cyclic frequencies", "frequency", default=None, minimum=0.0),
            Param("orders", "list", "or cyclic orders of the shaft", default=None, minimum=0.0),
            Param(
                "tolerance",
                "quantity",
                "how far beside each is looked",
                "fraction",
                default=0.0,
                minimum=0.0,
                maximum=0.05,
            ),
            Param("nperseg", "integer", "samples of a segment", default=256, minimum=16, maximum=16_384),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.machine.cyclic:coherence_of_record",
        array="hpcflow_kernels.arrays.cyclic:coherence_of_record",
        array_error=1e-5,
        axis="record",
        check=_check,
        bytes_per_sample=160.0,
        flops_per_sample=4000.0,
        most_samples=_most_samples,
        error="1e-5 for float32 input, 1e-12 for float64, against a plain sum over segments",
        source="Antoni, Cyclic spectral analysis in practice, MSSP 21 (2007)",
    ),
)
