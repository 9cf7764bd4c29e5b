"""Contracts of clocks: lags and drift between channels, regularity of time stamps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import FRAMES, geometry_frames


def _signals(params: Params) -> tuple[Dim, ...]:
    return (Dim("signal", tuple(params["signals"])),)


def _length(params: Params, samples: int, rate: float, facts: Mapping[str, Any]) -> int:
    return geometry_frames(params, rate).rows(samples) if math.isfinite(rate) else 0


def _fields_alignment(params: Params) -> tuple[Field, ...]:
    dims = _signals(params)
    return (
        Field("offset", "lag behind the reference at the record's first sample", "s", "float64", dims),
        Field("drift", "lag gained, in parts per million of time", "1e-6", "float64", dims),
        Field("offset_error", "standard error of the offset", "s", "float64", dims),
        Field("drift_error", "standard error of the drift", "1e-6", "float64", dims),
        Field("correlation", "median correlation of the windows at their lags", "1", "float64", dims),
        Field("windows", "windows that counted", "1", "float64", dims),
    )


_PORTS = (
    Port("signals", "signal", "channels whose clocks are looked at", several=1),
    Port("reference", "signal", "the channel they are compared with"),
)
_PARAMS = (
    replace(FRAMES[0], default=10.0),
    FRAMES[1],
    Param("max_lag", "quantity", "largest lag looked for, either way", "duration", default=1.0, minimum=1e-9),
)
_ERROR = "0.01 of a sample for signals without content above 0.8 of half the rate, without noise"
_SOURCE = "Knapp and Carter, IEEE Trans. ASSP 24 (1976); gaps: Padfield (2012); line: Sen (1968)"

CONTRACTS = (
    Contract(
        name="channel_lag",
        version=1,
        pattern=Pattern.RECORD,
        summary="By how much channels come later than a reference, window by window.",
        ports=_PORTS,
        params=_PARAMS,
        fields=lambda params: (
            Field("lag", "lag behind the reference", "s", "float64", _signals(params)),
            Field("correlation", "correlation at that lag", "1", "float32", _signals(params)),
        ),
        implementation="hpcflow_kernels.quality.channels:channel_lag",
        axis="frame",
        length=_length,
        row_rate=lambda params, rate: rate / geometry_frames(params, rate).hop if rate > 0 else math.nan,
        bytes_per_sample=80.0,
        flops_per_sample=250.0,
        error=_ERROR,
        source=_SOURCE,
    ),
    Contract(
        name="channel_alignment",
        version=1,
        pattern=Pattern.RECORD,
        summary="Offset and drift of channels' clocks against a reference, with standard errors.",
        ports=_PORTS,
        params=(
            *_PARAMS,
            Param(
                "min_correlation",
                "quantity",
                "windows that match less do not count",
                "fraction",
                default=0.5,
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        fields=_fields_alignment,
        implementation="hpcflow_kernels.quality.channels:channel_alignment",
        axis="record",
        bytes_per_sample=80.0,
        flops_per_sample=250.0,
        error=_ERROR,
        source=_SOURCE,
    ),
    Contract(
        name="sampling_clock",
        version=1,
        pattern=Pattern.RECORD,
        summary="Rate, jitter, gaps and steps backwards of a record's time stamps.",
        ports=(Port("time", "signal", "time stamps", "duration"),),
        params=(),
        fields=lambda params: (
            Field("clock_rate", "samples per second, gaps left out", "s-1", "float64"),
            Field("jitter", "standard deviation of the intervals that are no gaps", "s", "float64"),
            Field("longest", "longest interval", "s", "float64"),
            Field("gaps", "intervals longer than 1.5 times the middle one", "1", "int64"),
            Field("backwards", "stamps that do not come after the one before", "1", "int64"),
        ),
        implementation="hpcflow_kernels.quality.channels:sampling_clock_of_record",
        axis="record",
        bytes_per_sample=64.0,
        flops_per_sample=30.0,
        error="counts are exact",
        source="intervals, as they are",
    ),
)
