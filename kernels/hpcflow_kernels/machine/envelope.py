"""Envelopes and their spectra."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcflow_kernels.frames import binary_scale, frame_hop, frame_length, frequency_count, hann
from hpcflow_kernels.machine.envelope_band import BATCH, band_lines
from hpcflow_kernels.machine.envelope_frame import frame, suits
from hpcflow_kernels.scratch import scratch
from hpcflow_kernels.spectral.frame_power import contiguous, is_fast
from hpcflow_kernels.spectral.stft import Transform


def envelope_spectrum(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.5,
    max_frequency: float = 1000.0,
    band: Sequence[float] | None = None,
    oversampling: float = 4.0,
) -> dict[str, np.ndarray]:
    """Amplitude spectrum of the Hilbert envelope, frame by frame.

    The envelope is the modulus of the frame's analytic signal, the frame and its Hilbert transform. Its mean
    is taken off, the rest weighted by a periodic Hann window, and ``A_k = 2 |sum w e exp(-2 pi i k t /
    window)| / sum w``: a sinusoidal modulation of peak amplitude a gives a line of height a. Bin 0 holds the
    mean envelope itself.

    Frequencies are k/window whatever the sampling rate. Where window x rate is a whole number they are the
    bins of the FFT; elsewhere the frame has the nearest whole length and a chirp-z transform evaluates its
    spectrum at exactly k/window.

    Given a `band`, the frame's bins inside it are the analytic signal, as in `squared_envelope_spectrum`, and
    its modulus is taken at a lower rate: no filter is needed, and a quarter of the time. A modulus has no
    last frequency, so what lies above half of that rate folds back: see the notes.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal, band-passed already or a raw one with `band`; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    max_frequency : float
        Last frequency of the grid, Hz.
    band : sequence of two floats, optional
        Lower and upper edge, Hz; bins from the first up to the second count whole. Without it the signal is
        taken as it is, and the envelope at its full rate.
    oversampling : float
        Least samples per second of the envelope for each hertz of `band`, at least 2; `max_frequency` more
        are taken, and the full rate where that is less.

    Returns
    -------
    dict
        ``amplitude``: ndarray, shape (frames, max_frequency * window + 1), in the units and float type of
        `x`; rows of frames that touch a gap are NaN.

    Raises
    ------
    ValueError
        Where `band` holds no frequency of a frame, or `oversampling` is below 2.

    Notes
    -----
    Randall and Antoni, Rolling element bearing diagnostics: a tutorial, MSSP 25 (2011), section 5.

    By folding, lines are off by less than 1e-3 of the mean envelope at the default `oversampling`, as
    measured on noise, whose envelope touches zero most often, and on bearings with faults; the error falls
    by 4 to 8 when the rate doubles (docs/kernels/envelope.md).
    """
    if band is not None:
        lines = band_lines(x, rate, band, window, overlap, max_frequency, oversampling, squared=False)
        return {"amplitude": lines}
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    bins = frequency_count(window, max_frequency)
    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    exact = abs(window * rate - n) <= 1e-9 * n
    if exact and is_fast(n) and bins <= n // 2:
        return {"amplitude": _in_lanes(x, rows, hop, n, bins)}
    grid = None if exact else window * rate
    return {"amplitude": _by_scipy(x, rows, hop, n, bins, grid)}


def _in_lanes(x: np.ndarray, rows: int, hop: int, n: int, bins: int) -> np.ndarray:
    """Lines of frames whose length suits our own transforms: long ones one by one, else eight together."""
    signal = contiguous(x)
    amplitude = np.empty((rows, bins), signal.dtype)
    most = int(np.finfo(signal.dtype).maxexp) - 2
    if suits(n):
        from hpcflow_kernels.machine.envelope_frame_loops import frame_lines

        work = scratch("envelope", n + 48, signal.dtype)
        frame_lines(signal, hop, *frame(n, signal.dtype.str), most, work, amplitude)
    elif rows:
        from hpcflow_kernels.machine.envelope_whole_loops import whole_lines

        there = Transform.of(np.full(n, 2 / n), signal.dtype)
        weight = Transform.of(hann(n) * (4 / n), signal.dtype).window
        work = scratch("envelope", 24 * n + 1088, signal.dtype)
        whole_lines(signal, hop, *there, weight, most, work, amplitude)
    return amplitude


def _by_scipy(x: np.ndarray, rows: int, hop: int, n: int, bins: int, grid: float | None) -> np.ndarray:
    """The same by SciPy's transforms: any lengths, and lines 1/`grid` of the rate apart."""
    from scipy.fft import irfft, rfft
    from scipy.signal import CZT

    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    amplitude = np.full((rows, bins), np.nan, dtype)
    weight = hann(n).astype(dtype)
    zoom = None if grid is None else CZT(n, bins, w=np.exp(-2j * np.pi / grid))
    frames = np.zeros((BATCH, n), dtype)
    for start in range(0, rows, BATCH):
        part = range(start, min(start + BATCH, rows))
        for place, row in enumerate(part):
            frames[place] = x[row * hop : row * hop + n]
        with np.errstate(invalid="ignore", over="ignore"):
            scale = binary_scale(frames)
            if (scale != 1).any():
                frames /= scale
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
            found *= scale
        found[~np.isfinite(mean)] = np.nan  # one missing sample makes every bin of its frame NaN
        amplitude[start : part.stop, : found.shape[1]] = found[: len(part)]
    return amplitude
