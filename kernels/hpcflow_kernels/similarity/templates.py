"""Frames of a signal compared with a template."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcflow_kernels.similarity.dtw import Pairs
from hpcflow_kernels.similarity.dtw_contracts import frame_of

AT_ONCE = 1 << 20
"""Samples of frames that are compared together; they overlap, and would not fit into memory at once."""


def template_distance(
    x: np.ndarray,
    *,
    rate: float,
    template: Sequence[float],
    window: float,
    overlap: float = 0.75,
    band: float = 0.1,
) -> dict[str, np.ndarray]:
    """Dynamic time warping distance of each frame from a template, both at mean 0 and standard deviation 1.

    Parameters
    ----------
    x : ndarray of float32 or float64, shape (samples,)
        NaN where samples are missing.
    rate : float
        Samples per second.
    template : sequence of float
        Values at equal steps from the first to the last sample of a frame; straight lines lie between them.
    window : float
        Frame duration, s; the nearest whole number of samples.
    overlap : float
        Shared part of neighbouring frames.
    band : float
        How far matched samples may lie apart, as a share of the window.

    Returns
    -------
    dict
        ``distance`` (float32): the distance over the root of the samples of a frame, which makes it about the
        same at every rate; 0 for the same shape. NaN where a frame misses a sample or does not vary.
    """
    from hpcflow_kernels.similarity.dtw_loops import all_pairs

    return {"distance": compared_by(all_pairs, x, rate, template, window, overlap, band)}


def compared_by(
    pairs: Pairs,
    x: np.ndarray,
    rate: float,
    template: Sequence[float],
    window: float,
    overlap: float,
    band: float,
) -> np.ndarray:
    """Distances as `template_distance` has them, with those of pairs computed by ``pairs``."""
    frame = frame_of(window, rate)
    hop = max(1, int(np.floor(frame * (1 - overlap) + 0.5)))
    rows = 0 if len(x) < frame else (len(x) - frame) // hop + 1
    out = np.full(rows, np.nan, np.float32)
    if rows == 0:
        return out
    values = np.asarray(template, np.float64)
    shape = np.interp(np.linspace(0, len(values) - 1, frame), np.arange(len(values)), values)
    wanted = _normal(shape[None])[0].astype(x.dtype)
    frames = np.lib.stride_tricks.sliding_window_view(x, frame)[::hop]
    radius, step = round(band * frame), max(64, AT_ONCE // frame)
    for start in range(0, rows, step):
        normal, varies = _normal(frames[start : start + step].astype(np.float64))
        some = np.flatnonzero(varies)
        apart = np.empty((len(some), 1), x.dtype)
        pairs(normal[some].astype(x.dtype), wanted, False, radius, radius, apart)
        out[start + some] = np.sqrt(apart[:, 0].astype(np.float64) / frame)
    return out


def _normal(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows at mean 0 and standard deviation 1, and which of them are whole and vary."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", centred, centred) / frames.shape[1])
    varies = (spread > 0) & (frames.min(axis=1) < frames.max(axis=1)) & np.isfinite(spread)
    return centred / np.where(varies, spread, 1)[:, None], varies
