"""What a spectrum looks like in a few numbers, and how impulsive a signal is at each frequency."""

from __future__ import annotations

from typing import Any

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length, hann
from hpcflow_kernels.spectral.frame_power import contiguous, frame_powers, power_moments

LEAST_BINS = 4
"""Without which a spectrum has no shape."""

TOGETHER = 16
"""Frames whose spectra are held at a time: 256 KiB at 4096 samples."""


def spectral_shape(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.0,
    low: float = 0.0,
    high: float | None = None,
    rolloff: float = 0.85,
) -> dict[str, np.ndarray]:
    """Centre, width, end, evenness and strongest line of each frame's power spectrum.

    With p_k the power at f_k of the frame, mean removed and weighted by a periodic Hann window, over the bins
    from `low` to `high` without zero, and q_k = p_k / sum(p):

    - ``centroid``: c = sum(f q); ``spread``: sqrt(sum((f - c)**2 q))
    - ``rolloff``: lowest f below or at which the fraction `rolloff` of the power lies
    - ``flatness``: geometric over arithmetic mean of p; 0.56 for white noise, towards 0 for lines
    - ``entropy``: -sum(q log q) / log(number of bins); 1 where all bins are equal
    - ``peak_frequency``: that of the largest bin, moved to the top of the parabola through the logarithms of
      it and its neighbours: within 0.02 bins of a steady tone

    Values of a frame without power are NaN, as is every value of a frame that touches a gap.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s; multiples of 8 samples without a prime factor above 5 are fastest.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    low, high : float
        Ends of the band that is looked at, Hz; half the sampling rate where `high` is None.
    rolloff : float
        Fraction of the power, in (0, 1].

    Returns
    -------
    dict of str to ndarray
        Of the float type of `x`, shape (frames,); sums run in float64.

    Raises
    ------
    ValueError
        Where the band holds fewer than 4 bins.

    Notes
    -----
    Peeters, A large set of audio features for sound description, IRCAM (2004), section 6; there of
    amplitudes, here of powers.
    """
    from hpcflow_kernels.spectral.shape_loops import shapes

    x = contiguous(x)
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    weights, frames = hann(n), 0 if len(x) < n else (len(x) - n) // hop + 1
    first, stop = bins_of_band(n, rate, low, high)
    f = np.arange(first, stop) * (rate / n)
    names = "centroid", "spread", "rolloff", "flatness", "entropy", "peak_frequency"
    out = {name: np.empty(frames, x.dtype) for name in names}
    numbers, top = np.empty((frames, 5)), np.empty(frames, np.int64)
    for row in range(0, frames, TOGETHER):
        part = slice(row, min(row + TOGETHER, frames))
        near = x[row * hop : (part.stop - 1) * hop + n]
        power = np.ascontiguousarray(frame_powers(near, hop, weights, 1 / n)[:, first:stop])
        with np.errstate(invalid="ignore", divide="ignore"):
            log = np.log(power)
            shapes(power, log, f, rolloff, numbers[part], top[part])
            peak = f[top[part]] + _moved(log, top[part]) * (rate / n)
        for place, name in enumerate(names[:-1]):
            out[name][part] = numbers[part, place]
        out["peak_frequency"][part] = np.where(np.isnan(numbers[part, 0]), np.nan, peak)
    return out


def bins_of_band(n: int, rate: float, low: float, high: float | None) -> tuple[int, int]:
    """First bin of a transform of n samples from `low` Hz on, without zero, and one past the last to `high`.

    Raises
    ------
    ValueError
        Where these are fewer than `LEAST_BINS`.
    """
    first = max(1, int(np.ceil(low * n / rate - 1e-9)))
    stop = n // 2 + 1 if high is None else min(n // 2, int(np.floor(high * n / rate + 1e-9))) + 1
    if stop - first < LEAST_BINS:
        raise ValueError(
            f"a shape needs {LEAST_BINS} bins (the band holds {max(0, stop - first)} of {rate / n:g} Hz): "
            "lengthen `window` or widen the band"
        )
    return first, stop


def _moved(log: np.ndarray, top: np.ndarray) -> np.ndarray:
    """How many bins the largest lies from the top of the parabola through it and its neighbours."""
    rows, inner = np.arange(len(log)), np.clip(top, 1, log.shape[1] - 2)
    before, at, after = (log[rows, inner + k].astype(np.float64) for k in (-1, 0, 1))
    bend = before - 2 * at + after
    found: np.ndarray = np.where(
        (top == inner) & np.isfinite(bend) & (bend < 0), (before - after) / (2 * bend), 0.0
    )
    return found


