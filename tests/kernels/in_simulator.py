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
    from hpcflow_kernels.cuda import device

    return device.is_available() and device.is_simulated()


def broken_promises(kernel: str, params: dict[str, object]) -> tuple[list[str], list[str]]:
    """Names of the CUDA checks of a kernel, and what those say that fail.

    A thread of the simulator is one of Python's: a few of them go the same way as a GPU's hundreds.
    """
    from hpcflow.conformance import checks
    from hpcflow_kernels.cuda import dtw, profile

    dtw.WARP, profile.THREADS = 4, 16
    held, broken = [], []
    for check in checks(kernel, params):
        if str(check).startswith("cuda"):
            held.append(str(check))
            try:
                check()
            except AssertionError as error:
                broken.append(f"{check}: {error}")
    return held, broken


def broken_promises_of_a_wrong_kernel() -> list[str]:
    """What the CUDA checks say of a kernel whose distances are twice as long as they should be."""
    from dataclasses import replace

    from hpcflow_kernels import registry

    contracts = registry.contracts()
    wrong = replace(contracts["dtw_distances"], cuda=f"{__name__}:twice_as_far")
    registry.contracts = lambda: {**contracts, "dtw_distances": wrong}
    try:
        return broken_promises("dtw_distances", {"points": 10})[1]
    finally:
        registry.contracts = lambda: contracts


def twice_as_far(**given: object) -> dict[str, np.ndarray]:
    """No kernel of ours."""
    from hpcflow_kernels.cuda.dtw import dtw_distances

    return {name: 2 * values for name, values in dtw_distances(**given).items()}


def called(function: str, *arguments: object, **named: object) -> object:
    """``module:function`` of the library, called."""
    from importlib import import_module

    module, _, name = function.partition(":")
    return getattr(import_module(module), name)(*arguments, **named)
