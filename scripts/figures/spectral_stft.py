"""Pictures of spectrograms, and of what is taken out of them."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy import signal

from hpcflow_kernels.rolling.statistics import rolling_mean
from hpcflow_kernels.spectral.spectrogram import spectrogram_frames
from hpcflow_kernels.spectral.subtraction import spectral_subtraction
from scripts.figures.recordings import infrasound, running


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


def subtraction_infrasound() -> Figure:
    """Level of one element of an infrasound array, before and after spectral subtraction."""
    x, rate = infrasound()
    x = signal.sosfiltfilt(signal.butter(2, [1, 20], "bandpass", fs=rate, output="sos"), x[0])
    y = spectral_subtraction(x, nperseg=512, excess=2.0).signal
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    minutes = (np.arange(len(x)) / rate - 0.25) / 60
    for values, label in ((x, "before"), (y, "after")):
        axes.plot(minutes, 20 * np.log10(np.sqrt(rolling_mean(values**2, 50))), lw=0.7, label=label)
    axes.set(
        xlabel="minutes after 18:00 UTC", ylabel="RMS of 0.5 s (dB re 1 count)", xlim=(0, 10), ylim=(10, 90)
    )
    axes.legend(frameon=False, loc="upper left")
    return figure
