"""Frames of a signal: how long they are, how far apart, and how they are weighted."""

from __future__ import annotations

import numpy as np


def frame_length(window: float, rate: float) -> int:
    """Samples of a frame: the nearest whole number to window x rate."""
    return max(1, int(window * rate + 0.5))


def frame_hop(window: float, overlap: float, rate: float) -> int:
    """Samples from one frame to the next."""
    return max(1, int(frame_length(window, rate) * (1 - overlap) + 0.5))


def frequency_count(window: float, max_frequency: float) -> int:
    """Bins k/window from 0 up to max_frequency, both included."""
    return int(max_frequency * window + 1e-9) + 1


def hann(n: int) -> np.ndarray:
    """Periodic Hann window, float64, shape (n,)."""
    window: np.ndarray = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    return window


def binary_scale(frames: np.ndarray) -> np.ndarray:
    """A power of two by which each frame is divided before it is squared in its own type.

    It is 1 where a frame can be squared as it is, is silent or not finite, else near the largest sample.

    Examples
    --------
    >>> binary_scale(np.array([[1e-30, -3e-30], [2.0, 7.0]], np.float32)).ravel().tolist()
    [3.1554436208840472e-30, 1.0]
    """
    peak = np.maximum(frames.max(axis=1), -frames.min(axis=1))
    exponent = np.frexp(np.where(np.isfinite(peak) & (peak > 0), peak, 0.5))[1]
    most = np.finfo(frames.dtype).maxexp - 2
    exponent = np.where(np.abs(exponent) < most // 4, 0, np.clip(exponent, -most, most))
    scale: np.ndarray = np.ldexp(frames.dtype.type(1), exponent)[:, np.newaxis]
    return scale
