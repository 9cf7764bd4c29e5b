"""Contract of the trend of a record."""

from __future__ import annotations

from hpcflow_kernels.contract import Contract, Field, Param, Pattern, Port

CONTRACTS = (
    Contract(
        name="trend",
        version=1,
        pattern=Pattern.RECORD,
        summary="Whether each record rises or falls, how fast, and how sure that is.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param(
                "points",
                "integer",
                "stretches into which a record is divided; the trend is that of their medians",
                default=100,
                minimum=4,
                maximum=2000,
            ),
        ),
        fields=lambda params: (
            Field("slope", "slope of Theil and Sen", units="same s-1", dtype="float64"),
            Field("tau", "rank correlation of Kendall with time", "1"),
            Field("p_value", "chance of such a tau where no trend is (Mann and Kendall)", dtype="float64"),
        ),
        implementation="hpcflow_kernels.changes:trend",
        axis="record",
        bytes_per_sample=24.0,
        flops_per_sample=20.0,
        error="1e-12 of SciPy's kendalltau and theilslopes of the same medians",
        source="Mann (1945); Kendall (1948); Sen (1968)",
    ),
)
