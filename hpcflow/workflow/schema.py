"""The JSON Schema of workflow files, for editors: made of the declared shape and the kernels' contracts.

The loader is the judge. The schema never refuses what the loader accepts; it catches less, since it cannot
follow references, units or files.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from hpcflow.units import dimension, format_quantity
from hpcflow.units.tables import DIMENSIONS
from hpcflow.workflow.check import kernels
from hpcflow.workflow.check_params import default_of
from hpcflow.workflow.model import MAX_NAME, NAME, REFERENCE, RESERVED, RESERVED_VARIABLES, WORKFLOW_NAME
from hpcflow_kernels import Contract
from hpcflow_kernels.contract import Param, Port

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_NUMBER = r"^\s*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\s*"
_QUANTITY = _NUMBER + r"(1\s*)?/?\s*[A-Za-z%\u00b0\u00b5\u03bc\u03a9\u2126].*$"
_EXPANDS = {"$ref": "#/$defs/expands"}
_REFERENCE = {"$ref": "#/$defs/reference"}


def json_schema(readers: Collection[str] = ()) -> dict[str, Any]:
    """Make the schema (draft 2020-12).

    Parameters
    ----------
    readers : collection of str
        Names of readers to offer; others remain allowed.

    Returns
    -------
    dict
        Ready for `json.dumps`.

    Raises
    ------
    hpcflow.errors.RequestError
        If the kernels cannot be listed.
    """
    from hpcflow.workflow.model_file import WorkflowShape

    made = WorkflowShape.model_json_schema(by_alias=True)
    shapes = {name: _without_null(shape) for name, shape in made.pop("$defs").items()}
    top = _without_null(made)
    shapes["DatasetShape"] = _dataset(shapes["DatasetShape"], readers)
    shapes["StepShape"] = _step(shapes["StepShape"], kernels())
    _run(shapes["RunShape"]["properties"])
    for name in ("VariableShape", "FactShape"):
        shapes[name]["properties"]["dimension"] |= {"enum": [*DIMENSIONS, "text"]}
    properties = top["properties"]
    properties["hpcflow"] = {"const": 1, "description": properties["hpcflow"]["description"]}
    properties["name"] |= {"pattern": f"^{WORKFLOW_NAME}$", "maxLength": MAX_NAME}
    properties["parameters"]["propertyNames"] = _names()
    for section in ("datasets", "steps"):
        properties[section]["propertyNames"] = _names(RESERVED)
    properties["save"] |= {"items": _REFERENCE, "uniqueItems": True}
    for section in ("save", "run"):
        properties[section] = _or_expands(properties[section])
    return {
        "$schema": DIALECT,
        "title": "hpcflow workflow",
        **top,
        "$defs": {
            **{name: _expandable(shape) for name, shape in shapes.items()},
            "reference": {"anyOf": [{"type": "string", "pattern": f"^{REFERENCE}$"}, _EXPANDS]},
            "expands": {
                "type": "string",
                "pattern": r"\$\{[^}]*\}",
                "description": "A reference to a parameter: ${name} or ${name[0]}.",
            },
        },
    }


def _names(reserved: Collection[str] = ()) -> dict[str, Any]:
    names: dict[str, Any] = {"pattern": f"^{NAME}$", "maxLength": MAX_NAME}
    return {**names, "not": {"enum": list(reserved)}} if reserved else names


def _without_null(shape: Any) -> Any:
    """Leave out null alternatives and defaults: a key without a value is an error."""
    if isinstance(shape, list):
        return [_without_null(one) for one in shape]
    if not isinstance(shape, dict):
        return shape
    kept = {key: _without_null(one) for key, one in shape.items() if key not in ("default", "title")}
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [one for one in choices if one != {"type": "null"}]
        kept.pop("anyOf")
        kept |= rest[0] if len(rest) == 1 else {"anyOf": rest}
    return kept


def _or_expands(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Allow a reference to a parameter in place of a value."""
    notes = {key: schema[key] for key in ("description",) if key in schema}
    return {**notes, "anyOf": [{key: one for key, one in schema.items() if key not in notes}, _EXPANDS]}


def _expandable(shape: Mapping[str, Any]) -> dict[str, Any]:
    properties = {key: _or_expands(one) for key, one in shape.get("properties", {}).items()}
    return {**shape, "properties": properties}


