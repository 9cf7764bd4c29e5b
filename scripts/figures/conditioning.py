"""Pictures of signals made fit for use: hum and spikes taken out, weighted, integrated."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from scipy import signal

from hpcflow_kernels.filter.bands import notch
from hpcflow_kernels.filter.despike import hampel
from hpcflow_kernels.filter.integrate import integrate
from hpcflow_kernels.filter.weighting_design import SOUND_POLES, analogue, weighting_sections
from hpcflow_kernels.spectral.welch import welch
from scripts.figures.recordings import SHARED, bearing


def _ecg() -> tuple[np.ndarray, float]:
    """Lead MLII in mV, and its rate; MIT-BIH Arrhythmia Database, record 100 (ODC-By 1.0)."""
    raw = np.fromfile(SHARED / "physio" / "ecg_mitdb" / "100.dat", np.uint8).reshape(-1, 3).astype(int)
    counts = ((raw[:, 1] & 15) << 8) + raw[:, 0]
    return (np.where(counts > 2047, counts - 4096, counts) - 1024) / 200, 360.0


def notch_ecg() -> Figure:
    """An electrocardiogram with its mains hum of 60 Hz, and without."""
    x, rate = _ecg()
    y = notch(x, rate=rate, frequency=60.0, harmonics=2, quality=20.0)
    figure = Figure(figsize=(7, 2.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    shown = slice(int(60 * rate), int(61.6 * rate))
    time = np.arange(len(x))[shown] / rate
    left.plot(time, x[shown], lw=0.7, color="0.6", label="as recorded")
    left.plot(time, y[shown] - 0.5, lw=0.9, label="notch, 0.5 mV lower")
    left.set(xlabel="time (s)", ylabel="mV")
    left.legend(frameon=False, loc="upper right", fontsize=8)
    for values, colour in ((x, "0.6"), (y, "C0")):
        frequency, power = welch(values, rate, nperseg=2048)
        right.semilogy(frequency, power, lw=0.8, color=colour)
    right.set(xlabel="frequency (Hz)", ylabel="PSD (mV²/Hz)", xlim=(0, rate / 2))
    return figure


def despike_rr() -> Figure:
    """Intervals between heart beats, with those that a Hampel filter replaces."""
    rr = np.loadtxt(SHARED / "physio" / "hrv" / "rest_rri.txt")
    found = hampel(rr, 11, threshold=4.0, least=100.0)
    figure = Figure(figsize=(7, 2.4), layout="constrained")
    axes = figure.subplots()
    beat = np.arange(len(rr))
    axes.plot(beat, rr, lw=0.6, color="0.7", label="as recorded")
    axes.plot(beat, found.values, lw=0.9, label="despiked")
    axes.plot(
        beat[found.replaced], rr[found.replaced], ".", color="C3", label=f"replaced: {found.replaced.sum()}"
    )
    axes.set(xlabel="beat", ylabel="RR interval (ms)", xlim=(0, len(rr)))
    axes.legend(frameon=False, ncol=3, fontsize=8)
    return figure


def velocity_bearing() -> Figure:
    """Acceleration of a machine and the velocity from it, a quarter of a second."""
    x, rate = bearing(97)
    velocity = integrate(x, rate=rate, low=5.0)
    figure = Figure(figsize=(7, 3), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True)
    shown = slice(int(rate), int(1.25 * rate))
    time = np.arange(len(x))[shown] / rate
    upper.plot(time, x[shown], lw=0.4)
    lower.plot(time, 1e3 * velocity[shown], lw=0.9)
    upper.set(ylabel="m/s²")
    lower.set(xlabel="time (s)", ylabel="mm/s", xlim=(time[0], time[-1]))
    return figure


def weighting_a() -> Figure:
    """A weighting at 48 kHz: gain of the matched filter and of a bilinear one, less the standard's."""
    rate, frequency = 48_000.0, np.geomspace(100, 23_500, 400)
    wanted = np.prod([[s.gain(f) for f in frequency] for s in analogue("A")], axis=0)
    sections = np.array(weighting_sections("A", rate))
    w = 2 * np.pi * np.array(SOUND_POLES)
    zpk = signal.bilinear_zpk(np.zeros(4), -w[[0, 0, 1, 2, 3, 3]], 1.0, rate)
    figure = Figure(figsize=(7, 2.6), layout="constrained")
    axes = figure.subplots()
    for sos, label in ((signal.zpk2sos(*zpk), "bilinear"), (sections, "matched")):
        gain = np.abs(signal.sosfreqz(sos, frequency, fs=rate)[1])
        scale = np.abs(signal.sosfreqz(sos, [1000.0], fs=rate)[1])
        axes.semilogx(frequency, 20 * np.log10(gain / scale / wanted), label=label)
    nominal = np.array([100, 4000, 5000, 6300, 8000, 10000, 12500, 16000])
    limits = np.array([[1, 1, 1.5, 1.5, 1.5, 2, 2, 2.5], [-1, -1, -1.5, -2, -2.5, -3, -5, -16]])
    for limit in limits:
        axes.semilogx(nominal, limit, color="0.7", lw=1, drawstyle="steps-mid")
    axes.set(xlabel="frequency (Hz)", ylabel="off by (dB)", ylim=(-10, 3.5), xlim=(100, 24_000))
    axes.legend(frameon=False, loc="lower left", title="class 1 limits in grey")
    return figure
