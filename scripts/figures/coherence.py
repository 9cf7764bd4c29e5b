"""Pictures of what two signals, or many, have in common."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from matplotlib.figure import Figure

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.spectral.coherence import independent_segments, noise_coherence
from hpcflow_kernels.spectral.coherence_matrix import coherence_matrix
from hpcflow_kernels.spectral.coherence_pairs import coherence_of_pairs
from hpcflow_kernels.spectral.coherence_records import transfer_function_of_record
from scripts.figures.recordings import bearing, infrasound


def coherence_infrasound() -> Figure:
    """Mean coherence of the six pairs of an infrasound array, when a signal crosses it and when none does."""
    from scipy.signal import get_window

    x, rate = infrasound()
    figure = Figure(figsize=(7, 3))
    axes = figure.subplots()
    pairs, n = np.triu_indices(len(x), 1), 256
    for start, label in ((60, "second minute"), (415, "minute from 18:06:55 on")):
        part = x[:, int(start * rate) : int((start + 60) * rate)]
        frequency, found = coherence_matrix(part, rate, nperseg=n)
        axes.plot(frequency, found[pairs].mean(axis=0), lw=1, label=label)
    segments = (part.shape[1] - n) // (n // 2) + 1
    level = noise_coherence(independent_segments(segments, get_window("hann", n), n // 2))
    axes.axhline(level, color="0.6", lw=1, ls="--", label="95 % of a pair's bins of noise")
    axes.set(xlabel="frequency (Hz)", ylabel="coherence", xlim=(0, 20), ylim=(0, 1))
    axes.legend(frameon=False)
    return figure


def pairs_bearing() -> Figure:
    """What three accelerometers at a motor have in common, pair by pair."""
    ends = {"drive end": "DE", "fan end": "FE", "base": "BA"}
    signals = {name: Rows(*bearing(130, end), "m s-2", {}) for name, end in ends.items()}
    out = coherence_of_pairs(signals=signals, nperseg=256)
    frequency = np.fft.rfftfreq(256, 1 / signals["base"].rate) / 1000
    figure = Figure(figsize=(7, 3.8))
    for axes, pair, found in zip(
        figure.subplots(3, sharex=True), combinations(ends, 2), out["coherence"], strict=True
    ):
        axes.plot(frequency, found, lw=1)
        axes.axhline(out["coherence_noise"], color="0.6", lw=1, ls="--")
        axes.set(ylim=(0, 1), xlim=(0, 6), ylabel="coherence")
        axes.set_title(f"{pair[0]} and {pair[1]}", loc="left", fontsize=9)
    axes.set(xlabel="frequency (kHz)")
    return figure


def transfer_bearing() -> Figure:
    """From the drive end to the fan end of a motor: gain, and how far it can be believed."""
    (x, rate), (y, _) = bearing(130), bearing(130, "FE")
    ports = {"excitation": Rows(x, rate, "m s-2", {}), "response": Rows(y, rate, "m s-2", {})}
    out = transfer_function_of_record(**ports, nperseg=512)
    frequency = np.fft.rfftfreq(512, 1 / rate)
    figure = Figure(figsize=(7, 4))
    above, below = figure.subplots(2, sharex=True)
    above.semilogy(frequency[1:], out["gain"][1:], lw=1)
    above.set(ylabel="gain, H1")
    below.plot(frequency[1:], out["coherence"][1:], lw=1)
    below.set(xlabel="frequency (Hz)", ylabel="coherence", xlim=(0, 6000), ylim=(0, 1))
    return figure
