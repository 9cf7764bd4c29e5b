"""From a workflow file to a `WorkflowSpec`, or to every problem of the file at once."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Sequence
from pathlib import Path

from hpcflow.errors import Problem, WorkflowError
from hpcflow.words import printable, suggest
from hpcflow.workflow.check import check
from hpcflow.workflow.check_shape import Findings, check_shape, places_of
from hpcflow.workflow.expand import apply_overrides, expand
from hpcflow.workflow.load_yaml import MAX_BYTES, Node, parse, plain
from hpcflow.workflow.model import WorkflowSpec, problem_at


def load_workflow(
    path: str | os.PathLike[str], overrides: Sequence[str] = (), *, readers: Collection[str] | None = None
) -> WorkflowSpec:
    """Read, expand and check a workflow file.

    Parameters
    ----------
    path : path-like
        The file.
    overrides : sequence of str
        What ``--set`` gave: ``band=[2 kHz, 5 kHz]``, ``datasets.machine.files=data/*.mat``.
    readers : collection of str, optional
        Names of the readers there are; None leaves reader names unchecked.

    Raises
    ------
    WorkflowError
        With every problem of the file and the overrides, in the order of lines.
    """
    file = os.fspath(path)
    return load_text(read_file(file), file, overrides, readers=readers)


def load_text(
    source: bytes, file: str, overrides: Sequence[str] = (), *, readers: Collection[str] | None = None
) -> WorkflowSpec:
    """Check a workflow given as bytes; `file` names it in messages, and its folder is where paths start.

    Raises
    ------
    WorkflowError
        With every problem, in the order of lines.
    """
    root, problems = parse(source, file)
    if not problems and (root is None or root.value is None):
        problems.append(Problem(file, 0, 0, "", "a workflow file is not empty", "", _START))
    if root is None or root.value is None:
        raise WorkflowError(_sorted(problems))
    root, refused = apply_overrides(root, overrides, file)
    root, used, unexpanded = expand(root, file)
    found = Findings(file, places_of(root), [*problems, *refused, *unexpanded])
    sound = check_shape(root, found)
    parts = check(sound, readers, found)
    _unused(sound, used, found)
    if found.problems:
        raise WorkflowError(_sorted(found.problems))
    values = plain(sound)
    return WorkflowSpec(
        name=values["name"],
        description=values.get("description", ""),
        file=file,
        folder=Path(os.path.abspath(file)).parent,
        source=source,
        sha256=hashlib.sha256(source).hexdigest(),
        overrides=tuple(overrides),
        parameters=values.get("parameters", {}),
        datasets=parts.datasets,
        steps=parts.steps,
        save=parts.save,
        run=parts.run,
        warnings=tuple(_sorted(found.warnings)),
        places=found.places,
    )


_START = "start from an example: `hpcflow new`"


def read_file(file: str) -> bytes:
    """Bytes of a workflow file; one byte more than allowed at most, so that a device cannot fill the memory.

    Raises
    ------
    WorkflowError
        If there is no such file, or it is not a plain file, or may not be read.
    """

    def refuse(rule: str, value: str, remedy: str) -> WorkflowError:
        return WorkflowError([problem_at(file, {}, "", rule, value, remedy)])

    try:
        status = os.stat(file)
        if stat.S_ISDIR(status.st_mode):
            inside = sorted(name for name in os.listdir(file) if name.endswith((".yaml", ".yml")))[:5]
            remedy = f"name the file in it: {', '.join(inside)}" if inside else "name a file"
            raise refuse("a workflow is a file", "a folder", remedy)
        if not stat.S_ISREG(status.st_mode):
            raise refuse("a workflow is a plain file", "a device, pipe or socket", "save it as a file first")
        with open(file, "rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise refuse("there is no such file", "", _neighbours(file)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise refuse("the file cannot be read", reason, "check its name and its permissions") from None


def _neighbours(file: str) -> str:
    folder, name = os.path.split(file)
    try:
        names = sorted(one for one in os.listdir(folder or ".") if one.endswith((".yaml", ".yml")))
    except (OSError, ValueError):
        return f"the folder {folder or '.'} cannot be read either: check the path"
    listed = (
        f"workflows in that folder: {', '.join(names[:8])}" if names else "that folder holds no .yaml file"
    )
    return suggest(name, map(printable, names), listed, os.path.join(folder, ""))


def _unused(root: Node, used: frozenset[str], found: Findings) -> None:
    parameters = root.value.get("parameters")
    for name in parameters.value if parameters is not None else ():
        if name not in used:
            rule = f"nothing refers to the parameter {name}"
            found.warn(f"parameters.{name}", rule, "", f"write ${{{name}}} somewhere, or delete it")


def _sorted(problems: Sequence[Problem]) -> list[Problem]:
    """Options first, then by place; said once where two checks say the same."""
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda one: (one.line, one.column, one.path))
