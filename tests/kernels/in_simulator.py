"""What tests of CUDA kernels have done in a process where Numba simulates a GPU."""

from __future__ import annotations

import numpy as np


def warped(
    x: np.ndarray, y: np.ndarray, half: bool, left: int, right: int, blocks: int, threads: int, shared: bool
) -> np.ndarray:
    """Squared warping distances from one of both kernels, launched with so many blocks of so many threads."""
    from numba import cuda

    from hpcflow_kernels.cuda.dtw_kernels import pairs_in_global_memory, pairs_in_shared_memory

    width, out = left + right + 3, np.zeros((len(x), len(y)), x.dtype)
    if shared:
        launch = pairs_in_shared_memory[blocks, threads, 0, width * x.itemsize]
        launch(x, y, half, left, right, out)
    else:
        lines = cuda.device_array((blocks, width), x.dtype)
        pairs_in_global_memory[blocks, threads](x, y, half, left, right, lines, out)
    return out


def profiled(
    x: np.ndarray, m: int, y: np.ndarray | None, threads: int, strip: int
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and neighbours of a matrix profile, with so many threads a block and rows a strip."""
    from hpcflow_kernels.cuda import profile

    profile.THREADS, profile.STRIP = threads, strip
    return tuple(profile.matrix_profile(x, m, y))


def is_simulated() -> bool:
    """Whether this process has a GPU, and whether that is Numba's simulator."""
    from numba import config, cuda

    return bool(cuda.is_available() and config.ENABLE_CUDASIM)


def called(function: str, *arguments: object, **named: object) -> object:
    """``module:function`` of the library, called."""
    from importlib import import_module

    module, _, name = function.partition(":")
    return getattr(import_module(module), name)(*arguments, **named)
