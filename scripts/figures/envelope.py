"""Pictures of envelopes and kurtograms."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.envelope_band import squared_envelope_spectrum
from hpcflow_kernels.machine.kurtogram import kurtogram_of_record
from scripts.figures.recordings import bearing


def kurtogram_bearing() -> Figure:
    """Kurtogram of a bearing with a fault of the outer race, and what its band holds."""
    x, rate = bearing(130)
    out = kurtogram_of_record(signal=Rows(x, rate, "m s-2", {}))
    band = float(out["band_low"]), float(out["band_high"])
    figure = Figure(figsize=(7, 5))
    above, below = figure.subplots(2)
    table = out["kurtosis"]
    picture = above.imshow(table, aspect="auto", extent=(0, rate / 2, len(table) - 0.5, -0.5), vmin=0)
    above.set(xlabel="frequency (Hz)", ylabel="row of the tree")
    figure.colorbar(picture, ax=above, label="kurtosis")
    lines = squared_envelope_spectrum(x, rate=rate, band=band, max_frequency=500.0)["squared_amplitude"]
    below.plot(np.arange(1, lines.shape[1]), lines.mean(axis=0)[1:], lw=1)
    below.set(xlabel=f"frequency of the squared envelope of {band[0]:.0f} to {band[1]:.0f} Hz (Hz)")
    below.set(ylabel="amplitude ((m/s²)²)", xlim=(0, 500), ylim=(0, None))
    return figure