def spectral_kurtosis(
    x: np.ndarray,
    fs: float = 1.0,
    window: Any = "hann",
    nperseg: int = 256,
    noverlap: int | None = None,
    axis: int = -1,
) -> tuple[np.ndarray, np.ndarray]:
    """Kurtosis of a signal's short-time spectrum at each frequency.

    With S1 and S2 the sums over M segments of \\|X\\|**2 and \\|X\\|**4, the unbiased
    ``M / (M - 1) ((M + 1) S2 / S1**2 - 2)``: 0 for Gaussian noise with a spread of about 2 / sqrt(M), -1 for
    a steady tone, large where the power comes in bursts. Zero frequency and half the sampling rate, where
    the spectrum is real, have 1 less, so that noise gives 0 there too.

    Parameters
    ----------
    x : ndarray of real numbers
        Signals; float32 is transformed in float32, all else in float64.
    fs : float
        Samples per second.
    window : str, tuple or ndarray
        As scipy.signal.get_window takes it, or the weights themselves.
    nperseg, noverlap : int, optional
        Samples of a segment, and samples that two share, half by default. Each segment's mean is taken off.
    axis : int
        Axis along which time runs.

    Returns
    -------
    f : ndarray of float64, shape (nperseg // 2 + 1,)
        Frequencies, Hz.
    kurtosis : ndarray of float64
        Of the shape of `x` with f in place of time; NaN where a signal has a missing sample or no power.

    Raises
    ------
    ValueError
        Where a signal holds fewer than two segments.

    Notes
    -----
    Vrabie, Granjon and Serviere, Spectral kurtosis: from definition to application, NSIP (2003); Antoni, The
    spectral kurtosis, MSSP 20 (2006).
    """
    from scipy.signal import get_window

    rows = np.moveaxis(np.asarray(x), axis, -1)
    named = isinstance(window, str | tuple)
    weights = get_window(window, nperseg) if named else np.asarray(window, np.float64)
    n, samples = len(weights), rows.shape[-1]
    step = n - (n // 2 if noverlap is None else noverlap)
    if not 0 < step <= n or samples < n + step:
        raise ValueError(
            f"a kurtosis needs two segments (found {samples} samples, segments of {n} that begin {step} "
            "apart): shorten `nperseg`"
        )
    kurtosis = np.empty((*rows.shape[:-1], n // 2 + 1))
    for index in np.ndindex(rows.shape[:-1]):
        sums = power_moments(contiguous(rows[index]), samples, samples, step, weights)
        kurtosis[index] = _kurtosis(sums, (samples - n) // step + 1, n)[0]
    return np.fft.rfftfreq(n, 1 / fs), np.moveaxis(kurtosis, -1, axis)


def spectral_kurtosis_frames(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 10.0,
    nperseg: int = 256,
    overlap: float = 0.5,
    taper: str = "hann",
) -> dict[str, np.ndarray]:
    """One spectral kurtosis for each stretch of `window` seconds; see `spectral_kurtosis`.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Duration of what gives one row, s; stretches follow one another.
    nperseg : int
        Samples of a segment; powers of two are fastest.
    overlap : float
        Fraction of a segment that the next one shares, in [0, 1).
    taper : str
        Name of the weights, as scipy.signal.get_window knows them.

    Returns
    -------
    dict
        ``kurtosis``: ndarray, shape (windows, nperseg // 2 + 1), of the float type of `x`; bin k stands at
        ``k rate / nperseg`` Hz. Rows that touch a gap are NaN.
    """
    from scipy.signal import get_window

    from hpcflow_kernels.finite import all_finite
    from hpcflow_kernels.spectral.stft_contracts import hop_of

    x = contiguous(x)
    frame, step = frame_length(window, rate), hop_of(nperseg, overlap)
    sums = power_moments(x, frame, frame, step, get_window(taper, nperseg))
    kurtosis = _kurtosis(sums, (frame - nperseg) // step + 1, nperseg).astype(x.dtype)
    for row in range(len(kurtosis)):
        if not all_finite(x[row * frame : (row + 1) * frame]):
            kurtosis[row] = np.nan
    return {"kurtosis": kurtosis}


def _kurtosis(sums: np.ndarray, segments: int, n: int) -> np.ndarray:
    once, twice = sums[:, 0], sums[:, 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(once > 0, twice / (once * once), np.nan)
    value: np.ndarray = segments / (segments - 1) * ((segments + 1) * ratio - 2)
    value[:, [0, -1] if n % 2 == 0 else [0]] -= 1
    return value
