"""Pictures of spectra."""

from __future__ import annotations

from matplotlib.figure import Figure

from hpcflow_kernels.spectral.welch import welch
from scripts.figures.recordings import bearing


def welch_bearing() -> Figure:
    """Welch spectra of a healthy bearing and of one with a fault of the outer race."""
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    for number, label in ((97, "healthy"), (130, "outer race")):
        x, rate = bearing(number)
        frequency, power = welch(x, rate, nperseg=1024)
        axes.semilogy(frequency, power, lw=1, label=label)
    axes.set(xlabel="frequency (Hz)", ylabel="PSD ((m/s²)²/Hz)", xlim=(0, 6000), ylim=(1e-7, None))
    axes.legend(frameon=False)
    return figure
