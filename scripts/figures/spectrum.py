"""Pictures of what is read from spectra."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy import signal

from hpcflow_kernels.spectral.irregular import lomb_scargle
from hpcflow_kernels.spectral.multitaper import multitaper
from hpcflow_kernels.spectral.octave import octave_bands
from hpcflow_kernels.spectral.octave_bands import bands, nominal
from hpcflow_kernels.spectral.order_map import order_map
from hpcflow_kernels.spectral.orders import order_spectrum, turns_of_tacho
from hpcflow_kernels.spectral.periodogram import periodogram
from hpcflow_kernels.spectral.shape import spectral_kurtosis
from scripts.figures.recordings import bearing, heart_beats, running

OUTER_RACE = 3.5848
"""Impacts per turn of a fault of the outer race, by the geometry of the bearing of these recordings."""


def bands_bearing() -> Figure:
    """Third-octave levels and spectral kurtosis of a healthy bearing and of a fault of the outer race."""
    figure = Figure(figsize=(7, 2.8))
    left, right = figure.subplots(1, 2)
    names = [nominal(k, 3) for k in bands(100, 5000, 3)]
    for number, label, shift in ((97, "healthy", -0.2), (130, "outer race", 0.2)):
        x, rate = bearing(number)
        found = octave_bands(x, rate=rate, low=100, high=5000, window=1.0, reference=1e-6)
        level = 10 * np.log10(np.mean(10 ** (found["level"].astype(float) / 10), axis=0))
        left.bar(np.arange(len(names)) + shift, level, 0.4, label=label)
        f, value = spectral_kurtosis(x, rate, nperseg=64 * round(rate / 12_000))
        right.plot(f[1:-1] / 1000, value[1:-1], lw=1, label=label)
    shown = range(0, len(names), 3)
    left.set_xticks(list(shown), [f"{names[k]:g}" for k in shown])
    left.set(xlabel="third-octave band (Hz)", ylabel="level (dB re 1 µm/s²)", ylim=(80, None))
    right.set(xlabel="frequency (kHz)", ylabel="spectral kurtosis", xlim=(0, 6))
    left.legend(frameon=False, loc="upper left")
    return figure


def multitaper_running() -> Figure:
    """A minute of running: periodogram and multitaper spectrum of the same 4096 samples."""
    x, rate = running()
    x = x[20_000 : 20_000 + 4096]
    figure = Figure(figsize=(7, 2.6))
    axes = figure.subplots()
    f, plain = periodogram(x, rate, "boxcar")
    axes.semilogy(f, plain, color="0.75", lw=0.7, label="periodogram")
    axes.semilogy(f, multitaper(x, rate, weighting="adaptive")[1], lw=1.2, label="multitaper, adaptive")
    axes.set(xlabel="frequency (Hz)", ylabel="PSD (g²/Hz)", xlim=(0, 20), ylim=(1e-5, 30))
    axes.legend(frameon=False)
    return figure


def orders_bearing() -> Figure:
    """Order spectrum of the envelope of a bearing with a fault of the outer race."""
    x, rate = bearing(130)
    sos = signal.butter(4, [2500, 4000], "bandpass", fs=rate, output="sos")
    envelope = np.abs(signal.hilbert(signal.sosfiltfilt(sos, x)))
    turns = np.arange(len(x)) * (1797 / 60 / rate)
    found = order_spectrum(envelope, rate, turns, max_order=16, revolutions=32)
    figure = Figure(figsize=(7, 2.4))
    axes = figure.subplots()
    for k in range(1, 5):
        axes.axvline(k * OUTER_RACE, color="0.85", lw=4)
    axes.plot(found.orders, found.amplitude, lw=1)
    axes.set(xlabel="order (cycles per turn)", ylabel="envelope (m/s²)", xlim=(0, 16), ylim=(0, None))
    return figure


def order_map_running() -> Figure:
    """Acceleration at a runner's hip by multiples of the runner's own step, along time."""
    x, rate = running()
    sos = signal.butter(2, [1.8, 3.5], "bandpass", fs=rate, output="sos")
    turns = turns_of_tacho(signal.sosfiltfilt(sos, x), threshold=0.0)
    found = order_map(x, rate, turns, step=5.0, max_order=6, min_speed=1.0)
    figure = Figure(figsize=(7, 3), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[4, 1])
    minutes = np.arange(len(found.speed) + 1) * 5 / 60
    edges = np.append(found.orders, 6 + 1 / 16) - 1 / 32
    level = 20 * np.log10(np.maximum(found.amplitude, 1e-3))
    picture = left.pcolormesh(edges, minutes, level, vmin=-50, vmax=0)
    left.set(xlabel="order (cycles per step)", ylabel="minutes", xlim=(0, 6))
    figure.colorbar(picture, ax=left, label="dB re 1 g")
    right.plot(found.speed, minutes[:-1] + 2.5 / 60, lw=1)
    right.set(xlabel="steps per second", xlim=(2, 3.2))
    return figure


def lomb_scargle_heart() -> Figure:
    """Spectrum of the intervals between heart beats at rest, without resampling."""
    beats = heart_beats()
    frequency = np.linspace(0.003, 0.5, 1500)
    density = lomb_scargle(np.cumsum(beats), beats, frequency) * 1e6
    figure = Figure(figsize=(7, 2.4))
    axes = figure.subplots()
    axes.semilogy(frequency, density, color="0.75", lw=0.5)
    axes.semilogy(frequency[20:-20], np.convolve(density, np.ones(41) / 41, "valid"), lw=1.3)
    for low, high, name in ((0.04, 0.15, "LF"), (0.15, 0.4, "HF")):
        axes.axvspan(low, high, color="0.96" if name == "HF" else "0.91", zorder=0, lw=0)
        axes.text(low + 0.003, 1e5, name)
    axes.set(xlabel="frequency (Hz)", ylabel="PSD (ms²/Hz)", xlim=(0, 0.5), ylim=(30, 3e5))
    return figure
