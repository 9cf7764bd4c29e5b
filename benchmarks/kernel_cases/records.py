"""What users would write with SciPy, NumPy or astropy for steps that take a signal as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.kernel_cases.case import LONG, SMALL, Case, noise
from benchmarks.machine import Work
from hpcflow_kernels.contract import Rows
from hpcflow_kernels.detection.events import threshold_crossings
from hpcflow_kernels.filter.integrate import integrate
from hpcflow_kernels.filter.smooth import detrend
from hpcflow_kernels.spectral.irregular import lomb_scargle

RATE = 1000.0


def cases(small: bool, timers: bool) -> Iterator[Case]:
    """All of them; astropy is looked for only where it is timed."""
    x = noise(SMALL if small else LONG)
    yield _detrend(x)
    yield _crossings(x)
    yield _integrate(x[: SMALL if small else 1_048_583])
    yield _lomb_scargle(311 if small else 2003, timers)


def _detrend(x: np.ndarray) -> Case:
    from scipy import signal

    return Case(
        "detrend",
        len(x),
        lambda: detrend(signal=Rows(x, RATE, "", {}))["detrended"],
        lambda: signal.detrend(x.astype(np.float64)),
        {"scipy": lambda: signal.detrend(x)},
        Work(4, written=4),
    )


def _crossings(x: np.ndarray) -> Case:
    """Upwards and downwards through 2.5 with a hysteresis of 0.5; the peer by states carried forward."""

    def by_numpy(x: np.ndarray) -> np.ndarray:
        said = np.where(x >= 2.5, 1, np.where(x < 2.0, -1, 0)).astype(np.int8)
        said[0] = 1 if x[0] >= 2.5 else -1
        known = np.flatnonzero(said)
        at = known[1:][np.diff(said[known]) != 0]
        before, after = x[at - 1].astype(np.float64), x[at].astype(np.float64)
        return at - 1 + (np.where(said[at] > 0, 2.5, 2.0) - before) / (after - before)

    return Case(
        "threshold_crossings",
        len(x),
        lambda: threshold_crossings(x, 2.5, 2.0).place,
        lambda: by_numpy(x.astype(np.float64)),
        {"numpy": lambda: by_numpy(x)},
        Work(2),
    )


def _integrate(x: np.ndarray) -> Case:
    """Velocity; the peer sums trapezia and high-passes both ways, the truth is ours in float64.

    Trapezia lose gain towards half the rate, which ours puts right, and the peer's ends differ.
    """
    from scipy import integrate as scipys
    from scipy import signal

    sos = signal.butter(2, 10.0, "highpass", fs=RATE, output="sos")

    def by_scipy() -> np.ndarray:
        summed = scipys.cumulative_trapezoid(x, dx=1 / RATE, initial=0)
        velocity: np.ndarray = signal.sosfiltfilt(sos, summed)
        return velocity

    return Case(
        "integrate",
        len(x),
        lambda: integrate(x, rate=RATE, low=10.0),
        lambda: integrate(x.astype(np.float64), rate=RATE, low=10.0),
        {"scipy": by_scipy},
        Work(10 + 10, written=4, wide=True),
    )


def _lomb_scargle(samples: int, timers: bool) -> Case:
    """At as many frequencies as half the samples; astropy's direct sums, for both fit at any frequency."""
    rng = np.random.default_rng(samples)
    t = np.sort(rng.uniform(0, samples, samples))
    x = np.sin(0.3 * t) + rng.standard_normal(samples)
    frequency = np.linspace(0.001, 0.5, samples // 2)
    spacing = float(np.ptp(t)) / (samples - 1)

    def truth() -> np.ndarray:
        """Least squares, one frequency after another."""
        out, level = [], np.sum((x - x.mean()) ** 2)
        for f in frequency:
            turns = 2 * np.pi * f * t
            base = np.stack([np.cos(turns), np.sin(turns), np.ones(samples)], axis=1)
            left = x - base @ np.linalg.lstsq(base, x, rcond=None)[0]
            out.append(spacing * (level - np.sum(left**2)))
        return np.array(out)

    peers: dict[str, Callable[[], Any]] = {}
    if timers:
        from astropy.timeseries import LombScargle

        def by_astropy() -> np.ndarray:
            power = LombScargle(t, x).power(frequency, method="cython", normalization="psd")
            found: np.ndarray = 2 * spacing * power
            return found

        peers["astropy"] = by_astropy
    return Case("lomb_scargle", samples, lambda: lomb_scargle(t, x, frequency), truth, peers)
