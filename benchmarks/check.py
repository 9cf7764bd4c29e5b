"""Compare results with the floors: ``python -m benchmarks.check FILE``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FLOORS = Path(__file__).with_name("floors.json")


def complaints(document: Mapping[str, Any]) -> list[str]:
    """Numbers that break a floor; every floor that could be held must have been measured."""
    floors: dict[str, dict[str, Any]] = json.loads(FLOORS.read_text())
    values = {m["name"]: m["value"] for m in document["measures"]}
    said = []
    for name, floor in floors.items():
        applies = (document["timers"] or not floor["timed"]) and not (
            document["small"] and floor["full_size"]
        )
        applies = applies and document.get("large", False) >= floor.get("large", False)
        if not applies:
            continue
        if name not in values:
            said.append(f"{name}: not measured")
        elif values[name] > floor.get("at_most", float("inf")):
            said.append(f"{name}: {values[name]:.4g} is above {floor['at_most']} ({floor['why']})")
        elif values[name] < floor.get("at_least", float("-inf")):
            said.append(f"{name}: {values[name]:.4g} is below {floor['at_least']} ({floor['why']})")
    return said


if __name__ == "__main__":
    found = complaints(json.loads(Path(sys.argv[1]).read_text()))
    print("\n".join(found) or "every floor holds")
    sys.exit(bool(found))
