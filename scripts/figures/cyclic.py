"""Pictures of cyclic coherence."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.cyclic import coherence_of_record
from scripts.figures.recordings import bearing


def cyclic_bearing() -> Figure:
    """Coherence at the outer race's frequency by frequency, of a faulty and of a healthy bearing."""
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    for number, label in ((130, "fault of the outer race"), (97, "healthy")):
        x, rate = bearing(number)
        out = coherence_of_record(
            signal=Rows(x[:120_000], rate, "m s-2", {}),
            speed=1797 / 60,
            frequencies=None,
            orders=[3.5848],
            tolerance=0.01,
            nperseg=256,
        )
        frequency = np.arange(129) / 256 * rate
        alpha = float(np.asarray(out["cyclic_frequency"])[0])
        axes.plot(frequency, np.asarray(out["coherence"])[0], lw=1, label=f"{label}, {alpha:.2f} Hz")
    axes.axhline(float(out["expected"]), color="grey", lw=0.8, ls=":", label="noise, mean")
    axes.set(xlabel="frequency (Hz)", ylabel="squared cyclic coherence", xlim=(0, 6000), ylim=(0, None))
    axes.legend(frameon=False)
    return figure
