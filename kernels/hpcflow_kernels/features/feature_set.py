"""A large set of features of windows, with tsfresh's names."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hpcflow_kernels.features.feature_set_contracts import LEAST, NAMES
from hpcflow_kernels.features.feature_set_fits import autoregression, fourier, wavelets
from hpcflow_kernels.features.feature_set_groups import GROUPS, Batch
from hpcflow_kernels.features.feature_set_symbols import digits, repeats, sequences
from hpcflow_kernels.frames import frame_hop, frame_length

BATCH = 8
"""Windows that are computed together, always so many: no bit depends on how many a block holds."""


def feature_set(x: np.ndarray, *, axis: int = -1) -> np.ndarray:
    """Some 770 features of time series, each as tsfresh defines it.

    Parameters
    ----------
    x : ndarray of real numbers
        Time series along `axis`, 64 samples or more.
    axis : int
        Axis along which time runs.

    Returns
    -------
    ndarray of float64
        Of the shape of `x` with the features, in the order of `NAMES`, in place of time; truth values are 0
        and 1. NaN throughout for a series with a value that is not finite, and where a feature has no value,
        as for shapes of a constant series or Fourier coefficients above the middle
        of the spectrum.

    Raises
    ------
    ValueError
        For fewer than 64 samples.

    Notes
    -----
    Christ, Braun, Neuffer and Kempa-Liehr, Time series feature extraction on basis of scalable hypothesis
    tests (tsfresh), Neurocomputing 307 (2018).

    Examples
    --------
    >>> values = feature_set(np.sin(0.1 * np.arange(400)))
    >>> float(values[NAMES.index("number_peaks__n_10")])
    6.0
    """
    rows = np.moveaxis(np.asarray(x), axis, -1)
    n = rows.shape[-1]
    if n < LEAST:
        raise ValueError(f"these features need {LEAST} samples or more, not {n}: the longest lag is 40")
    return np.moveaxis(_of_rows(rows.reshape(-1, n)).reshape(*rows.shape[:-1], -1), -1, axis)


def feature_set_windows(
    x: np.ndarray, *, rate: float, window: float = 1.0, overlap: float = 0.0
) -> dict[str, np.ndarray]:
    """The same features of each window.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        A signal; NaN where samples are missing.
    rate : float
        Samples per second.
    window : float
        Duration of a window, s; 64 samples or more.
    overlap : float
        Fraction of a window that the next one shares, in [0, 1).

    Returns
    -------
    dict
        ``features``, shape (windows, features), of the float type of `x`, computed in float64; NaN for
        windows that touch a gap.
    """
    dtype = np.float64 if x.dtype == np.float64 else np.float32
    n, hop = frame_length(window, rate), frame_hop(window, overlap, rate)
    if len(x) < n:
        return {"features": np.empty((0, len(NAMES)), dtype)}
    frames = np.lib.stride_tricks.sliding_window_view(x, n)[::hop]
    return {"features": _of_rows(frames).astype(dtype)}


def _of_rows(rows: np.ndarray) -> np.ndarray:
    out = np.full((len(rows), len(NAMES)), np.nan)
    together = np.ones((BATCH, rows.shape[1]))
    for start in range(0, len(rows), BATCH):
        part = rows[start : start + BATCH]
        good = np.flatnonzero(np.isfinite(part).all(axis=1))
        if len(good):
            together[: len(good)] = part[good]
            out[start + good] = _of_batch(together)[: len(good)]
    return out


def _of_batch(x: np.ndarray) -> np.ndarray:
    """Features of a batch, shape (BATCH, features)."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        batch = Batch.of(x)
        found = dict(_all(batch))
    return np.array([found[name] for name in NAMES]).T


def _all(batch: Batch) -> Iterator[tuple[str, np.ndarray]]:
    for group in (*GROUPS, repeats, digits, sequences, fourier, wavelets, autoregression):
        yield from group(batch)
