"""Which variables a dataset has, in which units and types, out of what its files' headers say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpcflow.data.packing import Packing, common_packing
from hpcflow.data.readers.base import ScannedRecord, ScannedVariable
from hpcflow.data.readers.registry import to_si
from hpcflow.errors import DataError
from hpcflow.plan.records import ASIDE, RecordTable, Variable


def variables_of(
    records: Sequence[ScannedRecord | None],
    options: Mapping[str, Any],
    status: np.ndarray,
    reason: np.ndarray,
    previous: RecordTable | None,
    warnings: list[str],
) -> tuple[Variable, ...]:
    """The dataset's variables in SI; records whose units or types do not fit are set aside.

    Parameters
    ----------
    records
        What was found; None where nothing was.
    options
        The dataset's `variables` mapping.
    status, reason : ndarray of int8 and of object, shape (records,)
        Changed in place.
    previous : RecordTable, optional
        Of the store that exists: its variables keep their units, types and packing.
    warnings : list of str
        Added to.
    """
    asked = options.get("variables") or {}
    kinds: dict[tuple[ScannedVariable, ...], list[int]] = {}
    for number, record in enumerate(records):
        if record is not None and status[number] != ASIDE:
            kinds.setdefault(record.variables, []).append(number)
    units: dict[str, Counter[str]] = {}
    read: dict[tuple[ScannedVariable, ...], dict[str, _Si]] = {}
    bare: set[str] = set()
    for variables, members in kinds.items():
        si: dict[str, _Si] = {}
        try:
            for variable in variables:
                entry = asked.get(variable.name) or {}
                stated = variable.units or entry.get("units")
                if not stated:
                    bare.add(variable.name)
                factor, offset, si_units = to_si(stated, variable.name, entry.get("dimension"))
                si[variable.name] = _Si(si_units, np.dtype(variable.dtype), (factor, offset))
        except DataError as error:
            status[members], reason[members] = ASIDE, str(error)
            continue
        read[variables] = si
        for name, one_si in si.items():
            units.setdefault(name, Counter())[one_si.units] += len(members)
    fixed = {v.name: v for v in previous.variables} if previous is not None else {}
    chosen = {
        name: fixed[name].units if name in fixed else counts.most_common(1)[0][0]
        for name, counts in units.items()
    }
    kept_si: dict[str, list[_Si]] = {}
    alike = 0
    for variables, si in read.items():
        fault = _misfit(si, chosen, fixed)
        if fault:
            members = kinds[variables]
            status[members], reason[members] = ASIDE, fault
            continue
        alike += 1
        for name, one_si in si.items():
            kept_si.setdefault(name, []).append(one_si)
    dtypes = {
        name: np.result_type(np.float32, *(one.dtype for one in seen)) for name, seen in kept_si.items()
    }
    warnings.extend(
        f"{name} has no units, neither in the files nor in the workflow: taken as plain numbers; state "
        f"variables.{name}.units"
        for name in sorted(bare & set(dtypes))
        if name != "time"
    )
    order = [name for name in fixed if name in dtypes] + [name for name in dtypes if name not in fixed]
    kept = []
    for name in order:
        entry = asked.get(name) or {}
        if name in fixed:
            dtype, packing = fixed[name].dtype, fixed[name].packing
        else:
            dtype, packing = str(dtypes[name]), None
            # Records that lack a variable, and those of an older store, need floats to say so.
            if not fixed and len(kept_si[name]) == alike:
                packing = common_packing((one.dtype, one.packing) for one in kept_si[name])
        long_name = entry.get("long_name") or ""
        kept.append(Variable(name, chosen[name], dtype, entry.get("dimension"), long_name, packing))
    return tuple(kept)


@dataclass(frozen=True)
class _Si:
    """What becomes of a record's variable: its units, and how, from its own type."""

    units: str
    dtype: np.dtype[Any]
    packing: Packing


def _misfit(si: Mapping[str, _Si], chosen: Mapping[str, str], fixed: Mapping[str, Variable]) -> str:
    """Why records of these variables are set aside; "" where they fit."""
    for name, one in si.items():
        if one.units != chosen[name]:
            return (
                f"has {name} in units of {one.units} where the dataset has {chosen[name]}: "
                "state its units, or make it another dataset"
            )
    for name, variable in fixed.items():
        if variable.packing is None:
            continue
        if name not in si:
            return f"lacks {name}, which the store holds as integers without gaps: make it another dataset"
        if common_packing([(si[name].dtype, si[name].packing)]) != variable.packing:
            return (
                f"has {name} as {si[name].dtype.name} times {si[name].packing[0]:g} where the store holds "
                f"16-bit integers times {variable.packing[0]:g}: make it another dataset, or ingest all again"
            )
    return ""
