"""The kurtogram on any array library: one transform of blocks, and one back for the bands of each level."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.segments import longest_stretch
from hpcflow_kernels.arrays.transforms import constant, frames, squared, transformed, typed
from hpcflow_kernels.contract import Rows
from hpcflow_kernels.machine.kurtogram import FEWEST, Blocks, band_of, middle_of
from hpcflow_kernels.machine.kurtogram_contracts import band_counts


def kurtogram_of_record(*, signal: Rows, levels: int = 7) -> dict[str, Any]:
    """As `hpcflow_kernels.machine.kurtogram.kurtogram_of_record`."""
    x = middle_of(typed(longest_stretch(signal.values)))
    xp, blocks = array_namespace(x), Blocks.of(x.shape[0], levels)
    table = _table(x, blocks, levels)
    below = xp.asarray(-math.inf, dtype=table.dtype, device=device(x))
    bands = xp.reshape(xp.where(xp.isfinite(table), table, below)[1:, :], (-1,))
    best = int(xp.argmax(bands))
    found = band_of(blocks, levels, best, float(bands[best]), signal.rate)
    numbers = {name: xp.asarray(value, dtype=xp.float32, device=device(x)) for name, value in found.items()}
    return {"kurtosis": xp.astype(table, xp.float32), **numbers}


def _table(x: Any, blocks: Blocks, levels: int) -> Any:
    """Kurtosis by level and frequency, float64; NaN where it cannot be told."""
    xp, counts, grid = array_namespace(x), band_counts(levels), 3 * 2**levels
    n, fade = blocks.n, blocks.fade
    missing = xp.full((len(counts), grid), math.nan, dtype=xp.float64, device=device(x))
    if not blocks.number:
        return missing
    x = x[: (blocks.number - 1) * blocks.hop + n]
    inner = xp.astype(x[fade : x.shape[0] - fade], xp.float64)
    mean = xp.mean(inner)
    square = (inner - mean) ** 2
    second, fourth = float(xp.mean(square)), float(xp.mean(square * square))
    if not second > 0:
        return missing
    weight = constant(blocks.weights() / math.sqrt(second), x)
    sums = [xp.zeros((2, count), dtype=xp.float64, device=device(x)) for count in counts[1:]]
    for _, part in frames(x, n, blocks.hop, times=4):
        half = transformed(xp.fft.rfft, (part - xp.astype(mean, x.dtype)) * weight)[:, :-1]
        half[:, 0] = 0
        for total in sums:
            total += _powers(half, total.shape[1], fade)
    rows = [xp.full((grid,), fourth / second**2 - 3, dtype=xp.float64, device=device(x))]
    for count, total in zip(counts[1:], sums, strict=True):
        power = total[0, :] / blocks.number
        # bands that hold nothing but rounding have no kurtosis
        told = (power > 1e3 * xp.finfo(x.dtype).eps ** 2 * xp.mean(power)) & (blocks.samples(count) >= FEWEST)
        found = xp.where(told, total[1, :] / blocks.number / power**2 - 2, missing[0, :count])
        rows.append(xp.repeat(found, grid // count))
    return xp.stack(rows)


def _powers(half: Any, count: int, fade: int) -> Any:
    """Means of ``|c|**2`` and ``|c|**4`` of bands without faded ends, added over blocks; shape (2, count)."""
    xp, (blocks, width) = array_namespace(half), half.shape
    length, skip = width // count, fade // 2 // count
    bands = transformed(partial(xp.fft.ifft, norm="ortho"), xp.reshape(half, (blocks * count, length)))
    power = xp.reshape(squared(bands[:, skip : length - skip]), (blocks, count, length - 2 * skip))
    both = [xp.sum(p, axis=(0, 2), dtype=xp.float64) for p in (power, power * power)]
    return xp.stack(both) / (length - 2 * skip)
