"""What a cluster is, frozen: nodes, partitions, storage, and how each fact is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from hpcflow.site.billing import FORBID, Bill, Billing, Energy, bill


@dataclass(frozen=True)
class Modules:
    """Environment modules that a job loads before anything else, and variables it sets."""

    __pydantic_config__ = FORBID
    purge: bool = False
    use: tuple[str, ...] = ()
    load: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Topology:
    """How cores share caches and memory, and which GPU sits beside which.

    Attributes
    ----------
    cores_per_l3, l3_per_numa
        Physical cores that share a level-3 cache; such groups in one NUMA domain.
    threads_per_core
        Hardware threads of a core; the second of core ``c`` has the number ``c + physical cores``.
    reserved
        Cores that the system keeps.
    gpu_l3, gpu_bus
        For each GPU, in Slurm's order, the group of cores beside it, and its PCI bus.
    """

    __pydantic_config__ = FORBID
    cores_per_l3: int
    l3_per_numa: int = 1
    threads_per_core: int = 1
    reserved: tuple[int, ...] = ()
    gpu_l3: tuple[int, ...] = ()
    gpu_bus: tuple[str, ...] = ()


@dataclass(frozen=True)
class Temporary:
    """Where a job's temporary files go.

    Attributes
    ----------
    where
        ``memory``: they count against what the job asked; ``disk``: they do not.
    size
        Bytes of disk that are there without being asked for.
    gres
        GRES by which more may be asked for; "" where none may.
    """

    __pydantic_config__ = FORBID
    where: Literal["memory", "disk"]
    size: int = 0
    gres: str = ""


@dataclass(frozen=True)
class NodeType:
    """A kind of node.

    Attributes
    ----------
    cores
        Physical cores that a job may use.
    memory
        Bytes that a job may ask for.
    gpus, gres, gpu_memory, gpu_variable
        GPUs of a node as Slurm counts them, their GRES name, the bytes of one, and the variable that says
        which of them a process sees.
    architecture
        Programs of another one do not run here.
    count
        How many there are; None where unknown.
    watts
        Average electric power of a whole node; None where unknown.
    modules
        What a job on such a node loads.
    """

    __pydantic_config__ = FORBID
    cores: int
    memory: int
    gpus: int = 0
    gres: str = ""
    gpu_memory: int = 0
    gpu_variable: str = "CUDA_VISIBLE_DEVICES"
    architecture: Literal["x86_64", "aarch64"] = "x86_64"
    count: int | None = None
    watts: float | None = None
    topology: Topology | None = None
    temporary: Temporary | None = None
    modules: Modules = field(default_factory=Modules)


@dataclass(frozen=True)
class GpuShare:
    """What a job should ask for beside each GPU, so that the GPU decides the price."""

    __pydantic_config__ = FORBID
    cores: int
    memory: int


@dataclass(frozen=True)
class Partition:
    """A partition and what the site allows in it.

    Attributes
    ----------
    node, also
        Its node type, and types with more memory that Slurm picks where a job asks for so much.
    allocation
        ``whole``: a job gets and pays for whole nodes; ``shared``: what it asks for.
    use
        ``work``: planning may choose it; ``tests``, ``graphics``, ``interactive``, ``events``: only
        where a user names it.
    max_time
        Longest time limit, seconds.
    min_nodes, max_nodes, node_hours
        Fewest and most nodes of one job, and its most nodes × hours.
    max_cores, max_memory, min_gpus, max_gpus
        Most of one job; None where only the node limits it.
    submitted, running
        Most jobs a user may have in the queue, and running; None where unlimited or unknown.
    memory
        Who decides it: what is ``asked``; the ``cores`` or ``gpus``, each with its share; the whole ``node``.
        Other than ``asked``, a job must not say ``--mem``.
    default_memory
        Bytes of a job that does not say ``--mem``, also with ``--exclusive``; None for all, or unknown.
    share
        What to ask beside each GPU.
    approval
        What a project must be granted before it may use the partition; "" for nothing.
    """

    __pydantic_config__ = FORBID
    node: str
    allocation: Literal["whole", "shared"]
    max_time: int
    max_nodes: int
    also: tuple[str, ...] = ()
    use: Literal["work", "tests", "graphics", "interactive", "events"] = "work"
    min_nodes: int = 1
    node_hours: int | None = None
    max_cores: int | None = None
    max_memory: int | None = None
    min_gpus: int | None = None
    max_gpus: int | None = None
    submitted: int | None = None
    running: int | None = None
    memory: Literal["asked", "cores", "gpus", "node"] = "asked"
    default_memory: int | None = None
    share: GpuShare | None = None
    approval: str = ""
    billing: Billing | None = None


@dataclass(frozen=True)
class Storage:
    """An area for files.

    Attributes
    ----------
    path
        With ``<project>`` or ``<user>`` where the name goes.
    quota, files
        Bytes and files that it holds as granted at first; None where unlimited or unknown.
    purge_days
        Files untouched for so long may be removed; None where they stay.
    billing
        Price of an hour, over ``bytes``; None where it is free.
    use
        What it is for; runs and their results belong in ``work``.
    """

    __pydantic_config__ = FORBID
    path: str
    use: Literal["home", "programs", "work", "fast", "objects"]
    quota: int | None = None
    files: int | None = None
    purge_days: int | None = None
    billing: Billing | None = None


@dataclass(frozen=True)
class Container:
    """How a container is started.

    Attributes
    ----------
    program, bind, gpu
        ``singularity`` or ``apptainer``; paths it must see; option that shows it the GPUs.
    image
        The image in which jobs compute; "" for none. A user's own profile names it.
    python
        The interpreter inside.
    """

    __pydantic_config__ = FORBID
    program: Literal["singularity", "apptainer"]
    bind: tuple[str, ...] = ()
    gpu: str = ""
    image: str = ""
    python: str = "python3"


@dataclass(frozen=True)
class Mistake:
    """A text in a batch script that fails or misleads on this cluster.

    Attributes
    ----------
    where
        Kind of text: a module, a GRES, a command, a variable, an option.
    pattern
        As the shell's: ``craype-hugepages*``.
    unless
        A pattern that makes it right again.
    why, instead
        What happens, and the remedy.
    level
        ``error`` where the job cannot do what it is for.
    partitions
        Only there; everywhere where empty.
    """

    __pydantic_config__ = FORBID
    where: Literal["module", "gres", "command", "variable", "option", "path"]
    pattern: str
    why: str
    instead: str
    unless: str = ""
    level: Literal["error", "warning"] = "warning"
    partitions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """How a fact of a profile is known: from documents, seen on the machine, or assumed."""

    __pydantic_config__ = FORBID
    how: Literal["docs", "observed", "assumed"]
    source: str


@dataclass(frozen=True)
class Launcher:
    """Options of `srun`: for the agent that computes blocks, and for MPI programs."""

    __pydantic_config__ = FORBID
    blocks: tuple[str, ...] = ()
    mpi: tuple[str, ...] = ()


@dataclass(frozen=True)
class Site:
    """A cluster.

    Attributes
    ----------
    scheduler
        ``slurm``, or ``none`` where scripts are simply run.
    slurm
        Version, as ``24.05``; "" without Slurm.
    default_partition, gate_partition
        Where blocks are computed if planning has no reason for another, and where the short jobs that count
        receipts run.
    account
        ``required`` where Slurm refuses a job without one.
    project
        Project that pays where no ``--account`` is named; a user's own profile says it.
    allocation
        File on what a project has left, with ``<project>`` where its name goes: JSON with
        ``billing.cpu_hours.alloc`` and ``used``, the same for ``gpu_hours`` and ``storage_hours``, and
        ``storage_quotas``; "" where the site keeps none.
    login_hosts
        Patterns of the names of login nodes, as the shell's: ``login*``.
    sbatch_from_compute
        Whether a job may submit jobs.
    max_array_index
        Highest index of an array element (MaxArraySize - 1).
    accounting_days
        Longest window that `sacct` may be asked for; None where unknown.
    python
        The interpreter on the nodes; "" for the one that compiles.
    login
        Name of the login node for each architecture, where there are several.
    evidence
        For a dotted path of this profile, or a part of its front, how it is known.
    """

    __pydantic_config__ = FORBID
    name: str
    title: str
    scheduler: Literal["slurm", "none"]
    nodes: Mapping[str, NodeType]
    partitions: Mapping[str, Partition]
    default_partition: str
    gate_partition: str
    slurm: str = ""
    account: Literal["required", "optional"] = "optional"
    project: str = ""
    allocation: str = ""
    login_hosts: tuple[str, ...] = ()
    sbatch_from_compute: Literal["yes", "no", "unknown"] = "unknown"
    max_array_index: int = 1000
    accounting_days: int | None = None
    login_shell: bool = True
    launcher: Launcher = field(default_factory=Launcher)
    python: str = ""
    login: Mapping[str, str] = field(default_factory=dict)
    storage: Mapping[str, Storage] = field(default_factory=dict)
    container: Container | None = None
    mistakes: tuple[Mistake, ...] = ()
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    def node_of(self, partition: str) -> NodeType:
        """The node type of a partition."""
        return self.nodes[self.partitions[partition].node]

    def nodes_of(self, partition: str) -> Iterator[tuple[str, NodeType]]:
        """The node types of a partition by name, that with the least memory first."""
        place = self.partitions[partition]
        for name in (place.node, *place.also):
            yield name, self.nodes[name]

    def evidence_of(self, path: str) -> Evidence | None:
        """How the fact at a dotted path is known; the longest entry that begins it decides."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            found = self.evidence.get(".".join(parts[:length]))
            if found is not None:
                return found
        return None

    def billed(
        self,
        partition: str,
        *,
        seconds: float,
        nodes: int = 1,
        cores: int = 0,
        memory: int = 0,
        gpus: int = 0,
        disk: int = 0,
    ) -> Bill | None:
        """What a job costs; None where the profile does not know.

        Parameters
        ----------
        seconds
            Time that the job runs.
        cores, memory, gpus, disk
            Totals over the job; memory and reserved node-local disk in bytes.
        """
        billing = self.partitions[partition].billing
        if billing is None:
            return None
        amounts = {"nodes": nodes, "cores": cores, "memory": memory, "gpus": gpus, "disk": disk}
        return bill(billing, amounts, seconds)

    def stored(self, area: str, size: int, seconds: float) -> Bill | None:
        """What it costs to keep `size` bytes in a storage area; None where that is free or unknown."""
        billing = self.storage[area].billing
        return None if billing is None else bill(billing, {"bytes": size}, seconds)

    def energy(self, node: str, share: float, seconds: float) -> Energy | None:
        """Electricity of a share of the nodes of a type; None where their power is not known.

        Parameters
        ----------
        share
            In nodes: half of the cores of one node is 0.5.
        """
        watts = self.nodes[node].watts
        if watts is None:
            return None
        evidence = self.evidence_of(f"nodes.{node}.watts")
        return Energy(watts * share * seconds / 3.6e6, evidence.source if evidence else "")
