"""Pictures of rides."""

from __future__ import annotations

import tempfile

import numpy as np
from matplotlib.figure import Figure

import hpcflow
from scripts.figures.recordings import REPO

RIDE = "4078723797.fit"
DEVICE = {60: 392.3, 300: 340.4, 1200: 306.8}
"""Best means over so many seconds (W), as the ride's own device (Edge 1000) states them."""


def power_ride() -> Figure:
    """A ride's power and its curve of best means, as the shipped workflow computes them."""
    with tempfile.TemporaryDirectory() as folder:
        workflow = REPO / "workflows" / "power_session.yaml"
        run = hpcflow.load(workflow, [f"datasets.rides.store={folder}/rides.zarr"]).run(runs=folder)
        results = run.results()
        clean, curve = results["clean"].load(), results["curve"].load()
    place = next(k for k, name in enumerate(curve["record"].values) if str(name).endswith(RIDE))
    start, size = int(clean["row_start"][place]), int(clean["row_size"][place])
    power = clean["power"].values[start : start + size]
    best = curve["mean_maximal_power"].values[place]
    duration = curve["duration"].values
    figure = Figure(figsize=(7, 2.8))
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    left.plot(np.arange(size) / 3600, power, lw=0.3, color="0.5")
    left.set(xlabel="time (h)", ylabel="power (W)", xlim=(0, size / 3600), ylim=(0, None))
    right.semilogx(duration, best, lw=1.2, label="best mean")
    right.plot(
        list(DEVICE), list(DEVICE.values()), "o", ms=5, mfc="none", color="C3", label="the device's own"
    )
    right.set(xlabel="duration (s)", ylabel="power (W)", ylim=(0, None))
    right.legend(frameon=False)
    return figure
