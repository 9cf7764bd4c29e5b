"""Contract of the canonical characteristics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import FRAMES, geometry_frames

FEATURES = (
    "mode_5",
    "mode_10",
    "acf_timescale",
    "acf_first_min",
    "ami2",
    "trev",
    "high_fluctuation",
    "stretch_high",
    "transition_matrix",
    "periodicity",
    "embedding_dist",
    "ami_timescale",
    "whiten_timescale",
    "outlier_timing_pos",
    "outlier_timing_neg",
    "low_freq_power",
    "stretch_decreasing",
    "entropy_pairs",
    "rs_range",
    "dfa",
    "centroid_freq",
    "forecast_error",
)
"""Short names of the features, in the order of the authors' Python package."""

LEAST = 10
"""Fewest samples, as in the authors' program."""


def _check(params: Params, rate: float | None) -> Sequence[str]:
    if rate is not None and math.isfinite(rate) and int(params["window"] * rate + 0.5) < LEAST:
        return [
            f"a window of {params['window']:g} s holds fewer than {LEAST} samples at {rate:g} Hz, where "
            f"several features have no meaning: lengthen `window` to {LEAST / rate:g} s"
        ]
    return []


def _fields(params: Params) -> tuple[Field, ...]:
    return (
        Field(
            "features",
            "canonical characteristics of the standardised window",
            dtype="same",
            dims=(Dim("feature", FEATURES),),
        ),
        Field("mean", "mean", units="same", dtype="same"),
        Field("std", "standard deviation", units="same", dtype="same"),
    )


CONTRACTS = (
    Contract(
        name="catch22",
        version=2,
        pattern=Pattern.WINDOW,
        summary="The 22 canonical time-series characteristics of each window, and its mean and spread.",
        ports=(Port("signal", "signal", "samples"),),
        params=FRAMES,
        fields=_fields,
        implementation="hpcflow_kernels.features.catch22:catch22_windows",
        axis="frame",
        geometry=geometry_frames,
        check=_check,
        bytes_per_sample=96.0,
        flops_per_sample=1500.0,
        error="rounding of the float type (float64 inside); features that compare may jump where rounding "
        "decides",
        source="Lubba et al., catch22: CAnonical Time-series CHaracteristics, Data Mining and Knowledge "
        "Discovery 33 (2019)",
    ),
)
