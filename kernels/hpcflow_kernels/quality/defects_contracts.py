"""Contract of the quality of a recording."""

from __future__ import annotations

from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Param, Params, Pattern, Port


def _check(params: Params, rate: float | None) -> Sequence[str]:
    window = params["spike_window"]
    if window % 2 == 0:
        return [f"a median about a sample needs an odd window (spike_window is {window}): take {window + 1}"]
    return []


CONTRACTS = (
    Contract(
        name="signal_quality",
        version=1,
        pattern=Pattern.RECORD,
        summary="Shares of a record that are missing, flat, clipped or spikes, and its longest gap.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param(
                "flat",
                "quantity",
                "shortest stretch without any change that counts as flat",
                "duration",
                default=0.1,
                minimum=0.0,
            ),
            Param(
                "clip",
                "integer",
                "fewest successive samples at the largest or smallest value that count as clipped",
                default=3,
                minimum=2,
            ),
            Param(
                "spike",
                "number",
                "distance from the running median, in robust standard deviations",
                default=8.0,
                minimum=1.0,
            ),
            Param("spike_window", "integer", "samples of the running median", default=7, minimum=3),
        ),
        fields=lambda params: (
            Field("missing", "share of samples that are missing", "1"),
            Field("flat", f"share in stretches of {params['flat']:g} s or more without a change", "1"),
            Field("clipped", f"share in {params['clip']} or more successive samples at an end value", "1"),
            Field("spikes", f"share beyond {params['spike']:g} robust standard deviations", "1"),
            Field("longest_gap", "longest run of missing samples", "s"),
            Field("longest_flat", "longest stretch without a change", "s"),
        ),
        implementation="hpcflow_kernels.quality.defects:signal_quality",
        array="hpcflow_kernels.arrays.quality:signal_quality",
        axis="record",
        check=_check,
        bytes_per_sample=96.0,
        flops_per_sample=80.0,
        error="counts are exact",
        source="spikes: Hampel (1974)",
    ),
)
