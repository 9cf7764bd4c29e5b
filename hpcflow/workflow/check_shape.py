"""Keys and types of a document: every departure from the declared shape, in our words and at its place.

What is refused is cut out of the document, so that later checks look only at values of the right type.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hpcflow.errors import Problem
from hpcflow.words import suggest
from hpcflow.workflow.load_yaml import Node, join, plain, walk
from hpcflow.workflow.model import FORMAT_VERSION, Place, outer, problem_at

RESERVED_STEP_KEYS = {
    "python": "steps made of a user's Python function are not supported in format version 1 yet",
    "command": "steps made of a command are not supported in format version 1 yet",
    "sweep": "sweeps over parameters are not supported in format version 1 yet",
}
"""Keys that the format keeps for later, and what to say of them."""


@dataclass
class Findings:
    """Problems found in one document, with the places of its parts."""

    file: str
    places: Mapping[str, Place]
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)
    """Paths of parts that were refused and left out: what is missing there is not worth a word."""

    def add(self, path: str, rule: str, value: str = "", remedy: str = "") -> None:
        """Note a problem at a path."""
        self.problems.append(problem_at(self.file, self.places, path, rule, value, remedy))

    def missing(self, path: str, rule: str, value: str = "", remedy: str = "") -> None:
        """Note that something is not there, unless it was refused before."""
        around = path
        while around:
            if around in self.cut:
                return
            around = outer(around)
        self.add(path, rule, value, remedy)

    def warn(self, path: str, rule: str, value: str = "", remedy: str = "") -> None:
        """Note something that is allowed but looks like a slip."""
        self.warnings.append(problem_at(self.file, self.places, path, rule, value, remedy))


def places_of(root: Node) -> dict[str, Place]:
    """Where every part stands: scalars at the value, collections at their key."""
    places: dict[str, Place] = {}
    for path, node in walk(root):
        places.setdefault(path, node.place)
        for key, place in node.keys.items():
            child = node.value[key] if isinstance(node.value, dict) and key in node.value else None
            if child is None or child.text == "":  # a collection, or nothing: the key says where
                places[join(path, key)] = place._replace(origin=child.place.origin if child else "")
    return places


def shown(value: Any) -> str:
    """A value for a message: short, on one line, never the whole document."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return (
            f"a mapping with the keys {', '.join(list(map(str, value))[:5])}"[:80]
            if value
            else "an empty mapping"
        )
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…" + text[0]


def check_shape(root: Node, found: Findings) -> Node:
    """Check keys and types.

    Parameters
    ----------
    root : Node
        The expanded document.
    found : Findings
        Takes the problems.

    Returns
    -------
    Node
        The document without what was refused.
    """
    from pydantic import ValidationError

    from hpcflow.workflow.model_file import WorkflowShape

    if not isinstance(root.value, dict):
        if root.sound:
            remedy = "start with the keys hpcflow, name, datasets, steps and save"
            found.add("", "a workflow file is a mapping of keys to values", shown(plain(root)), remedy)
        return replace(root, value={})
    cut = {tuple(location) for location in _unsound(root, ())}
    _empty(root, (), found, cut)
    _reserved(root, found, cut)
    _version(root, found, cut)
    found.cut |= {_path(location) for location in cut}
    try:
        WorkflowShape.model_validate(plain(_without(root, cut, gap="x")))
    except ValidationError as error:
        for one in error.errors(include_url=False, include_context=True):
            location = tuple(part for part in one["loc"])
            if one["type"] != "missing":
                _translate(one, location, found)
                cut.add(location)
                found.cut.add(_path(location))
            else:
                _missing(location, found)
    return _without(root, cut)


Location = tuple[str | int, ...]


def _unsound(node: Node, at: Location) -> list[Location]:
    """Parts whose text was refused already."""
    if not node.sound:
        return [at]
    return [place for key, child in _children(node) for place in _unsound(child, (*at, key))]


def _children(node: Node) -> list[tuple[str | int, Node]]:
    if isinstance(node.value, dict):
        return list(node.value.items())
    return list(enumerate(node.value)) if isinstance(node.value, tuple) else []


def _without(node: Node, cut: set[Location], gap: str | None = None, at: Location = ()) -> Node:
    """Leave out what was refused; in lists a gap stays in its place, so that others keep their numbers."""
    kept: list[tuple[str | int, Node]] = []
    for key, child in _children(node):
        here = (*at, key)
        if here not in cut:
            kept.append((key, _without(child, cut, gap, here)))
        elif isinstance(key, int):
            kept.append((key, Node(gap, child.place, sound=False)))
    if isinstance(node.value, dict):
        return replace(node, value=dict(kept))
    return replace(node, value=tuple(child for _, child in kept)) if isinstance(node.value, tuple) else node


def _path(location: Location) -> str:
    path = ""
    for part in location:
        path = join(path, part)
    return path


def _empty(node: Node, at: Location, found: Findings, cut: set[Location]) -> None:
    """Keys without a value: almost always a line that was not finished."""
    if at[:1] == ("parameters",) or (len(at) >= 3 and at[0] == "steps" and at[2] == "with"):
        return
    for key, child in _children(node):
        here = (*at, key)
        if child.value is None and child.sound and here not in cut:
            colon = isinstance(key, str) and ":" in key
            remedy = "write a space after the colon" if colon else "write a value, or delete the key"
            found.add(_path(here), "a key has a value", "nothing", remedy)
            cut.add(here)
        else:
            _empty(child, here, found, cut)


