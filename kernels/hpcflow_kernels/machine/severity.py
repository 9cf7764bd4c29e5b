"""Vibration severity by ISO 10816, and factors that tell a waveform's shape."""

from __future__ import annotations

import numpy as np

from hpcflow_kernels.frames import frame_hop, frame_length, hann
from hpcflow_kernels.machine.severity_contracts import ZONES
from hpcflow_kernels.spectral.frame_power import contiguous, frame_powers, is_fast

BATCH = 8
"""Frames that SciPy transforms together, always so many: no bit depends on how many a block holds."""

TOGETHER = 64
"""Frames whose powers are held at a time; a multiple of `BATCH`."""


def _frames(x: np.ndarray, n: int, hop: int) -> np.ndarray:
    """All whole frames as a view, shape (frames, n)."""
    if len(x) < n:
        return np.empty((0, n), x.dtype)
    return np.lib.stride_tricks.sliding_window_view(x, n)[::hop]


def vibration_severity(
    x: np.ndarray,
    *,
    rate: float,
    window: float = 1.0,
    overlap: float = 0.0,
    low: float = 10.0,
    high: float = 1000.0,
    machine: str = "group 2 rigid",
) -> dict[str, np.ndarray]:
    """Root mean square of the velocity in a band, and the zone in which the standard puts it.

    With the one-sided periodogram S of a frame's acceleration (mean removed, Hann window), the mean square
    velocity is the sum of ``S / (2 pi f)**2`` over bins from `low` to `high`, both included.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Acceleration, m/s²; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s; at least four periods of `low`.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).
    low, high : float
        Ends of the band, Hz. The standard's are 10 and 1000, and 2 where a machine runs below 600 turns a
        minute.
    machine : str
        A key of `hpcflow_kernels.machine.severity_contracts.ZONES`.

    Returns
    -------
    dict
        ``velocity_rms``, m/s, and ``zone``, 1 for A to 4 for D, a velocity on a boundary counting as the
        better zone; shape (frames,), the float type of `x`, NaN for frames that touch a gap.

    Notes
    -----
    ISO 10816-1:1995, Mechanical vibration: evaluation of machine vibration by measurements on non-rotating
    parts; boundaries as `ZONES` says.
    """
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    band, share = shares_of_velocity(n, rate, low, high)
    velocity = np.empty(0 if len(x) < n else (len(x) - n) // hop + 1)
    for start in range(0, len(velocity), TOGETHER):
        stop = min(start + TOGETHER, len(velocity))
        part = x[start * hop : (stop - 1) * hop + n]
        velocity[start:stop] = np.sqrt(np.sum(_powers(part, n, hop, band) * share, axis=1))
    velocity = velocity.astype(dtype)
    zone = np.searchsorted(np.asarray(ZONES[machine], dtype), velocity, side="left") + 1
    return {
        "velocity_rms": velocity,
        "zone": np.where(np.isfinite(velocity), zone, np.nan).astype(dtype),
    }


def shares_of_velocity(n: int, rate: float, low: float, high: float) -> tuple[slice, np.ndarray]:
    """Bins of a band, and what makes powers of velocity of those of acceleration."""
    frequency = np.arange(n // 2 + 1) * (rate / n)
    first = int(np.searchsorted(frequency, max(low * (1 - 1e-9), frequency[1])))
    band = slice(first, int(np.searchsorted(frequency, high * (1 + 1e-9), side="right")))
    return band, 1 / (2 * np.pi * frequency[band]) ** 2


def _powers(x: np.ndarray, n: int, hop: int, band: slice) -> np.ndarray:
    """One-sided powers of a band, float64, shape (frames, bins); NaN where a frame is not finite."""
    weight = hann(n)
    scale = 1 / (n * np.sum(weight * weight))
    if is_fast(n):
        return frame_powers(contiguous(x.astype(np.float64)), hop, weight, scale)[:, band]
    from scipy.fft import rfft

    frames = _frames(x, n, hop)
    out = np.empty((len(frames), band.stop - band.start))
    twice = np.full(n // 2 + 1, 2 * scale)
    if n % 2 == 0:
        twice[-1] /= 2
    together = np.zeros((BATCH, n))
    for start in range(0, len(frames), BATCH):
        part = frames[start : start + BATCH]
        together[: len(part)] = part
        with np.errstate(invalid="ignore", over="ignore"):
            spectrum = rfft((together - together.mean(axis=1, keepdims=True)) * weight)[:, band]
            power = (spectrum.real**2 + spectrum.imag**2) * twice[band]
        out[start : start + BATCH] = power[: len(part)]
    return out


def waveform_factors(
    x: np.ndarray, *, rate: float, window: float = 1.0, overlap: float = 0.0
) -> dict[str, np.ndarray]:
    """How pointed a waveform is, by ratios that no gain changes.

    With distances d_i = \\|x_i - mean\\|, peak = max d, rms = sqrt(mean(d**2)):

    - ``mean_absolute``: mean(d); ``shape_factor``: rms / mean(d); ``impulse_factor``: peak / mean(d)
    - ``clearance_factor``: peak / mean(sqrt(d))**2
    - ``zero_crossing_rate``: samples at which x - mean is negative and was not before, or the reverse, per
      second of the frame

    Factors of a constant frame are NaN, as is every value of a frame that touches a gap.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Frame duration, s.
    overlap : float
        Fraction of a frame that the next one shares, in [0, 1).

    Returns
    -------
    dict of str to ndarray
        Shape (frames,), the float type of `x`.
    """
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    dtype = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    frames = _frames(x, n, hop)
    out = np.full((5, len(frames)), np.nan)
    for row, frame in enumerate(frames):
        if not np.isfinite(frame).all():
            continue
        deviation = frame.astype(np.float64) - frame.mean(dtype=np.float64)
        distance = np.abs(deviation)
        crossings = np.count_nonzero(np.diff(deviation < 0)) * rate / n
        middle, peak = distance.mean(), distance.max()
        out[0, row], out[4, row] = middle, crossings
        if frame.max() > frame.min():
            rms, root = np.sqrt(np.mean(distance**2)), np.sqrt(distance).mean()
            out[1:4, row] = rms / middle, peak / middle, peak / root**2
    names = ("mean_absolute", "shape_factor", "impulse_factor", "clearance_factor", "zero_crossing_rate")
    return dict(zip(names, out.astype(dtype), strict=True))
