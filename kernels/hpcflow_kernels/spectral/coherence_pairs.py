"""Coherence of all pairs of a record's signals, gaps left out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np

from hpcflow_kernels.contract import Rows, UnusableRecordError, same_samples
from hpcflow_kernels.spectral.coherence import independent_segments, noise_coherence, squared_ratio
from hpcflow_kernels.spectral.coherence_matrix import sums_of_pairs
from hpcflow_kernels.spectral.coherence_records import TOGETHER
from hpcflow_kernels.spectral.lengths import is_transformed


def coherence_of_pairs(
    *,
    signals: Mapping[str, Rows],
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    band: Sequence[float] | None = None,
) -> dict[str, np.ndarray]:
    """How much each of a record's signals has in common with each other one, by frequency.

    Parameters
    ----------
    signals : mapping of str to Rows
        Two or more, of one length and rate; NaN where samples are missing. Segments that touch a gap in any
        of them are left out.
    nperseg, overlap, taper
        As for `coherence_records.coherence_of_record`.
    band : sequence of float, optional
        Rising edges of neighbouring bands, Hz; each holds the bins from its lower edge up to the upper one.

    Returns
    -------
    dict
        ``coherence`` and ``phase`` (of a pair's second signal after its first, rad), shape (pairs,
        nperseg // 2 + 1), float32 where all signals are; pairs as ``itertools.combinations`` has them. With
        `band`, ``band_coherence``, shape (pairs, bands). ``coherence_noise``, what independent signals stay
        below in 95 % of the bins; ``segments``, how many had all samples. NaN where none had.

    Raises
    ------
    UnusableRecordError
        If signals differ in length or rate, or a band holds no bin.
    """
    from scipy.signal import get_window

    from hpcflow_kernels.spectral.coherence_loops import whole_segments
    from hpcflow_kernels.spectral.stft_contracts import hop_of

    rows, step = list(signals.values()), hop_of(nperseg, overlap)
    for other in rows[1:]:
        same_samples(rows[0], other)
    single = all(row.values.dtype == np.float32 for row in rows)
    x = np.stack([row.values for row in rows]).astype(np.float32 if single else np.float64, copy=False)
    weights = get_window(taper, nperseg)
    whole = np.ones(max(0, (x.shape[1] - nperseg) // step + 1), np.bool_)
    for z in x:
        whole_segments(z, nperseg, step, whole)
    starts = np.flatnonzero(whole) * step
    bins, noise = nperseg // 2 + 1, math.nan
    products = np.full((len(x), len(x), bins), np.nan, np.complex128)
    if len(starts):
        _add(x, weights, starts, products)
        noise = noise_coherence(independent_segments(len(starts), weights, step))
    first, second = np.triu_indices(len(x), 1)
    power, cross = np.diagonal(products).T.real, products[first, second]
    coherence = squared_ratio(cross, power[first], power[second])
    out = {
        "coherence": coherence.astype(x.dtype),
        "phase": np.angle(cross).astype(x.dtype),
        "coherence_noise": np.array(noise, np.float32),
        "segments": np.array(len(starts), np.float32),
    }
    if band:
        means = [coherence[:, a:b].mean(axis=1) for a, b in bins_of_bands(nperseg, rows[0].rate, band)]
        out["band_coherence"] = np.stack(means, axis=1).astype(x.dtype)
    return out


def _add(x: np.ndarray, weights: np.ndarray, starts: np.ndarray, products: np.ndarray) -> None:
    """Fill ``products[i, j]``, the sum over segments of ``conj(X_i) X_j``, each segment's mean taken off."""
    from scipy.fft import rfft

    from hpcflow_kernels.spectral.coherence_loops import cross_spectra

    nperseg, bins = len(weights), products.shape[2]
    if is_transformed(nperseg):
        cross_spectra(sums_of_pairs(x, weights, starts, True), np.ones(bins), products)
        return
    products[:] = 0
    segments = np.lib.stride_tricks.sliding_window_view(x, nperseg, axis=1)
    for first in range(0, len(starts), TOGETHER):
        part = segments[:, starts[first : first + TOGETHER]]
        spectra = rfft((part - part.mean(axis=2, keepdims=True)) * weights.astype(x.dtype))
        for i in range(len(x)):
            products[i] += np.sum(np.conj(spectra[i]) * spectra, axis=1, dtype=np.complex128)


def bins_of_bands(nperseg: int, rate: float, band: Sequence[float]) -> list[tuple[int, int]]:
    """First bin and one past the last of each band.

    Raises
    ------
    UnusableRecordError
        If a band holds none.
    """
    frequency, found = np.arange(nperseg // 2 + 1) * rate / nperseg, []
    for low, high in pairwise(band):
        inside = np.flatnonzero((frequency >= low) & (frequency < high))
        if not len(inside):
            raise UnusableRecordError(
                f"no bin lies in the band {low:g} to {high:g} Hz (bins are {rate / nperseg:g} Hz apart, up "
                f"to {rate / 2:g} Hz): widen it, or lengthen `nperseg`"
            )
        found.append((int(inside[0]), int(inside[-1]) + 1))
    return found
