"""Envelope spectra of a band: filter, demodulation and decimation in one pair of transforms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.frames import binary_scale, frame_hop, frame_length, frequency_count, hann
from hpcflow_kernels.spectral.frame_power import is_fast
from hpcflow_kernels.spectral.stft import Transform, tables

BATCH = 8
"""Frames that SciPy transforms together. Always so many: it then runs all of them in the lanes of vectors,
and a frame's bits do not depend on how many others a block holds."""


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
    lines = band_lines(x, rate, band, window, overlap, max_frequency, 2.0, squared=True)
    return {"squared_amplitude": lines}


def band_lines(
    x: np.ndarray,
    rate: float,
    band: Sequence[float],
    window: float,
    overlap: float,
    max_frequency: float,
    oversampling: float,
    squared: bool,
) -> np.ndarray:
    """Lines of the modulus of a band's analytic signal, or of its square, frame by frame.

    `oversampling` is the least samples per second for each hertz of the band, and a modulus has
    `max_frequency` more, up to the full rate: what folds onto a line then comes from that many widths away.
    A square is exact from 2 on. Where both lengths suit our own transforms, one compiled loop does it all.
    """
    n, first, last, m, grid = demodulation(rate, band, window, max_frequency, oversampling, squared)
    hop, bins = frame_hop(window, overlap, rate), frequency_count(window, max_frequency)
    rows = 0 if len(x) < n else (len(x) - n) // hop + 1
    if not (grid is None and is_fast(n) and is_fast(2 * m) and is_fast(m)):
        return _by_scipy(x, rows, hop, n, m, first, last, bins, grid, squared)
    from hpcflow_kernels.machine.envelope_loops import band_lines as lines

    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    amplitude = np.empty((rows, bins), dtype)
    if amplitude.size == 0:
        return amplitude
    signal = np.ascontiguousarray(x, dtype)
    there = Transform.of(np.full(n, 2 / n), dtype)
    back_twiddle, back_place, _ = tables(2 * m, dtype.str)
    final = Transform.of(hann(m) * (4 / m), dtype)
    most = int(np.finfo(signal.dtype).maxexp) - 2
    band_of = first, last - first, back_twiddle, back_place
    lines(signal, hop, *there, *band_of, *final, squared, most, amplitude)
    return amplitude


class Demodulation(NamedTuple):
    """How the envelope of a band is taken from a frame.

    Attributes
    ----------
    n : int
        Samples of a frame.
    first, last : int
        First bin of the band, and the one after its last.
    m : int
        Samples of a frame's envelope.
    grid : float or None
        Lines of the envelope's spectrum are one over so many of its samples apart; None for m.
    """

    n: int
    first: int
    last: int
    m: int
    grid: float | None


def demodulation(
    rate: float,
    band: Sequence[float],
    window: float,
    max_frequency: float,
    oversampling: float,
    squared: bool,
) -> Demodulation:
    """Lengths for `band_lines`, of whose parameters these are some.

    Raises
    ------
    ValueError
        Where no bin lies inside the band, or `oversampling` is below 2.
    """
    from scipy.fft import next_fast_len

    if not oversampling >= 2:
        raise ValueError(
            f"an envelope needs two samples per second for each hertz of its band (found oversampling "
            f"{oversampling:g}): give `oversampling` at least 2"
        )
    n, bins = frame_length(window, rate), frequency_count(window, max_frequency)
    first, last = _edges(band, n, rate)
    # what folds onto lines of a modulus comes from beyond the grid; lengths of many twos transform fastest
    points = max(int(np.ceil(oversampling * (last - first))) + (0 if squared else bins), 2 * bins)
    m = 64 * next_fast_len(-(-points // 64), real=True)
    if not squared and m >= n:
        m = max(n, 2 * bins)
    exact = abs(window * rate - n) <= 1e-9 * n
    return Demodulation(n, first, last, m, None if exact else window * rate * (m / n))


def _by_scipy(
    x: np.ndarray,
    rows: int,
    hop: int,
    n: int,
    m: int,
    first: int,
    last: int,
    bins: int,
    grid: float | None,
    squared: bool,
) -> np.ndarray:
    """The same by SciPy's transforms: any lengths, and lines 1/`grid` of the envelope's rate apart."""
    from scipy.fft import ifft, rfft
    from scipy.signal import CZT

    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    amplitude = np.full((rows, bins), np.nan, dtype)
    width = last - first
    one_sided = np.full(width, 2 / n, dtype)
    one_sided[np.isin(np.arange(first, last), (0, n / 2))] = 1 / n
    weight = hann(m).astype(dtype)
    zoom = None if grid is None else CZT(m, bins, w=np.exp(-2j * np.pi / grid))
    frames = np.zeros((BATCH, n), dtype)
    baseband = np.zeros((BATCH, m), np.result_type(dtype, np.complex64))
    for start in range(0, rows, BATCH):
        part = range(start, min(start + BATCH, rows))
        for place, row in enumerate(part):
            frames[place] = x[row * hop : row * hop + n]
        baseband[:, width:] = 0
        with np.errstate(invalid="ignore", over="ignore"):
            np.multiply(rfft(frames)[:, first:last], one_sided, out=baseband[:, :width])
            scale = None if squared else binary_scale(baseband[:, :width].view(dtype))
            if scale is not None and (scale != 1).any():
                baseband[:, :width] /= scale
            analytic = ifft(baseband, norm="forward", overwrite_x=True)
            envelope = analytic.real**2
            envelope += analytic.imag**2
            if not squared:
                np.sqrt(envelope, out=envelope)
            mean = envelope.mean(axis=1, dtype=np.float64)
            envelope -= mean.astype(dtype)[:, np.newaxis]
            envelope *= weight
            lines = rfft(envelope)[:, :bins] if zoom is None else zoom(envelope)
            found = np.abs(lines) * dtype.type(4 / m)
            found[:, 0] = mean
            if scale is not None:
                found *= scale
        found[~np.isfinite(mean)] = np.nan  # one missing sample makes every bin of its frame NaN
        amplitude[start : part.stop] = found[: len(part)]
    return amplitude


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
