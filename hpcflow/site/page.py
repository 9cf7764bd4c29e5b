"""A profile for readers: tables in Markdown of what it holds and how each fact is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hpcflow.site.billing import Billing
from hpcflow.site.model import NodeType, Partition, Site, Storage
from hpcflow.site.notation import format_memory, format_time

_TERMS = {
    "nodes": "nodes",
    "cores": "cores",
    "memory": "memory",
    "gpus": "GPUs",
    "slices": "slices",
    "disk": "reserved disk",
    "bytes": "stored",
}


def site_page(site: Site) -> Iterator[str]:
    """The lines of a profile's page."""
    yield f"Slurm {site.slurm}; account {site.account}; planning begins with `{site.default_partition}`."
    yield ""
    yield from _table(
        (
            "partition",
            "nodes are",
            "of type",
            "at most",
            "nodes a job",
            "jobs queued (running)",
            "limits",
            "price",
        ),
        (_partition(site, name, partition) for name, partition in site.partitions.items()),
    )
    yield ""
    yield from _table(
        (
            "node type",
            "how many",
            "cores",
            "memory",
            "GPUs",
            "architecture",
            "temporary files",
            "average power",
        ),
        (_node(name, node) for name, node in site.nodes.items()),
    )
    if site.storage:
        yield ""
        yield from _table(
            ("storage", "path", "for", "size", "files", "purged after", "price"),
            (_storage(name, area) for name, area in site.storage.items()),
        )
    yield ""
    yield from _table(
        ("fact", "how it is known", "source"),
        ((f"`{fact}`", known.how, known.source) for fact, known in site.evidence.items()),
    )


def _partition(site: Site, name: str, partition: Partition) -> tuple[str, ...]:
    jobs = "–" if partition.submitted is None else f"{partition.submitted} ({partition.running or '?'})"
    least = f"{partition.min_nodes}–" if partition.min_nodes > 1 else ""
    return (
        f"`{name}`",
        partition.allocation,
        ", ".join((partition.node, *partition.also)),
        format_time(partition.max_time),
        f"{least}{partition.max_nodes}",
        jobs,
        "; ".join(_limits(site, partition)) or "–",
        "not documented" if partition.billing is None else price_text(partition.billing),
    )


def _limits(site: Site, partition: Partition) -> Iterator[str]:
    if partition.use != "work":
        yield f"for {partition.use}: only where named"
    if partition.node_hours is not None:
        yield f"{partition.node_hours} node-hours a job"
    if partition.max_cores is not None:
        yield f"{partition.max_cores} cores"
    if partition.max_memory is not None:
        yield format_memory(partition.max_memory)
    if partition.min_gpus is not None:
        yield f"{partition.min_gpus} GPUs at least"
    if partition.max_gpus is not None:
        yield f"{partition.max_gpus} GPU{'s' * (partition.max_gpus != 1)}"
    if partition.memory != "asked":
        yield f"memory goes with the {partition.memory}: no --mem"
    if partition.approval:
        yield f"needs {partition.approval}"


def price_text(billing: Billing) -> str:
    """A formula in words: ``0.5 × max(⌈cores / 8⌉, ⌈memory / 64G⌉, GPUs) GPU-hours``."""
    parts = []
    if billing.largest:
        terms = [_term(billing, "largest", of) for of in billing.largest]
        parts.append(terms[0] if len(terms) == 1 else f"max({', '.join(terms)})")
    parts += [_term(billing, "sum", of) for of in billing.sum]
    return f"{' + '.join(parts)} {billing.unit} an hour"


def _term(billing: Billing, how: str, of: str) -> str:
    term = dict(getattr(billing, how))[of]
    text = _TERMS[of]
    if term.free:
        text = f"({text} above {_size(of, term.free)})"
    if term.per != 1:
        text = f"{text} / {_size(of, term.per)}"
    if term.rounded == "up":
        text = f"⌈{text}⌉"
    return text if term.rate == 1 else f"{term.rate:g} × {text}"


def _size(of: str, size: int) -> str:
    if of == "bytes":
        return _bytes(size)
    return format_memory(size) if of in ("memory", "disk") else str(size)


def _bytes(size: int) -> str:
    for base, suffix in ((1000, "B"), (1024, "iB")):
        for power in range(5, 0, -1):
            if size % base**power == 0:
                return f"{size // base**power} {'KMGTP'[power - 1]}{suffix}"
    return f"{size} B"


def _node(name: str, node: NodeType) -> tuple[str, ...]:
    gpus = f"{node.gpus} × `{node.gres}`" if node.gpus else "–"
    where = "–"
    if node.temporary is not None:
        where = "memory of the job" if node.temporary.where == "memory" else "disk"
        where += f", {format_memory(node.temporary.size)}" if node.temporary.size else ""
        where += f", more by `--gres={node.temporary.gres}:…`" if node.temporary.gres else ""
    return (
        name,
        "–" if node.count is None else str(node.count),
        str(node.cores),
        format_memory(node.memory),
        gpus,
        node.architecture,
        where,
        "–" if node.watts is None else f"{node.watts:g} W",
    )


def _storage(name: str, area: Storage) -> tuple[str, ...]:
    return (
        name,
        f"`{area.path}`",
        area.use,
        "–" if area.quota is None else _bytes(area.quota),
        "–" if area.files is None else f"{area.files:,}",
        "–" if area.purge_days is None else f"{area.purge_days} days",
        "free" if area.billing is None else price_text(area.billing),
    )


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
