"""SciPy's own tests, called on our functions: all combinations of what a test is parametrized with."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest


def combinations(test: Callable[..., Any]) -> Iterator[dict[str, Any]]:
    """Arguments by name, for every combination of the marks of a test."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    tables = []
    for mark in marks:
        names = mark.args[0]
        names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
        rows = [getattr(row, "values", row) if hasattr(row, "marks") else row for row in mark.args[1]]
        rows = [row if len(names) > 1 or hasattr(row, "marks") else (row,) for row in rows]
        tables.append([dict(zip(names, row, strict=True)) for row in rows])
    for picked in itertools.product(*tables):
        yield {name: value for part in picked for name, value in part.items()}


def run(
    case: Any,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    unless: Callable[[dict[str, Any]], bool] = lambda given: False,
    most: int = 400,
) -> int:
    """Call one test of a class for every combination, or for `most` of them; returns how many."""
    test = getattr(case(), name)
    takes = inspect.signature(test).parameters
    every = [given for given in combinations(test) if not unless(given)]
    spread = every[:: max(1, -(-len(every) // most))]
    for given in spread:
        with monkeypatch.context() as inner:
            more = {"xp": np, "monkeypatch": inner}
            test(**{k: v for k, v in more.items() if k in takes}, **given)
    return len(spread)
