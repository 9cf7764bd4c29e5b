"""A partition as packing sees it: what one node gives workers, workers with GPUs, and ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpcflow.site import GpuShare, NodeType, Partition
from hpcflow.slurm.needs import AGENT_MEMORY, MEMORY_HEADROOM, Options, StageNeed


@dataclass(frozen=True)
class Spot:
    """A partition with its node types, that with the least memory first.

    Attributes
    ----------
    room
        Jobs that a run may have in its queue; 0 for no limit.
    gated
        Whether gate jobs send what does not fit the queue at first.
    """

    name: str
    place: Partition
    kinds: tuple[tuple[str, NodeType], ...]
    room: int
    gated: bool

    def node_for(self, stages: Sequence[StageNeed]) -> tuple[str, NodeType]:
        """The smallest node type on which a worker of each stage fits; the largest where none does."""
        most = max((need.worker_memory for need in stages), default=0)
        return next(
            ((name, node) for name, node in self.kinds if self.memory(node) - AGENT_MEMORY >= most),
            self.kinds[-1],
        )

    def memory(self, node: NodeType) -> int:
        """Bytes that one job may have on a node."""
        return min(node.memory, self.place.max_memory or node.memory)

    def cores(self, node: NodeType) -> int:
        """Cores that one job may have on a node."""
        return min(node.cores, self.place.max_cores or node.cores)

    def gpus(self, node: NodeType) -> int:
        """GPUs that one job may have on a node."""
        return min(node.gpus, self.place.max_gpus or node.gpus)

    def share(self, node: NodeType) -> GpuShare:
        """Cores and memory that go with a GPU: the site's word, else an equal part of the node."""
        return self.place.share or GpuShare(node.cores // node.gpus, node.memory // node.gpus)

    def workers(self, stages: Sequence[StageNeed], options: Options) -> int:
        """Most workers of one node, by its cores or its GPUs, and by memory; at least one."""
        _, node = self.node_for(stages)
        memory = max(need.worker_memory for need in stages)
        units = self.cores(node)
        if stages[0].form == "gpus":
            units = min(units, self.gpus(node))
        most = min(units, (self.memory(node) - AGENT_MEMORY) // max(1, memory))
        return max(1, min(most, options.workers or most))

    def beside(self, stages: Sequence[StageNeed], gpus: int, options: Options) -> int:
        """Most workers without a GPU in a job of so many GPUs that do not make it dearer; at least one."""
        _, node = self.node_for(stages)
        cores, memory = self.cores(node), self.memory(node)
        if self.place.allocation == "shared":
            share = self.share(node)
            cores, memory = min(cores, gpus * share.cores), min(memory, gpus * share.memory)
        most = min(cores, (memory - AGENT_MEMORY) // max(1, *(need.worker_memory for need in stages)))
        return max(1, min(most, options.workers or most))

    def ranks(self, stages: Sequence[StageNeed], nodes: int, options: Options) -> int:
        """Most ranks of each of so many nodes, by cores and memory; 0 where not even one fits."""
        _, node = self.node_for(stages)
        most = min(self.cores(node), options.workers or self.cores(node))
        room = (self.memory(node) - AGENT_MEMORY) / MEMORY_HEADROOM
        for need in stages:
            own = max(1, need.memory_bytes_per_worker - need.shared_bytes)
            most = min(most, int((room - need.shared_bytes / nodes) / own))
        return max(0, most)


@dataclass(frozen=True)
class Spots:
    """Where stages of a plan run: those on GPUs, and all others; mostly one partition for both."""

    home: Spot
    gpus: Spot

    def of(self, need: StageNeed) -> Spot:
        """The partition of a stage."""
        return self.gpus if need.form == "gpus" else self.home
