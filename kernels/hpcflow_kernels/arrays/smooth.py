"""Spikes and trends taken out, over arrays of any library."""

from __future__ import annotations

from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import Array
from hpcflow_kernels.arrays.transforms import cut, together
from hpcflow_kernels.contract import Rows
from hpcflow_kernels.filter.smooth_contracts import points
from hpcflow_kernels.quality.defects import MAD_TO_SIGMA


def despike(
    x: Array,
    *,
    rate: float,
    window: float,
    threshold: float = 3.0,
    least: float = 0.0,
    result: str = "signal",
) -> Array:
    """Spikes replaced by the median of their neighbours: `hpcflow_kernels.filter.despike.despike`."""
    xp = array_namespace(x)
    median, deviation = _medians(x, max(3, points(window, rate)))
    limit = threshold * MAD_TO_SIGMA * deviation
    limit = xp.where(limit < least, xp.full_like(limit, least), limit)
    replaced = (xp.abs(x - median) > limit) & (limit > 0)
    return xp.where(replaced, median, x) if result == "signal" else xp.astype(replaced, x.dtype)


def _medians(x: Array, n: int) -> tuple[Array, Array]:
    """Median of the window about each sample, and the median distance from it; at the ends those of the
    first and the last window."""
    xp, half, rows = array_namespace(x), n // 2, x.shape[0] - n + 1
    medians, deviations, step = [], [], together(x, n)
    for start in range(0, rows, step):
        windows = cut(x[start : min(start + step, rows) + n - 1], n, 1)
        middle = xp.sort(windows, axis=-1)[:, half : half + 1]
        distances = xp.sort(xp.abs(windows - middle), axis=-1)
        # Copies: a view would keep all of the windows.
        medians.append(xp.asarray(middle[:, 0], copy=True))
        deviations.append(xp.asarray(distances[:, half], copy=True))
    made = []
    for parts in (medians, deviations):
        first, last = (xp.broadcast_to(end, (half,)) for end in (parts[0][:1], parts[-1][-1:]))
        made.append(xp.concat([first, *parts, last]))
    return made[0], made[1]


def detrend(*, signal: Rows, type: str = "linear", window: float = 0.0) -> dict[str, Array]:
    """Mean or straight line taken out: `hpcflow_kernels.filter.smooth.detrend`."""
    x = signal.values
    xp, samples = array_namespace(x), x.shape[0]
    piece = max(1, round(window * signal.rate)) if window else max(1, samples)
    short = -samples % piece
    y = xp.astype(x, xp.float64, copy=False)
    if short:
        y = xp.concat([y, xp.full((short,), xp.nan, dtype=y.dtype, device=device(x))])
    y = xp.reshape(y, (-1, piece))
    there = xp.isfinite(y)
    weight = xp.astype(there, y.dtype)
    count = xp.sum(weight, axis=1, keepdims=True)
    count = xp.where(count > 0, count, xp.ones_like(count))
    y = xp.where(there, y, xp.zeros_like(y))
    y = (y - xp.sum(y, axis=1, keepdims=True) / count) * weight
    if type == "linear":
        at = xp.arange(piece, dtype=y.dtype, device=device(x))
        away = (at - xp.sum(at * weight, axis=1, keepdims=True) / count) * weight
        square = xp.sum(away * away, axis=1, keepdims=True)
        slope = xp.sum(away * y, axis=1, keepdims=True) / xp.where(square > 0, square, xp.ones_like(square))
        y = y - away * slope
    y = xp.where(there, y, xp.full_like(y, xp.nan))
    return {"detrended": xp.astype(xp.reshape(y, (-1,))[:samples], x.dtype, copy=False)}
