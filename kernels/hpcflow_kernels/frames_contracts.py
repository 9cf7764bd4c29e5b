"""What contracts of kernels that work frame by frame have in common."""

from __future__ import annotations

import math

from hpcflow_kernels.contract import Geometry, Param, Params

FRAMES = (
    Param("window", "quantity", "frame duration", "duration", default=1.0, minimum=1e-6),
    Param("overlap", "quantity", "shared part of frames", "fraction", default=0.0, minimum=0.0, maximum=0.95),
)

MISSING = Param(
    "missing",
    "quantity",
    "part of a frame that may be missing: what is there then counts alone; a frame that misses more is NaN",
    "fraction",
    default=0.0,
    minimum=0.0,
    maximum=0.99,
)


def _round_half_up(value: float) -> int:
    return max(1, int(value + 0.5))


def geometry_frames(params: Params, rate: float) -> Geometry:
    """Frames of `window` that overlap by `overlap`."""
    frame = _round_half_up(params["window"] * rate)
    return Geometry(hop=_round_half_up(frame * (1 - params["overlap"])), frame=frame)


def check_frames(params: Params, rate: float | None) -> list[str]:
    """What is wrong with `window` at a sampling rate."""
    if rate is not None and math.isfinite(rate) and params["window"] * rate < 8:
        return [
            f"a window of {params['window']:g} s holds fewer than 8 samples at {rate:g} Hz: lengthen `window`"
        ]
    return []
