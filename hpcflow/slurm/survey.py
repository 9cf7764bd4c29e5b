"""A profile and a live cluster: a first draft from what Slurm says, and every difference from a profile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hpcflow.site import NodeType, Partition, Site, format_memory, format_time
from hpcflow.slurm.observe import Seen, SeenNode, SeenPartition

LONGEST = 365 * 86400
"""Written where a partition has no time limit."""


@dataclass(frozen=True)
class Difference:
    """A fact of a profile that the cluster contradicts.

    Attributes
    ----------
    path
        In the profile.
    said, seen
        What the profile says; what Slurm says.
    effect
        What follows from it for a run.
    """

    path: str
    said: str
    seen: str
    effect: str

    def __str__(self) -> str:
        return f"{self.path}: the profile says {self.said}, Slurm says {self.seen}: {self.effect}"


def differences(site: Site, seen: Seen) -> tuple[Difference, ...]:
    """Every fact of a profile that Slurm contradicts; what Slurm does not tell is not compared."""
    found = list(_of_the_cluster(site, seen))
    for name, partition in site.partitions.items():
        path = f"partitions.{name}"
        actual = seen.partitions.get(name)
        if actual is None:
            found.append(Difference(path, "it exists", "it does not", "every job for it is refused"))
        else:
            found += _of_a_partition(path, partition, actual)
            found += _of_nodes(site, path, partition, actual)
    for name in seen.partitions:
        if name not in site.partitions:
            found.append(Difference(f"partitions.{name}", "nothing", "it exists", "it is never chosen"))
    return tuple(found)


def _of_the_cluster(site: Site, seen: Seen) -> Iterator[Difference]:
    if site.slurm != seen.version:
        yield Difference("slurm", site.slurm, seen.version, "options may be refused, or have another meaning")
    if site.max_array_index != seen.max_array_index:
        effect = "larger arrays are refused" if site.max_array_index > seen.max_array_index else "more waves"
        yield Difference("max_array_index", str(site.max_array_index), str(seen.max_array_index), effect)


def _of_a_partition(path: str, said: Partition, seen: SeenPartition) -> Iterator[Difference]:
    if (said.allocation == "whole") != seen.whole:
        yield Difference(
            f"{path}.allocation",
            said.allocation,
            "whole" if seen.whole else "shared",
            "jobs are billed for more than planned, or get less than a node",
        )
    for key, effect, text in (
        ("max_time", "jobs are refused, or could run longer", format_time),
        ("max_nodes", "jobs are refused, or could be larger", str),
        ("min_nodes", "jobs are refused", str),
        ("submitted", "arrays are refused, or sent in more waves than need be", str),
        ("running", "the expected end is wrong", str),
    ):
        mine, actual = getattr(said, key), getattr(seen, key)
        if actual is not None and mine != actual:
            yield Difference(f"{path}.{key}", "none" if mine is None else text(mine), text(actual), effect)


def _of_nodes(site: Site, path: str, said: Partition, seen: SeenPartition) -> Iterator[Difference]:
    """Each kind of the profile against the nearest kind that is there."""
    for kind in (said.node, *said.also):
        node = site.nodes[kind]
        if not seen.kinds:
            yield Difference(f"{path}.node", kind, "no node", "jobs wait for ever")
            return
        actual = min(seen.kinds, key=lambda one: (abs(one.memory - node.memory), abs(one.cores - node.cores)))
        for key, mine, theirs, effect in _node_facts(node, actual):
            if mine != theirs:
                yield Difference(f"nodes.{kind}.{key} ({path})", mine, theirs, effect)


def _node_facts(node: NodeType, seen: SeenNode) -> Iterator[tuple[str, str, str, str]]:
    yield "cores", str(node.cores), str(seen.cores), "jobs are refused, or cores stay idle"
    if node.memory > seen.memory or node.memory < 0.8 * seen.memory:  # a profile keeps some for the system
        yield (
            "memory",
            format_memory(node.memory),
            format_memory(seen.memory),
            "jobs are refused, or memory stays idle",
        )
    yield "gpus", str(node.gpus), str(seen.gpus), "jobs with GPUs are refused"
    if node.gres or seen.gres:
        yield "gres", node.gres or "none", seen.gres or "none", "jobs with GPUs are refused"
    if seen.architecture:
        yield "architecture", node.architecture, seen.architecture, "programs do not start"


def draft(name: str, seen: Seen) -> str:
    """A profile from what Slurm says, for a person to complete: prices, storage, modules and binding are "
    "not known to it."""
    from ruamel.yaml import YAML

    kinds = _kinds(seen)
    shared = [n for n, p in seen.partitions.items() if not p.whole and p.kinds and not p.kinds[0].gpus]
    default = next((n for n, p in seen.partitions.items() if p.default), None)
    begin = default or max(shared or list(seen.partitions), key=lambda n: sum(seen.partitions[n].counts))
    values: dict[str, Any] = {
        "hpcflow_site": 1,
        "name": name,
        "title": seen.cluster or name,
        "scheduler": "slurm",
        "slurm": seen.version,
        "account": "required" if seen.accounting else "optional",
        "default_partition": begin,
        "gate_partition": begin,
        "sbatch_from_compute": "unknown",
        "max_array_index": seen.max_array_index,
        "nodes": {kind: _node(node) for node, kind in kinds.items()},
        "partitions": {n: _partition(p, kinds) for n, p in seen.partitions.items() if p.kinds},
        "launcher": {"blocks": ["--mpi=none"]},
        "evidence": {
            **{
                key: {"how": "observed", "source": "scontrol and sacctmgr, by hpcflow sites import"}
                for key in ("slurm", "nodes", "partitions", "max_array_index")
            },
            **{
                key: {"how": "assumed", "source": "not asked; hpcflow doctor --job probes it"}
                for key in ("sbatch_from_compute", "launcher")
            },
        },
    }
    text = io.StringIO()
    yaml = YAML()
    yaml.width = 110
    yaml.dump(values, text)
    return (
        "# A draft from what Slurm says. Complete it: billing of each partition, storage with its quotas, "
        "modules,\n"
        "# topology, and `use: tests` for partitions that are not for work. Slurm knows none of these.\n"
        + text.getvalue()
    )


