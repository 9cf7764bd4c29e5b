"""Gears: synchronous averages, indicators of tooth faults, and sidebands of the mesh."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

SETTLE = 16
"""Samples on either side of a missing one that a cubic spline feels: 0.27**16 is below 1e-9."""


def phase_of_pulses(place: np.ndarray, samples: int, per_turn: int = 1) -> np.ndarray:
    """Turns of a shaft at each sample, from the pulses of a tachometer.

    Parameters
    ----------
    place : ndarray of float64, shape (pulses,)
        Where pulses begin, in samples and their parts: the upward crossings of
        `hpcflow_kernels.detection.events.threshold_crossings`.
    samples : int
        Length of the record.
    per_turn : int
        Pulses of a turn.

    Returns
    -------
    ndarray of float64, shape (samples,)
        Turns since the first pulse, by straight lines between pulses; NaN before the first and after the
        last.
    """
    if len(place) < 2:
        return np.full(samples, np.nan)
    turns = np.arange(len(place)) / per_turn
    return np.interp(np.arange(samples), place, turns, left=np.nan, right=np.nan)


class Average(NamedTuple):
    """A time synchronous average.

    Attributes
    ----------
    mean : ndarray of float64, shape (points,)
        Waveform of one turn.
    turns : int
        Turns that were averaged.
    """

    mean: np.ndarray
    turns: int


def synchronous_average(x: np.ndarray, phase: np.ndarray, points: int = 1024) -> Average:
    """Mean waveform of a turn: what repeats with the shaft stays, the rest falls as the root of the turns.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; turns that touch a missing sample (NaN) are left out.
    phase : ndarray of float64, shape (samples,)
        Turns of the shaft at each sample, rising; NaN where unknown.
    points : int
        Points of a turn.

    Returns
    -------
    Average
        NaN where no whole turn is there.

    Notes
    -----
    Values between samples are those of the cubic spline through all (`scipy.ndimage.map_coordinates`).
    Nothing is filtered: with fewer points than samples in a turn, what lies above half of them folds down.

    References
    ----------
    McFadden, Interpolation techniques for time domain averaging of gear vibration, MSSP 3(1) (1989), 87-97;
    Decker and Zakrajsek, Comparison of interpolation methods as applied to time synchronous averaging,
    ARL-TR-1960 (1999).
    """
    from scipy.ndimage import map_coordinates

    missing = ~np.isfinite(x)
    known = np.flatnonzero(np.isfinite(phase))
    total, turns = np.zeros(points), 0
    if len(known) >= 2:
        first, last = np.ceil(phase[known[0]] - 1e-9), np.floor(phase[known[-1]] + 1e-9)
        values = np.where(missing, 0.0, x).astype(np.float64)
        bad = np.concatenate([[0], np.cumsum(missing)])
        count = max(0, int(last - first))
        places = np.interp(first + np.arange(count * points + 1) / points, phase[known], known)
        for turn in range(count):
            at = places[turn * points : (turn + 1) * points + 1]
            low, high = max(0, int(at[0]) - SETTLE), min(len(x), int(at[-1]) + SETTLE + 2)
            if bad[high] > bad[low]:
                continue
            total += map_coordinates(values[low:high], [at[:-1] - low], order=3, mode="mirror")
            turns += 1
    return Average(total / turns if turns else np.full(points, np.nan), turns)


class Parts(NamedTuple):
    """A synchronous average taken apart.

    Attributes
    ----------
    regular : ndarray, shape (points,)
        Harmonics of the mesh and, beside each, the first sidebands.
    residual : ndarray, shape (points,)
        The average without mean and harmonics of the mesh.
    difference : ndarray, shape (points,)
        The residual without the first sidebands.
    """

    regular: np.ndarray
    residual: np.ndarray
    difference: np.ndarray


def gear_parts(average: np.ndarray, teeth: int, shaft_orders: int = 2) -> Parts:
    """Take a synchronous average of a gear's shaft apart into what meshing explains and what is left.

    Parameters
    ----------
    average : ndarray, shape (points,)
        One turn.
    teeth : int
        Of the gear on this shaft; at least two harmonics of the mesh must fit.
    shaft_orders : int
        Orders of the shaft, from 1, that count as regular too: unbalance and misalignment.

    Raises
    ------
    ValueError
        Where the second harmonic of the mesh does not fit.

    References
    ----------
    Stewart, Some useful data analysis techniques for gearbox diagnostics, report MHM/R/10/77, ISVR
    Southampton (1977); Zakrajsek, Townsend and Decker, NASA TM-105950 (1993).
    """
    from scipy.fft import irfft, rfft

    lines = rfft(np.asarray(average, np.float64))
    last = (len(average) - 1) // 2
    if teeth < 2 or 2 * teeth + 1 > last:
        raise ValueError(
            f"{len(average)} points hold orders up to {last}, and two harmonics of {teeth} teeth with their "
            f"sidebands need {2 * teeth + 1}: average with more points"
        )
    mesh = np.arange(teeth, last + 1, teeth)
    beside = np.concatenate([mesh - 1, mesh + 1])
    beside = beside[beside <= last]
    shaft = np.arange(shaft_orders + 1)
    residual, difference = lines.copy(), lines.copy()
    for part in (residual, difference):
        part[mesh] = 0
        part[shaft] = 0
    difference[beside] = 0
    regular = lines - difference
    regular[shaft] = 0
    n = len(average)
    return Parts(irfft(regular, n), irfft(residual, n), irfft(difference, n))


def gear_indicators(average: np.ndarray, teeth: int, harmonics: int = 5) -> dict[str, float]:
    """Indicators of tooth faults from a synchronous average.

    Parameters
    ----------
    average : ndarray, shape (points,)
        One turn of the gear's shaft.
    teeth : int
        Of the gear.
    harmonics : int
        Of the mesh, for `fm0`.

    Returns
    -------
    dict of str to float
        ``rms`` of the average; ``fm0``, peak to peak over the sum of amplitudes of the mesh's harmonics:
        rises with major faults of the mesh; ``fm4``, kurtosis of the difference: rises with a fault of one or
        two teeth, 3 for Gaussian noise; ``m6a`` and ``m8a``, its sixth and eighth moment, 15 and 105 for
        Gaussian noise; ``energy_ratio``, root mean square of the difference over that of the regular part:
        rises with wear; ``sideband_level``, the first sidebands of the strongest harmonic over ``rms``.
        NaN where a denominator is 0 or the average is missing.

    References
    ----------
    Stewart (1977): fm0, fm4. Definitions together, with m6a, m8a and the energy ratio: Lebold, McClintic,
    Campbell, Byington and Maynard, Review of vibration analysis methods for gearbox diagnostics and
    prognostics, MFPT 54 (2000); Večeř, Kreidl and Šmíd, Condition indicators for gearbox condition
    monitoring systems, Acta Polytechnica 45(6) (2005).
    """
    from scipy.fft import rfft

    names = ("rms", "fm0", "fm4", "m6a", "m8a", "energy_ratio", "sideband_level")
    if not np.isfinite(average).all():
        return dict.fromkeys(names, np.nan)
    parts = gear_parts(average, teeth)
    amplitude = np.abs(rfft(np.asarray(average, np.float64))) * (2 / len(average))
    mesh = np.arange(1, harmonics + 1) * teeth
    mesh = mesh[mesh + 1 < (len(average) + 1) // 2]
    strongest = mesh[np.argmax(amplitude[mesh])]
    rms = float(np.std(average))
    d = parts.difference - parts.difference.mean()
    variance, regular = float(np.mean(d**2)), float(np.std(parts.regular))
    with np.errstate(invalid="ignore", divide="ignore"):
        moments = [float(np.mean(d**k) / np.float64(variance) ** (k // 2)) for k in (4, 6, 8)]
        beside = amplitude[strongest - 1] + amplitude[strongest + 1]
        values = (
            rms,
            float(np.ptp(average) / amplitude[mesh].sum()),
            *moments,
            float(np.sqrt(variance) / np.float64(regular)),
            float(beside / np.float64(rms)),
        )
    return dict(zip(names, values, strict=True))


def na4(residuals: np.ndarray) -> np.ndarray:
    """Indicator of growing damage: each residual's fourth moment over the squared mean variance so far.

    Parameters
    ----------
    residuals : ndarray, shape (recordings, points)
        Residuals by `gear_parts` of one gear, in order of time.

    Returns
    -------
    ndarray of float64, shape (recordings,)
        3 for Gaussian residuals that do not grow.

    References
    ----------
    Zakrajsek, Townsend and Decker, An analysis of gear fault detection methods as applied to pitting fatigue
    failure data, NASA TM-105950 (1993).
    """
    r = np.asarray(residuals, np.float64)
    r = r - r.mean(axis=1, keepdims=True)
    so_far = np.cumsum(np.mean(r**2, axis=1)) / np.arange(1, len(r) + 1)
    fourth: np.ndarray = np.mean(r**4, axis=1) / so_far**2
    return fourth


def mesh_sidebands(
    x: np.ndarray,
    rate: float,
    mesh: float,
    shaft: float,
    harmonics: int = 3,
    sidebands: int = 6,
    tolerance: float = 0.0,
) -> np.ndarray:
    """Amplitudes at harmonics of a mesh frequency and at their sidebands.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        Without missing samples.
    rate : float
        Samples per second.
    mesh, shaft : float
        Frequencies of the mesh and of the shaft that modulates it, Hz.
    harmonics, sidebands : int
        How many of the mesh, and how many on either side of each.
    tolerance : float
        Fraction by which lines may lie off: the largest amplitude there is taken.

    Returns
    -------
    ndarray of float64, shape (harmonics, 2 sidebands + 1)
        Peak amplitudes, the mesh in the middle; NaN beyond half the rate. Lines are read from one transform
        of the record under a Hann window, each as the largest of the bins about it: at most 15 % low where it
        stands between two.
    """
    from scipy.fft import rfft
    from scipy.signal import get_window

    n = len(x)
    weight = get_window("hann", n)
    amplitude = np.abs(rfft((x - np.mean(x, dtype=np.float64)) * weight)) * (2 / weight.sum())
    place = np.arange(1, harmonics + 1)[:, None] * mesh + np.arange(-sidebands, sidebands + 1) * shaft
    out = np.full(place.shape, np.nan)
    for index, frequency in np.ndenumerate(place):
        low = int(np.floor(frequency * (1 - tolerance) * n / rate))
        high = int(np.ceil(frequency * (1 + tolerance) * n / rate))
        if low > 0 and high < len(amplitude):
            out[index] = amplitude[low : high + 1].max()
    return out


def sideband_energy_ratio(amplitudes: np.ndarray) -> np.ndarray:
    """Sum of the sidebands' amplitudes over that of the mesh, for each harmonic.

    Parameters
    ----------
    amplitudes : ndarray, shape (harmonics, 2 sidebands + 1)
        From `mesh_sidebands`; sidebands that are NaN are left out.

    Returns
    -------
    ndarray of float64, shape (harmonics,)

    References
    ----------
    Hanna, Hatch, Kalb, Weiss and Luo, Detection of wind turbine gear tooth defects using sideband energy
    ratio, GE Energy; with six sidebands on either side.
    """
    middle = amplitudes.shape[1] // 2
    centre = amplitudes[:, middle]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: np.ndarray = (np.nansum(amplitudes, axis=1) - centre) / centre
    return ratio
