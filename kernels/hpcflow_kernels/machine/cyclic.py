"""Cyclic coherence: how strongly two frequencies that lie a cyclic frequency apart belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError
from hpcflow_kernels.machine.cyclic_contracts import MOST_SAMPLES

BATCH = 512
"""Segments that are transformed together."""


class Coherence(NamedTuple):
    """Cyclic coherence.

    Attributes
    ----------
    frequency : ndarray of float64, shape (nperseg // 2 + 1,)
        Lower frequency of each pair, Hz.
    coherence : ndarray of float64, shape (cyclic frequencies, nperseg // 2 + 1)
        Squared modulus, 0 to 1; NaN where the upper frequency lies beyond half the rate.
    expected : float
        Its mean for stationary noise.
    """

    frequency: np.ndarray
    coherence: np.ndarray
    expected: float


def cyclic_coherence(
    x: np.ndarray,
    fs: float,
    alpha: Sequence[float] | np.ndarray,
    nperseg: int = 256,
    noverlap: int | None = None,
) -> Coherence:
    """Squared cyclic coherence at chosen cyclic frequencies, by the averaged cyclic periodogram.

    ``|S(f, f + alpha)|**2 / (S(f) S(f + alpha))``: 0 where two frequencies know nothing of each other, 1
    where one follows from the other. Impacts that come alpha times a second tie together all frequencies that
    they excite, also where they are too weak, or too irregular, for a line in a spectrum.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; segments that touch a missing sample (NaN) are left out.
    fs : float
        Samples per second.
    alpha : sequence of float
        Cyclic frequencies, Hz. They are resolved to one over the record's duration: look at neighbours that
        near.
    nperseg : int
        Samples of a segment.
    noverlap : int, optional
        Shared samples of segments, three quarters by default: with less, leakage makes coherence where none
        is.

    Returns
    -------
    Coherence
        NaN with fewer than two segments.

    Raises
    ------
    ValueError
        Where `noverlap` is not below `nperseg`.

    References
    ----------
    Antoni, Cyclic spectral analysis in practice, MSSP 21(2) (2007), 597-630: the estimator and its variance,
    here with the pair (f, f + alpha) in place of f ± alpha / 2, so that one transform serves all alpha.
    Boustany and Antoni, Cyclic spectral analysis from the averaged cyclic periodogram, IFAC (2005): three
    quarters of overlap for Hann's window.
    """
    from scipy.fft import fft
    from scipy.signal import get_window

    noverlap = nperseg - nperseg // 4 if noverlap is None else noverlap
    if not 0 <= noverlap < nperseg:
        raise ValueError(f"segments of {nperseg} samples cannot share {noverlap}")
    hop, bins = nperseg - noverlap, nperseg // 2 + 1
    alpha = np.atleast_1d(np.asarray(alpha, np.float64))
    frequency = np.arange(bins) * (fs / nperseg)
    weight = get_window("hann", nperseg)
    x = np.asarray(x)
    dtype = np.float32 if x.dtype == np.float32 else np.float64
    good = np.isfinite(x)
    x = (np.where(good, x, 0) - (np.mean(x[good], dtype=np.float64) if good.any() else 0)).astype(dtype)
    bad = np.concatenate([[0], np.cumsum(~good)])
    count = max(0, (len(x) - nperseg) // hop + 1)
    starts = np.arange(count) * hop
    starts = starts[bad[starts + nperseg] == bad[starts]]
    out = np.full((len(alpha), bins), np.nan)
    if len(starts) < 2:
        return Coherence(frequency, out, np.nan)
    weight_there = weight.astype(dtype)

    def transforms(signal: np.ndarray, part: np.ndarray) -> np.ndarray:
        segments = np.lib.stride_tricks.sliding_window_view(signal, nperseg)[part]
        found: np.ndarray = fft(segments * weight_there)[:, :bins]
        return found

    parts = [starts[i : i + BATCH] for i in range(0, len(starts), BATCH)]
    lower = [transforms(x, part) for part in parts]
    power = sum(_sum(z.real**2 + z.imag**2) for z in lower)
    time = np.arange(len(x)) / fs
    for row, cyclic in enumerate(alpha):
        turn = np.exp(-2j * np.pi * np.mod(cyclic * time, 1.0)).astype(np.result_type(dtype, np.complex64))
        moved = x * turn
        cross, upper = np.zeros(bins, np.complex128), np.zeros(bins)
        for part, z in zip(parts, lower, strict=True):
            y = transforms(moved, part)
            cross += _sum(y * z.conj())
            upper += _sum(y.real**2 + y.imag**2)
        with np.errstate(invalid="ignore", divide="ignore"):
            out[row] = np.abs(cross) ** 2 / (power * upper)
        out[row, frequency + cyclic > fs / 2] = np.nan
    return Coherence(frequency, out, 1 / independent(weight, hop, len(starts)))


def _sum(values: np.ndarray) -> np.ndarray:
    total: np.ndarray = values.sum(axis=0, dtype=np.complex128 if values.dtype.kind == "c" else np.float64)
    return total


def independent(weight: np.ndarray, hop: int, count: int) -> float:
    """Independent segments that average as well as so many that overlap (Welch, 1967)."""
    shared = 1.0
    for k in range(1, min(count, -(-len(weight) // hop))):
        overlap = np.sum(weight[k * hop :] * weight[: len(weight) - k * hop]) / np.sum(weight**2)
        shared += 2 * (1 - k / count) * float(overlap) ** 2
    return count / shared


def coherence_of_record(
    *,
    signal: Rows,
    speed: float | None = None,
    frequencies: Sequence[float] | None,
    orders: Sequence[float] | None,
    tolerance: float,
    nperseg: int,
) -> dict[str, np.ndarray | float]:
    """Cyclic coherence of a record, at frequencies or at orders of its shaft.

    Parameters
    ----------
    signal : Rows
        Samples; NaN where missing. Of more than 262 144 samples those in the middle are used.
    speed : float, optional
        Turns per second; needed for `orders`.
    frequencies, orders : sequence of float, optional
        Cyclic frequencies, in Hz or in turns of the shaft.
    tolerance : float
        Fraction by which each is looked for on either side, in steps of half of what the record resolves.
    nperseg : int
        Samples of a segment.

    Returns
    -------
    dict
        ``cyclic_frequency``, Hz, where the mean coherence is largest; ``mean_coherence`` there; ``coherence``
        there, by lower frequency over rate; ``expected``, the mean for stationary noise at one frequency.

    Raises
    ------
    UnusableRecordError
        Where orders are asked for without a speed.
    """
    from hpcflow_kernels.detection.events_records import checked_rate

    rate, x = checked_rate(signal.rate), signal.values
    first = max(0, (len(x) - MOST_SAMPLES) // 2)
    x = x[first : first + MOST_SAMPLES]
    wanted = wanted_of(frequencies, orders, speed)
    bins = nperseg // 2 + 1
    place, mean = np.full(len(wanted), np.nan), np.full(len(wanted), np.nan)
    rows, expected = np.full((len(wanted), bins), np.nan), np.nan
    for k, cyclic in enumerate(wanted):
        candidates = candidates_of(cyclic, tolerance, rate, len(x))
        found = cyclic_coherence(x, rate, candidates, nperseg)
        there = np.isfinite(found.coherence).any(axis=1)
        expected = found.expected
        if there.any():
            means = np.full(len(candidates), -1.0)
            means[there] = np.nanmean(found.coherence[there], axis=1)
            best = int(np.argmax(means))
            place[k], mean[k], rows[k] = candidates[best], means[best], found.coherence[best]
    return {"cyclic_frequency": place, "mean_coherence": mean, "coherence": rows, "expected": expected}


def wanted_of(
    frequencies: Sequence[float] | None, orders: Sequence[float] | None, speed: float | None
) -> np.ndarray:
    """Cyclic frequencies that are asked for, Hz.

    Raises
    ------
    UnusableRecordError
        Where they are orders, and the speed is not known or not positive.
    """
    if orders is None:
        return np.asarray(frequencies, np.float64)
    if speed is None or not np.isfinite(speed) or speed <= 0:
        raise UnusableRecordError("orders are multiples of a shaft's speed: give the speed, or `frequencies`")
    return np.asarray(orders, np.float64) * speed


def candidates_of(cyclic: float, tolerance: float, rate: float, samples: int) -> np.ndarray:
    """Frequencies on either side of one, in steps of half of what so many samples resolve, Hz."""
    step = rate / max(1, samples) / 2
    beside = np.arange(np.floor(tolerance * cyclic / step) + 1) * step
    return np.concatenate([cyclic - beside[:0:-1], cyclic + beside])
