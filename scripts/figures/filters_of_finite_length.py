"""Pictures of filters of finite length and of changes of rate."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy import signal

from hpcflow_kernels.filter.fir import fir
from hpcflow_kernels.filter.resample import decimated, resampled
from scripts.figures.recordings import bearing


def fir_impact() -> Figure:
    """An impact of a fault of the outer race: as recorded, filtered without delay, and by lfilter."""
    x, rate = bearing(130)
    place = int(np.argmax(np.abs(x[2000:20_000]))) + 2000
    shown = slice(place - 90, place + 150)
    t = 1000 * (np.arange(len(x))[shown] - place) / rate
    kept = fir(x, rate=rate, low=2000.0, high=4500.0, taps=129)
    taps = signal.firwin(129, [2000.0, 4500.0], pass_zero=False, fs=rate)
    figure = Figure(figsize=(7, 3.2))
    above, below = figure.subplots(2, 1, sharex=True, sharey=True)
    above.plot(t, x[shown], lw=0.8, color="0.6", label="as recorded")
    above.plot(t, kept[shown], lw=1.2, label="fir: 2 to 4.5 kHz, 129 taps")
    below.plot(t, x[shown], lw=0.8, color="0.6")
    below.plot(t, signal.lfilter(taps, 1, x)[shown], lw=1.2, color="C1", label="the same taps by lfilter")
    for axes in (above, below):
        axes.axvline(0, lw=0.6, color="0.4")
        axes.legend(frameon=False, loc="upper right", ncol=2)
        axes.set_ylabel("m/s²")
    below.set(xlabel="ms from the largest sample", xlim=(t[0], t[-1]))
    return figure


def decimate_aliases() -> Figure:
    """Spectra of a bearing at a third of its rate: every third sample, decimated, and resampled."""
    x, rate = bearing(105)
    figure = Figure(figsize=(7, 2.8))
    axes = figure.subplots()
    lines = (
        ("as recorded, 12 kHz", x, rate, "0.7", 2.5),
        ("every third sample", x[::3], rate / 3, "C3", 0.9),
        ("decimate: factor 3", decimated(x, rate=rate, factor=3)["decimated"], rate / 3, "C0", 0.9),
        ("resample: to 5 kHz", resampled(x, rate=rate, to=5000.0)["resampled"], 5000.0, "C2", 0.9),
    )
    for label, values, fs, colour, width in lines:
        n = 2 * int(fs / 50)
        f, power = signal.welch(values, fs, nperseg=n)
        axes.semilogy(f, power, lw=width, color=colour, label=label)
    axes.set(xlabel="Hz", ylabel="(m/s²)²/Hz", xlim=(0, rate / 2))
    axes.legend(frameon=False, fontsize=8)
    return figure
