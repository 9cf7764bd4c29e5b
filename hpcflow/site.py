"""What a cluster is: a frozen `Site`, read from a YAML profile; no cluster is named in code.

A profile is found in the folders of ``HPCFLOW_LUMI_SITES`` (separated by ``:``), then in the user's
``~/.config/hpcflow-lumi/sites``, then among those shipped. Sizes and times are written as Slurm writes
them (``224G`` is 224 GiB, ``2-00:00:00`` is two days), so that a profile can be held against
``scontrol show partition`` line by line.
"""

from __future__ import annotations

import difflib
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hpcflow.errors import Problem, RequestError, WorkflowError

FORMAT = 1
SITES_VARIABLE = "HPCFLOW_LUMI_SITES"

_MEMORY_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_MEMORY = re.compile(r"(\d+)([KMGT])")
_TIME = re.compile(r"(?:(\d+)-)?(\d{1,2}):(\d{2}):(\d{2})")
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_FORBID = {"extra": "forbid"}


def parse_memory(text: str) -> int:
    """Bytes of a size in Slurm's notation: ``229376M``, ``224G``; the units are powers of 1024.

    Raises
    ------
    ValueError
        For any other text.
    """
    match = _MEMORY.fullmatch(text)
    if match is None:
        raise ValueError(f"a size is a whole number with K, M, G or T, as in 224G; found {text!r}")
    return int(match[1]) * _MEMORY_UNITS[match[2]]


def format_memory(size: int) -> str:
    """The size in Slurm's notation, rounded up to whole MiB; in G where that is exact."""
    mebibytes = -(-size // 2**20)
    return f"{mebibytes // 1024}G" if mebibytes % 1024 == 0 and mebibytes else f"{mebibytes}M"


def parse_time(text: str) -> int:
    """Seconds of a time in Slurm's notation ``[days-]hours:minutes:seconds``.

    Raises
    ------
    ValueError
        For any other text.
    """
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f"a time is [days-]hours:minutes:seconds, as in 2-00:00:00; found {text!r}")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def format_time(seconds: int) -> str:
    """The time in Slurm's notation ``[days-]hours:minutes:seconds``."""
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02d}:{minute:02d}:{second:02d}"
    return f"{days}-{clock}" if days else clock


@dataclass(frozen=True)
class Modules:
    """Environment modules that a job loads before anything else, and variables it sets."""

    __pydantic_config__ = _FORBID
    purge: bool = False
    use: tuple[str, ...] = ()
    load: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class NodeType:
    """A kind of node.

    Attributes
    ----------
    cores
        Physical cores that a job may use.
    memory
        Bytes that a job may ask for.
    gpus, gres
        GPUs of a node as Slurm counts them, and their GRES name.
    modules
        What a job on such a node loads.
    """

    __pydantic_config__ = _FORBID
    cores: int
    memory: int
    gpus: int = 0
    gres: str = ""
    modules: Modules = field(default_factory=Modules)


@dataclass(frozen=True)
class Billing:
    """Price of an hour: ``factor × max(ceil(amount / per) for each term)`` in `unit`.

    A term is one of ``nodes``, ``cores``, ``memory`` (bytes) and ``gpus``, each over the whole job.
    """

    __pydantic_config__ = _FORBID
    unit: str
    factor: float
    per: Mapping[Literal["nodes", "cores", "memory", "gpus"], int]


@dataclass(frozen=True)
class Partition:
    """A partition and what the site allows in it.

    Attributes
    ----------
    node
        Name of its node type.
    allocation
        ``whole``: a job gets and pays for whole nodes; ``shared``: what it asks for.
    max_time
        Longest time limit, seconds.
    max_nodes
        Most nodes of one job.
    submitted, running
        Most jobs a user may have in the queue, and running; None where unlimited or unknown.
    """

    __pydantic_config__ = _FORBID
    node: str
    allocation: Literal["whole", "shared"]
    max_time: int
    max_nodes: int
    submitted: int | None = None
    running: int | None = None
    billing: Billing | None = None


@dataclass(frozen=True)
class Evidence:
    """How a fact of a profile is known: from documents, seen on the machine, or assumed."""

    __pydantic_config__ = _FORBID
    how: Literal["docs", "observed", "assumed"]
    source: str


