"""How long a tile is for a chain of fused steps: by kernels, parameters and rate, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcflow.plan import axes as ax
from hpcflow.plan.model import StepPlan
from hpcflow_kernels import get


def tiles_of(steps: Sequence[StepPlan], source: ax.RowAxis) -> tuple[np.ndarray, int]:
    """Tile length per record for a chain of fused steps, and the longest reach beyond a tile.

    The tile depends on the kernels, their parameters and the record's rate alone, so neither site nor
    memory nor other recordings change a record's arithmetic.
    """
    tile = np.zeros(len(source), np.int64)
    longest = 0
    for rate in np.unique(source.rate[np.isfinite(source.rate)]):
        reach = chain_reach(steps, float(rate))
        if reach is not None:
            tile[source.rate == rate] = ax.tile_length(reach)
            longest = max(longest, reach)
    return tile, longest


def chain_reach(steps: Sequence[StepPlan], rate: float) -> int | None:
    """Source samples that one output row reaches over, the widest step counting; None if none can run."""
    found: dict[str, tuple[int, int, int]] = {}
    for step in steps:
        first = next(i for i in step.inputs if i.kind != "fact")
        inner = first.kind == "step" and first.source in {s.name for s in steps}
        if inner and first.source not in found:
            continue
        hop, up, reach = found[first.source] if inner else (1, 1, 0)
        contract = get(step.kernel)
        if ax.problems_at(contract, step.params, rate * up / hop):
            continue
        assert contract.geometry is not None
        g = contract.geometry(step.params, rate * up / hop)
        beyond = g.frame - 1 + g.before + g.after + (g.hop - 1 if g.up > 1 else 0)
        found[step.name] = hop * g.hop, up * g.up, reach - (-beyond * hop // up)
    return max((reach for _, _, reach in found.values()), default=None)
