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