def _kinds(seen: Seen) -> dict[SeenNode, str]:
    """A name for each kind of node: what it is, and its memory where several would have the same name."""
    every = sorted(
        {kind for partition in seen.partitions.values() for kind in partition.kinds},
        key=lambda kind: (kind.gpus, kind.memory, kind.cores),
    )
    named: dict[SeenNode, str] = {}
    for kind in every:
        base = kind.gres.rpartition(":")[2] if kind.gpus else "cpu"
        same = [k for k in every if (k.gres if k.gpus else "cpu") == (kind.gres if kind.gpus else "cpu")]
        name = base if len(same) == 1 else f"{base}-{format_memory(kind.memory)}".lower()
        while name in named.values():
            name += "x"
        named[kind] = name
    return named


def _node(node: SeenNode) -> dict[str, Any]:
    values: dict[str, Any] = {"cores": node.cores, "memory": format_memory(node.memory)}
    if node.gpus:
        values |= {"gpus": node.gpus, "gres": node.gres}
        if node.gres.rpartition(":")[2].startswith("mi"):  # AMD Instinct; the default is NVIDIA's
            values["gpu_variable"] = "ROCR_VISIBLE_DEVICES"
    if node.architecture in ("x86_64", "aarch64"):
        values["architecture"] = node.architecture
    return values


def _partition(seen: SeenPartition, kinds: dict[SeenNode, str]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "node": kinds[seen.kinds[0]],
        "allocation": "whole" if seen.whole else "shared",
        "max_time": format_time(seen.max_time or LONGEST),
        "max_nodes": seen.max_nodes or max(seen.min_nodes, sum(seen.counts)),
    }
    if len(seen.kinds) > 1:
        values["also"] = [kinds[kind] for kind in seen.kinds[1:]]
    if seen.min_nodes > 1:
        values["min_nodes"] = seen.min_nodes
    for key in ("submitted", "running"):
        if getattr(seen, key) is not None:
            values[key] = getattr(seen, key)
    return values
