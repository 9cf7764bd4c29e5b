"""Made-up inputs on which kernels are timed: ordinary in length, rate and content, the same every time.

A kernel needs no entry here: its contract says what to call it with. `PROBES` holds those whose time depends
on more than the contract says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hpcflow_kernels.contract import Contract, Param, Pattern, Port, Rows
from hpcflow_kernels.ranks import Alone, Spread
from hpcflow_kernels.registry import contracts, get

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
        Input lengths to time, rising. For whole records they have a prime factor of 257: a Fourier transform
        takes them in a time between those of powers of two and of primes, and records have any length.
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


def _alike(samples: int, *names: str) -> dict[str, Rows]:
    """Signals that have most of their noise in common, so that the phases between them are near zero."""
    rng = np.random.default_rng(23)
    apart = (0.3 * rng.standard_normal(samples, dtype=np.float32) for _ in names)
    return {name: _rows(_noise(samples) + own, RATE, "m s-2") for name, own in zip(names, apart, strict=True)}


def _slow_after_noise(samples: int) -> Mapping[str, Any]:
    """Noise, then a tone so slow that what looks for a period does not find it near."""
    x = _noise(samples)
    x[samples // 3 :] = np.sin(np.arange(samples - samples // 3, dtype=np.float32) * np.float32(0.002))
    return {"x": x, "rate": RATE}


def _machine(samples: int) -> Mapping[str, Any]:
    return {
        "signal": _rows(_noise(samples), RATE, "m s-2"),
        "speed": 25.0,
        "bearing": "SKF 6205-2RS JEM",
    }


def _shaft(samples: int) -> Mapping[str, Any]:
    return {"signal": _machine(samples)["signal"], "speed": 25.0}


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


def _profile(samples: int) -> Mapping[str, Any]:
    rng = np.random.default_rng(22)
    distance = _rows(rng.random(samples, dtype=np.float32), RATE, "1")
    neighbour = _rows(rng.integers(0, samples, samples) / RATE, RATE, "s")
    return {"profile": {"distance": distance, "neighbour": neighbour}}


def _three_axes(samples: int) -> Mapping[str, Any]:
    """Rows of windows of a minute."""
    window = _rows(np.abs(_noise(samples)), 1 / 60, "m s-2")
    return {axis: {"weighted_rms": window, "rmq": window} for axis in "xyz"}


def _curve(samples: int) -> Mapping[str, Any]:
    """A power curve, of the durations that a workflow has by default."""
    durations = np.asarray(next(p.default for p in get("best_efforts").params if p.name == "durations"))
    power = Rows(400 / np.sqrt(1 + durations / 60), math.nan, "W", {"duration": durations.astype(np.float64)})
    start = Rows(durations.astype(np.float64), math.nan, "s", {})
    return {"curve": {"mean_maximal_power": power, "start": start}}


def _session(samples: int) -> Mapping[str, Any]:
    """A row of every number that a session has."""
    fields = get("session_summary").fields({"moving_speed": 0.5})
    return {"session": {f.name: _rows(np.array([10.0 + i]), math.nan, f.units) for i, f in enumerate(fields)}}


def _exposure(samples: int) -> Mapping[str, Any]:
    """An operation: its exposure along three axes, and how long it took."""
    fields = get("vibration_total").fields({"kind": "whole-body", "factors": None})
    shapes = {f.name: (tuple(len(dim.values) for dim in f.dims), f.units) for f in fields}
    return {
        "total": {name: _rows(np.ones(shape), math.nan, units) for name, (shape, units) in shapes.items()}
    }


_HOURS = (600, 3600, 18_000)
_RECORDS = tuple(257 << k for k in (8, 10, 12))

PROBES: Mapping[str, Probe] = {
    "bandpass": Probe(_signal, {"low": 2000.0, "high": 5000.0}),
    "fir": Probe(_signal, {"high": 2000.0}),
    "decimate": Probe(_signal, {"factor": 4}),
    "despike": Probe(_signal, {"window": 0.001}),
    "savitzky_golay": Probe(_signal, {"window": 0.002}),
    "resample": Probe(_signal, {"to": 12_000.0}),
    "squared_envelope_spectrum": Probe(_signal, {"band": [2000.0, 5000.0]}),
    "cusum": Probe(lambda samples: {"signal": _machine(samples)["signal"]}, {"mean": 0.0, "std": 1.2}),
    "kurtogram": Probe(lambda samples: {"signal": _machine(samples)["signal"]}),
    "bearing_faults": Probe(_machine, sizes=tuple(257 << k for k in (9, 11, 13))),
    "catch22": Probe(_slow_after_noise),
    "clean_activity": Probe(_activity, sizes=_HOURS),
    "coherence": Probe(lambda samples: _alike(samples, "signal", "reference"), sizes=_RECORDS),
    "coherence_matrix": Probe(lambda samples: {"signals": _alike(samples, "0", "1")}, sizes=_RECORDS),
    "transfer_function": Probe(lambda samples: _alike(samples, "excitation", "response"), sizes=_RECORDS),
    "matrix_profile": Probe(
        lambda samples: {"signal": _machine(samples)["signal"]},
        {"window": 0.004},
        tuple(257 << k for k in (5, 7, 9)),
    ),
    "long_matrix_profile": Probe(
        lambda samples: {"signal": _machine(samples)["signal"]},
        {"window": 0.004},
        tuple(257 << k for k in (5, 7, 9)),
    ),
    "motifs": Probe(_profile, {"window": 0.004}),
    "lomb_scargle": Probe(
        lambda samples: {"signal": _machine(samples)["signal"]},
        {"low": 1.0, "high": 1000.0},
        tuple(257 << k for k in (2, 4, 6)),
    ),
    "order_spectrum": Probe(
        lambda samples: {"signal": _machine(samples)["signal"], "shaft": 25.0}, sizes=_RECORDS
    ),
    "order_map": Probe(
        lambda samples: {"signal": _machine(samples)["signal"], "shaft": 25.0}, sizes=_RECORDS
    ),
    "template_distance": Probe(_signal, {"template": [0.0, 1.0, 0.0, -1.0, 0.0], "window": 0.01}),
    "synchronous_average": Probe(_shaft, sizes=_RECORDS),
    "gear_sidebands": Probe(_shaft, {"teeth": 41}, _RECORDS),
    "cyclic_coherence": Probe(_shaft, {"frequencies": [100.0, 200.0]}, _RECORDS),
    "vibration_total": Probe(_three_axes, sizes=_RECORDS),
    "mean_max": Probe(_power, sizes=_HOURS),
    "session_summary": Probe(_seconds, sizes=_HOURS),
    "best_efforts": Probe(_curve),
    "totals": Probe(_session),
    "daily_vibration": Probe(_exposure),
}


_EXAMPLES = {"duration": 0.1, "frequency": 2000.0, "fraction": 0.25}
"""Values of parameters without a default, SI; 1 of any other dimension. A second of its kind is twice it."""

_SI = {"acceleration": "m s-2", "frequency": "Hz", "power": "W", "speed": "m s-1"}


def measurable() -> tuple[str, ...]:
    """Kernels whose arithmetic is a stage's time per sample.

    Not reductions, which add up one row a record, nor what compares with all records of a dataset: its time
    depends on these.
    """
    return tuple(
        name
        for name, contract in contracts().items()
        if contract.pattern != Pattern.REDUCE and not any(port.whole for port in contract.ports)
    )


def probe_of(name: str) -> Probe:
    """The probe of a registered kernel: its entry in `PROBES`, else what its contract gives.

    Raises
    ------
    KeyError
        If no kernel has this name.
    ValueError
        If the kernel's own check refuses the made-up parameters.
    """
    return PROBES[name] if name in PROBES else from_contract(get(name))


def from_contract(contract: Contract) -> Probe:
    """A probe from a contract: noise at every signal that must be given, defaults, and examples.

    Raises
    ------
    ValueError
        If the contract's check refuses the parameters.
    """
    required = [param for param in contract.params if param.required]
    params = {
        param.name: _example(param, sum(p.dimension == param.dimension for p in required[:place]))
        for place, param in enumerate(required)
    }
    every = {param.name: params.get(param.name, param.default) for param in contract.params}
    problems = list(contract.check(every, RATE)) if contract.check else []
    if problems:
        raise ValueError(
            f"made-up parameters do not suit {contract.name} ({problems[0]}): "
            "give it an entry in hpcflow_kernels.probes.PROBES, or defaults that fit each other"
        )
    if contract.pattern not in (Pattern.MAP, Pattern.WINDOW):
        return Probe(lambda samples: _ports(contract.ports, samples), params, _RECORDS)
    shortest = max(1 << 16, contract.geometry(every, RATE).frame if contract.geometry else 0)
    return Probe(_signal, params, (shortest, 4 * shortest, 16 * shortest))


def _example(param: Param, before: int) -> Any:
    """A value for a parameter that has no default; `before` others of its dimension have one already."""
    if param.choices:
        return param.choices[0]
    if param.kind in ("text", "flag"):
        return "" if param.kind == "text" else False
    value = _EXAMPLES.get(param.dimension or "", 1.0) * (1 + before)
    value = max(value, -math.inf if param.minimum is None else param.minimum)
    value = min(value, math.inf if param.maximum is None else param.maximum)
    if param.kind == "list":
        return [value, 2 * value]
    return int(value) if param.kind == "integer" else value


def _ports(ports: tuple[Port, ...], samples: int) -> Mapping[str, Any]:
    """The first port of a record kernel and all that are not optional."""
    return {port.name: _fed(port, samples) for port in ports if port is ports[0] or not port.optional}


def _fed(port: Port, samples: int) -> Any:
    if port.several:
        return {str(i): _port(port, samples) for i in range(port.several)}
    return _port(port, samples)


def _port(port: Port, samples: int) -> Any:
    if port.kind == "fact":
        facts: Mapping[str | None, Any] = {"text": "", "duration": samples / RATE, "frequency": 25.0}
        return facts.get(port.dimension, 1.0)
    if port.dimension == "duration":
        return _rows(np.arange(samples) / RATE, math.nan, "s")
    return _rows(_noise(samples), RATE, _SI.get(port.dimension or "", "1"))


def prepared(
    name: str, samples: int, dtype: type[np.floating[Any]] | None = None, **changes: Any
) -> Callable[[], Any]:
    """A call of a kernel on made-up input, all but the call done.

    Parameters
    ----------
    name
        A registered kernel.
    samples
        Length of the input.
    dtype
        Of the signals; as the probe makes them if None.
    **changes
        Parameters other than the probe's.

    Raises
    ------
    KeyError
        If the kernel is not registered.
    """
    contract, probe = get(name), probe_of(name)
    params = {p.name: changes.get(p.name, probe.params.get(p.name, p.default)) for p in contract.params}
    function = contract.load()
    given = {port: _as(value, dtype) for port, value in probe.ports(samples).items()}
    if contract.pattern == Pattern.COLLECTIVE:
        held = {port: spread(value) for port, value in given.items()}
        return lambda: function(ranks=Alone(), **held, **params).values
    first = (given.pop("x"),) if contract.geometry is not None else ()
    return lambda: function(*first, **given, **params)


def spread(value: Any) -> Any:
    """What a port of a collective kernel gets, from what the same port of a record kernel would get."""
    if isinstance(value, Rows):
        return Spread.of(value)
    if isinstance(value, Mapping):
        return {name: spread(one) for name, one in value.items()}
    return value


def _as(value: Any, dtype: type[np.floating[Any]] | None) -> Any:
    if dtype is None or np.isscalar(value):
        return value
    if isinstance(value, dict):
        return {name: _as(one, dtype) for name, one in value.items()}
    if isinstance(value, Rows):
        return value._replace(values=value.values.astype(dtype))
    return value.astype(dtype)
