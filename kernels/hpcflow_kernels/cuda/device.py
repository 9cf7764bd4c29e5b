"""Whether CUDA kernels can run here, and on what."""

from __future__ import annotations

from typing import Any

from numba import config, cuda


def is_available() -> bool:
    """Whether `numba.cuda` sees a GPU, or simulates one: ``NUMBA_ENABLE_CUDASIM=1`` before its import."""
    return bool(cuda.is_available())


def is_simulated() -> bool:
    """Whether that GPU is Numba's simulator, which takes a second for what a GPU does in a microsecond."""
    settings: Any = config  # its names come from the environment
    return bool(settings.ENABLE_CUDASIM)
