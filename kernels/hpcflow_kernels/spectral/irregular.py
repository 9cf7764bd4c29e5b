"""Spectra of samples that are not regular in time, such as the intervals between heart beats."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError

CELLS = 1 << 18
"""Samples times frequencies that SciPy is given at a time: some ten arrays of 2 MiB."""

FINEST = 1 << 13
"""Most frequencies that band powers are summed from."""

FEWEST = 8
"""Samples without which a record has no spectrum."""


def lomb_scargle(t: np.ndarray, x: np.ndarray, frequency: np.ndarray) -> np.ndarray:
    """Power spectral density of samples at any times, one-sided.

    At each frequency a sinusoid and a constant are fitted by least squares; its squared amplitude, times half
    the duration of all samples at their mean spacing, is the density. Of regular samples it is the
    periodogram, whose integral is the variance.

    Parameters
    ----------
    t : ndarray of float64, shape (samples,)
        Times, s, in any order.
    x : ndarray, shape (samples,)
        What was measured then.
    frequency : ndarray of float64, shape (frequencies,)
        Hz, above zero.

    Returns
    -------
    ndarray of float64, shape (frequencies,)
        In units of `x` squared per hertz.

    Raises
    ------
    ValueError
        For fewer than 3 samples, no duration, or frequencies that are not above zero.

    Notes
    -----
    Lomb (1976), Scargle (1982); with a constant: Zechmeister and Kuerster, A&A 496 (2009). SciPy fits.
    """
    from scipy.signal import lombscargle

    t, x, frequency = (np.asarray(a, np.float64) for a in (t, x, frequency))
    span = float(np.ptp(t)) if len(t) > 2 else 0.0
    if span <= 0 or not (frequency > 0).all():
        raise ValueError(
            f"a fit needs 3 samples at different times and frequencies above zero (found {len(t)} samples "
            f"over {span:g} s, lowest frequency {frequency.min(initial=np.inf):g} Hz)"
        )
    spacing, omega = span / (len(t) - 1), 2 * np.pi * frequency
    t, x = t - t.min(), x - x.mean()  # far from zero, phases would lose digits
    power, step = np.empty(len(frequency)), max(1, CELLS // len(t))
    for first in range(0, len(frequency), step):
        part = slice(first, first + step)
        power[part] = np.atleast_1d(lombscargle(t, x, omega[part], floating_mean=True))
    return 2 * spacing * power


def band_powers(frequency: np.ndarray, density: np.ndarray, edges: Sequence[float]) -> np.ndarray:
    """Integrals of a density from each edge to the next, by trapezoids; float64, shape (edges - 1,)."""
    f = np.union1d(frequency, edges)
    y = np.interp(f, frequency, density)
    parts = [(f >= low) & (f <= high) for low, high in pairwise(edges)]
    return np.array([np.trapezoid(y[part], f[part]) for part in parts])


def lomb_scargle_of_record(
    *,
    signal: Rows,
    time: Rows | None = None,
    low: float,
    high: float,
    points: int = 512,
    band: Sequence[float] | None = None,
    intervals: bool = False,
) -> dict[str, np.ndarray]:
    """Spectrum of a record whose samples are not regular in time; see `lomb_scargle`.

    Parameters
    ----------
    signal : Rows
        Samples; those that are missing are left out.
    time : Rows, optional
        Times of the samples, s; without it they follow from the record's rate, or from `intervals`.
    low, high : float
        Ends of the grid, Hz.
    points : int
        Frequencies of the grid, evenly spaced, both ends included.
    band : sequence of float, optional
        Edges of adjacent bands, Hz, rising. Their powers come from a grid of their own where `points` are
        more than half of 1 / duration apart; from 8192 frequencies at most.
    intervals : bool
        Whether each sample is the time, s, since the one before, as intervals between heart beats are: then
        times are their running sum.

    Returns
    -------
    dict of str to ndarray
        ``power``: float64, shape (points,); ``band_power``: float64, shape (edges - 1,), with `band`;
        ``samples``: how many were used.

    Raises
    ------
    UnusableRecordError
        Where fewer than 8 samples are left, they have no times, or an interval is not above zero.
    """
    t, x = usable_samples(signal, time, intervals)
    grid = np.linspace(low, high, points)
    density = lomb_scargle(t, x, grid)
    found = {"power": density, "samples": np.float64(len(t))}
    if band is not None and len(band):
        fine = fine_grid(t, low, high, points)
        if len(fine) > points:
            grid, density = fine, lomb_scargle(t, x, fine)
        found["band_power"] = band_powers(grid, density, band)
    return {name: np.asarray(values) for name, values in found.items()}


def usable_samples(signal: Rows, time: Rows | None, intervals: bool) -> tuple[np.ndarray, np.ndarray]:
    """Times and values of the samples that have both, float64.

    Raises
    ------
    UnusableRecordError
        As `lomb_scargle_of_record`.
    """
    x = np.asarray(signal.values, np.float64)
    t = _times(x, signal, time, intervals)
    known = np.isfinite(x) & np.isfinite(t)
    if known.sum() < FEWEST or np.ptp(t[known]) <= 0:
        raise UnusableRecordError(f"fewer than {FEWEST} samples with times ({int(known.sum())} are left)")
    return t[known], x[known]


def fine_grid(t: np.ndarray, low: float, high: float, points: int) -> np.ndarray:
    """Frequencies of `points`, or of a grid for band powers: half of 1 / duration apart, `FINEST` at most."""
    fine = min(FINEST, int(np.ceil(2 * (high - low) * float(np.ptp(t)))) + 1)
    return np.linspace(low, high, max(fine, points))


def _times(x: np.ndarray, signal: Rows, time: Rows | None, intervals: bool) -> np.ndarray:
    if intervals:
        if (x <= 0).any():
            raise UnusableRecordError("an interval is not above zero")
        return np.cumsum(np.nan_to_num(x))
    if time is not None:
        return np.asarray(time.values, np.float64)
    if not np.isfinite(signal.rate):
        raise UnusableRecordError("its samples have no times: connect `time`, or set `intervals: true`")
    return np.arange(len(x)) / signal.rate
