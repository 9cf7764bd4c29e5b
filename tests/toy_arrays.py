"""The toy kernels in the functions of the array API, one of them left to the processor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from array_api_compat import array_namespace

from hpcflow_kernels import Contract, Rows, UnusableRecordError
from hpcflow_kernels.arrays.transforms import cut
from tests import toy
from tests.toy import TAPS, step


def smooth(x: Any, *, rate: float) -> Any:
    """As the processor's, in the same order of additions."""
    xp = array_namespace(x)
    edge = xp.zeros_like(x[: TAPS // 2]) if x.shape[0] >= TAPS // 2 else xp.zeros(TAPS // 2, dtype=x.dtype)
    padded = xp.concat([edge, x, edge])
    total = xp.zeros_like(x)
    for k in range(TAPS):
        total = total + padded[k : k + x.shape[0]]
    return total


def framed(x: Any, *, rate: float, frame: int, hop: int) -> dict[str, Any]:
    """Quartiles by sorting, between two neighbours."""
    xp = array_namespace(x)
    frames = cut(x, frame, hop)
    missing = xp.any(xp.isnan(frames), axis=-1)
    ordered = xp.sort(xp.where(xp.isnan(frames), xp.zeros_like(frames), frames), axis=-1)
    found = []
    for part in (0.25, 0.5, 0.75):
        place = part * (frame - 1)
        low, rest = int(place), place - int(place)
        found.append(ordered[:, low] * (1 - rest) + ordered[:, min(low + 1, frame - 1)] * rest)
    quartiles = xp.stack(found, axis=-1)
    hole = xp.full_like(quartiles, xp.nan)
    quartiles = xp.where(missing[:, None], hole, quartiles)
    return {"peak": xp.max(frames, axis=-1), "quartiles": xp.astype(quartiles, xp.float32)}


def summed(*, frames: dict[str, Rows], raw: Rows, weight: float | None) -> dict[str, Any]:
    """Sums in float64, missing ones left out."""
    if raw.values.shape[0] < 40:
        raise UnusableRecordError("fewer than 40 samples")
    return {"peaks": _sum(frames["peak"].values), "samples": _sum(raw.values) * (weight or 1.0)}


def _sum(x: Any) -> Any:
    xp = array_namespace(x)
    return xp.sum(xp.astype(xp.where(xp.isnan(x), xp.zeros_like(x), x), xp.float64))


def _with_array(name: str) -> Contract:
    return replace(toy.CONTRACTS[name], array=f"tests.toy_arrays:{name}", array_error=1e-6)


CONTRACTS = {
    **toy.CONTRACTS,
    **{name: _with_array(name) for name in ("smooth", "framed", "summed")},
    "stretched": replace(toy.CONTRACTS["smooth"], name="stretched"),
}
"""`stretched` is `smooth` for the processor alone."""

STEPS = (
    step("soft", "smooth", {"signal": "made.x"}),
    step("softer", "smooth", {"signal": "soft"}),
    step("frames", "framed", {"signal": "softer"}, frame=1000, hop=300),
    step("aside", "stretched", {"signal": "soft"}),
    step("after", "framed", {"signal": "aside"}, frame=500, hop=500),
    step("sums", "summed", {"frames": "frames", "raw": "made.x", "weight": "made.weight"}),
    step("more", "summed", {"frames": "frames", "raw": "made.x", "weight": "made.weight"}),
    step("all", "total", {"sums": "sums"}),
)
"""Thrice on the device, then back to the processor, and there once more; then whole records."""
