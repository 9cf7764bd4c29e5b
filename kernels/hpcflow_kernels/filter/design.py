"""Second-order sections of the filters that steps ask for; SciPy designs them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from hpcflow_kernels.filter.poles import Design


@lru_cache(maxsize=64)
def sections(asked: Design) -> np.ndarray:
    """Design a low-pass, high-pass or band-pass.

    Parameters
    ----------
    asked : Design
        Butterworth and Bessel filters have half power at their edges (`scipy.signal.bessel` with
        ``norm="mag"``), Chebyshev's first kind and elliptic ones leave their ripple there, Chebyshev's second
        kind reaches its attenuation there.

    Returns
    -------
    ndarray of float64, shape (sections, 6), not writeable
        As `scipy.signal.sosfilt` takes them.
    """
    from scipy import signal

    edges = asked.edges if asked.kind == "bandpass" else asked.edges[0]
    how = {"btype": asked.kind, "fs": asked.rate, "output": "sos"}
    if asked.design == "chebyshev1":
        sos = signal.cheby1(asked.order, asked.ripple, edges, **how)
    elif asked.design == "chebyshev2":
        sos = signal.cheby2(asked.order, asked.attenuation, edges, **how)
    elif asked.design == "elliptic":
        sos = signal.ellip(asked.order, asked.ripple, asked.attenuation, edges, **how)
    elif asked.design == "bessel":
        sos = signal.bessel(asked.order, edges, norm="mag", **how)
    else:
        sos = signal.butter(asked.order, edges, **how)
    sos.flags.writeable = False
    return np.asarray(sos)


@lru_cache(maxsize=64)
def notches(frequency: float, harmonics: int, quality: float, rate: float) -> np.ndarray:
    """One section by `scipy.signal.iirnotch` for a frequency and for each multiple of it below rate / 2.

    Parameters
    ----------
    frequency, rate : float
        Hz.
    harmonics : int
        How many multiples, 1 for the frequency alone.
    quality : float
        Of the notch at `frequency`: frequency over width at half power, a pass. All notches have the same
        width in Hz.

    Returns
    -------
    ndarray of float64, shape (sections, 6), not writeable
    """
    from scipy import signal

    rows = [
        np.concatenate(signal.iirnotch(k * frequency, k * quality, fs=rate))
        for k in range(1, harmonics + 1)
        if k * frequency < rate / 2
    ]
    sos = np.array(rows)
    sos.flags.writeable = False
    return sos
