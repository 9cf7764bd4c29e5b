"""Envelopes and their spectra."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length, frequency_count, hann

BATCH = 8
"""Frames that are transformed together. Always so many: SciPy then runs all of them in the lanes of vectors,
and a frame's bits do not depend on how many others a block holds."""


def envelope_spectrum(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.5,
    max_frequency: float = 1000.0,
) -> dict[str, np.ndarray]:
    """Amplitude spectrum of the Hilbert envelope, frame by frame.

    The envelope is the modulus of the frame's analytic signal, the frame and its Hilbert transform. Its mean
    is taken off, the rest weighted by a periodic Hann window, and ``A_k = 2 |sum w e exp(-2 pi i k t /
    window)| / sum w``: a sinusoidal modulation of peak amplitude a gives a line of height a. Bin 0 holds the
    mean envelope itself.

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

    Samples are squared in their own type: a float32 signal must lie between about 1e-18 and 1e18.
    """
    from scipy.fft import irfft, rfft
    from scipy.signal import CZT

    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    bins = frequency_count(window, max_frequency)
    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    amplitude = np.full((rows, bins), np.nan, dtype)
    weight = hann(n).astype(dtype)
    exact = abs(window * rate - n) <= 1e-9 * n
    zoom = None if exact else CZT(n, bins, w=np.exp(-2j * np.pi / (window * rate)))
    frames = np.zeros((BATCH, n), dtype)
    for start in range(0, rows, BATCH):
        part = range(start, min(start + BATCH, rows))
        for place, row in enumerate(part):
            frames[place] = x[row * hop : row * hop + n]
        with np.errstate(invalid="ignore", over="ignore"):
            spectrum = rfft(frames)
            spectrum[:, 0] = 0
            if n % 2 == 0:
                spectrum[:, -1] = 0
            spectrum *= dtype.type(-1) * 1j
            envelope = irfft(spectrum, n, overwrite_x=True)
            envelope *= envelope
            envelope += frames * frames
            np.sqrt(envelope, out=envelope)
            mean = envelope.mean(axis=1, dtype=np.float64)
            envelope -= mean.astype(dtype)[:, np.newaxis]
            envelope *= weight
            lines = (rfft(envelope) if zoom is None else zoom(envelope))[:, :bins]
            found = np.abs(lines) * dtype.type(4 / n)
        found[:, 0] = mean
        found[~np.isfinite(mean)] = np.nan  # one missing sample makes every bin of its frame NaN
        amplitude[start : part.stop, : found.shape[1]] = found[: len(part)]
    return {"amplitude": amplitude}
