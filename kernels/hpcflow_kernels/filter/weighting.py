"""Frequency-weighted signals."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.filter.weighting_design import weighting_sections
from hpcflow_kernels.filter.zero_phase import sosfilt


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
