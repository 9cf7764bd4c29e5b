"""Units and dtypes of outputs, resolved from a kernel's rules and what flows into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpcflow.plan.model import FieldPlan
from hpcflow.units import derive
from hpcflow_kernels import Contract, Field


def resolve_fields(
    contract: Contract, params: Mapping[str, Any], units: str, dtype: str
) -> tuple[FieldPlan, ...]:
    """Fields of a step whose first port carries `units` and `dtype`."""
    return tuple(_resolve(field, units, dtype) for field in contract.fields(params))


def _resolve(field: Field, units: str, dtype: str) -> FieldPlan:
    return FieldPlan(
        name=field.name,
        long_name=field.long_name,
        units=derive(field.units, units),
        dtype=dtype if field.dtype == "same" else field.dtype,
        dims=tuple((d.name, tuple(d.values), d.units) for d in field.dims),
        flags=tuple(field.flags),
    )