def _reserved(root: Node, found: Findings, cut: set[Location]) -> None:
    steps = root.value.get("steps")
    for name, step in _children(steps) if steps is not None else ():
        for key in RESERVED_STEP_KEYS:
            if isinstance(step.value, dict) and key in step.value:
                remedy = "use a kernel; `hpcflow kernels` lists them"
                if key == "sweep":
                    remedy = "delete it, and run the workflow once for each value with --set"
                found.add(join(join("steps", name), key), RESERVED_STEP_KEYS[key], key, remedy)
                cut.add(("steps", name, key))
                if key != "sweep":
                    cut.update({("steps", name, "kernel"), ("steps", name, "input")})


def _version(root: Node, found: Findings, cut: set[Location]) -> None:
    node = root.value.get("hpcflow")
    if node is None or ("hpcflow",) in cut:
        return
    if type(node.value) is not int or node.value != FORMAT_VERSION:
        newer = type(node.value) is int and node.value > FORMAT_VERSION
        remedy = "use a newer hpcflow" if newer else f"write hpcflow: {FORMAT_VERSION}"
        rule = f"hpcflow is the version of the file format, and this program reads {FORMAT_VERSION}"
        found.add("hpcflow", rule, shown(plain(node)), remedy)
        cut.add(("hpcflow",))


_WANTED: Mapping[str, tuple[str, str]] = {
    "string_type": ("a text", "write a text; put quotes around a number that is meant as text"),
    "int_type": ("a whole number", "write a whole number without quotes or unit"),
    "bool_type": ("true or false", "write true or false"),
    "dict_type": ("a mapping", "write keys and values, indented below it or in { }"),
    "model_type": ("a mapping", "write keys and values, indented below it or in { }"),
    "list_type": ("a list", "write entries in [ ], separated by commas, or on lines that start with -"),
    "fed_type": ("a name, or a list of names", "write it like machine.acceleration"),
    "scalar_type": ("a text, a number, true or false", "write one value"),
}
_TEXTS = ("a text or a list of texts", "write one text, or texts in [ ]")
_SPECIAL: Mapping[str, tuple[str, str]] = {
    "files": _TEXTS,
    "select": _TEXTS,
    "budget": ("a budget, or a list of them", "write it like 10 GPUh"),
    "input": ("a name, a list of names, or a mapping of port to these", "write it like machine.acceleration"),
    "block_size": ("an amount of data with its unit", "add the unit, like 256 MiB"),
    "time_limit": ("a duration with its unit", "add the unit, like 2 h"),
}


def _translate(error: Mapping[str, Any], location: Location, found: Findings) -> None:
    kind, path, value = error["type"], _path(location), shown(error["input"])
    name = str(location[-1])
    if kind == "extra_forbidden":
        known = _known(location[:-1])
        hint = suggest(name, known, f"known keys: {', '.join(known)}")
        glued = ":" in name and name.split(":")[0] in known
        remedy = "write a space after the colon" if glued else hint
        where = _path(location[:-1]) or "the file"
        found.add(path, f"{where} has no such key", repr(name[:60]), remedy)
        return
    if kind in ("too_short", "dict_too_short"):
        found.add(path, f"{name} holds at least one entry", value, _one_more(name))
        return
    if kind == "literal_error":
        choices = error["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        remedy = suggest(str(error["input"]), choices, f"write {' or '.join(choices)}")
        found.add(path, f"{name} is one of {', '.join(choices)}", value, remedy)
        return
    if kind in ("greater_than_equal", "less_than_equal"):
        found.add(path, f"{name} is a whole number from 1 to 1000000", value, "correct the number")
        return
    wanted, remedy = _SPECIAL.get(name) or _WANTED.get(kind, (str(error["msg"]), "correct the value"))
    if kind == "string_type" and isinstance(error["input"], bool):
        remedy = "put quotes around the word if it is meant as text"
    found.add(path, f"{name if not isinstance(location[-1], int) else 'an entry'} is {wanted}", value, remedy)


def _one_more(name: str) -> str:
    return {
        "datasets": "describe the recordings, like machine: {files: 'data/*.mat', reader: matlab}",
        "steps": "add a step, like band: {kernel: bandpass, input: machine.acceleration}",
        "save": "name the steps whose output is to be kept",
    }.get(name, "add one, or delete the key")


_EXAMPLES: Mapping[str, str] = {
    "hpcflow": f"add the line hpcflow: {FORMAT_VERSION} at the top",
    "name": "add a line like name: bearing-condition",
    "kernel": "add kernel: with the name of a kernel; `hpcflow kernels` lists them",
    "input": "add input: with what the step reads, like machine.acceleration",
}


def _missing(location: Location, found: Findings) -> None:
    name = str(location[-1])
    where = _path(location[:-1]) or "a workflow file"
    remedy = _EXAMPLES.get(name) or _one_more(name)
    found.missing(_path(location), f"{where} needs the key {name}", "", remedy)


def _known(location: Sequence[str | int]) -> list[str]:
    """Keys that a mapping at this place may have."""
    from hpcflow.workflow import model_file as shapes

    by_depth: dict[tuple[str, ...], type[shapes.Shape]] = {
        (): shapes.WorkflowShape,
        ("run",): shapes.RunShape,
        ("datasets", "*"): shapes.DatasetShape,
        ("datasets", "*", "variables", "*"): shapes.VariableShape,
        ("datasets", "*", "facts", "*"): shapes.FactShape,
        ("steps", "*"): shapes.StepShape,
    }
    pattern = tuple("*" if index % 2 else str(part) for index, part in enumerate(location))
    shape = by_depth.get(pattern)
    return [one.alias or name for name, one in shape.model_fields.items()] if shape is not None else []
