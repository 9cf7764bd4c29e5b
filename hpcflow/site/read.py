"""Read a profile: YAML with its places, sizes and times turned into numbers, every problem at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcflow.errors import Problem, WorkflowError
from hpcflow.site.check import check_rules
from hpcflow.site.model import Site
from hpcflow.site.notation import parse_bytes, parse_memory, parse_time

if TYPE_CHECKING:
    from pydantic import TypeAdapter

FORMAT = 1

_BILLING = ("partitions.*.billing.largest", "partitions.*.billing.sum")
_NUMBERS: tuple[tuple[str, Callable[[str], int]], ...] = (
    ("nodes.*.memory", parse_memory),
    ("nodes.*.gpu_memory", parse_memory),
    ("nodes.*.temporary.size", parse_memory),
    ("partitions.*.max_time", parse_time),
    ("partitions.*.max_memory", parse_memory),
    ("partitions.*.default_memory", parse_memory),
    ("partitions.*.share.memory", parse_memory),
    *(
        (f"{front}.{of}.{key}", parse_memory)
        for front in _BILLING
        for of in ("memory", "disk")
        for key in ("per", "free")
    ),
    ("storage.*.quota", parse_bytes),
    *(
        (f"storage.*.billing.{how}.bytes.{key}", parse_bytes)
        for how in ("largest", "sum")
        for key in ("per", "free")
    ),
)
"""Paths of texts in Slurm's or in storage's notation, with what reads them."""


def read_site(file: Path, shipped: Mapping[str, Path] | None = None) -> Site:
    """Read and check one profile.

    Parameters
    ----------
    shipped
        Profiles that ``extends:`` may name: what the file does not say is as there.

    Raises
    ------
    WorkflowError
        All problems at once.
    """
    return _checked(_document(file), file, shipped or {})


@lru_cache(maxsize=8)
def _parsed(text: str) -> Any:
    """The document, with the places of its keys; it is read and never changed."""
    from ruamel.yaml import YAML

    return YAML(typ="rt", pure=True).load(text)


def _document(file: Path) -> Any:
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        document = _parsed(file.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = Problem(str(file), line, column, "", "a profile is YAML", error.problem or "", "")
        raise WorkflowError([problem]) from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise WorkflowError(
            [Problem(str(file), 0, 0, "", "a profile is YAML in UTF-8", str(error), "")]
        ) from None
    if not isinstance(document, dict):
        raise WorkflowError([Problem(str(file), 1, 1, "", "a profile is a mapping", repr(document), "")])
    return document


class _Problems:
    """Collects problems of one file, each with the place of its path."""

    def __init__(self, document: Any, file: Path) -> None:
        self._document = document
        self._file = file
        self.found: list[Problem] = []

    def add(self, path: tuple[Any, ...], rule: str, value: Any = "", remedy: str = "") -> None:
        line, column = self._place(path)
        dotted = ".".join(str(part) for part in path)
        shown = "" if value == "" else repr(value)
        self.found.append(Problem(str(self._file), line, column, dotted, rule, shown, remedy))

    def _place(self, path: tuple[Any, ...]) -> tuple[int, int]:
        node: Any = self._document
        place = (1, 1)
        for part in path:
            try:
                marks: Any = node.lc
                line, column = marks.key(part) if isinstance(node, dict) else marks.item(part)
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
            place = (line + 1, column + 1)
        return place


def _checked(document: Any, file: Path, shipped: Mapping[str, Path]) -> Site:
    problems = _Problems(document, file)
    version = document.get("hpcflow_site")
    if version != FORMAT:
        problems.add(("hpcflow_site",), f"the format version is {FORMAT}", version, f"hpcflow_site: {FORMAT}")
        raise WorkflowError(problems.found)
    values = _plain(document)
    base = values.pop("extends", None)
    if base is not None:
        if not isinstance(base, str) or base not in shipped:
            problems.add(("extends",), f"names a shipped profile: {', '.join(shipped) or 'none found'}", base)
            raise WorkflowError(problems.found)
        values = _over(_plain(_document(shipped[base])), values)
    del values["hpcflow_site"]
    _read_sizes(values, problems)
    site = _build(values, problems)
    if site is not None:
        check_rules(site, file.stem, problems.add)
    if site is None or problems.found:
        raise WorkflowError(problems.found)
    return site


def _over(base: Any, own: Any) -> Any:
    """`own` over `base`: mappings key by key, anything else whole."""
    if isinstance(base, dict) and isinstance(own, dict):
        return {key: _over(base.get(key), own[key]) if key in own else base[key] for key in {**base, **own}}
    return own


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return tuple(_plain(entry) for entry in value)
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):  # ruamel's scalars are subclasses that remember their form
        if isinstance(value, kind):
            return kind(value)
    return value


def _read_sizes(values: dict[str, Any], problems: _Problems) -> None:
    """Turn sizes and times into numbers, in place."""
    for pattern, parse in _NUMBERS:
        for holder, path in _matching(values, tuple(pattern.split("."))):
            key = path[-1]
            try:
                holder[key] = _this_machine(key) if holder[key] == "auto" else parse(str(holder[key]))
            except ValueError as error:
                problems.add(path, str(error))
                holder[key] = 1
    for holder, path in _matching(values, ("nodes", "*", "cores")):
        if holder[path[-1]] == "auto":
            holder[path[-1]] = _this_machine("cores")


def _matching(
    values: Any, pattern: tuple[str, ...], path: tuple[str, ...] = ()
) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """The mappings that hold a key at a path, with the path; ``*`` stands for any key."""
    if not isinstance(values, dict):
        return
    for key in list(values) if pattern[0] == "*" else [pattern[0]]:
        if key not in values:
            continue
        if len(pattern) == 1:
            yield values, (*path, key)
        else:
            yield from _matching(values[key], pattern[1:], (*path, key))


def _this_machine(key: str) -> int:
    if key == "cores":
        return len(os.sched_getaffinity(0))
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return physical // 2**20 * 2**20


@cache
def _adapter() -> TypeAdapter[Site]:
    from pydantic import TypeAdapter

    return TypeAdapter(Site)


def _build(values: dict[str, Any], problems: _Problems) -> Site | None:
    from pydantic import ValidationError

    try:
        return _adapter().validate_python(values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path = tuple(part for part in detail["loc"] if part != "[key]")
            if detail["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
                problems.add(path, "unknown key", path[-1], "remove it, or correct its spelling")
            elif detail["type"] == "missing":
                problems.add(path, "a required key is missing", path[-1], "add it")
            else:
                problems.add(path, detail["msg"][0].lower() + detail["msg"][1:], detail["input"])
        return None
