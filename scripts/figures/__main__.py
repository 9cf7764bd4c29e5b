"""Draw the pictures of the documentation from recordings: ``python -m scripts.figures [NAME ...]``.

Each module of this package holds functions that are named as their picture and return a matplotlib figure.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

import scripts.figures

OUT = Path(__file__).resolve().parents[2] / "docs" / "figures"


def pictures() -> dict[str, Callable[[], Any]]:
    """All pictures by name."""
    found: dict[str, Callable[[], Any]] = {}
    for info in pkgutil.iter_modules(scripts.figures.__path__):
        if info.name in ("__main__", "recordings"):
            continue
        module = importlib.import_module(f"scripts.figures.{info.name}")
        for name, call in inspect.getmembers(module, inspect.isfunction):
            if call.__module__ == module.__name__ and not name.startswith("_"):
                found[name] = call
    return found


def main(wanted: list[str]) -> None:
    """Draw the wanted pictures, or all."""
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"figure.dpi": 80, "font.size": 9, "axes.spines.top": False})
    matplotlib.rcParams.update({"axes.spines.right": False, "figure.constrained_layout.use": True})
    OUT.mkdir(exist_ok=True)
    for name, draw in pictures().items():
        if not wanted or name in wanted:
            figure = draw()
            figure.savefig(OUT / f"{name}.png", metadata={"Software": None})
            print(OUT / f"{name}.png")


if __name__ == "__main__":
    main(sys.argv[1:])
