"""Compare results with the floors: ``python -m benchmarks.check FILE [--table]``; the tables of the docs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
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
    """What was reached, as Markdown: the machine's limits, kernels, and every other timed floor."""
    floors = applying(document)
    values = {m["name"]: m["value"] for m in document["measures"]}
    limits = [m for m in document["measures"] if m["name"].startswith("machine.")]
    machine = [f"| {m['name'].removeprefix('machine.')} | {m['value']:.3g} | {m['unit']} |" for m in limits]
    others = ["| measure | reached | floor | what it says |", "|---|---:|---:|---|"]
    for name, floor in floors.items():
        if floor["timed"] and not name.startswith("kernels."):
            reached = f"{values[name]:.3g}" if name in values else "not measured"
            others.append(f"| `{name}` | {reached} | {_bounds(floor)} | {floor['why']} |")
    parts = (
        ["| this machine, one thread | at most | |", "|---|---:|---|", *machine] if machine else [],
        kernel_table(document["measures"], floors),
        others,
    )
    return "\n\n".join("\n".join(part) for part in parts if len(part) > 2)


def _bounds(floor: Mapping[str, Any]) -> str:
    signs = (("at_least", "≥"), ("at_most", "≤"))
    return ", ".join(f"{sign} {floor[key]:g}" for key, sign in signs if key in floor)


def kernel_table(measures: Sequence[Mapping[str, Any]], floors: Floors) -> list[str]:
    """A row for each kernel: its rate, how near to the machine's limit, against peers with floors, errors."""
    found = {m["name"]: m for m in measures if m["name"].startswith("kernels.")}
    timed = [name for name, floor in floors.items() if floor["timed"] and ".against_" in name]
    keys = dict.fromkeys(name.removesuffix(".rate") for name in found if name.endswith(".rate"))
    keys |= dict.fromkeys(name.split(".against_")[0] for name in timed if name.startswith("kernels."))
    titles = (
        "kernel",
        "M samples/s",
        "of the limit of",
        "times faster than (floor)",
        "largest error (floor), peers'",
    )
    return [f"| {' | '.join(titles)} |", "|---|---:|---|---|---|", *(_row(k, found, floors) for k in keys)]


def _row(key: str, found: Mapping[str, Mapping[str, Any]], floors: Floors) -> str:
    """One kernel; what has a floor but was not measured says so."""

    def held(name: str, digits: str) -> str:
        reached = f"{found[name]['value']:{digits}}" if name in found else "not measured"
        return f"{reached} ({_bounds(floors[name])})" if name in floors else reached

    rate, limit = found.get(f"{key}.rate"), found.get(f"{key}.of_limit")
    share = f"{100 * limit['value']:.0f} % {limit['unit'].rpartition(' ')[2]}" if limit else "–"
    versus = dict.fromkeys(n for n in (*found, *floors) if n.startswith(f"{key}.against_"))
    peers = [name.rpartition(".against_")[2] for name in versus]
    errors = [
        f"{peer} {found[name]['value']:.0e}" for peer in peers if (name := f"{key}.{peer}.error") in found
    ]
    return " | ".join(
        (
            f"| `{key.removeprefix('kernels.')}`",
            f"{rate['value']:.3g}" if rate else "–",
            share,
            "; ".join(f"{peer} {held(f'{key}.against_{peer}', '.3g')}" for peer in peers),
            "; ".join((held(f"{key}.error", ".0e"), *errors)) + " |",
        )
    )


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text())
    if "--table" in sys.argv:
        print(table(asked))
        sys.exit()
    found = complaints(asked)
    print("\n".join(found) or "every floor holds")
    sys.exit(bool(found))