def _dataset(shape: dict[str, Any], readers: Collection[str]) -> dict[str, Any]:
    properties = shape["properties"]
    if readers:
        properties["reader"]["examples"] = sorted(readers)
    properties["variables"]["propertyNames"] = _names(RESERVED_VARIABLES)
    for name in ("facts", "defaults"):
        properties[name]["propertyNames"] = _names()
    either = [
        {"required": ["files", "reader"], "properties": {"zarr": False}},
        {
            "required": ["zarr"],
            "properties": dict.fromkeys(("files", "reader", "store", "duplicates"), False),
        },
    ]
    return {**shape, "oneOf": either}


def _run(properties: dict[str, Any]) -> None:
    budget = {"type": "string", "pattern": r"^\s*\+?[0-9.]+([eE][+-]?[0-9]+)?\s*k?(GPU|core|CPU)[\s-]*h\s*$"}
    properties["budget"] = {
        "description": properties["budget"]["description"],
        "anyOf": [budget, {"type": "array", "items": budget, "minItems": 1}],
    }
    for name in ("block_size", "time_limit"):
        properties[name]["pattern"] = _QUANTITY


def _step(shape: dict[str, Any], contracts: Mapping[str, Contract]) -> dict[str, Any]:
    names = sorted(contracts)
    shape["properties"]["kernel"] = {
        "description": "\n".join(f"{name}: {contracts[name].summary}" for name in names),
        "type": "string",
        "enum": names,
    }
    shape["allOf"] = [
        {
            "if": {"properties": {"kernel": {"const": name}}, "required": ["kernel"]},
            "then": _of_kernel(contracts[name]),
        }
        for name in names
    ]
    return shape


def _of_kernel(contract: Contract) -> dict[str, Any]:
    required = [param.name for param in contract.params if param.required]
    literals = {
        "type": "object",
        "properties": {param.name: _or_expands(_param(param)) for param in contract.params},
        "additionalProperties": False,
        "required": required,
    }
    return {
        "properties": {"input": _or_expands(_input(contract.ports)), "with": _or_expands(literals)},
        "required": ["with"] if required else [],
    }


def _input(ports: tuple[Port, ...]) -> dict[str, Any]:
    needed = [port.name for port in ports if not port.optional]
    mapping = {
        "type": "object",
        "properties": {port.name: {**_fed(port), "description": port.doc} for port in ports},
        "additionalProperties": False,
        "required": needed,
    }
    alone = not needed or needed == [ports[0].name]
    return {"anyOf": [_fed(ports[0]), mapping]} if alone else mapping


def _fed(port: Port) -> dict[str, Any]:
    if not port.several:
        return _REFERENCE
    listed = {"type": "array", "items": _REFERENCE, "minItems": port.several, "uniqueItems": True}
    return {"anyOf": [listed, _EXPANDS]}


def _param(param: Param) -> dict[str, Any]:
    notes: dict[str, Any] = {"description": _about(param)}
    if not param.required and param.default is None:
        return {**notes, "anyOf": [_value(param), {"type": "null"}]}
    return {**notes, **_value(param)}


def _about(param: Param) -> str:
    parts = [param.doc]
    if param.dimension is not None:
        listed = ", ".join(unit for unit in dimension(param.dimension).listed if unit != "1")
        parts.append(f"{param.dimension} ({listed})")
    if not param.required and param.default is not None:
        value = default_of(param)
        scalar = param.dimension is not None and isinstance(value, int | float)
        parts.append(f"default {format_quantity(value, param.dimension or '') if scalar else value}")
    return "; ".join(parts)


def _value(param: Param) -> dict[str, Any]:
    if param.kind == "list":
        return {"type": "array", "items": _one(param), "minItems": 1}
    return _one(param)


def _one(param: Param) -> dict[str, Any]:
    if param.dimension is not None and param.kind in ("quantity", "list"):
        asked = dimension(param.dimension)
        text = {"type": "string", "pattern": _QUANTITY}
        if asked.name not in ("fraction", "dimensionless"):
            return {"anyOf": [text, _EXPANDS]}
        bare = (
            {"type": "number", "minimum": -1, "maximum": 1}
            if asked.name == "fraction"
            else {"type": "number"}
        )
        digits = {"type": "string", "pattern": _NUMBER + "$"}
        return {"anyOf": [text, bare, digits, _EXPANDS]}
    if param.kind == "flag":
        return {"anyOf": [{"type": "boolean"}, _EXPANDS]}
    if param.kind == "text":
        choices = {"enum": list(param.choices)} if param.choices else {}
        return {"anyOf": [{"type": "string", **choices}, _EXPANDS]}
    bounds = {"minimum": param.minimum, "maximum": param.maximum}
    limits = {key: one for key, one in bounds.items() if one is not None}
    return {"anyOf": [{"type": "integer" if param.kind == "integer" else "number", **limits}, _EXPANDS]}
