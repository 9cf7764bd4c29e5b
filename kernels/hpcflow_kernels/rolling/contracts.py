"""Contract of the rolling statistics."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port

STATISTICS = ("mean", "std", "min", "max", "median", "quantile", "rank", "zscore")


def reach(window: float, rate: float, align: str) -> tuple[int, int, int]:
    """Samples of a window, and how many of them stand before and after the sample it belongs to.

    Examples
    --------
    >>> reach(0.1, 100.0, "centre"), reach(0.1, 100.0, "trailing")
    ((10, 5, 4), (10, 9, 0))
    """
    n = max(1, int(window * rate + 0.5))
    after = (n - 1) // 2 if align == "centre" else 0
    return n, n - 1 - after, after


def _geometry(params: Params, rate: float) -> Geometry:
    _, before, after = reach(params["window"], rate, params["align"])
    return Geometry(before=before, after=after)


def _check(params: Params, rate: float | None) -> Sequence[str]:
    if rate is None or not math.isfinite(rate) or params["statistic"] not in ("std", "zscore"):
        return []
    if params["window"] * rate >= 1.5:
        return []
    return [
        f"a standard deviation needs two samples (window {params['window']:g} s at {rate:g} Hz holds one): "
        f"lengthen `window` to {2 / rate:g} s or more"
    ]


def _fields(params: Params) -> tuple[Field, ...]:
    statistic = params["statistic"]
    units = "1" if statistic in ("rank", "zscore") else "same"
    return (Field("value", f"rolling {statistic}", units=units, dtype="same"),)


CONTRACTS = (
    Contract(
        name="rolling",
        version=3,
        pattern=Pattern.MAP,
        summary="Mean, spread, extremes, median, quantile, rank or z-score of a window at every sample.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param("window", "quantity", "duration of the window", "duration", minimum=1e-9),
            Param("statistic", "text", "what of it", default="mean", choices=STATISTICS),
            Param(
                "quantile",
                "quantity",
                "which one, for `statistic: quantile`",
                "fraction",
                default=0.5,
                minimum=0.0,
                maximum=1.0,
            ),
            Param(
                "align",
                "text",
                "where in its window a sample stands",
                default="centre",
                choices=("centre", "trailing"),
            ),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.rolling.statistics:rolling",
        array="hpcflow_kernels.arrays.rolling:rolling",
        array_error=4e-6,
        axis="sample",
        geometry=_geometry,
        check=_check,
        bytes_per_sample=12.0,
        flops_per_sample=40.0,
        error="exact for order statistics; 2 log2(n) + 2 roundings of the mean absolute value for the mean; "
        "the same bits for any cut",
        source="pairwise merging: Chan, Golub and LeVeque (1982)",
    ),
)
