"""Contracts of the matrix profile and of what is picked from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port


def window_samples(window: float, rate: float) -> int:
    """Samples of a subsequence: the nearest whole number; 0 where a record has no rate or they are below 3.

    >>> window_samples(0.5, 100.0), window_samples(0.5, math.nan), window_samples(0.01, 100.0)
    (50, 0, 0)
    """
    m = math.floor(window * rate + 0.5) if math.isfinite(rate) else 0
    return m if m >= 3 else 0


def subsequences(params: Params, samples: int, rate: float, facts: Mapping[str, Any]) -> int:
    """How many subsequences a record has."""
    m = window_samples(params["window"], rate)
    return max(0, samples - m + 1) if m else 0


def profile_fields(params: Params) -> tuple[Field, ...]:
    """What a matrix profile says of each subsequence."""
    return (
        Field("distance", "z-normalised Euclidean distance of the subsequence most like it"),
        Field("neighbour", "its start since the record's first sample", "s", "float64"),
    )


def _ranked(params: Params) -> tuple[Field, ...]:
    dims = (Dim("rank", tuple(float(k + 1) for k in range(params["top"]))),)
    since = "since the record's first sample"
    return (
        Field("motif_start", f"start of the earlier of two like subsequences, {since}", "s", "float64", dims),
        Field("motif_other", f"start of the later one, {since}", "s", "float64", dims),
        Field("motif_distance", "their distance", dims=dims),
        Field(
            "discord_start", f"start of the subsequence least like any other, {since}", "s", "float64", dims
        ),
        Field("discord_distance", "its distance from the one most like it", dims=dims),
    )


_WINDOW = Param("window", "quantity", "length of the subsequences that are compared", "duration", minimum=0.0)

CONTRACTS = (
    Contract(
        name="matrix_profile",
        version=1,
        pattern=Pattern.RECORD,
        summary="For each subsequence of a record, how far from and where the one most like it is.",
        ports=(Port("signal", "signal", "samples, on a regular grid"),),
        params=(_WINDOW,),
        fields=profile_fields,
        implementation="hpcflow_kernels.similarity.motifs:profile_of_record",
        cuda="hpcflow_kernels.cuda.profile:profile_of_record",
        array_error=1e-6,
        axis="subsequence",
        length=subsequences,
        row_rate=lambda params, rate: rate,
        bytes_per_sample=250.0,
        flops_per_sample=2000.0,
        flops_per_pair=4.0,
        error="distances of the pairs named: 1e-12 (float64); a pair's correlation: within 1e-4 of the best",
        source="Matrix Profile I (Yeh and others) and II (Zhu and others) 2016; XV (Kamgar and others) 2019",
    ),
    Contract(
        name="profile_join",
        version=1,
        pattern=Pattern.RECORD,
        summary="For each subsequence of a record, the one most like it in any record of a dataset.",
        ports=(
            Port("signal", "signal", "samples, on a regular grid"),
            Port("references", "signal", "the dataset whose records are searched", whole=True),
        ),
        params=(_WINDOW,),
        fields=lambda params: (
            Field("distance", "z-normalised Euclidean distance of the subsequence most like it"),
            Field("neighbour", "its start since its record's first sample", "s", "float64"),
            Field("reference", "place of its record, -1 where there is none", "1", "int64"),
        ),
        implementation="hpcflow_kernels.similarity.profile_join:profile_join",
        cuda="hpcflow_kernels.cuda.profile:profile_join",
        array_error=1e-6,
        axis="subsequence",
        length=subsequences,
        row_rate=lambda params, rate: rate,
        bytes_per_sample=300.0,
        flops_per_sample=2000.0,
        flops_per_pair=8.0,
        error="as matrix_profile",
        source="Yeh and others, Matrix Profile I, ICDM 2016 (joins of two series)",
    ),
    Contract(
        name="motifs",
        version=1,
        pattern=Pattern.RECORD,
        summary="The pairs most alike and the subsequences least like any other, from a matrix profile.",
        ports=(Port("profile", "rows", "rows of matrix_profile"),),
        params=(
            _WINDOW,
            Param("top", "integer", "how many of each", default=3, minimum=1, maximum=100),
        ),
        fields=_ranked,
        implementation="hpcflow_kernels.similarity.motifs:motifs_of_record",
        axis="record",
        bytes_per_sample=60.0,
        flops_per_sample=20.0,
        source="Yeh and others, Matrix Profile I, ICDM 2016",
    ),
)
