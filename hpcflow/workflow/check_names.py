"""Names and paths: what may be called what, and which text may stand for a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hpcflow.workflow.check_shape import Findings, shown
from hpcflow.workflow.load_yaml import Node, join
from hpcflow.workflow.model import MAX_NAME, NAME, RESERVED, RESERVED_VARIABLES, WORD, WORKFLOW_NAME


def check_names(root: Mapping[str, Node], found: Findings) -> None:
    """Check every name that a workflow declares, and that datasets and steps do not share one."""
    name = root.get("name")
    if name is not None:
        check_name("name", name.value, found, WORKFLOW_NAME, "the name of a workflow")
    datasets, steps = (_keys(root.get(section)) for section in ("datasets", "steps"))
    for section, names, reserved in (
        ("parameters", _keys(root.get("parameters")), ()),
        ("datasets", datasets, RESERVED),
        ("steps", steps, RESERVED),
    ):
        for one in names:
            check_name(join(section, one), one, found, NAME, f"a name under {section}", reserved)
    for one in steps:
        if one in datasets:
            line = found.places[join("datasets", one)].line
            rule = f"datasets and steps share one set of names, and {one} is a dataset (line {line})"
            found.add(join("steps", one), rule, repr(one), f"rename the step, like {one}_step")
    for dataset in datasets:
        for kind in ("variables", "facts", "defaults"):
            path = join(join("datasets", dataset), kind)
            for one in _keys(_at(root, "datasets", dataset, kind)):
                taken = RESERVED_VARIABLES if kind == "variables" else ()
                check_name(join(path, one), one, found, NAME, f"a name under {kind}", taken)


def check_name(
    path: str,
    name: object,
    found: Findings,
    allowed: str,
    what: str,
    reserved: Sequence[str] = (),
) -> bool:
    """Check one name: it will be part of folder and job names, so its letters are few."""
    text = str(name)
    if text in reserved:
        found.add(
            path, f"{what} is not one of the reserved words", repr(text), f"write {text}_1, or another name"
        )
        return False
    if len(text) > MAX_NAME:
        found.add(path, f"{what} has at most {MAX_NAME} characters", f"{len(text)} characters", "shorten it")
        return False
    if re.fullmatch(allowed, text):
        return True
    letters = "lower-case letters, digits and _" + (" and -" if allowed == WORKFLOW_NAME else "")
    if allowed == WORD:
        letters = "letters, digits, _ . and -"
    start = "a letter or digit" if allowed == WORD else "a letter"
    rule = f"{what} has only {letters}, and starts with {start}"
    better = re.sub(r"[^a-z0-9_]+", "_", text.lower()).strip("_")
    if allowed == WORKFLOW_NAME:
        better = better.replace("_", "-")
    usable = bool(re.fullmatch(allowed, better)) and better not in reserved
    found.add(path, rule, shown(text), f"write {better}" if usable else "choose another name")
    return False


def check_path(path: str, text: str, found: Findings, *, glob: bool = False, written: bool = False) -> None:
    """Check a text that names files.

    Parameters
    ----------
    path : str
        Where it stands in the document.
    text : str
    glob : bool
        Whether ``*``, ``?`` and ``[ ]`` are patterns.
    written : bool
        Whether hpcflow writes there: then ``..`` is refused, since a workflow that was moved would write into
        another folder. Reading through ``..`` is allowed.
    """
    value = shown(text)
    if not text.strip() or text != text.strip():
        found.add(path, "a path has no blanks at its ends and is not empty", value, "write the path")
    elif text.startswith("~") or re.match(r"\$[A-Za-z{(]", text):
        remedy = "write the path out, or make the folder a parameter and give it with --set"
        found.add(path, "a path is taken as it is: ~ and $VARIABLES are not replaced", value, remedy)
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text):
        found.add(
            path, "a path is in the file system, not an address", value, "copy the data and name its folder"
        )
    elif "\\" in text:
        found.add(path, "a path is written with /, not with \\", value, f"write {text.replace(chr(92), '/')}")
    elif any(character in text for character in "\n\r\t"):
        found.add(path, "a path is one line", value, "write it on one line")
    elif len(text) > 1024:
        found.add(path, "a path has at most 1024 characters", f"{len(text)} characters", "shorten it")
    elif glob and re.search(r"\{[^}]*,[^}]*\}", text):
        found.add(path, "a glob has * ? [ ] and **; braces are not expanded", value, "write a list of globs")
    elif written and ".." in text.split("/"):
        found.add(path, "a folder that is written to has no .. in its path", value, "write an absolute path")


def _keys(node: Node | None) -> list[str]:
    return list(node.value) if node is not None and isinstance(node.value, dict) else []


def _at(root: Mapping[str, Node], *keys: str) -> Node | None:
    node = root.get(keys[0])
    for key in keys[1:]:
        node = node.value.get(key) if node is not None and isinstance(node.value, dict) else None
    return node
