"""Units and dtypes of outputs, resolved from a kernel's rules and what flows into it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hpcflow.plan.model import FieldPlan
from hpcflow_kernels import Contract, Field

_TOKEN = re.compile(r"^([^\d\s^-]+)\^?(-?\d+)?$")


def resolve_fields(
    contract: Contract, params: Mapping[str, Any], units: str, dtype: str
) -> tuple[FieldPlan, ...]:
    """Fields of a step whose first port carries `units` and `dtype`."""
    return tuple(_resolve(field, units, dtype) for field in contract.fields(params))


def _resolve(field: Field, units: str, dtype: str) -> FieldPlan:
    return FieldPlan(
        name=field.name,
        long_name=field.long_name,
        units=resolve_units(field.units, units),
        dtype=dtype if field.dtype == "same" else field.dtype,
        dims=tuple((d.name, tuple(d.values), d.units) for d in field.dims),
        flags=tuple(field.flags),
    )


def resolve_units(rule: str, base: str) -> str:
    """Apply a units rule to the units of the first port.

    >>> resolve_units("same^2 Hz-1", "m s-2")
    'm2 s-4 Hz-1'
    >>> resolve_units("W", "m s-2")
    'W'
    >>> resolve_units("same s", "m s-2")
    'm s-1'
    """
    head, _, rest = rule.partition(" ")
    if head not in ("same", "same^2"):
        return rule
    power = 2 if head == "same^2" else 1
    exponents: dict[str, int] = {}
    for name, exponent in [*((n, e * power) for n, e in _parse(base)), *_parse(rest)]:
        exponents[name] = exponents.get(name, 0) + exponent
    parts = [n if e == 1 else f"{n}{e}" for n, e in exponents.items() if e and n != "1"]
    return " ".join(parts) or "1"


def _parse(units: str) -> list[tuple[str, int]]:
    found = []
    for token in units.split():
        match = _TOKEN.match(token)
        if match is None:
            if token == "1":
                continue
            return [(units.replace(" ", "_"), 1)]
        found.append((match[1], int(match[2] or 1)))
    return found
