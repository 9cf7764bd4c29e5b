"""Units and dtypes of outputs, resolved from a kernel's rules and what flows into it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpcflow.plan.model import FieldPlan
from hpcflow.units import derive
from hpcflow_kernels import Contract, Field


def resolve_fields(
    contract: Contract, params: Mapping[str, Any], ports: Mapping[str, tuple[str, str]], rate: float | None
) -> tuple[FieldPlan, ...]:
    """Fields of a step from units and dtype at each port, in order; `rate` if all records have one.

    `params` are those of `Contract.with_names`.
    """
    units, dtype = next(iter(ports.values()), ("1", "float32"))
    by_port = {name: given for name, (given, _) in ports.items()}
    return tuple(_resolve(field, units, dtype, by_port, rate) for field in contract.fields(params))


def unscaled(contract: Contract, params: Mapping[str, Any]) -> tuple[str, ...]:
    """Dimensions that stay in samples where no rate is common to all records, by the names they then have."""
    dims = (dim for field in contract.fields(params) for dim in field.dims if dim.rate_power)
    return tuple(dict.fromkeys(dim.at(None).name for dim in dims))


def _resolve(field: Field, units: str, dtype: str, ports: Mapping[str, str], rate: float | None) -> FieldPlan:
    return FieldPlan(
        name=field.name,
        long_name=field.long_name,
        units=derive(field.units, units, ports),
        dtype=dtype if field.dtype == "same" else field.dtype,
        dims=tuple((d.name, tuple(d.values), d.units) for d in (dim.at(rate) for dim in field.dims)),
        flags=tuple(field.flags),
    )
