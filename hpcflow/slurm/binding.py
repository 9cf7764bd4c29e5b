"""Which cores and which GPU a rank gets: `srun` options worked out from a node's topology.

Two orders are in use where each GPU has a group of cores beside it:

=========== ============================== ==================================
order       rank *i* gets                  so the other side is permuted
=========== ============================== ==================================
``gpus``    GPU *i* (linear in GPUs)       cores: the group beside GPU *i*
``cores``   the *i*-th group of cores      GPUs: the one beside group *i*
=========== ============================== ==================================

Workers of an agent follow ``cores``: each has the next cores of the node (`gpu_order`). The numbers are held
against the published tables of each profile.
"""

from __future__ import annotations

from typing import Literal

from hpcflow.errors import PlanError
from hpcflow.site import NodeType, Partition, Site, Topology

Order = Literal["gpus", "cores"]

SHARED_GPUS = "24.05"
"""Slurm from which ``--gres-flags=allow-task-sharing`` is used: 22.05 refuses it, it is documented on "
"24.05."""


def groups(node: NodeType) -> tuple[tuple[int, ...], ...]:
    """The usable cores of each group that shares a level-3 cache.

    Raises
    ------
    PlanError
        Where the profile does not know the topology.
    """
    topology = _topology(node)
    size = topology.cores_per_l3
    physical = node.cores + len(topology.reserved)
    return tuple(
        tuple(core for core in range(first, first + size) if core not in topology.reserved)
        for first in range(0, physical, size)
    )


def numa_of(node: NodeType, group: int) -> int:
    """The NUMA domain of a group of cores."""
    return group // _topology(node).l3_per_numa


def sibling_threads(node: NodeType, core: int) -> tuple[int, ...]:
    """The further hardware threads of a core, as the system numbers them."""
    topology = _topology(node)
    physical = node.cores + len(topology.reserved)
    return tuple(core + physical * thread for thread in range(1, topology.threads_per_core))


def group_of_rank(node: NodeType, order: Order) -> tuple[int, ...]:
    """The group of cores of each rank, one rank to a GPU."""
    beside = _beside(node)
    return beside if order == "gpus" else tuple(range(len(beside)))


def gpu_of_rank(node: NodeType, order: Order) -> tuple[int, ...]:
    """The GPU of each rank, one rank to a GPU.

    >>> from hpcflow.site import NodeType, Topology
    >>> node = NodeType(8, 2**30, gpus=2, topology=Topology(4, gpu_l3=(1, 0)))
    >>> gpu_of_rank(node, "cores"), map_cpu(node, "gpus"), cpu_masks(node, "gpus")
    ((1, 0), (4, 0), ('0xf0', '0xf'))
    """
    beside = _beside(node)
    return tuple(range(len(beside))) if order == "gpus" else tuple(beside.index(g) for g in sorted(beside))


def gpu_order(site: Site, partition: str, gpus: int) -> tuple[int, ...]:
    """The GPUs of a job in the order of its cores, as numbers within the job.

    On whole nodes each GPU is beside its cores; on parts of nodes nobody knows which are given.
    """
    node, whole = site.node_of(partition), site.partitions[partition].allocation == "whole"
    if whole and node.topology is not None and node.topology.gpu_l3:
        return gpu_of_rank(node, "cores")
    return tuple(range(gpus))


def map_cpu(node: NodeType, order: Order) -> tuple[int, ...]:
    """The first usable core of each rank."""
    cores = groups(node)
    return tuple(cores[group][0] for group in group_of_rank(node, order))


def cpu_masks(node: NodeType, order: Order, cores: int | None = None) -> tuple[str, ...]:
    """A hexadecimal mask of cores for each rank.

    Parameters
    ----------
    cores
        Cores of a rank; all usable ones of its group by default.

    Raises
    ------
    PlanError
        Where a group has not so many usable cores.
    """
    every = groups(node)
    masks = []
    for group in group_of_rank(node, order):
        usable = every[group]
        if cores is not None and not 1 <= cores <= len(usable):
            raise PlanError(
                f"a rank has 1 to {len(usable)} cores beside its GPU, as the system keeps the others; "
                f"{cores} would be refused or cross to another group; ask for fewer"
            )
        masks.append(hex(sum(1 << core for core in usable[:cores])))
    return tuple(masks)


def gpu_masks(ranks: int, gpus: int) -> tuple[str, ...]:
    """Masks of neighbouring GPUs for fewer ranks than GPUs.

    >>> gpu_masks(4, 8)
    ('0x3', '0xc', '0x30', '0xc0')
    """
    if ranks < 1 or gpus % ranks:
        raise PlanError(
            f"{gpus} GPUs are shared evenly by a number of ranks that divides them; {ranks} does not"
        )
    each = gpus // ranks
    return tuple(hex((2**each - 1) << (rank * each)) for rank in range(ranks))


def check_binding(site: Site, partition: str, *, exclusive: bool = False) -> None:
    """Refuse to bind by number where the allocation's cores are not known beforehand.

    Raises
    ------
    PlanError
        On shared nodes.
    """
    place = site.partitions[partition]
    if place.allocation == "shared" and not exclusive:
        raise PlanError(
            f"cores are bound by number on whole nodes only; partition {partition} gives parts of nodes, "
            "whose numbers no one knows beforehand, so the job would fail to bind; leave the binding out, "
            "ask "
            f"for the node alone (--exclusive), or use {_whole(site, place)}"
        )


def rank_options(site: Site, partition: str, order: Order = "gpus", cores: int | None = None) -> list[str]:
    """Options of `srun` for one rank to a GPU of whole nodes; before 24.05 with `select_gpu`.

    Raises
    ------
    PlanError
        Where nodes are shared or the topology is not known.
    """
    check_binding(site, partition)
    node = site.node_of(partition)
    options = [f"--cpu-bind=mask_cpu:{','.join(cpu_masks(node, order, cores))}"]
    if site.slurm >= SHARED_GPUS:
        options += [
            f"--gpu-bind=map:{','.join(map(str, gpu_of_rank(node, order)))}",
            "--gres-flags=allow-task-sharing",
        ]
    return options


def select_gpu(node: NodeType, order: Order, variable: str = "ROCR_VISIBLE_DEVICES") -> str:
    """A wrapper that shows a rank its GPU, where Slurm cannot; write it under a job's own name."""
    listed = " ".join(map(str, gpu_of_rank(node, order)))
    return f'#!/bin/bash\ngpus=({listed})\nexport {variable}=${{gpus[$SLURM_LOCALID]}}\nexec "$@"\n'


def _whole(site: Site, place: Partition) -> str:
    same = [n for n, p in site.partitions.items() if p.allocation == "whole" and p.node == place.node]
    return " or ".join(same) or "a partition of whole nodes"


def _topology(node: NodeType) -> Topology:
    if node.topology is None:
        raise PlanError(
            "binding needs the topology of a node, and the profile does not tell it; leave it to Slurm"
        )
    return node.topology


def _beside(node: NodeType) -> tuple[int, ...]:
    beside = _topology(node).gpu_l3
    if not beside:
        raise PlanError("the profile does not tell which cores sit beside which GPU; leave binding to Slurm")
    return beside
