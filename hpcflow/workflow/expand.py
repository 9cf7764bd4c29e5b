"""Parameters put in: ``--set`` overrides first, then ``${name}`` and ``${name[0]}`` in datasets, steps, save
and run. A reference is a lookup, not an expression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hpcflow.errors import Problem
from hpcflow.words import printable, suggest
from hpcflow.workflow.load_yaml import Node, join, moved, parse, size, walk
from hpcflow.workflow.model import problem_at

EXPANDED = ("datasets", "steps", "save", "run")
"""Sections in which references are replaced."""

MAX_EXPANDED_NODES = 100_000
MAX_EXPANDED_TEXT = 1024 * 1024
_MAX_SCALAR = 4096

_REFERENCE = re.compile(r"\$(\$\{|\{([^}]*)(\}?))")
_TARGET = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[0-9]{1,6}\])*)")
_OVERRIDE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*)=(.*)", re.DOTALL)


def apply_overrides(root: Node, overrides: Sequence[str], file: str) -> tuple[Node, list[Problem]]:
    """Replace parameters and parts of datasets and run by what ``--set`` options say; the last one wins.

    Parameters
    ----------
    root : Node
        The document, a mapping.
    overrides : sequence of str
        ``name=YAML``, ``datasets.<name>.<key>=YAML``, ``run.<key>=YAML``.
    file : str
        The workflow file's name, for messages.
    """
    problems: list[Problem] = []
    for override in overrides:
        option = printable(f"--set {override[:60]}{'…' if len(override) > 60 else ''}")
        root = _override(root, override, option, file, problems)
    return root, problems


def _override(root: Node, override: str, option: str, file: str, problems: list[Problem]) -> Node:
    def refuse(rule: str, value: str, remedy: str) -> Node:
        problems.append(Problem(option, 0, 0, "", rule, printable(value), remedy))
        return root

    match = _OVERRIDE.fullmatch(override)
    if match is None:
        example = "like --set band='[2 kHz, 5 kHz]' or --set datasets.machine.files='data/*.mat'"
        return refuse(
            "an override is name=value, where the value is YAML", repr(override[:60]), f"write it {example}"
        )
    target, text = match.groups()
    value, found = parse(text.encode("utf-8", "surrogatepass"), file, option)
    problems.extend(found)
    if value is None:
        if not found:
            refuse("an override has a value", repr(override[:60]), "write it like --set name=value")
        return root
    words = target.split(".")
    section = words[0] if len(words) > 1 else "parameters"
    path = words if len(words) > 1 else ["parameters", target]
    known = _names(root, section)
    if section not in ("parameters", "datasets", "run"):
        remedy = "make it a parameter of the workflow, use it there as ${name}, and set that"
        return refuse("an override sets a parameter, or a part of datasets or run", target, remedy)
    if section != "run" and path[1] not in known:
        kind = "parameter" if section == "parameters" else "dataset"
        listed = f"known {kind}s: {', '.join(known)}" if known else f"this workflow has no {kind}s"
        remedy = suggest(path[1], known, listed)
        return refuse(f"an override names a {kind} of the workflow", path[1], remedy)
    return _set(root, path, value)


def _set(node: Node, path: Sequence[str], value: Node) -> Node:
    if not path:
        return value
    children = dict(node.value) if isinstance(node.value, dict) else {}
    inner = children.get(path[0], Node({}, value.place))
    children[path[0]] = _set(inner, path[1:], value)
    return replace(node, value=children, keys={**node.keys, path[0]: value.place}, sound=True)


def _names(root: Node, section: str) -> list[str]:
    part = root.value.get(section) if isinstance(root.value, dict) else None
    return list(part.value) if part is not None and isinstance(part.value, dict) else []


@dataclass
class _Expansion:
    """One document being expanded: what may be looked up, what was, and how much came of it."""

    file: str
    parameters: dict[str, Node]
    problems: list[Problem] = field(default_factory=list)
    used: set[str] = field(default_factory=set)
    nodes: int = 0
    characters: int = 0
    exhausted: bool = False

    def refuse(self, node: Node, path: str, rule: str, value: str, remedy: str) -> Node:
        self.problems.append(problem_at(self.file, {path: node.place}, path, rule, value[:80], remedy))
        return replace(node, value=None, sound=False)

    def expand(self, node: Node, path: str) -> Node:
        if isinstance(node.value, dict):
            children = {key: self.expand(child, join(path, key)) for key, child in node.value.items()}
            return replace(node, value=children)
        if isinstance(node.value, tuple):
            return replace(node, value=tuple(self.expand(c, join(path, i)) for i, c in enumerate(node.value)))
        if isinstance(node.value, str) and "${" in node.value:
            return self._text(node, path)
        return node

    def _text(self, node: Node, path: str) -> Node:
        text = node.value
        if self.exhausted:
            return self._too_much(node, path)
        whole = _REFERENCE.fullmatch(text)
        if whole is not None and whole[2] is not None:
            found, origin = self._lookup(node, path, whole)
            if found is None:
                return node if origin == "" else replace(node, value=None, sound=False)
            self.nodes += size(found)
            if self.nodes > MAX_EXPANDED_NODES:
                return self._too_much(node, path)
            return moved(found, node.place._replace(origin=origin))
        parts, end, origins = [], 0, list[str]()
        for match in _REFERENCE.finditer(text):
            parts.append(text[end : match.start()])
            end = match.end()
            if match[2] is None:
                parts.append("${")
                continue
            found, origin = self._lookup(node, path, match)
            if found is None:
                return replace(node, value=None, sound=False)
            if isinstance(found.value, dict | tuple) or found.value is None:
                kind = "nothing" if found.value is None else "a collection"
                remedy = "name one entry, like ${name[0]}, or let the reference be the whole value"
                return self.refuse(
                    node, path, "inside a text a reference gives one value", f"{match[0]} is {kind}", remedy
                )
            parts.append(found.text)
            origins.append(origin)
        joined = "".join([*parts, text[end:]])
        self.characters += len(joined)
        if len(joined) > _MAX_SCALAR or self.characters > MAX_EXPANDED_TEXT:
            return self._too_much(node, path)
        place = node.place._replace(origin=", ".join(dict.fromkeys(origins))[:120])
        return replace(node, value=joined, text=joined, plain=False, place=place)

    def _too_much(self, node: Node, path: str) -> Node:
        if self.exhausted:
            return replace(node, value=None, sound=False)
        self.exhausted = True
        rule = f"references expand to at most {MAX_EXPANDED_NODES} values and {_MAX_SCALAR} characters each"
        return self.refuse(node, path, rule, node.text, "use fewer or smaller parameters")

    def _lookup(self, node: Node, path: str, match: re.Match[str]) -> tuple[Node | None, str]:
        """What a reference stands for, and in words where it came from."""
        target = _TARGET.fullmatch(match[2])
        if target is None or not match[3]:
            rule = "a reference is ${name} or ${name[0]}, a lookup and not an expression"
            self.refuse(node, path, rule, match[0], "correct it; to write ${ itself, write $${")
            return None, "?"
        name, indexes = target.groups()
        found = self.parameters.get(name)
        if found is None:
            remedy = suggest(name, self.parameters, "add it under parameters")
            self.refuse(node, path, "a reference names a parameter", match[0], remedy)
            return None, "?"
        self.used.add(name)
        for index in map(int, re.findall(r"[0-9]+", indexes)):
            if not isinstance(found.value, tuple):
                rule = f"{name} is not a list, so it has no entry {index}"
                self.refuse(node, path, rule, match[0], f"write ${{{name}}}, or make the parameter a list")
                return None, "?"
            if index >= len(found.value):
                rule = f"{name} has {len(found.value)} entries, numbered from 0"
                self.refuse(node, path, rule, match[0], f"use an index below {len(found.value)}")
                return None, "?"
            found = found.value[index]
        if not found.sound:
            return None, "?"
        where = found.place.source or f"line {found.place.line}"
        return found, f"parameter {name}{indexes} ({where})"


def expand(root: Node, file: str) -> tuple[Node, frozenset[str], list[Problem]]:
    """Replace every reference of a document.

    Parameters
    ----------
    root : Node
        The document, overrides applied.
    file : str
        The workflow file's name, for messages.

    Returns
    -------
    root : Node
        With typed copies of the parameters; each copy's place tells its origin.
    used : frozenset of str
        Parameters that something refers to.
    problems : list of Problem
    """
    if not isinstance(root.value, dict):
        return root, frozenset(), []
    section = root.value.get("parameters")
    parameters = dict(section.value) if section is not None and isinstance(section.value, dict) else {}
    state = _Expansion(file, {})
    for path, node in (
        pair for name, one in parameters.items() for pair in walk(one, join("parameters", name))
    ):
        if isinstance(node.value, str) and any(
            found[2] is not None for found in _REFERENCE.finditer(node.value)
        ):
            remedy = "write the value itself; references stand in datasets, steps, save and run"
            state.refuse(node, path, "a parameter is a literal", node.text, remedy)
    state.parameters = {name: _unescaped(one) for name, one in parameters.items()}
    children = {
        key: state.expand(child, key) if key in EXPANDED else child for key, child in root.value.items()
    }
    return replace(root, value=children), frozenset(state.used), state.problems


def _unescaped(node: Node) -> Node:
    if isinstance(node.value, dict):
        return replace(node, value={key: _unescaped(child) for key, child in node.value.items()})
    if isinstance(node.value, tuple):
        return replace(node, value=tuple(_unescaped(child) for child in node.value))
    if isinstance(node.value, str):
        return replace(node, value=node.value.replace("$${", "${"), text=node.text.replace("$${", "${"))
    return node