@dataclass(frozen=True)
class Launcher:
    """Options of `srun`: for the agent that computes blocks, and for MPI programs."""

    __pydantic_config__ = _FORBID
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
        Where blocks are computed, and where the short jobs that count receipts run.
    account
        ``required`` where Slurm refuses a job without one.
    sbatch_from_compute
        Whether a job may submit jobs.
    max_array_index
        Highest index of an array element (MaxArraySize - 1).
    python
        The interpreter on the nodes; "" for the one that compiles.
    evidence
        For a dotted path of this profile, or a part of its front, how it is known.
    """

    __pydantic_config__ = _FORBID
    name: str
    title: str
    scheduler: Literal["slurm", "none"]
    nodes: Mapping[str, NodeType]
    partitions: Mapping[str, Partition]
    default_partition: str
    gate_partition: str
    slurm: str = ""
    account: Literal["required", "optional"] = "optional"
    sbatch_from_compute: Literal["yes", "no", "unknown"] = "unknown"
    max_array_index: int = 1000
    login_shell: bool = True
    launcher: Launcher = field(default_factory=Launcher)
    python: str = ""
    evidence: Mapping[str, Evidence] = field(default_factory=dict)

    def node_of(self, partition: str) -> NodeType:
        """The node type of a partition."""
        return self.nodes[self.partitions[partition].node]

    def evidence_of(self, path: str) -> Evidence | None:
        """How the fact at a dotted path is known; the longest entry that begins it decides."""
        parts = path.split(".")
        for length in range(len(parts), 0, -1):
            found = self.evidence.get(".".join(parts[:length]))
            if found is not None:
                return found
        return None

    def billed(
        self, partition: str, *, seconds: float, nodes: int = 1, cores: int, memory: int, gpus: int = 0
    ) -> tuple[float, str] | None:
        """What a job costs, and the unit; None where the profile does not know.

        Parameters
        ----------
        seconds
            Time that the job runs.
        cores, memory, gpus
            Totals over the job; memory in bytes.
        """
        billing = self.partitions[partition].billing
        if billing is None:
            return None
        amounts = {"nodes": nodes, "cores": cores, "memory": memory, "gpus": gpus}
        shares = [math.ceil(amounts[term] / per) for term, per in billing.per.items()]
        return billing.factor * max(shares) * seconds / 3600, billing.unit


def site_folders() -> Iterator[Path]:
    """Folders that may hold profiles, first to last."""
    for named in os.environ.get(SITES_VARIABLE, "").split(os.pathsep):
        if named:
            yield Path(named)
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    yield Path(config) / "hpcflow-lumi" / "sites"
    yield from _shipped_folders()


def _shipped_folders() -> Iterator[Path]:
    checkout = Path(__file__).resolve().parents[1] / "slurm" / "sites"
    if checkout.is_dir():  # also of an editable install
        yield checkout
        return
    import importlib.metadata

    try:
        installed = importlib.metadata.files("hpcflow-lumi") or []
    except importlib.metadata.PackageNotFoundError:
        installed = []
    for file in installed:
        if file.parts[-2:-1] == ("sites",) and file.suffix == ".yaml":
            yield Path(os.path.abspath(file.locate())).parent
            return
    yield Path(sys.prefix) / "share" / "hpcflow-lumi" / "sites"


def available_sites() -> dict[str, Path]:
    """Names of all profiles, and the file of each that is used."""
    found: dict[str, Path] = {}
    for folder in site_folders():
        if folder.is_dir():
            for file in sorted(folder.glob("*.yaml")):
                found.setdefault(file.stem, file)
    return dict(sorted(found.items()))


def load_site(name: str) -> Site:
    """The profile of that name, or of that file where `name` ends in ``.yaml``.

    Raises
    ------
    RequestError
        Where there is no such profile.
    WorkflowError
        Where the profile is wrong: all of its problems with file and line.
    """
    if name.endswith((".yaml", ".yml")):
        file = Path(name)
        if not file.is_file():
            raise RequestError(f"a site profile is a file; {name!r} is not there")
        return read_site(file)
    sites = available_sites()
    if name not in sites:
        near = difflib.get_close_matches(name, sites, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "write one, or name its file"
        raise RequestError(
            f"a site is one of {', '.join(sites) or 'none found'}; {name!r} has no profile, so nothing "
            f"can be compiled for it; {hint}"
        )
    return read_site(sites[name])


def read_site(file: Path) -> Site:
    """Read and check one profile.

    Raises
    ------
    WorkflowError
        All problems at once.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        document = YAML(typ="rt", pure=True).load(file.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = Problem(str(file), line, column, "", "a profile is YAML", error.problem or "", "")
        raise WorkflowError([problem]) from None
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise WorkflowError(
            [Problem(str(file), 0, 0, "", "a profile is YAML in UTF-8", str(error), "")]
        ) from None
    if not isinstance(document, dict):
        raise WorkflowError([Problem(str(file), 1, 1, "", "a profile is a mapping", repr(document), "")])
    return _checked(document, file)


class _Problems:
    """Collects problems of one file, each with the place of its path."""

    def __init__(self, document: Any, file: Path) -> None:
        self._document = document
        self._file = file
        self.found: list[Problem] = []

    def add(self, path: tuple[Any, ...], rule: str, value: Any = "", remedy: str = "") -> None:
        line, column = self._place(path)
        dotted = ".".join(str(part) for part in path)
        shown = "" if value == "" else repr(value)
        self.found.append(Problem(str(self._file), line, column, dotted, rule, shown, remedy))

    def _place(self, path: tuple[Any, ...]) -> tuple[int, int]:
        node: Any = self._document
        place = (1, 1)
        for part in path:
            try:
                marks: Any = node.lc
                line, column = marks.key(part) if isinstance(node, dict) else marks.item(part)
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
            place = (line + 1, column + 1)
        return place


def _checked(document: Any, file: Path) -> Site:
    problems = _Problems(document, file)
    version = document.get("hpcflow_site")
    if version != FORMAT:
        problems.add(("hpcflow_site",), f"the format version is {FORMAT}", version, f"hpcflow_site: {FORMAT}")
        raise WorkflowError(problems.found)
    values = _plain(document)
    del values["hpcflow_site"]
    _read_sizes(values, problems)
    site = _build(values, problems)
    if site is not None:
        _check_rules(site, file, problems)
    if site is None or problems.found:
        raise WorkflowError(problems.found)
    return site


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return tuple(_plain(entry) for entry in value)
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):  # ruamel's scalars are subclasses that remember their form
        if isinstance(value, kind):
            return kind(value)
    return value


