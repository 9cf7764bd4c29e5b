"""Envelopes and their spectra."""

from __future__ import annotations

import numpy as np


def frame_length(window: float, rate: float) -> int:
    """Samples of a frame: the nearest whole number to window x rate."""
    return max(1, int(window * rate + 0.5))


def frame_hop(window: float, overlap: float, rate: float) -> int:
    """Samples from one frame to the next."""
    return max(1, int(frame_length(window, rate) * (1 - overlap) + 0.5))


def frequency_count(window: float, max_frequency: float) -> int:
    """Bins k/window from 0 up to max_frequency, both included."""
    return int(max_frequency * window + 1e-9) + 1


def hann(n: int) -> np.ndarray:
    """Periodic Hann window, float64, shape (n,)."""
    window: np.ndarray = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    return window


def envelope_spectrum(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.5,
    max_frequency: float = 1000.0,
) -> dict[str, np.ndarray]:
    """Amplitude spectrum of the Hilbert envelope, frame by frame.

    The envelope is the modulus of the frame's analytic signal. Its mean is taken off, the rest weighted by
    a periodic Hann window, and ``A_k = 2 |sum w e exp(-2 pi i k t / window)| / sum w``: a sinusoidal
    modulation of peak amplitude a gives a line of height a. Bin 0 holds the mean envelope itself.

    Frequencies are k/window whatever the sampling rate. Where window x rate is a whole number they are the
    bins of the FFT; elsewhere the frame has the nearest whole length and a chirp-z transform evaluates its
    spectrum at exactly k/window.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal, band-passed already; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    max_frequency : float
        Last frequency of the grid, Hz.

    Returns
    -------
    dict
        ``amplitude``: ndarray, shape (frames, max_frequency * window + 1), in the units and float type of
        `x`; rows of frames that touch a gap are NaN.

    Notes
    -----
    Randall and Antoni, Rolling element bearing diagnostics: a tutorial, MSSP 25 (2011), section 5.
    """
    from scipy.fft import fft, ifft, rfft
    from scipy.signal import CZT

    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    bins = frequency_count(window, max_frequency)
    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    amplitude = np.full((rows, bins), np.nan, dtype)
    if rows == 0:
        return {"amplitude": amplitude}
    weight = hann(n).astype(dtype)
    one_sided = np.zeros(n, dtype)
    one_sided[0] = 1
    one_sided[1 : (n + 1) // 2] = 2
    if n % 2 == 0:
        one_sided[n // 2] = 1
    exact = abs(window * rate - n) <= 1e-9 * n
    zoom = None if exact else CZT(n, bins, w=np.exp(-2j * np.pi / (window * rate)))
    for row in range(rows):
        frame = x[row * hop : row * hop + n].astype(dtype, copy=False)
        if not np.isfinite(frame).all():
            continue
        envelope = np.abs(ifft(fft(frame) * one_sided))
        mean = envelope.mean(dtype=np.float64)
        swing = ((envelope - mean) * weight).astype(dtype, copy=False)
        lines = rfft(swing)[:bins] if zoom is None else zoom(swing)
        amplitude[row, : len(lines)] = 2 * np.abs(lines) / (n / 2)
        amplitude[row, 0] = mean
    return {"amplitude": amplitude}
