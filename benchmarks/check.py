"""Compare results with the floors: ``python -m benchmarks.check FILE [--table]``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FLOORS = Path(__file__).with_name("floors.json")

Floors = dict[str, dict[str, Any]]


def applying(document: Mapping[str, Any]) -> Floors:
    """The floors that a run with its sizes and timers can be held to."""
    floors: Floors = json.loads(FLOORS.read_text())
    return {
        name: floor
        for name, floor in floors.items()
        if (document["timers"] or not floor["timed"])
        and not (document["small"] and floor["full_size"])
        and document.get("large", False) >= floor.get("large", False)
    }


def complaints(document: Mapping[str, Any]) -> list[str]:
    """Numbers that break a floor; every floor that could be held must have been measured."""
    values = {m["name"]: m["value"] for m in document["measures"]}
    said = []
    for name, floor in applying(document).items():
        if name not in values:
            said.append(f"{name}: not measured")
        elif values[name] > floor.get("at_most", float("inf")):
            said.append(f"{name}: {values[name]:.4g} is above {floor['at_most']} ({floor['why']})")
        elif values[name] < floor.get("at_least", float("-inf")):
            said.append(f"{name}: {values[name]:.4g} is below {floor['at_least']} ({floor['why']})")
    return said


def table(document: Mapping[str, Any]) -> str:
    """Every timed floor with what was reached, as Markdown; what was not measured says so."""
    values = {m["name"]: m["value"] for m in document["measures"]}
    lines = ["| measure | reached | floor | what it says |", "|---|---:|---:|---|"]
    for name, floor in applying(document).items():
        if floor["timed"]:
            bounds = [
                f"{sign} {floor[key]:g}"
                for key, sign in (("at_least", "≥"), ("at_most", "≤"))
                if key in floor
            ]
            reached = f"{values[name]:.3g}" if name in values else "not measured"
            lines.append(f"| `{name}` | {reached} | {', '.join(bounds)} | {floor['why']} |")
    return "\n".join(lines)


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text())
    if "--table" in sys.argv:
        print(table(asked))
        sys.exit()
    found = complaints(asked)
    print("\n".join(found) or "every floor holds")
    sys.exit(bool(found))
