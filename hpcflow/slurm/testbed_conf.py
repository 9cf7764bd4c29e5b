"""The configuration files of a testbed as text: a site's partitions on nodes small enough for one machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpcflow.site import Site, format_time

ACCOUNT = "project_462000001"
CLUSTER = "testbed"


@dataclass(frozen=True)
class Layout:
    """What the files need to know.

    Attributes
    ----------
    folder
        Absolute path of the testbed, free of characters that slurm.conf would split at.
    user
        Who runs everything.
    host
        This machine's short name.
    nodes
        Nodes per node type of the site.
    ports
        ``ctld``, ``dbd`` and ``sql``, and one per node name.
    gpu_files
        Character devices that stand for GPUs.
    """

    folder: str
    user: str
    host: str
    nodes: Mapping[str, Sequence[str]]
    ports: Mapping[str, int]
    gpu_files: Sequence[str]
    accounting: bool
    cgroup: bool
    node_timeout: int
    min_job_age: int


def slurm_conf(site: Site, layout: Layout) -> str:
    """slurm.conf: every path in one folder, no munge, any user, nodes on loopback."""
    at = layout.folder
    tracking = (
        ("proctrack/cgroup", "task/cgroup", "jobacct_gather/cgroup")
        if layout.cgroup
        else ("proctrack/linuxproc", "task/none", "jobacct_gather/linux")
    )
    lines = [
        f"ClusterName={CLUSTER}",
        f"SlurmctldHost={layout.host}(127.0.0.1)",
        f"SlurmctldPort={layout.ports['ctld']}",
        "AuthType=auth/none",
        "CredType=cred/none",
        f"SlurmUser={layout.user}",
        f"SlurmdUser={layout.user}",
        f"StateSaveLocation={at}/state",
        f"SlurmctldPidFile={at}/slurmctld.pid",
        f"SlurmctldLogFile={at}/log/slurmctld.log",
        f"SlurmdPidFile={at}/slurmd-%n.pid",
        f"SlurmdLogFile={at}/log/slurmd-%n.log",
        f"SlurmdSpoolDir={at}/spool/%n",
        "SlurmdParameters=config_overrides",
        f"ProctrackType={tracking[0]}",
        f"TaskPlugin={tracking[1]}",
        f"JobAcctGatherType={tracking[2]}",
        "JobAcctGatherFrequency=1",
        "SelectType=select/cons_tres",
        "SelectTypeParameters=CR_Core_Memory",
        "SchedulerType=sched/backfill",
        "SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1",
        "MpiDefault=none",
        "MailProg=/bin/true",
        "ReturnToService=2",
        f"SlurmdTimeout={layout.node_timeout}",
        "MessageTimeout=10",
        "KillWait=5",
        "OverTimeLimit=0",
        f"MinJobAge={layout.min_job_age}",
        f"MaxArraySize={site.max_array_index + 1}",
    ]
    if any(kind.gpus for kind in site.nodes.values()):
        lines.append("GresTypes=gpu")
    if layout.accounting:
        lines += [
            "AccountingStorageType=accounting_storage/slurmdbd",
            "AccountingStorageHost=127.0.0.1",
            f"AccountingStoragePort={layout.ports['dbd']}",
            "AccountingStorageEnforce=associations,limits",
        ]
    lines += ["", *_nodes(site, layout), "", *_partitions(site, layout)]
    return "\n".join(lines) + "\n"


def _nodes(site: Site, layout: Layout) -> list[str]:
    lines = []
    for kind, names in layout.nodes.items():
        node = site.nodes[kind]
        gres = f" Gres={node.gres}:{node.gpus}" if node.gpus else ""
        for name in names:
            lines.append(
                f"NodeName={name} NodeHostname={layout.host} NodeAddr=127.0.0.1 Port={layout.ports[name]}"
                f" CPUs={node.cores} Sockets=1 CoresPerSocket={node.cores} ThreadsPerCore=1"
                f" RealMemory={node.memory // 2**20}{gres} State=UNKNOWN"
            )
    return lines


def _partitions(site: Site, layout: Layout) -> list[str]:
    lines = []
    for name, partition in site.partitions.items():
        names = layout.nodes.get(partition.node, ())
        if not names:
            continue
        share = "OverSubscribe=EXCLUSIVE" if partition.allocation == "whole" else "OverSubscribe=NO"
        memory = "" if partition.allocation == "whole" else " DefMemPerCPU=500"
        lines.append(
            f"PartitionName={name} Nodes={','.join(names)} Default=NO State=UP {share}{memory}"
            f" MaxTime={format_time(partition.max_time)} MaxNodes={partition.max_nodes}"
        )
    return lines


def gres_conf(site: Site, layout: Layout) -> str:
    """gres.conf: character devices that exist stand for GPUs (plain files are refused)."""
    lines = []
    for kind, names in layout.nodes.items():
        node = site.nodes[kind]
        if node.gpus:
            family, _, model = node.gres.partition(":")
            for name in names:
                files = ",".join(layout.gpu_files[: node.gpus])
                lines.append(f"NodeName={name} Name={family} Type={model} File={files}")
    return "".join(line + "\n" for line in lines)


def cgroup_conf(layout: Layout) -> str:
    """cgroup.conf: memory is held to what was asked, so a job can run out of it."""
    if not layout.cgroup:
        return ""
    return "CgroupAutomount=yes\nConstrainRAMSpace=yes\nConstrainSwapSpace=no\nConstrainCores=no\n"


def slurmdbd_conf(layout: Layout) -> str:
    """slurmdbd.conf, which must be readable by its user alone."""
    return "\n".join(
        [
            "AuthType=auth/none",
            "DbdHost=localhost",
            "DbdAddr=127.0.0.1",
            f"DbdPort={layout.ports['dbd']}",
            f"SlurmUser={layout.user}",
            f"LogFile={layout.folder}/log/slurmdbd.log",
            f"PidFile={layout.folder}/slurmdbd.pid",
            "StorageType=accounting_storage/mysql",
            "StorageHost=127.0.0.1",
            f"StoragePort={layout.ports['sql']}",
            "StorageUser=root",
            "StorageLoc=slurm_acct_db",
            "",
        ]
    )


def limits(site: Site, layout: Layout, submitted: Mapping[str, int]) -> list[list[str]]:
    """Arguments of `sacctmgr` that create the cluster, the account and the user's limits per partition."""
    commands = [
        ["add", "cluster", CLUSTER],
        ["add", "account", ACCOUNT, "Description=testbed", "Organization=testbed"],
        ["add", "user", layout.user, f"Account={ACCOUNT}", f"DefaultAccount={ACCOUNT}"],
    ]
    for name, partition in site.partitions.items():
        most = submitted.get(name, partition.submitted)
        if most is None or not layout.nodes.get(partition.node):
            continue
        commands.append(
            ["add", "user", layout.user, f"Account={ACCOUNT}", f"Partition={name}", f"MaxSubmitJobs={most}"]
            + ([f"MaxJobs={partition.running}"] if partition.running is not None else [])
        )
    return commands
