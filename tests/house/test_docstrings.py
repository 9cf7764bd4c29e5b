"""Docstrings of the numerical library: every public function has one, which names all it takes and raises."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

Function = ast.FunctionDef


def functions(repo: Path) -> Iterator[tuple[str, Function]]:
    """Public functions and methods; compiled loops are read with the function that calls them."""
    for path in sorted((repo / "kernels").rglob("*.py")):
        if path.name.endswith("_loops.py"):
            continue
        tree = ast.parse(path.read_text())
        classes = [n for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
        for node in [n for part in (tree, *classes) for n in part.body]:
            if isinstance(node, Function) and not node.name.startswith("_") and not is_overload(node):
                yield f"{path.relative_to(repo)}:{node.lineno} {node.name}", node


def is_overload(function: Function) -> bool:
    return any(ast.unparse(one) == "overload" for one in function.decorator_list)


def section(docstring: str, title: str) -> str:
    """Lines of a numpydoc section, empty where there is none.

    >>> section("Sum.\\n\\nParameters\\n----------\\na : int\\n\\nReturns\\n-------\\nint", "Parameters")
    'a : int\\n'
    """
    parts = re.split(r"^(\w+)\n-+\n", docstring, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True)).get(title, "").replace("\n\n", "\n")


def raised(function: Function) -> set[str]:
    """Errors that the function raises itself; not those of functions within it."""
    inner = {
        id(part)
        for one in ast.walk(function)
        if isinstance(one, Function | ast.Lambda) and one is not function
        for part in ast.walk(one)
    }
    found = [one.exc for one in ast.walk(function) if isinstance(one, ast.Raise) and id(one) not in inner]
    return {ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in found if one is not None}


def test_every_public_function_has_a_docstring(repo: Path) -> None:
    found = dict(functions(repo))
    assert len(found) > 300
    assert [name for name, function in found.items() if not ast.get_docstring(function)] == []


def test_parameters_are_named_where_any_is(repo: Path) -> None:
    wrong = {}
    for name, function in functions(repo):
        docstring = ast.get_docstring(function) or ""
        heads = re.findall(r"^(\S.*?)(?: :.*)?$", section(docstring, "Parameters"), re.MULTILINE)
        named = {one.strip("* ") for head in heads for one in head.split(",")}
        given = function.args
        every = (*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg)
        taken = {one.arg for one in every if one is not None} - {"self", "cls"}
        elsewhere = re.search(r"\bas for `", docstring)  # arguments of a sibling, which its docstring tells
        if named and (named - taken or (taken - named and not elsewhere)):
            wrong[name] = sorted(named ^ taken)
    assert not wrong


def test_errors_are_told(repo: Path) -> None:
    # Errors of intrinsics are shown while a loop is compiled, to whoever writes it.
    silent = {
        name: sorted(errors)
        for name, function in functions(repo)
        if (errors := raised(function) - {"TypingError", "NotImplementedError"})
        and not re.search(r"[Rr]aise|[Rr]efuse", ast.get_docstring(function) or "")
    }
    assert not silent
