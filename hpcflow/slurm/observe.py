"""What a live Slurm says of its partitions, nodes and limits, as numbers that a profile can be held "
"against."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hpcflow.errors import SlurmError
from hpcflow.site.notation import parse_time

_TIMEOUT = 60.0
_PAIR = re.compile(r"(\S+?)=(\S*)")


@dataclass(frozen=True)
class SeenNode:
    """A kind of node: what a job may use of it."""

    cores: int
    memory: int
    gpus: int = 0
    gres: str = ""
    architecture: str = ""
    threads: int = 1


@dataclass(frozen=True)
class SeenPartition:
    """A partition; None where it has no limit, or Slurm does not tell it."""

    kinds: tuple[SeenNode, ...]
    counts: tuple[int, ...]
    whole: bool
    default: bool
    max_time: int | None
    max_nodes: int | None
    min_nodes: int
    submitted: int | None = None
    running: int | None = None


@dataclass(frozen=True)
class Seen:
    """A cluster as `scontrol` and `sacctmgr` show it."""

    cluster: str
    version: str
    max_array_index: int
    partitions: Mapping[str, SeenPartition]
    accounting: bool


def observe() -> Seen:
    """Ask the Slurm of this machine: three calls of `scontrol`, one of `sacctmgr` where there is accounting.

    Raises
    ------
    SlurmError
        Where there is none, or it does not answer.
    """
    config = _ask("scontrol", "show", "config")
    nodes = _ask("scontrol", "--oneliner", "show", "node")
    partitions = _ask("scontrol", "--oneliner", "show", "partition")
    limits = ""
    if "accounting_storage/slurmdbd" in config and shutil.which("sacctmgr"):
        limits = _ask(
            *("sacctmgr", "--parsable2", "--noheader", "show", "assoc", "where", f"user={getpass.getuser()}"),
            "format=Account,Partition,MaxJobs,MaxSubmit",
        )
    return read_seen(config, nodes, partitions, limits)


def _ask(*command: str) -> str:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
            check=False,
            env={**os.environ, "LC_ALL": "C", "SLURM_TIME_FORMAT": "standard"},
        )
    except FileNotFoundError:
        raise SlurmError(
            f"{command[0]} is not on this machine, so there is no Slurm to ask; run this on the login node"
        ) from None
    except subprocess.TimeoutExpired:
        raise SlurmError(f"{' '.join(command)} gave no answer in {_TIMEOUT:g} s; try again later") from None
    if done.returncode:
        raise SlurmError(f"{' '.join(command)} failed: {done.stderr.strip()[:500]}")
    return done.stdout


def read_seen(config: str, nodes: str, partitions: str, limits: str = "") -> Seen:
    """The answers of `scontrol show config`, `node` and `partition`, and of `sacctmgr show assoc`, as "
    "numbers."""
    settings = dict(_settings(config))
    kinds: dict[str, list[SeenNode]] = {}
    for line in filter(None, nodes.splitlines()):
        fields = dict(_PAIR.findall(line))
        for name in filter(None, fields.get("Partitions", "").split(",")):
            kinds.setdefault(name, []).append(_node(fields))
    found: dict[str, SeenPartition] = {}
    allowed = _limits(limits)
    for line in filter(None, partitions.splitlines()):
        fields = dict(_PAIR.findall(line))
        name = fields["PartitionName"]
        every = kinds.get(name, [])
        different = tuple(sorted(set(every), key=lambda kind: (kind.memory, kind.cores, kind.gres)))
        running, submitted = allowed.get(name, allowed.get("", (None, None)))
        found[name] = SeenPartition(
            kinds=different,
            counts=tuple(every.count(kind) for kind in different),
            whole=fields.get("OverSubscribe", "").startswith("EXCLUSIVE"),
            default=fields.get("Default") == "YES",
            max_time=_time(fields.get("MaxTime", "")),
            max_nodes=_number(fields.get("MaxNodes", "")),
            min_nodes=max(1, _number(fields.get("MinNodes", "")) or 1),
            submitted=submitted,
            running=running,
        )
    return Seen(
        cluster=settings.get("ClusterName", ""),
        version=".".join(settings.get("SLURM_VERSION", "").split(".")[:2]),
        max_array_index=(_number(settings.get("MaxArraySize", "")) or 1001) - 1,
        partitions=found,
        accounting="slurmdbd" in settings.get("AccountingStorageType", ""),
    )


def _settings(config: str) -> Iterator[tuple[str, str]]:
    for line in config.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), value.strip()


def _node(fields: Mapping[str, str]) -> SeenNode:
    sockets, each = _number(fields.get("Sockets", "")) or 1, _number(fields.get("CoresPerSocket", "")) or 1
    kept = _number(fields.get("CoreSpecCount", "")) or 0
    memory = (_number(fields.get("RealMemory", "")) or 0) - (_number(fields.get("MemSpecLimit", "")) or 0)
    name, gpus = "", 0
    for gres in fields.get("Gres", "").split(","):
        parts = gres.partition("(")[0].split(":")
        if parts[0] == "gpu" and parts[-1].isdigit():
            name, gpus = ":".join(parts[:-1]), int(parts[-1])
    return SeenNode(
        cores=sockets * each - kept,
        memory=memory * 2**20,
        gpus=gpus,
        gres=name,
        architecture=fields.get("Arch", ""),
        threads=_number(fields.get("ThreadsPerCore", "")) or 1,
    )


def _limits(text: str) -> dict[str, tuple[int | None, int | None]]:
    """MaxJobs and MaxSubmit by partition, "" for all; the widest where several accounts have some."""
    found: dict[str, tuple[int | None, int | None]] = {}
    for line in filter(None, text.splitlines()):
        _, partition, running, submitted = [*line.split("|"), "", "", ""][:4]
        pair = (_number(running), _number(submitted))
        known = found.get(partition)
        found[partition] = pair if known is None else (_wider(known[0], pair[0]), _wider(known[1], pair[1]))
    return found


def _wider(first: int | None, second: int | None) -> int | None:
    return None if first is None or second is None else max(first, second)


def _number(text: str) -> int | None:
    match = re.match(r"\d+", text)
    return int(match[0]) if match else None


def _time(text: str) -> int | None:
    try:
        return parse_time(text)
    except ValueError:
        return None
