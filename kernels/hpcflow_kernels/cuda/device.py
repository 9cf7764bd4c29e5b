"""Whether CUDA kernels can run here, and on what."""

from __future__ import annotations

from typing import Any

import numba
from numba import config, cuda


def is_available() -> bool:
    """Whether `numba.cuda` sees a GPU, or simulates one: ``NUMBA_ENABLE_CUDASIM=1`` before its import."""
    return bool(cuda.is_available())


def is_simulated() -> bool:
    """Whether that GPU is Numba's simulator, which takes a second for what a GPU does in a microsecond."""
    settings: Any = config  # its names come from the environment
    return bool(settings.ENABLE_CUDASIM)


def name() -> str:
    """Version, and GPU with its maker's name: ``numba.cuda 0.61 on NVIDIA GH200``; "" where there is none."""
    if not is_available():
        return ""
    gpu = "its simulator" if is_simulated() else cuda.get_current_device().name
    return f"numba.cuda {numba.__version__} on {gpu.decode() if isinstance(gpu, bytes) else gpu}"
