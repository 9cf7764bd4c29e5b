"""Mistakes in what a batch script asks for: cores, memory, time, nodes, files; and what they cost."""

from __future__ import annotations

from collections.abc import Callable

from hpcflow.site import format_memory, format_time
from hpcflow.site.billing import Amount
from hpcflow.slurm.finding import Asked, Finding, Found, bound_cores


def _cores(asked: Asked) -> Found:
    if asked.cpus > asked.node.cores:
        yield Finding(
            "cores",
            "error",
            0,
            f"a node of {asked.name} gives {asked.node.cores} cores; {asked.cpus} are asked for, so the job "
            "waits "
            "for ever; ask for fewer tasks a node or cores a task",
        )
    reserved = asked.node.topology.reserved if asked.node.topology else ()
    for line, options in asked.steps():
        kept = sorted(set(reserved) & bound_cores(options.get("cpu-bind", "")))
        if kept:
            yield Finding(
                "cores",
                "error",
                line,
                f"cores {kept} are the system's, so binding to them fails; use the next ones",
            )


def _exclusive_memory(asked: Asked) -> Found:
    given = asked.place.default_memory
    if "exclusive" in asked.script.directives and given and asked.memory is None:
        yield Finding(
            "exclusive-memory",
            "error",
            0,
            f"--exclusive without --mem gives {format_memory(given)} of {format_memory(asked.node.memory)}; "
            "add "
            f"--mem={format_memory(asked.node.memory)}",
        )


def _dearer_share(asked: Asked) -> Found:
    billing, memory = asked.place.billing, asked.memory
    if billing is None or asked.place.allocation == "whole":
        return
    amounts = {"nodes": 1, "cores": asked.cpus, "memory": memory or 0, "gpus": asked.gpus}
    base: Amount = "gpus" if asked.gpus and "gpus" in billing.largest else "cores"
    if base not in billing.largest or not amounts[base]:
        return
    least, price = billing.largest[base].price(amounts[base]), billing.price(amounts)
    if price > least:
        share = asked.place.share
        remedy = f"; {share.cores} cores and {format_memory(share.memory)} go with a GPU" if share else ""
        yield Finding(
            "dearer-share",
            "warning",
            0,
            f"{billing.decisive(amounts)} decides the price: {price:g} {billing.unit} an hour, not {least:g} "
            "for the "
            f"{base} alone{remedy}",
        )


def _part_of_node(asked: Asked) -> Found:
    if asked.place.allocation != "whole":
        return
    idle = asked.gpus < asked.node.gpus if asked.node.gpus else asked.cpus < asked.node.cores
    if not idle:
        return
    price = asked.place.billing.price({"nodes": 1}) if asked.place.billing else 0
    unit = asked.place.billing.unit if asked.place.billing else ""
    shared = [
        n for n, p in asked.site.partitions.items() if p.node == asked.place.node and p.allocation == "shared"
    ]
    used = (
        f"{asked.gpus} of {asked.node.gpus} GPUs"
        if asked.node.gpus
        else f"{asked.cpus} of {asked.node.cores} cores"
    )
    yield Finding(
        "part-of-node",
        "warning",
        0,
        f"{asked.name} bills whole nodes ({price:g} {unit} an hour each), and {used} are used; use all, or "
        f"{' or '.join(shared[:1]) or 'a shared partition'}",
    )


def _limits(asked: Asked) -> Found:
    place = asked.place
    size = _array_size(asked.script.directives.get("array", ""))
    if place.submitted is not None and size > place.submitted:
        yield Finding(
            "submit-limit",
            "error",
            0,
            f"{asked.name} takes {place.submitted} jobs of a user, and each of the {size} elements counts; "
            "pack blocks "
            "into fewer elements, or send them in waves",
        )
    if asked.seconds > place.max_time:
        yield Finding(
            "limits", "error", 0, f"{asked.name} allows {format_time(place.max_time)} at most; ask for less"
        )
    if place.node_hours is not None and asked.nodes * asked.seconds > place.node_hours * 3600:
        yield Finding(
            "limits",
            "error",
            0,
            f"{asked.name} allows {place.node_hours} node-hours a job; {asked.nodes} nodes for "
            f"{format_time(asked.seconds)} are {asked.nodes * asked.seconds / 3600:g}; ask for less",
        )
    if not place.min_nodes <= asked.nodes <= place.max_nodes:
        yield Finding(
            "limits",
            "error",
            0,
            f"{asked.name} takes jobs of {place.min_nodes} to {place.max_nodes} nodes; {asked.nodes} are "
            "asked for",
        )
    gpus = asked.gpus * asked.nodes
    if place.max_gpus is not None and gpus > place.max_gpus:
        yield Finding(
            "limits", "error", 0, f"{asked.name} allows {place.max_gpus} GPUs a job; {gpus} are asked for"
        )
    if place.min_gpus is not None and gpus < place.min_gpus:
        yield Finding(
            "limits",
            "error",
            0,
            f"{asked.name} takes jobs of {place.min_gpus} GPUs or more; {gpus} are asked for",
        )
    if place.approval:
        yield Finding("limits", "warning", 0, f"{asked.name} needs {place.approval}")


def _array_size(text: str) -> int:
    size = 0
    for part in filter(None, text.partition("%")[0].split(",")):
        span, _, step = part.partition(":")
        first, _, last = span.partition("-")
        if first.isdigit():
            size += (int(last or first) - int(first)) // int(step or 1) + 1
    return size


def _fixed_memory(asked: Asked) -> Found:
    said = [o for o in ("mem", "mem-per-cpu", "mem-per-gpu") if o in asked.script.directives]
    if said and asked.place.memory != "asked":
        yield Finding(
            "fixed-memory",
            "error",
            0,
            f"memory goes with the {asked.place.memory} in {asked.name}; drop --{said[0]}",
        )


def _many_files(asked: Asked) -> Found:
    limit = max((area.files or 0 for area in asked.site.storage.values()), default=0)
    for command in asked.script.commands:
        words = command.words
        made = words[:2] in (("conda", "create"), ("mamba", "create"), ("pip", "install"), ("conda", "env"))
        made = made or ("-m" in words and "venv" in words)
        if made and limit:
            yield Finding(
                "many-files",
                "warning",
                command.line,
                f"an environment is 50,000 files or more, a storage area holds {limit:,}, and a shared file "
                "system "
                "reads them slowly; put it into a container or a squashfs image",
            )


def _temporary(asked: Asked) -> Found:
    where = asked.node.temporary
    for command in asked.script.commands:
        text = " ".join(command.words)
        if where is not None and where.where == "memory" and ("/tmp" in text or "TMPDIR" in text):
            yield Finding(
                "temporary",
                "warning",
                command.line,
                "/tmp is memory here: what is written there counts against --mem, and is gone at the end; "
                "ask for so "
                "much more, or write to the project's scratch",
            )
        wanted = "LOCAL_SCRATCH" in text
        if wanted and not (where and where.gres):
            yield Finding(
                "temporary", "error", command.line, f"{asked.name} has no $LOCAL_SCRATCH; use $TMPDIR"
            )
    gres = asked.script.directives.get("gres", "")
    if "nvme" in gres and not (where and where.gres == "nvme"):
        yield Finding(
            "temporary", "error", 0, f"{asked.name} has no --gres=nvme; use $TMPDIR, which is there already"
        )


RESOURCE_CHECKS: tuple[Callable[[Asked], Found], ...] = (
    *(
        _cores,
        _exclusive_memory,
        _dearer_share,
        _part_of_node,
        _limits,
        _fixed_memory,
        _many_files,
        _temporary,
    ),
)
