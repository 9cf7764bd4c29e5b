"""Contract of MiniRocket with biases from reference noise."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import FRAMES, geometry_frames

KERNELS = 84
"""Ways to choose three of nine taps, which weigh 2 where the other six weigh -1."""

TAPS = 9


def number_of_features(asked: int) -> int:
    """Features that are made of so many asked for: as many for each of the 84 kernels.

    >>> number_of_features(10_000), number_of_features(10)
    (9996, 84)
    """
    return max(asked // KERNELS, 1) * KERNELS


def _check(params: Params, rate: float | None) -> Sequence[str]:
    if rate is not None and math.isfinite(rate) and int(params["window"] * rate + 0.5) < TAPS:
        return [
            f"a window of {params['window']:g} s holds fewer than {TAPS} samples at {rate:g} Hz, the length "
            f"of a kernel: lengthen `window` to {TAPS / rate:g} s"
        ]
    return []


def _fields(params: Params) -> tuple[Field, ...]:
    numbers = tuple(float(k) for k in range(number_of_features(params["features"])))
    return (
        Field(
            "features",
            "shares of responses of the standardised window above biases, by dilation, then by kernel",
            dims=(Dim("feature", numbers),),
        ),
        Field("mean", "mean", units="same", dtype="same"),
        Field("std", "standard deviation", units="same", dtype="same"),
    )


CONTRACTS = (
    Contract(
        name="minirocket",
        version=1,
        pattern=Pattern.WINDOW,
        summary="Thousands of MiniRocket features of each window for a linear classifier, fitted on no data.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *FRAMES,
            Param(
                "features",
                "integer",
                "features, rounded down to a multiple of 84",
                default=10_000,
                minimum=KERNELS,
                maximum=100_000,
            ),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.features.rocket_windows:minirocket_windows",
        array="hpcflow_kernels.arrays.rocket:minirocket_windows",
        array_error=1e-6,
        axis="frame",
        geometry=geometry_frames,
        check=_check,
        bytes_per_sample=256.0,
        flops_per_sample=40_000.0,
        error="shares are counts; responses may fall on the other side of a bias where rounding of float32 "
        "decides",
        source="Dempster, Schmidt and Webb, MiniRocket: a very fast (almost) deterministic transform for "
        "time series classification, KDD (2021); biases from reference noise are this library's",
    ),
)