def _read_sizes(values: dict[str, Any], problems: _Problems) -> None:
    """Turn sizes and times in Slurm's notation into numbers, in place."""

    def read(holder: Any, key: str, path: tuple[str, ...], parse: Any) -> None:
        if not isinstance(holder, dict) or key not in holder:
            return
        text = holder[key]
        if text == "auto":
            holder[key] = _this_machine(key)
            return
        try:
            holder[key] = parse(str(text))
        except ValueError as error:
            problems.add((*path, key), str(error))
            holder[key] = 1

    def members(key: str) -> list[tuple[str, Any]]:
        group = values.get(key)
        return list(group.items()) if isinstance(group, dict) else []

    for name, node in members("nodes"):
        read(node, "memory", ("nodes", name), parse_memory)
        if isinstance(node, dict) and node.get("cores") == "auto":
            node["cores"] = _this_machine("cores")
    for name, partition in members("partitions"):
        read(partition, "max_time", ("partitions", name), parse_time)
        billing = partition.get("billing") if isinstance(partition, dict) else None
        per = billing.get("per") if isinstance(billing, dict) else None
        read(per, "memory", ("partitions", name, "billing", "per"), parse_memory)


def _this_machine(key: str) -> int:
    if key == "cores":
        return len(os.sched_getaffinity(0))
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return physical // 2**20 * 2**20


def _build(values: dict[str, Any], problems: _Problems) -> Site | None:
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(Site).validate_python(values)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path = tuple(part for part in detail["loc"] if part != "[key]")
            if detail["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
                problems.add(path, "unknown key", path[-1], "remove it, or correct its spelling")
            elif detail["type"] == "missing":
                problems.add(path, "a required key is missing", path[-1], "add it")
            else:
                problems.add(path, detail["msg"][0].lower() + detail["msg"][1:], detail["input"])
        return None


def _check_rules(site: Site, file: Path, problems: _Problems) -> None:
    if not _NAME.fullmatch(site.name) or site.name != file.stem:
        problems.add(("name",), f"the name is the file's, {file.stem!r}, in a-z 0-9 _ -", site.name)
    if site.scheduler == "slurm" and not re.fullmatch(r"\d\d\.\d\d", site.slurm):
        problems.add(("slurm",), "the version of Slurm is YY.MM in quotes", site.slurm, 'slurm: "24.05"')
    for key in ("default_partition", "gate_partition"):
        partition = getattr(site, key)
        if partition not in site.partitions:
            problems.add((key,), f"must be one of {', '.join(site.partitions)}", partition)
    for name, partition in site.partitions.items():
        if partition.node not in site.nodes:
            problems.add(
                ("partitions", name, "node"), f"must be one of {', '.join(site.nodes)}", partition.node
            )
    for path, least in _counts(site):
        if least < 1:
            problems.add(path, "must be at least 1", least)
    for fact in _facts(site):
        if site.evidence_of(fact) is None:
            problems.add(
                tuple(fact.split(".")),
                "every fact says how it is known",
                remedy=f"add {fact} (or the front of it) under evidence: {{how: docs, source: …}}",
            )


def _counts(site: Site) -> Iterator[tuple[tuple[str, ...], int]]:
    for name, node in site.nodes.items():
        yield ("nodes", name, "cores"), node.cores
        yield ("nodes", name, "memory"), node.memory
    for name, partition in site.partitions.items():
        yield ("partitions", name, "max_time"), partition.max_time
        yield ("partitions", name, "max_nodes"), partition.max_nodes
        for key in ("submitted", "running"):
            limit = getattr(partition, key)
            if limit is not None:
                yield ("partitions", name, key), limit
        for term, per in partition.billing.per.items() if partition.billing else ():
            yield ("partitions", name, "billing", "per", term), per
    yield ("max_array_index",), site.max_array_index


def _facts(site: Site) -> Iterator[str]:
    yield from (f"nodes.{name}" for name in site.nodes)
    yield from (f"partitions.{name}" for name in site.partitions)
    if site.scheduler == "slurm":
        yield from ("slurm", "sbatch_from_compute", "max_array_index", "launcher")
