"""Pictures of exposure to vibration."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.exposure import total_of_record
from hpcflow_kernels.machine.exposure_contracts import LIMITS


def exposure_limits() -> Figure:
    """Which magnitude reaches the action and the limit value in how many hours."""
    figure = Figure(figsize=(7, 3), layout="constrained")
    hours = np.geomspace(0.1, 10, 60)
    titles = {"whole-body": "whole body, z axis", "hand-arm": "hand and arm"}
    still, one = ({n: Rows(np.full(1, a), 1.0, "m s-2", {}) for n in ("weighted_rms", "rmq")} for a in (0, 1))
    for axes, (kind, title) in zip(figure.subplots(1, 2), titles.items(), strict=True):
        of_one = np.array(
            [total_of_record(x=still, y=still, z=one, duration=h * 3600, kind=kind)["a8"] for h in hours]
        )
        action, limit = (value / of_one for value in LIMITS[kind])
        top = limit.max()
        axes.fill_between(hours, limit.min() / 20, action, color="tab:green", alpha=0.25, lw=0)
        axes.fill_between(
            hours, action, limit, color="tab:orange", alpha=0.3, lw=0, label="above action value"
        )
        axes.fill_between(hours, limit, top, color="tab:red", alpha=0.35, lw=0, label="above limit")
        axes.set(xscale="log", yscale="log", title=title, xlabel="hours a day", xlim=(0.1, 10))
        axes.set(ylabel="weighted RMS (m/s²)", ylim=(action.min() / 2, top))
        axes.set_xticks([0.1, 0.25, 0.5, 1, 2, 4, 8], ["0.1", "¼", "½", "1", "2", "4", "8"], minor=False)
        axes.set_xticks([], minor=True)
        ticks = [0.25, 0.5, 1, 2, 5, 10] if kind == "whole-body" else [1.25, 2.5, 5, 10, 20, 40]
        axes.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.set_yticks([], minor=True)
        axes.legend(frameon=False, loc="upper right")
    return figure
