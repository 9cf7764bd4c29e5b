"""Frequency-weighted signals, and what people are exposed to by a weighted vibration."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.filter.weighting_design import weighting_sections
from hpcflow_kernels.filter.zero_phase import sosfilt
from hpcflow_kernels.frames import frame_hop, frame_length
from hpcflow_kernels.rolling.statistics import rolling_mean


def frequency_weighting(x: np.ndarray, *, rate: float, weighting: str) -> np.ndarray:
    """Weight a signal as a sound level meter or a vibration meter does.

    One pass forwards, so waveforms are the standard's too, and peaks and dose values are those of a meter;
    all of it stands up to one sample early (1.5 for Wf).

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples, ...)
        A stretch without gaps: sound pressure for A and C, acceleration for the others.
    rate : float
        Samples per second.
    weighting : str
        A, C (IEC 61672-1); Wb, Wc, Wd, We, Wf, Wj, Wk, Wm of the whole body (ISO 2631-1, -2, -4) and Wh of
        hand and arm (ISO 5349-1), all as ISO 8041-1 defines them.

    Returns
    -------
    ndarray
        Of the shape and type of `x`; computed in float64. The filter begins as if the first sample had stood
        there for ever, so a constant such as gravity leaves no trace.

    Notes
    -----
    Gains differ from the standard's by at most 0.9 dB (A, C) and 2 dB (vibration), and by that much only
    above 0.35 of the sampling rate.
    """
    from scipy.signal import sosfilt_zi

    sos = np.array(weighting_sections(weighting, rate))
    start = np.multiply.outer(sosfilt_zi(sos), x[0].astype(np.float64))
    weighted: np.ndarray = sosfilt(sos, x, axis=0, zi=start)[0]
    return weighted


def vibration_exposure(
    x: np.ndarray, *, rate: float, window: float = 60.0, overlap: float = 0.0
) -> dict[str, np.ndarray]:
    """What a person is exposed to in each window, from a weighted acceleration.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Frequency-weighted acceleration, m/s²; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s; at least 1 s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).

    Returns
    -------
    dict of str to ndarray
        Shape (frames,), the float type of `x`, NaN for frames that touch a gap. With a the frame's samples
        and T its duration:

        - ``weighted_rms``: ``sqrt(mean(a**2))``, m/s²
        - ``vdv``: the vibration dose value ``(mean(a**4) T) ** (1/4)``, m/s^1.75
        - ``mtvv``: the maximum transient vibration value, the largest RMS of 1 s within the frame, m/s²
        - ``peak``: ``max(abs(a))``, m/s²; ``crest_factor``: peak over RMS

    Notes
    -----
    ISO 2631-1:1997, 6.1 to 6.3; the running RMS with linear averaging (equation 2). Frames combine as fourth
    powers (VDV), squares (RMS, weighted by time) and maxima.
    """
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    second = max(1, round(rate))
    frames = np.empty((0, n)) if len(x) < n else np.lib.stride_tricks.sliding_window_view(x, n)[::hop]
    out = np.full((5, len(frames)), np.nan)
    for row, frame in enumerate(frames):
        if not np.isfinite(frame).all():
            continue
        square = frame.astype(np.float64) ** 2
        rms, peak = np.sqrt(square.mean()), np.abs(frame).max()
        out[0, row], out[3, row] = rms, peak
        out[1, row] = (np.mean(square**2) * n / rate) ** 0.25
        out[2, row] = np.sqrt(np.nanmax(rolling_mean(square, second))) if second <= n else np.nan
        out[4, row] = peak / rms if rms > 0 else np.nan
    names = ("weighted_rms", "vdv", "mtvv", "peak", "crest_factor")
    return dict(zip(names, out.astype(dtype), strict=True))
