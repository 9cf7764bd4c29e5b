"""Pictures of spectrograms."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.spectral.spectrogram import spectrogram_frames
from scripts.figures.recordings import running


def spectrogram_running() -> Figure:
    """Spectrogram of the acceleration at a runner's hip: steps, strides and their multiples."""
    x, rate = running()
    rows = spectrogram_frames(x, rate=rate, nperseg=1024, overlap=0.5)["spectrogram"]
    shown = rows[:, : round(10 * 1024 / rate)]
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    picture = axes.imshow(
        10 * np.log10(shown.T),
        aspect="auto",
        origin="lower",
        extent=(0, len(x) / rate / 60, 0, shown.shape[1] * rate / 1024),
        vmin=-40,
        vmax=10,
        cmap="magma",
        interpolation="nearest",
    )
    axes.set(xlabel="time (min)", ylabel="frequency (Hz)")
    figure.colorbar(picture, ax=axes, label="PSD (dB re 1 g²/Hz)")
    return figure
