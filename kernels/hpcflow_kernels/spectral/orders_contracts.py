"""Contracts of order tracking."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from hpcflow_kernels.contract import Contract, Dim, Field, Param, Params, Pattern, Port


def _orders(params: Params) -> Dim:
    turns = params["revolutions"]
    values = tuple(float(f"{k / turns:.15g}") for k in range(int(params["max_order"] * turns + 1e-9) + 1))
    return Dim("order", values)


def _fields(params: Params) -> tuple[Field, ...]:
    order = _orders(params)
    line = "peak amplitude of a line, root mean square over blocks"
    fields = [
        Field("amplitude", line, units="same", dtype="same", dims=(order,)),
        Field("blocks", "blocks of turns that were used"),
        Field("lowest_speed", "lowest mean speed of a block", units="Hz"),
        Field("highest_speed", "highest mean speed of a block", units="Hz"),
    ]
    if params.get("speeds"):
        classes = Dim("speed", tuple(f"{low:g}-{high:g} Hz" for low, high in pairwise(params["speeds"])))
        fields.append(Field("amplitude_by_speed", line, units="same", dtype="same", dims=(classes, order)))
    return tuple(fields)


def _check(params: Params, rate: float | None) -> Sequence[str]:
    edges = params.get("speeds")
    if edges and (len(edges) < 2 or any(a >= b for a, b in pairwise(edges))):
        return [f"`speeds` needs two or more rising speeds (found {list(edges)}): write [low, high]"]
    return []


def _fields_map(params: Params) -> tuple[Field, ...]:
    return (
        Field("amplitude", "peak amplitude of a line", units="same", dtype="same", dims=(_orders(params),)),
        Field("speed", "mean speed of the shaft", units="Hz"),
    )


def _length_map(params: Params, samples: int, rate: float, facts: Mapping[str, Any]) -> int:
    return int(samples / rate / params["step"] + 1e-9) if math.isfinite(rate) else 0


_PORTS = (
    Port("signal", "signal", "samples"),
    Port("speed", "signal", "speed of the shaft along time", "frequency", optional=True),
    Port("tacho", "signal", "pulses of a tachometer", optional=True),
    Port("shaft", "fact", "one speed for the whole record", "frequency", optional=True),
)

_PARAMS = (
    Param("max_order", "number", "last order", default=20.0, minimum=0.1, maximum=2000.0),
    Param(
        "revolutions",
        "integer",
        "turns of a block; orders are 1/revolutions apart",
        default=16,
        minimum=1,
        maximum=1024,
    ),
    Param(
        "min_speed",
        "quantity",
        "blocks with a slower moment are left out",
        "frequency",
        default=0.5,
        minimum=1e-3,
    ),
    Param("pulses", "integer", "pulses of the tachometer per turn", default=1, minimum=1),
)


CONTRACTS = (
    Contract(
        name="order_spectrum",
        version=2,
        pattern=Pattern.RECORD,
        summary="Amplitude over multiples of a shaft's speed, however the speed changes within a record.",
        ports=_PORTS,
        params=(
            *_PARAMS,
            Param("speeds", "list", "edges of classes of speed", "frequency", default=None, minimum=0.0),
        ),
        fields=_fields,
        implementation="hpcflow_kernels.spectral.orders:order_spectrum_of_record",
        array="hpcflow_kernels.arrays.orders:order_spectrum_of_record",
        array_error=1e-9,
        axis="record",
        check=_check,
        bytes_per_sample=96.0,
        flops_per_sample=400.0,
        error="3e-6 of a line at a tenth of the sampling rate, 3e-4 at a fifth, at a steady speed",
        source="Fyfe and Munck, Analysis of computed order tracking, MSSP 11 (1997)",
    ),
    Contract(
        name="order_map",
        version=1,
        pattern=Pattern.RECORD,
        summary="Amplitude over multiples of a shaft's speed along time: what a run-up excites, and when.",
        ports=_PORTS,
        params=(
            Param(
                "step",
                "quantity",
                "time from one row to the next",
                "duration",
                default=1.0,
                minimum=1e-3,
            ),
            *_PARAMS,
        ),
        fields=_fields_map,
        implementation="hpcflow_kernels.spectral.order_map:order_map_of_record",
        array="hpcflow_kernels.arrays.orders:order_map_of_record",
        array_error=1e-9,
        axis="frame",
        length=_length_map,
        row_rate=lambda params, rate: 1 / params["step"],
        bytes_per_sample=96.0,
        flops_per_sample=400.0,
        error="3e-6 of a line at a tenth of the sampling rate, 3e-4 at a fifth, at a steady speed",
        source="Fyfe and Munck, Analysis of computed order tracking, MSSP 11 (1997)",
    ),
)
