"""Literals of a step against the parameters that its kernel declares: SI floats in the end."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hpcflow.units import UnitError, dimension, format_quantity, parse_quantity
from hpcflow.words import suggest
from hpcflow.workflow.check_shape import Findings, shown
from hpcflow.workflow.load_yaml import Node, join, plain
from hpcflow_kernels import Contract
from hpcflow_kernels.contract import Param

_BAD = object()


def check_params(contract: Contract, node: Node | None, path: str, found: Findings) -> dict[str, Any] | None:
    """Read what a step gives under ``with``.

    Parameters
    ----------
    contract : Contract
        Of the step's kernel.
    node : Node or None
        The mapping under ``with``; None where the step has none.
    path : str
        Its place, ``steps.band.with``.
    found : Findings
        Takes the problems.

    Returns
    -------
    dict or None
        Every parameter of the kernel, in SI, defaults included; None where one could not be read.
    """
    given: Mapping[str, Node] = node.value if node is not None and isinstance(node.value, dict) else {}
    known = {param.name: param for param in contract.params}
    before = len(found.problems)
    for name in given:
        if name not in known:
            listed = f"parameters of {contract.name}: {', '.join(known)}" if known else "it has no parameters"
            remedy = "write a space after the colon" if ":" in name else suggest(name, known, listed)
            found.add(join(path, name), f"kernel {contract.name} has no such parameter", shown(name), remedy)
    values: dict[str, Any] = {}
    for param in contract.params:
        if param.name in given:
            values[param.name] = _value(param, given[param.name], join(path, param.name), found)
        elif param.required:
            remedy = f"add {param.name}: {_example(param)} under with ({param.doc})"
            rule = f"kernel {contract.name} needs the parameter {param.name}"
            found.missing(join(path, param.name), rule, "", remedy)
            values[param.name] = _BAD
        else:
            values[param.name] = default_of(param)
    if len(found.problems) > before or any(value is _BAD for value in values.values()):
        return None
    return values if _accepted(contract, values, path, found) else None


def _accepted(contract: Contract, values: Mapping[str, Any], path: str, found: Findings) -> bool:
    """Whether the kernel itself finds the values to go together."""
    if contract.check is None:
        return True
    try:
        complaints = list(contract.check(values, None))
    except Exception as error:  # a kernel may come from a package that was never tried with such values
        complaints = [
            f"kernel {contract.name} cannot judge these parameters: {type(error).__name__}: {error}"
        ]
    for text in complaints:
        found.add(path, text)
    return not complaints


def default_of(param: Param) -> Any:
    """A parameter's default in SI; contracts may write quantities as text."""
    value = param.default
    if param.dimension is not None and isinstance(value, str):
        return parse_quantity(value, param.dimension)
    if param.kind == "list" and isinstance(value, list | tuple):
        asked = param.dimension
        return tuple(parse_quantity(one, asked) if asked and isinstance(one, str) else one for one in value)
    return value


def _value(param: Param, node: Node, path: str, found: Findings) -> Any:
    if not node.sound:
        return _BAD
    value = node.value
    if value is None:
        if not param.required and param.default is None:
            return None
        found.add(path, f"{param.name} has a value", "nothing", f"write {_example(param)}, or delete the key")
        return _BAD
    if param.kind == "list":
        return _list(param, node, path, found)
    return _one(param, value, path, found)


def _list(param: Param, node: Node, path: str, found: Findings) -> Any:
    if not isinstance(node.value, tuple):
        found.add(path, f"{param.name} is a list", shown(plain(node)), f"write it like {_example(param)}")
        return _BAD
    if not node.value:
        found.add(
            path,
            f"{param.name} holds at least one entry",
            "an empty list",
            f"write it like {_example(param)}",
        )
        return _BAD
    values = [_one(param, one.value, join(path, index), found) for index, one in enumerate(node.value)]
    return _BAD if any(value is _BAD for value in values) else tuple(values)


def _one(param: Param, value: Any, path: str, found: Findings) -> Any:
    """One literal, or one entry of a list."""
    if isinstance(value, dict | tuple):
        found.add(
            path, f"{param.name} is one value", shown(_plain(value)), f"write it like {_example(param)}"
        )
        return _BAD
    if param.dimension is not None and param.kind in ("quantity", "list"):
        try:
            value = parse_quantity(value, param.dimension)
        except UnitError as error:
            found.add(path, f"{param.name} {error.rule}", error.value, error.remedy)
            return _BAD
    elif not _typed(param, value):
        words = {"integer": "a whole number", "text": "a text", "flag": "true or false"}
        rule = f"{param.name} is {words.get(param.kind, 'a number')}"
        found.add(path, rule, shown(value), f"write it like {_example(param)}")
        return _BAD
    elif param.kind in ("number", "list"):
        value = float(value)
    return value if _within(param, value, path, found) else _BAD


def _typed(param: Param, value: Any) -> bool:
    if param.kind == "flag":
        return isinstance(value, bool)
    if param.kind == "text":
        return isinstance(value, str)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 2**53:
        return False
    return isinstance(value, int) if param.kind == "integer" else math.isfinite(value)


def _within(param: Param, value: Any, path: str, found: Findings) -> bool:
    if param.choices and value not in param.choices:
        remedy = suggest(str(value), param.choices, f"write {param.choices[0]}")
        found.add(path, f"{param.name} is one of {', '.join(param.choices)}", shown(value), remedy)
        return False
    if isinstance(value, str | bool):
        return True
    low, high = param.minimum, param.maximum
    if (low is None or value >= low) and (high is None or value <= high):
        return True
    bounds = {
        (True, False): f"at least {_show(param, low)}",
        (False, True): f"at most {_show(param, high)}",
        (True, True): f"between {_show(param, low)} and {_show(param, high)}",
    }[low is not None, high is not None]
    found.add(path, f"{param.name} is {bounds}", _show(param, value), f"correct the value ({param.doc})")
    return False


def _show(param: Param, value: float | None) -> str:
    if value is None:
        return ""
    return format_quantity(value, param.dimension) if param.dimension else f"{value:g}"


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict.fromkeys(value)


def _example(param: Param) -> str:
    """A literal that would do, for messages."""
    if param.choices:
        return param.choices[0]
    if param.dimension is not None:
        unit = dimension(param.dimension).listed[0]
        one = f"10 {unit}" if unit != "1" else "0.5"
    else:
        one = {"integer": "4", "flag": "true", "text": "text"}.get(param.kind, "0.5")
    return f"[{one}, {one.replace('10', '20')}]" if param.kind == "list" else one
