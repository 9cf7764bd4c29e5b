"""Contract of the kurtogram."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port

MOST_SAMPLES = 1 << 22
"""Longer records are judged by their middle."""


def band_counts(levels: int) -> tuple[int, ...]:
    """Bands of each level: 1, 2, 3, 4, 6, 8, 12, ... up to 2**levels.

    >>> band_counts(3)
    (1, 2, 3, 4, 6, 8)
    """
    return tuple(sorted([2**level for level in range(levels + 1)] + [3 * 2**k for k in range(levels - 1)]))


def _fields(params: Params) -> tuple[Field, ...]:
    levels, grid = params["levels"], 3 * 2 ** params["levels"]
    level = Dim("level", tuple(round(math.log2(count), 3) for count in band_counts(levels)))
    middles = tuple((k + 0.5) / (2 * grid) for k in range(grid))
    frequency = Dim("frequency", middles, "Hz", rate_power=1, unscaled="relative_frequency")
    return (
        Field(
            "kurtosis",
            "spectral kurtosis by level and frequency, 0 for Gaussian noise",
            dims=(level, frequency),
        ),
        Field("band_low", "lower edge of the most impulsive band", units="Hz"),
        Field("band_high", "upper edge of the most impulsive band", units="Hz"),
        Field("band_kurtosis", "its spectral kurtosis"),
        Field("kurtosis_noise", "standard deviation that noise would give this kurtosis"),
    )


def _most_samples(params: Params, rate: float, facts: Mapping[str, Any]) -> int:
    return MOST_SAMPLES


CONTRACTS = (
    Contract(
        name="kurtogram",
        version=1,
        pattern=Pattern.RECORD,
        summary="Spectral kurtosis of bands of all widths, and the most impulsive band.",
        ports=(Port("signal", "signal", "a raw signal"),),
        params=(
            Param(
                "levels",
                "integer",
                "the narrowest bands are half the sampling rate over 2**levels",
                default=7,
                minimum=1,
                maximum=9,
            ),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.machine.kurtogram:kurtogram_of_record",
        array="hpcflow_kernels.arrays.kurtogram:kurtogram_of_record",
        array_error=1e-4,
        axis="record",
        bytes_per_sample=40.0,
        flops_per_sample=600.0,
        most_samples=_most_samples,
        error="1e-4 of 1 + kurtosis for float32 input, 1e-9 for float64, against the bands' definition",
        source="Antoni, MSSP 21 (2007), the 1/3-binary tree, with bands cut in the record's transform",
    ),
)
