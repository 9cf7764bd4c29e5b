"""Squared envelope spectrum of a band: filter, demodulation and decimation in one pair of transforms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length, frequency_count, hann
from hpcflow_kernels.machine.envelope import BATCH


def squared_envelope_spectrum(
    x: np.ndarray,
    *,
    rate: float,
    band: Sequence[float],
    window: float = 1.0,
    overlap: float = 0.5,
    max_frequency: float = 1000.0,
) -> dict[str, np.ndarray]:
    """Amplitude spectrum of the squared envelope of a band, frame by frame.

    The frame's bins inside the band, doubled, are its analytic signal; moved down to zero frequency they keep
    their modulus. Its square holds no frequency above the band's width, so that twice the width in samples
    per second gives it exactly, and the inverse transform is as short as that. From the squared modulus e
    the mean is taken off, the rest weighted by a periodic Hann window, and
    ``A_k = 2 |sum w e exp(-2 pi i k t / window)| / sum w``; A_0 is the mean squared envelope, twice the
    band's mean power.

    Frequencies are k/window whatever the sampling rate, as for `envelope_spectrum`. The band has no
    transition: bins from the first edge up to the second count whole, both edges included.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A raw signal; NaN where samples are missing.
    rate : float
        Samples per second.
    band : sequence of two floats
        Lower and upper edge, Hz.
    window : float
        Frame duration, s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    max_frequency : float
        Last frequency of the grid, Hz.

    Returns
    -------
    dict
        ``squared_amplitude``: ndarray, shape (frames, max_frequency * window + 1), in the squared units and
        the float type of `x`; rows of frames that touch a gap are NaN.

    Notes
    -----
    Randall, Antoni and Chobsaard, The relationship between spectral correlation and envelope analysis in the
    diagnostics of bearing faults, MSSP 15 (2001), section 4; Borghesani et al., The relationship between
    kurtosis- and envelope-based indexes, MSSP 43 (2014): why squared.
    """
    from scipy.fft import ifft, next_fast_len, rfft
    from scipy.signal import CZT

    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    bins = frequency_count(window, max_frequency)
    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    amplitude = np.full((rows, bins), np.nan, dtype)
    first, last = _edges(band, n, rate)
    width = last - first
    m = next_fast_len(2 * max(width, bins), real=True)
    one_sided = np.full(width, 2 / n, dtype)
    one_sided[np.isin(np.arange(first, last), (0, n / 2))] = 1 / n
    weight = hann(m).astype(dtype)
    exact = abs(window * rate - n) <= 1e-9 * n
    zoom = None if exact else CZT(m, bins, w=np.exp(-2j * np.pi / (window * rate * (m / n))))
    frames = np.zeros((BATCH, n), dtype)
    baseband = np.zeros((BATCH, m), np.result_type(dtype, np.complex64))
    for start in range(0, rows, BATCH):
        part = range(start, min(start + BATCH, rows))
        for place, row in enumerate(part):
            frames[place] = x[row * hop : row * hop + n]
        baseband[:, width:] = 0
        with np.errstate(invalid="ignore", over="ignore"):
            np.multiply(rfft(frames)[:, first:last], one_sided, out=baseband[:, :width])
            analytic = ifft(baseband, norm="forward")
            squared = analytic.real**2
            squared += analytic.imag**2
            mean = squared.mean(axis=1, dtype=np.float64)
            squared -= mean.astype(dtype)[:, np.newaxis]
            squared *= weight
            lines = rfft(squared)[:, :bins] if zoom is None else zoom(squared)
            found = np.abs(lines) * dtype.type(4 / m)
        found[:, 0] = mean
        found[~np.isfinite(mean)] = np.nan  # one missing sample makes every bin of its frame NaN
        amplitude[start : part.stop] = found[: len(part)]
    return {"squared_amplitude": amplitude}


def _edges(band: Sequence[float], n: int, rate: float) -> tuple[int, int]:
    """First bin of the band, and the one after its last.

    Raises
    ------
    ValueError
        Where no bin lies inside.
    """
    low, high = band
    first = max(0, int(np.ceil(low * n / rate - 1e-9)))
    last = min(int(np.floor(high * n / rate + 1e-9)), n // 2) + 1
    if last <= first:
        raise ValueError(
            f"no frequency of a frame lies in the band (found {low:g} to {high:g} Hz, frames resolve "
            f"{rate / n:g} Hz up to {rate / 2:g} Hz): widen `band` or lengthen `window`"
        )
    return first, last
