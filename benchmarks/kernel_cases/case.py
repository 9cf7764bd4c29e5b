"""One kernel on one signal, and the signals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.machine import Work

LONG = 4_194_389
"""Samples of a long signal; odd, so that no length divides it."""

TILE = 262_147
"""Samples of a tile with its halo, as a worker calls a kernel."""

SMALL = 16_411


@dataclass(frozen=True)
class Case:
    """One kernel on one signal.

    Attributes
    ----------
    name
        Below `kernels.`.
    samples
        Input samples, for the rate.
    ours, peers
        What is timed; peers by name.
    truth
        The same in float64 or better.
    work
        What a sample asks of the machine at least; None where so many different loops are run that no count
        would say much.
    """

    name: str
    samples: int
    ours: Callable[[], np.ndarray]
    truth: Callable[[], np.ndarray]
    peers: dict[str, Callable[[], np.ndarray]] = field(default_factory=dict)
    work: Work | None = None


def noise(samples: int) -> np.ndarray:
    """Noise with an offset and a tone, float32."""
    rng = np.random.default_rng(samples)
    tone = np.sin(0.3 * np.arange(samples), dtype=np.float64)
    return (rng.standard_normal(samples) + tone + 2).astype(np.float32)
