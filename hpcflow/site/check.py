"""Rules of a profile that its types cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Protocol

from hpcflow.site.model import NodeType, Site

_LIMITS = (
    *("max_time", "max_nodes", "min_nodes", "node_hours", "max_cores", "max_memory", "min_gpus", "max_gpus"),
    *("submitted", "running"),
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


class Add(Protocol):
    """Takes a problem: path, rule, value found, remedy."""

    def __call__(self, path: tuple[Any, ...], rule: str, value: Any = "", remedy: str = "") -> None: ...


def valid_name(name: str) -> bool:
    """Whether a profile may be called so."""
    return _NAME.fullmatch(name) is not None


def check_rules(site: Site, stem: str, add: Add) -> None:
    """Tell every rule that a profile breaks; `stem` is the name of its file."""
    if not valid_name(site.name) or site.name != stem:
        add(("name",), f"the name is the file's, {stem!r}, in a-z 0-9 _ -", site.name)
    if site.scheduler == "slurm" and not re.fullmatch(r"\d\d\.\d\d", site.slurm):
        add(("slurm",), "the version of Slurm is YY.MM in quotes", site.slurm, 'slurm: "24.05"')
    for key in ("default_partition", "gate_partition"):
        partition = getattr(site, key)
        if partition not in site.partitions:
            add((key,), f"must be one of {', '.join(site.partitions)}", partition)
    _check_partitions(site, add)
    for name, node in site.nodes.items():
        for rule, value in _topology_problems(node):
            add(("nodes", name, "topology"), rule, value)
    for number, mistake in enumerate(site.mistakes):
        for partition in mistake.partitions:
            if partition not in site.partitions:
                add(
                    ("mistakes", number, "partitions"),
                    f"must be among {', '.join(site.partitions)}",
                    partition,
                )
    for path, least in _counts(site):
        if least < 1:
            add(path, "must be at least 1", least)
    for fact in _facts(site):
        if site.evidence_of(fact) is None:
            add(
                tuple(fact.split(".")),
                "every fact says how it is known",
                remedy=f"add {fact} (or the front of it) under evidence: {{how: docs, source: …}}",
            )


def _check_partitions(site: Site, add: Add) -> None:
    for name, partition in site.partitions.items():
        kinds = (partition.node, *partition.also)
        for kind in kinds:
            if kind not in site.nodes:
                add(("partitions", name, "node"), f"must be one of {', '.join(site.nodes)}", kind)
                break
        else:
            sizes = [site.nodes[kind].memory for kind in kinds]
            if sizes != sorted(sizes):
                add(
                    ("partitions", name, "also"),
                    "further node types have more memory, the least first",
                    kinds,
                )
        if partition.min_nodes > partition.max_nodes > 0:
            add(
                ("partitions", name, "min_nodes"),
                f"at most max_nodes, {partition.max_nodes}",
                partition.min_nodes,
            )
        if partition.billing is not None and not (partition.billing.largest or partition.billing.sum):
            add(("partitions", name, "billing"), "a price has a term", partition.billing.unit)


def _topology_problems(node: NodeType) -> Iterator[tuple[str, Any]]:
    topology = node.topology
    if topology is None:
        return
    physical = node.cores + len(topology.reserved)
    if topology.cores_per_l3 < 1 or physical % topology.cores_per_l3:
        yield f"cores_per_l3 divides the {physical} physical cores", topology.cores_per_l3
        return
    groups = physical // topology.cores_per_l3
    if topology.l3_per_numa < 1 or groups % topology.l3_per_numa:
        yield f"l3_per_numa divides the {groups} groups of cores", topology.l3_per_numa
    if any(not 0 <= core < physical for core in topology.reserved):
        yield f"reserved cores are numbers below {physical}", topology.reserved
    if topology.gpu_l3 and len(topology.gpu_l3) != node.gpus:
        yield f"gpu_l3 names a group for each of the {node.gpus} GPUs", topology.gpu_l3
    if any(not 0 <= group < groups for group in topology.gpu_l3):
        yield f"gpu_l3 holds numbers below {groups}", topology.gpu_l3
    if topology.gpu_bus and len(topology.gpu_bus) != node.gpus:
        yield f"gpu_bus names a bus for each of the {node.gpus} GPUs", topology.gpu_bus


def _counts(site: Site) -> Iterator[tuple[tuple[str, ...], int]]:
    for name, node in site.nodes.items():
        yield ("nodes", name, "cores"), node.cores
        yield ("nodes", name, "memory"), node.memory
    for name, partition in site.partitions.items():
        for key in _LIMITS:
            limit = getattr(partition, key)
            if limit is not None:
                yield ("partitions", name, key), limit
        billing = partition.billing
        for how in ("largest", "sum") if billing else ():
            for term, price in getattr(billing, how).items():
                yield ("partitions", name, "billing", how, term, "per"), price.per
    yield ("max_array_index",), site.max_array_index


def _facts(site: Site) -> Iterator[str]:
    yield from (f"nodes.{name}" for name in site.nodes)
    yield from (f"nodes.{name}.watts" for name, node in site.nodes.items() if node.watts is not None)
    yield from (f"partitions.{name}" for name in site.partitions)
    yield from (f"storage.{name}" for name in site.storage)
    for key in ("container", "mistakes", "accounting_days", "login", "allocation", "login_hosts"):
        if getattr(site, key):
            yield key
    if site.scheduler == "slurm":
        yield from ("slurm", "sbatch_from_compute", "max_array_index", "launcher")
