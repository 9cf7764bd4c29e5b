"""Spectra of samples that are not regular in time, on any array library."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from hpcflow_kernels.arrays.namespace import numbers
from hpcflow_kernels.arrays.transforms import constant, together
from hpcflow_kernels.contract import Rows
from hpcflow_kernels.spectral.irregular import band_powers, fine_grid, usable_samples

TINY = float(np.finfo(np.float64).epsneg)
"""Least sum of squared cosines or sines that is divided by, as SciPy's."""


def lomb_scargle_of_record(
    *,
    signal: Rows,
    time: Rows | None = None,
    low: float,
    high: float,
    points: int = 512,
    band: Sequence[float] | None = None,
    intervals: bool = False,
) -> dict[str, Any]:
    """As `hpcflow_kernels.spectral.irregular.lomb_scargle_of_record`.

    The processor sorts out which samples have times; every sine and cosine is made where the samples lie.
    """
    t, x = usable_samples(
        signal._replace(values=numbers(signal.values)),
        None if time is None else time._replace(values=numbers(time.values)),
        intervals,
    )
    xp, like = array_namespace(signal.values), signal.values
    there = constant(t - t.min(), like, xp.float64), constant(x - x.mean(), like, xp.float64)
    grid = np.linspace(low, high, points)
    density = _lomb_scargle(*there, grid)
    found = {"power": density, "samples": constant(np.asarray(float(len(t))), like, xp.float64)}
    if band is not None and len(band):
        fine = fine_grid(t, low, high, points)
        if len(fine) > points:
            grid, density = fine, _lomb_scargle(*there, fine)
        found["band_power"] = constant(band_powers(grid, numbers(density), band), like, xp.float64)
    return found


def _lomb_scargle(t: Any, x: Any, frequency: np.ndarray) -> Any:
    """As `hpcflow_kernels.spectral.irregular.lomb_scargle`, of times from zero on and samples of mean zero.

    In the order of SciPy's sums, so many frequencies at a time.
    """
    xp, samples = array_namespace(t), t.shape[0]
    out = xp.empty((len(frequency),), dtype=xp.float64, device=device(t))
    step, scale = together(t, 4 * samples), samples * float(xp.max(t)) / (samples - 1)
    for first in range(0, len(frequency), step):
        stop = min(first + step, len(frequency))
        omega = constant(2 * np.pi * frequency[first:stop], t)
        out[first:stop] = _explained(omega[:, None] * t[None, :], x) * scale
    return out


def _explained(angle: Any, x: Any) -> Any:
    """Variance that a sinusoid beside a constant explains, fitted by least squares; shape (frequencies,).

    Parameters
    ----------
    angle : array of float64, shape (frequencies, samples)
    x : array of float64, shape (samples,)

    Notes
    -----
    Zechmeister and Kuerster, A&A 496 (2009), with the angle moved such that sines and cosines are orthogonal.
    """
    xp = array_namespace(angle)
    cos, sin = xp.cos(angle), xp.sin(angle)
    c, s = _mean(cos), _mean(sin)
    cc = _mean(cos * cos)
    ss, cs = 1 - cc - s * s, _mean(cos * sin) - c * s
    tau = 0.5 * xp.atan2(2 * cs, cc - c * c - ss)
    moved = angle - tau[:, None]
    cos, sin = xp.cos(moved), xp.sin(moved)
    c, s, y = _mean(cos), _mean(sin), float(xp.mean(x))
    cc = _mean(cos * cos)
    ss = xp.clip(1 - cc - s * s, min=TINY)
    cc = xp.clip(cc - c * c, min=TINY)
    yc, ys = _mean(cos * x) - y * c, _mean(sin * x) - y * s
    return yc * yc / cc + ys * ys / ss


def _mean(rows: Any) -> Any:
    return array_namespace(rows).mean(rows, axis=-1)
