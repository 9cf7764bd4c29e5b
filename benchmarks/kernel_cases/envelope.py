"""Envelope spectra against SciPy's filter and analytic signal; the kurtogram against openconmo's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import SMALL, Case, noise
from benchmarks.machine import Work, transform
from hpcflow_kernels.filter.zero_phase import bandpass
from hpcflow_kernels.machine.envelope import envelope_spectrum
from hpcflow_kernels.machine.envelope_band import squared_envelope_spectrum
from hpcflow_kernels.machine.kurtogram import kurtogram
from hpcflow_kernels.machine.kurtogram_contracts import band_counts

RATE, LOW, HIGH = 25_600.0, 2000.0, 5000.0


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them, records of one second."""
    yield _plain_envelope(noise(round((2 if small else 16) * RATE)))
    yield _envelope_of_band(noise(round((2 if small else 64) * RATE)))
    yield _squared_envelope(noise(round((2 if small else 64) * RATE)))
    yield _kurtogram(noise(SMALL if small else 524_297), timers)


def _plain_envelope(x: np.ndarray) -> Case:
    from scipy import fft, signal

    n = round(RATE)
    sos = signal.butter(4, [LOW, HIGH], "bandpass", fs=RATE, output="sos")
    weight = signal.get_window("hann", n)

    def lines(record: np.ndarray) -> np.ndarray:
        envelope = np.abs(signal.hilbert(record))
        amplitude = np.abs(fft.rfft((envelope - envelope.mean()) * weight)[:1001]) * (4 / n)
        amplitude[0] = envelope.mean()
        return amplitude

    def ours() -> np.ndarray:
        band = bandpass(x, rate=RATE, low=LOW, high=HIGH)
        return envelope_spectrum(band, rate=RATE, overlap=0.0)["amplitude"]

    def by_scipy(x: np.ndarray) -> np.ndarray:
        band = signal.sosfiltfilt(sos, x)
        return np.array([lines(record) for record in band.reshape(-1, n)])

    return Case(
        "envelope_spectrum",
        len(x),
        ours,
        lambda: by_scipy(x.astype(np.float64)),
        {"scipy": lambda: by_scipy(x)},
        Work(10 * len(sos) + 3 * transform(n) + 4),
    )


def _envelope_of_band(x: np.ndarray) -> Case:
    from scipy import fft, signal

    n, bins = round(RATE), 1001
    sos = signal.butter(4, [LOW, HIGH], "bandpass", fs=RATE, output="sos")
    weight = signal.get_window("hann", n)

    def lines(envelope: np.ndarray) -> np.ndarray:
        amplitude = np.abs(fft.rfft((envelope - envelope.mean()) * weight)[:bins]) * (4 / n)
        amplitude[0] = envelope.mean()
        return amplitude

    def by_scipy() -> np.ndarray:
        records = x.reshape(-1, n)
        return np.array([lines(np.abs(signal.hilbert(signal.sosfiltfilt(sos, row)))) for row in records])

    def truth() -> np.ndarray:
        frequency = fft.rfftfreq(n, 1 / RATE)
        spectra = fft.rfft(x.reshape(-1, n).astype(np.float64))
        spectra[:, (frequency < LOW) | (frequency > HIGH)] = 0
        return np.array([lines(np.abs(signal.hilbert(fft.irfft(row, n)))) for row in spectra])

    return Case(
        "envelope_spectrum.band",
        len(x),
        lambda: envelope_spectrum(x, rate=RATE, band=(LOW, HIGH), overlap=0.0)["amplitude"],
        truth,
        {"scipy": by_scipy},
        Work(transform(n) + 3 * transform(13_500) * 13_500 / n),
    )


def _squared_envelope(x: np.ndarray) -> Case:
    from scipy import fft, signal

    n, bins = round(RATE), 1001
    sos = signal.butter(4, [LOW, HIGH], "bandpass", fs=RATE, output="sos")
    weight = signal.get_window("hann", n)

    def lines(envelope: np.ndarray) -> np.ndarray:
        squared = np.abs(envelope) ** 2
        amplitude = np.abs(fft.rfft((squared - squared.mean()) * weight)[:bins]) * (4 / n)
        amplitude[0] = squared.mean()
        return amplitude

    def by_scipy() -> np.ndarray:
        records = x.reshape(-1, n)
        return np.array([lines(signal.hilbert(signal.sosfiltfilt(sos, record))) for record in records])

    def truth() -> np.ndarray:
        frequency = fft.rfftfreq(n, 1 / RATE)
        outside = (frequency < LOW) | (frequency > HIGH)
        spectra = fft.rfft(x.reshape(-1, n).astype(np.float64))
        spectra[:, outside] = 0
        return np.array([lines(signal.hilbert(fft.irfft(row, n))) for row in spectra])

    return Case(
        "squared_envelope_spectrum",
        len(x),
        lambda: squared_envelope_spectrum(x, rate=RATE, band=(LOW, HIGH), overlap=0.0)["squared_amplitude"],
        truth,
        {"scipy": by_scipy},
        Work(transform(n) + 3 * transform(8192) * 8192 / n),
    )


def _kurtogram(x: np.ndarray, timers: bool) -> Case:
    levels = 5 if len(x) == SMALL else 7

    def truth() -> np.ndarray:
        return np.concatenate(kurtogram(x.astype(np.float64), levels).kurtosis)

    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        peers["openconmo"] = lambda: by_openconmo(x, levels)
    block = 1 << 16
    operations = transform(block) + sum(transform(block / 2 / count) + 2 for count in band_counts(levels)[1:])
    return Case(
        "kurtogram",
        len(x),
        lambda: np.concatenate(kurtogram(x, levels).kurtosis),
        truth,
        peers,
        Work(operations),
    )


def by_openconmo(x: np.ndarray, levels: int) -> np.ndarray:
    """Antoni's bands and filters; in float64, for it works in place."""
    from openconmo.kurtogram import fast_kurtogram

    table = fast_kurtogram(x.astype(np.float64), RATE, levels)[0]
    counts = band_counts(levels)
    return np.concatenate([row[:: len(row) // count] for row, count in zip(table, counts, strict=True)])
