"""Contract of the distance from a template."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Geometry, Param, Params, Pattern, Port


def frame_of(window: float, rate: float) -> int:
    """Samples of a window: the nearest whole number, at least 1."""
    return max(1, math.floor(window * rate + 0.5))


def _geometry(params: Params, rate: float) -> Geometry:
    frame = frame_of(params["window"], rate)
    return Geometry(hop=max(1, math.floor(frame * (1 - params["overlap"]) + 0.5)), frame=frame)


def _check(params: Params, rate: float | None) -> Sequence[str]:
    problems, template = [], list(params["template"])
    if len(template) < 3 or not all(map(math.isfinite, template)) or min(template) == max(template):
        problems.append(
            f"`template` is a shape of three or more numbers, not all the same (found {template[:5]}): "
            "list the values of one cycle, at equal steps"
        )
    if rate is not None and math.isfinite(rate) and frame_of(params["window"], rate) < 3:
        problems.append(
            f"a window of {params['window']:g} s holds fewer than 3 samples at {rate:g} Hz: lengthen `window`"
        )
    return problems


CONTRACTS = (
    Contract(
        name="template_distance",
        version=1,
        pattern=Pattern.WINDOW,
        summary="How far each frame's shape is from a template, where either may be stretched a bit in time.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            Param("template", "list", "the shape, as values at equal steps over one window"),
            Param("window", "quantity", "frame duration", "duration", minimum=1e-9),
            Param(
                "overlap",
                "quantity",
                "shared part of frames",
                "fraction",
                default=0.75,
                minimum=0.0,
                maximum=0.99,
            ),
            Param(
                "band",
                "quantity",
                "how far matched samples may lie apart, as a share of the window",
                "fraction",
                default=0.1,
                minimum=0.0,
                maximum=1.0,
            ),
        ),
        fields=lambda params: (
            Field("distance", "root mean square difference of the warped shapes, in standard deviations"),
        ),
        implementation="hpcflow_kernels.similarity.templates:template_distance",
        cuda="hpcflow_kernels.cuda.dtw:template_distance",
        array_error=1e-6,
        axis="frame",
        geometry=_geometry,
        check=_check,
        bytes_per_sample=64.0,
        flops_per_sample=4000.0,
        error="1e-5 of the distance",
        source="Sakoe and Chiba, IEEE Trans. ASSP 26 (1978)",
    ),
)
