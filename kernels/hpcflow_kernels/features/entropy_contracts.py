"""Contract of entropies."""

from __future__ import annotations

import math
from collections.abc import Sequence

from hpcflow_kernels.contract import Contract, Field, Param, Params, Pattern, Port
from hpcflow_kernels.frames_contracts import FRAMES, check_frames, geometry_frames

MEASURES = ("permutation", "spectral", "shannon", "sample", "approximate", "lempel_ziv")

TEMPLATES = ("sample", "approximate")
"""Measures that compare all pairs of stretches of a window."""

LONGEST = 8
"""Most samples that are put in order: 8! kinds of order."""


def _check(params: Params, rate: float | None) -> Sequence[str]:
    problems = check_frames(params, rate)
    measure, order, delay = params["measure"], params["order"], params["delay"]
    if order is None:
        order = 2 if measure in TEMPLATES else 3
    if measure == "permutation" and not 2 <= order <= LONGEST:
        problems.append(
            f"`order` must be 2 to {LONGEST} for permutation entropy (found {order}): take 3 to 7"
        )
    reach = (order + 1 if measure in TEMPLATES else order) * delay + 1
    if rate is not None and math.isfinite(rate) and measure in ("permutation", *TEMPLATES):
        samples = int(params["window"] * rate + 0.5)
        if samples < 2 * reach:
            problems.append(
                f"a window of {samples} samples holds fewer than two stretches of `order` {order} and `delay`"
                f" {delay}, and tells nothing of them: lengthen `window` to {2 * reach / rate:g} s or more"
            )
    return problems


CONTRACTS = (
    Contract(
        name="entropy",
        version=1,
        pattern=Pattern.WINDOW,
        summary="How unpredictable each window is: by order, spectrum, histogram or repetition.",
        ports=(Port("signal", "signal", "samples"),),
        params=(
            *FRAMES,
            Param("measure", "text", "which entropy", default="permutation", choices=MEASURES),
            Param(
                "order",
                "integer",
                "samples that are put in order (3), or of a template (2)",
                default=None,
                minimum=1,
                maximum=20,
            ),
            Param("delay", "integer", "samples from one of them to the next", default=1, minimum=1),
            Param(
                "tolerance",
                "number",
                "largest distance of samples that agree, in standard deviations",
                default=0.2,
                minimum=0.0,
            ),
            Param("bins", "integer", "of the histogram", default=16, minimum=2, maximum=65_536),
        ),
        fields=lambda params: (
            Field("entropy", f"{params['measure']} entropy".replace("_", "-"), dtype="same"),
        ),
        implementation="hpcflow_kernels.features.entropy:entropy_windows",
        axis="frame",
        geometry=geometry_frames,
        check=_check,
        bytes_per_sample=64.0,
        flops_per_sample=1000.0,
        error="rounding of the float type (float64 inside); counts are exact",
        source="Bandt and Pompe (2002), Inouye et al. (1991), Shannon (1948), Richman and Moorman (2000), "
        "Pincus (1991), Lempel and Ziv (1976)",
    ),
)
