"""Dynamic time warping distances as in `hpcflow_kernels.similarity`, with all pairs computed on a GPU."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import cuda

from hpcflow_kernels.contract import Records, Rows
from hpcflow_kernels.cuda.dtw_kernels import pairs_in_global_memory, pairs_in_shared_memory
from hpcflow_kernels.similarity.neighbours import distances_by
from hpcflow_kernels.similarity.templates import compared_by

WARP = 32
"""Threads that a GPU runs in step."""

SHARED = 48 << 10
"""Bytes of shared memory that a block may have on every GPU without asking for more."""

MOST_BLOCKS = 1 << 16
"""Blocks of a launch; each takes several pairs where there are more."""


def template_distance(
    x: np.ndarray,
    *,
    rate: float,
    template: Sequence[float],
    window: float,
    overlap: float = 0.75,
    band: float = 0.1,
) -> dict[str, np.ndarray]:
    """As `hpcflow_kernels.similarity.templates.template_distance`, on a GPU."""
    return {"distance": compared_by(all_pairs, x, rate, template, window, overlap, band)}


def dtw_distances(
    *, signal: Rows, references: Records, band: float = 0.1, normalise: bool = True, points: int | None = None
) -> dict[str, np.ndarray]:
    """As `hpcflow_kernels.similarity.neighbours.dtw_distances`, on a GPU."""
    return {"distance": distances_by(all_pairs, signal, references, band, normalise, points)}


def all_pairs(x: np.ndarray, y: np.ndarray, half: bool, left: int, right: int, out: np.ndarray) -> None:
    """Squared distances of all series of x from all of y, or where j > i only.

    Parameters
    ----------
    x, y : ndarray of float32 or float64, shape (count, samples), (others, samples of theirs)
    half : bool
        Leave the rest of `out` as it is.
    left, right : int
        Sample i may be matched with samples from ``i - left`` to ``i + right``.
    out : ndarray of the type of `x`, shape (count, others)

    Notes
    -----
    A cell is the sum of the same terms in the same order as on the processor; a GPU may round once where two
    roundings stand here, as the processor's loops do.
    """
    if out.size == 0:
        return
    left, right = min(left, x.shape[1] - 1), min(right, y.shape[1] - 1)
    width, blocks = left + right + 3, min(out.size, MOST_BLOCKS)
    threads = min(256, WARP * -(-width // (2 * WARP)))  # half of the band is worked on at a time
    here = [cuda.to_device(np.ascontiguousarray(part)) for part in (x, y, out)]
    if width * x.itemsize <= SHARED:
        launch = pairs_in_shared_memory[blocks, threads, 0, width * x.itemsize]
        launch(here[0], here[1], half, left, right, here[2])
    else:
        lines = cuda.device_array((blocks, width), x.dtype)
        pairs_in_global_memory[blocks, threads](here[0], here[1], half, left, right, lines, here[2])
    out[...] = here[2].copy_to_host()
