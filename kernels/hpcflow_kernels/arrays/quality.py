"""What is wrong with a recording, on any array library; what comes to the processor are counts."""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.transforms import count, cut, together
from hpcflow_kernels.contract import Rows
from hpcflow_kernels.quality.defects import MAD_TO_SIGMA, Counts, fewest_flat


def signal_quality(
    *, signal: Rows, flat: float, clip: int, spike: float, spike_window: int
) -> dict[str, Any]:
    """As `hpcflow_kernels.quality.defects.signal_quality`; the same counts."""
    x, rate = signal.values, signal.rate
    xp = array_namespace(x)
    there = xp.isfinite(x)
    found = Counts(
        samples=x.shape[0],
        there=_sum(there),
        flat=0,
        clipped=_clipped(x, there, clip),
        spikes=_spikes(x, spike, spike_window),
        longest_gap=_longest(_runs(~there)),
        longest_flat=0,
    )
    if found.there:
        still = _still(x, fewest_flat(flat, rate))
        found = found._replace(flat=_sum(still), longest_flat=_longest(still))
    fields = found.fields(rate)
    return {name: xp.asarray(value, dtype=xp.float64, device=device(x)) for name, value in fields.items()}


def _sum(values: Any) -> int:
    xp = array_namespace(values)
    return int(xp.sum(xp.astype(values, xp.int64)))


def _longest(lengths: Any) -> int:
    return int(array_namespace(lengths).max(lengths)) if lengths.shape[0] else 0


def _runs(mask: Any) -> Any:
    """Lengths of the runs of True, shape (runs,)."""
    xp = array_namespace(mask)
    edge = xp.zeros((1,), dtype=xp.bool, device=device(mask))
    padded = xp.concat([edge, mask, edge])
    edges = xp.nonzero(padded[1:] != padded[:-1])[0]
    both = xp.reshape(edges, (edges.shape[0] // 2, 2))
    return both[:, 1] - both[:, 0]


def _still(x: Any, least: int) -> Any:
    """Lengths of runs of at least so many successive samples that are equal."""
    xp = array_namespace(x)
    edge = xp.ones((1,), dtype=xp.bool, device=device(x))
    edges = xp.nonzero(xp.concat([edge, x[1:] != x[:-1], edge]))[0]
    lengths, finite = edges[1:] - edges[:-1], xp.isfinite(xp.take(x, edges[:-1]))
    return lengths[(lengths >= least) & finite]


def _clipped(x: Any, there: Any, least: int) -> int:
    """Samples in runs of at least so many at the largest or the smallest value of all."""
    xp, finite = array_namespace(x), x[there]
    if not finite.shape[0]:
        return 0
    low, high = xp.min(finite), xp.max(finite)
    if bool(low == high):
        return 0
    runs = [_runs(x == value) for value in (low, high)]
    return sum(_sum(lengths[lengths >= least]) for lengths in runs)


def _spikes(x: Any, threshold: float, window: int) -> int:
    """Samples further than so many robust standard deviations from the running median."""
    xp, half, parts = array_namespace(x), window // 2, []
    rows, step = count(x.shape[0], window, 1), together(x, window)
    for start in range(0, rows, step):
        frames = cut(x[start : min(start + step, rows) + window - 1], window, 1)
        gone = xp.any(xp.isnan(frames), axis=-1)  # the standard does not say where NaN is sorted to
        ordered = xp.sort(xp.where(gone[:, None], xp.zeros_like(frames), frames), axis=-1)
        far = xp.abs(frames[:, half] - ordered[:, half])
        parts.append(far[~gone])
    if not rows:
        return 0
    away = xp.concat(parts)
    judged = xp.sort(away[xp.isfinite(away)])
    number = judged.shape[0]
    if not number:
        return 0
    scale = MAD_TO_SIGMA * ((judged[(number - 1) // 2] + judged[number // 2]) / 2)
    return _sum(away > threshold * scale) if bool(scale != 0) else 0
