"""Coherence and transfer functions of two signals of a record, gaps left out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from hpcflow_kernels.contract import Rows, same_samples
from hpcflow_kernels.spectral.coherence import (
    add_pairs,
    frequency_response,
    independent_segments,
    noise_coherence,
    squared_ratio,
)
from hpcflow_kernels.spectral.lengths import is_transformed

TOGETHER = 64
"""Segments that SciPy transforms in one call where their length is none of ours."""


def coherence_of_record(
    *, signal: Rows, reference: Rows, nperseg: int = 1024, overlap: float = 0.5, taper: str = "hann"
) -> dict[str, np.ndarray]:
    """How much of a signal follows another one linearly, by frequency.

    Parameters
    ----------
    signal, reference : Rows
        Samples of one length and rate; NaN where samples are missing. Segments that touch a gap in either are
        left out.
    nperseg : int
        Samples of a segment; powers of two are fastest.
    overlap : float
        Fraction of a segment that the next one shares, in [0, 1).
    taper : str
        Name of the weights, as scipy.signal.get_window knows them.

    Returns
    -------
    dict
        ``coherence`` and ``phase`` (of the signal after the reference, rad), shape (nperseg // 2 + 1,);
        ``coherence_noise``, what independent signals stay below in 95 % of the bins; ``segments``, how many
        had all samples. NaN where none had.

    Raises
    ------
    UnusableRecordError
        If the two differ in length or rate.
    """
    xx, yy, xy, segments, noise = _sums(reference, signal, nperseg, overlap, taper)
    kind = _kind(signal, reference)
    return {
        "coherence": squared_ratio(xy, xx, yy).astype(kind),
        "phase": np.angle(xy).astype(kind),
        "coherence_noise": np.array(noise, np.float32),
        "segments": np.array(segments, np.float32),
    }


def transfer_function_of_record(
    *,
    excitation: Rows,
    response: Rows,
    nperseg: int = 1024,
    overlap: float = 0.5,
    taper: str = "hann",
    estimator: str = "h1",
) -> dict[str, np.ndarray]:
    """Frequency response from one signal to another.

    Parameters
    ----------
    excitation, response : Rows
        Samples of one length and rate; NaN where samples are missing. Segments that touch a gap in either are
        left out.
    nperseg, overlap, taper
        As for `coherence_of_record`.
    estimator : {'h1', 'h2', 'hv'}
        Which noise it bears, as `coherence.transfer_function` says.

    Returns
    -------
    dict
        ``gain`` (units of the response over those of the excitation), ``phase`` (rad) and ``coherence``,
        shape (nperseg // 2 + 1,); ``coherence_noise`` and ``segments`` as for `coherence_of_record`.

    Raises
    ------
    UnusableRecordError
        If the two differ in length or rate.
    """
    xx, yy, xy, segments, noise = _sums(excitation, response, nperseg, overlap, taper)
    kind = _kind(excitation, response)
    found = frequency_response(xx, yy, xy, estimator)
    return {
        "gain": np.abs(found).astype(kind),
        "phase": np.angle(found).astype(kind),
        "coherence": squared_ratio(xy, xx, yy).astype(kind),
        "coherence_noise": np.array(noise, np.float32),
        "segments": np.array(segments, np.float32),
    }


def _kind(x: Rows, y: Rows) -> np.dtype[Any]:
    single = x.values.dtype == y.values.dtype == np.float32
    return np.dtype(np.float32 if single else np.float64)


def _sums(
    x: Rows, y: Rows, nperseg: int, overlap: float, taper: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, float]:
    """Sums of powers and products over whole segments; their number, and the coherence of noise."""
    from scipy.signal import get_window

    from hpcflow_kernels.spectral.coherence_loops import whole_segments
    from hpcflow_kernels.spectral.stft_contracts import hop_of

    same_samples(x, y)
    kind, step = _kind(x, y), hop_of(nperseg, overlap)
    one, two = (np.ascontiguousarray(z.values, kind) for z in (x, y))
    weights = get_window(taper, nperseg)
    whole = np.ones(max(0, (len(one) - nperseg) // step + 1), np.bool_)
    for z in (one, two):
        whole_segments(z, nperseg, step, whole)
    starts = np.flatnonzero(whole) * step
    sums = np.full((4, nperseg // 2 + 1), np.nan)
    if len(starts) and is_transformed(nperseg):
        add_pairs(one, two, weights, starts, True, sums)
    elif len(starts):
        _add_pairs_of_any_length(one, two, weights.astype(kind), starts, sums)
    noise = noise_coherence(independent_segments(len(starts), weights, step)) if len(starts) else math.nan
    return sums[0], sums[1], sums[2] + 1j * sums[3], len(starts), noise


def _add_pairs_of_any_length(
    x: np.ndarray, y: np.ndarray, weights: np.ndarray, starts: np.ndarray, sums: np.ndarray
) -> None:
    """As `coherence.add_pairs` with means taken off, by SciPy."""
    from scipy.fft import rfft

    sums[:] = 0
    for first in range(0, len(starts), TOGETHER):
        spectra = []
        for z in (x, y):
            segments = np.lib.stride_tricks.sliding_window_view(z, len(weights))
            part = segments[starts[first : first + TOGETHER]]
            spectra.append(rfft((part - part.mean(axis=1, keepdims=True)) * weights))
        a, b = spectra
        product = np.sum(np.conj(a) * b, axis=0, dtype=np.complex128)
        powers = (np.sum(z.real**2 + z.imag**2, axis=0, dtype=np.float64) for z in (a, b))
        for row, values in enumerate((*powers, product.real, product.imag)):
            sums[row] += values
