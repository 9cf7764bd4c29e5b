"""What a batch script asks of one partition, and what is found wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from hpcflow.site import NodeType, Partition, Site, parse_memory, parse_time
from hpcflow.slurm.batch import BatchScript

Level = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """One mistake.

    Attributes
    ----------
    rule
        Short name of the rule.
    level
        ``error``: the job fails, waits for ever or computes on the wrong cores; ``warning``: it costs more,
        or fails later.
    line
        In the script; 0 for its directives as a whole.
    text
        Rule, values, consequence and remedy.
    """

    rule: str
    level: Level
    line: int
    text: str

    def __str__(self) -> str:
        place = f"line {self.line}: " if self.line else ""
        return f"{self.level}: {place}{self.text} [{self.rule}]"


Found = Iterator[Finding]


@dataclass(frozen=True)
class Asked:
    """What a script asks of one partition of a site."""

    script: BatchScript
    site: Site
    name: str
    place: Partition
    node: NodeType

    @property
    def nodes(self) -> int:
        return self.script.number("nodes", 1)

    @property
    def cpus(self) -> int:
        """Cores of a node that tasks use."""
        per_node = self.script.number("ntasks-per-node", 0)
        tasks = per_node or -(-self.script.number("ntasks", 1) // self.nodes)
        return tasks * self.script.number("cpus-per-task", 1)

    @property
    def gpus(self) -> int:
        """GPUs of a node."""
        gres = self.script.directives.get("gres", "")
        if gres.startswith("gpu"):
            last = gres.rpartition(":")[2]
            return int(last) if last.isdigit() else 1
        return self.script.number("gpus-per-node", self.script.number("gpus", 0))

    @property
    def memory(self) -> int | None:
        """Bytes of a node; None where the script does not say."""
        for option, times in (("mem", 1), ("mem-per-cpu", self.cpus), ("mem-per-gpu", max(1, self.gpus))):
            text = self.script.directives.get(option)
            if text:
                number = text if not text.isdigit() else f"{text}M"
                try:
                    return parse_memory(number.removesuffix("B")) * times or self.node.memory
                except ValueError:
                    return None
        return None

    @property
    def seconds(self) -> int:
        text = self.script.directives.get("time", "")
        try:
            return parse_time(
                text if text.count(":") == 2 else f"{text}:00" if ":" in text else f"{text}:00:00"
            )
        except ValueError:
            return self.place.max_time

    @property
    def exclusive(self) -> bool:
        return "exclusive" in self.script.directives or self.place.allocation == "whole"

    def steps(self) -> list[tuple[int, dict[str, str]]]:
        """Options of the script and of each `srun` over them, with lines."""
        head = dict(self.script.directives)
        runs = [(run.line, {**head, **run.options}) for run in self.script.named("srun")]
        return runs or [(0, head)]


def bound_cores(text: str) -> set[int]:
    """Cores that a ``--cpu-bind`` names."""
    kind, _, listed = text.removeprefix("v,").removeprefix("verbose,").replace("=", ":").partition(":")
    cores: set[int] = set()
    for item in listed.split(","):
        try:
            number = int(item, 16) if kind == "mask_cpu" else int(item)
        except ValueError:
            continue
        cores |= (
            {b for b in range(number.bit_length()) if number >> b & 1} if kind == "mask_cpu" else {number}
        )
    return cores
