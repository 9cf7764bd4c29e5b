"""Made-up inputs on which kernels are timed: ordinary in length, rate and content, the same every time.

A family that adds a kernel adds its entry; a kernel without one is planned from its contract alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpcflow_kernels.contract import Rows
from hpcflow_kernels.registry import get

RATE = 25_600.0
"""Samples per second of the vibration that signal kernels are timed on."""


@dataclass(frozen=True)
class Probe:
    """How to call a kernel on n samples.

    Attributes
    ----------
    ports
        ``ports(n)``: arguments; ``x`` is the signal of a map or window kernel.
    params
        Parameters that have no default, or another than the default.
    sizes
        Input lengths to time, rising.
    """

    ports: Callable[[int], Mapping[str, Any]]
    params: Mapping[str, Any] = field(default_factory=dict)
    sizes: tuple[int, ...] = (1 << 16, 1 << 18, 1 << 20)


def _noise(samples: int) -> np.ndarray:
    """White noise with a tone, float32, m/s²."""
    x = np.random.default_rng(20).standard_normal(samples, dtype=np.float32)
    x += np.sin(np.arange(samples, dtype=np.float32) * np.float32(0.02))
    return x


def _rows(values: np.ndarray, rate: float, units: str) -> Rows:
    return Rows(values, rate, units, {})


def _signal(samples: int) -> Mapping[str, Any]:
    return {"x": _noise(samples), "rate": RATE}


def _machine(samples: int) -> Mapping[str, Any]:
    return {
        "signal": _rows(_noise(samples), RATE, "m s-2"),
        "speed": 25.0,
        "bearing": "SKF 6205-2RS JEM",
    }


def _ride(seconds: int) -> dict[str, np.ndarray]:
    """An hour and more on a bike: no physiology, only plausible numbers."""
    t = np.arange(seconds, dtype=np.float64)
    rng = np.random.default_rng(21)
    return {
        "power": (200 + 60 * np.sin(t / 40) + rng.normal(0, 30, seconds)).clip(0).astype(np.float32),
        "heart_rate": (140 + 15 * np.sin(t / 300)).astype(np.float32),
        "speed": (9 + 2 * np.sin(t / 60)).astype(np.float32),
        "cadence": (88 + 5 * np.sin(t / 25)).astype(np.float32),
        "distance": 9 * t,
        "altitude": (100 + 20 * np.sin(t / 500)).astype(np.float32),
        "timer": np.ones(seconds, np.float32),
    }


_UNITS = {
    "power": "W",
    "heart_rate": "min-1",
    "speed": "m s-1",
    "cadence": "min-1",
    "distance": "m",
    "altitude": "m",
    "timer": "1",
}


def _activity(samples: int) -> Mapping[str, Any]:
    channels = {name: _rows(x, math.nan, _UNITS[name]) for name, x in _ride(samples).items()}
    time = _rows(np.arange(samples, dtype=np.float64), math.nan, "s")
    return {"time": time, "elapsed": float(samples - 1), **channels}


def _seconds(samples: int) -> Mapping[str, Any]:
    return {name: _rows(x, 1.0, _UNITS[name]) for name, x in _ride(samples).items()}


def _power(samples: int) -> Mapping[str, Any]:
    return {"power": _seconds(samples)["power"]}


_HOURS = (600, 3600, 18_000)

PROBES: Mapping[str, Probe] = {
    "bandpass": Probe(_signal, {"low": 2000.0, "high": 5000.0}),
    "envelope_spectrum": Probe(_signal),
    "squared_envelope_spectrum": Probe(_signal, {"band": [2000.0, 5000.0]}),
    "kurtogram": Probe(lambda samples: {"signal": _machine(samples)["signal"]}),
    "condition_indicators": Probe(_signal),
    "vibration_severity": Probe(_signal),
    "waveform_factors": Probe(_signal),
    "bearing_faults": Probe(_machine, sizes=(1 << 17, 1 << 19, 1 << 21)),
    "clean_activity": Probe(_activity, sizes=_HOURS),
    "mean_max": Probe(_power, sizes=_HOURS),
    "session_summary": Probe(_seconds, sizes=_HOURS),
}


def prepared(name: str, samples: int) -> Callable[[], Any]:
    """A call of a kernel on made-up input, all but the call done.

    Raises
    ------
    KeyError
        If the kernel is not registered or has no probe.
    """
    contract, probe = get(name), PROBES[name]
    params = {p.name: probe.params.get(p.name, p.default) for p in contract.params}
    function, ports = contract.load(), probe.ports(samples)
    given = dict(ports)
    first = (given.pop("x"),) if "x" in given else ()
    return lambda: function(*first, **given, **params)
