"""Peaks with prominence against SciPy, on noise and on a slow signal."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.kernel_cases.case import SMALL, Case
from benchmarks.machine import Work
from hpcflow_kernels.detection.events import bursts, find_peaks

LENGTH = 1_048_573


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; errors are of heights, prominences and widths."""
    from scipy import signal

    n = SMALL if small else LENGTH
    white = np.random.default_rng(n).standard_normal(n)
    band = signal.butter(2, [0.5, 3.0], "bandpass", fs=100.0, output="sos")
    gait = signal.sosfiltfilt(band, white)
    yield _peaks("find_peaks_white_noise", white.astype(np.float32), prominence=1.0)
    yield _peaks("find_peaks_gait_band", gait.astype(np.float32), prominence=0.2)
    yield _peaks("find_peaks_random_walk", np.cumsum(white).astype(np.float32), prominence=5.0)
    yield _bursts(gait.astype(np.float32))


def _peaks(name: str, x: np.ndarray, **asked: float) -> Case:
    from scipy import signal

    def stacked(found: tuple[np.ndarray, dict[str, np.ndarray]]) -> np.ndarray:
        return np.stack([found[0], found[1]["prominences"], found[1]["left_bases"], found[1]["right_bases"]])

    return Case(
        name,
        len(x),
        lambda: stacked(find_peaks(x, **asked)),
        lambda: stacked(signal.find_peaks(x.astype(np.float64), **asked)),
        {"scipy": lambda: stacked(signal.find_peaks(x, **asked))},
        Work(4),
    )


def _bursts(x: np.ndarray) -> Case:
    from scipy import ndimage

    def by_label(x: np.ndarray) -> np.ndarray:
        above, count = ndimage.label(x >= 0.25)
        slices = ndimage.find_objects(above)
        mean = ndimage.mean(x, above, np.arange(1, count + 1))
        return np.stack([[one[0].start for one in slices], [one[0].stop for one in slices], mean])

    def ours() -> np.ndarray:
        found = bursts(x, 0.25)
        return np.stack([found.start, found.stop, found.mean])

    return Case(
        "bursts",
        len(x),
        ours,
        lambda: by_label(x.astype(np.float64)),
        {"ndimage": lambda: by_label(x)},
        Work(2),
    )
