"""Which steps share a stage.

Steps that read the same axis tile by tile run in one pass over it, and so do steps on whole records. A new
stage starts only where a step needs rows that other blocks made, or several ranks.

    machine.acceleration ─▶ band ─▶ envelope ─┐            stage tiles.machine    (one read, three outputs)
                      └───▶ condition         ├─▶ diagnosis    stage records.machine
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hpcflow.plan.model import Input
from hpcflow_kernels import Pattern


@dataclass(frozen=True)
class Node:
    """A step as fusing sees it."""

    name: str
    pattern: str
    dataset: str
    inputs: tuple[Input, ...]


@dataclass(frozen=True)
class Group:
    """Steps of one stage.

    Attributes
    ----------
    kind
        `tiles`, `records`, `collective` or `reduce`.
    root
        The dataset or step whose axis the stage is cut along; of one that is never shared, its step.
    level
        Stages of a level need only stages of lower levels.
    """

    kind: str
    root: str
    level: int
    steps: tuple[str, ...]


def fuse(nodes: Sequence[Node]) -> tuple[Group, ...]:
    """Group steps, given in an order in which each comes after what it reads.

    Returns
    -------
    tuple of Group
        In an order in which they can run.
    """
    placed: dict[str, tuple[str, str, int]] = {}
    for node in nodes:
        if node.pattern in (Pattern.MAP, Pattern.WINDOW):
            placed[node.name] = _place_tiles(node, placed)
        elif node.pattern in (Pattern.RECORD, Pattern.EVENTS):
            placed[node.name] = ("records", node.dataset, _level(node.inputs, placed, shares="records"))
        else:
            kind = "collective" if node.pattern == Pattern.COLLECTIVE else "reduce"
            placed[node.name] = (kind, node.name, _level(node.inputs, placed, shares=None))
    keys = sorted(set(placed.values()), key=lambda key: key[2])
    ordered = sorted(keys, key=lambda key: (key[2], next(n.name for n in nodes if placed[n.name] == key)))
    return tuple(
        Group(kind, root, level, tuple(n.name for n in nodes if placed[n.name] == (kind, root, level)))
        for kind, root, level in ordered
    )


def _place_tiles(node: Node, placed: dict[str, tuple[str, str, int]]) -> tuple[str, str, int]:
    first = next(i for i in node.inputs if i.kind != "fact")
    if first.kind == "step" and placed[first.source][0] == "tiles":
        return placed[first.source]
    if first.kind == "step":
        return "tiles", first.source, placed[first.source][2] + 1
    return "tiles", node.dataset, 0


def _level(inputs: Iterable[Input], placed: dict[str, tuple[str, str, int]], shares: str | None) -> int:
    levels = [0]
    for item in inputs:
        if item.kind == "step":
            kind, _, level = placed[item.source]
            levels.append(level if kind == shares else level + 1)
    return max(levels)


def stored_steps(groups: Sequence[Group], nodes: Sequence[Node], saved: Iterable[str]) -> frozenset[str]:
    """Steps whose rows must be on disk: saved, or read by another stage."""
    home = {step: group for group in groups for step in group.steps}
    stored = set(saved)
    for node in nodes:
        for item in node.inputs:
            if item.kind == "step" and home[item.source] != home[node.name]:
                stored.add(item.source)
    return frozenset(stored)
