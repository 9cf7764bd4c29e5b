"""What was asked, and what was decided and why."""

from __future__ import annotations

import json
from typing import Any

from hpcflow.plan.model import Cut, StagePlan, StepPlan
from hpcflow.report.parts import Cell, Code, Note, Part, Section, Table
from hpcflow.report.source import Source, Step
from hpcflow.report.text import MISSING, count, listed, number, units
from hpcflow.units import format_bytes, format_quantity

MOST_LINES = 400
"""Lines of the workflow that are shown."""


def asked(source: Source) -> Section:
    """The workflow as written, what was set on the command line, every step with its parameters."""
    request = source.folder.request
    parts: list[Part] = []
    settings = [str(s) for s in request.get("settings", ())]
    if settings:
        rows = tuple((name, value) for name, _, value in (s.partition("=") for s in settings))
        parts.append(Table(("Set", "To"), rows, caption="Set on the command line"))
    parts += [Note(str(w), tone="warn") for w in request.get("warnings", ())]
    steps: list[tuple[Cell | str, ...]] = []
    for step in source.cut.steps:
        inputs = listed([f"{i.source}{'.' + i.field if i.field else ''}" for i in step.inputs])
        with_ = ", ".join(f"{name} {value}" for name, value in parameters(step)) or MISSING
        steps.append(
            (
                Cell(step.name, note="saved" if step.saved else ""),
                Cell(step.kernel, note=f"version {step.version}"),
                inputs,
                with_,
            )
        )
    parts.append(Table(("Step", "Kernel", "Reads", "Parameters"), tuple(steps)))
    text = _workflow(source)
    if text:
        parts.append(Code(text, "The workflow file"))
    return Section("asked", "What was asked", tuple(parts), detail=True)


def _workflow(source: Source) -> str:
    try:
        text = source.folder.workflow_file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"# … {len(lines) - MOST_LINES} more lines"]
    return "\n".join(lines)


def parameters(step: StepPlan) -> list[tuple[str, str]]:
    """Parameters with their units, where the kernel is known here; as numbers otherwise."""
    from hpcflow_kernels import registry

    known = registry.contracts().get(step.kernel)
    kinds = {p.name: p.dimension for p in known.params} if known is not None else {}
    return [
        (name, _parameter(value, kinds.get(name))) for name, value in step.params.items() if value is not None
    ]


def _parameter(value: Any, dimension: str | None) -> str:
    if isinstance(value, list | tuple):
        few = [_parameter(v, dimension) for v in value[:4]]
        more = len(value) - len(few)
        return f"[{', '.join(few)}{f', … {more} more' if more else ''}]"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value if isinstance(value, str) else json.dumps(value)
    if dimension is None:
        return number(float(value), 6)
    try:
        return format_quantity(float(value), dimension)
    except (ValueError, KeyError):
        return number(float(value), 6)


def decided(source: Source) -> Section:
    """Stages and blocks, each with its reason, and the memory a worker needs at most."""
    cut = source.cut
    rows: list[tuple[Cell | str, ...]] = []
    for stage in cut.stages:
        rows.append(
            (
                Cell(stage.name, note=f"after {listed(list(stage.after))}" if stage.after else ""),
                _why(cut, stage),
                f"{stage.blocks:,}",
                format_bytes(stage.memory_bytes) if stage.memory_bytes else MISSING,
                format_bytes(stage.read_bytes),
                format_bytes(stage.write_bytes),
            )
        )
    worst = max(cut.stages, key=lambda s: s.memory_bytes, default=None)
    lead = f"{count(sum(s.blocks for s in cut.stages), 'block')} in {count(len(cut.stages), 'stage')}."
    if worst is not None and worst.memory_bytes:
        lead += f" A worker needs at most {format_bytes(worst.memory_bytes)}, in {worst.name}."
    parts: list[Part] = [Note(note) for note in cut.notes]
    head = ("Stage", "What and why", "Blocks", "Memory bound", "Reads", "Writes")
    parts.append(Table(head, tuple(rows), numbers=(2, 3, 4, 5)))
    parts += _schedules(source)
    return Section("decided", "What was decided, and why", tuple(parts), lead=lead, detail=True)


def _why(cut: Cut, stage: StagePlan) -> str:
    names = listed(list(stage.steps))
    if stage.kind == "ingest":
        return "Reads the files into the dataset's shards; one shard, one file, one writer."
    if stage.kind == "table":
        return "Closes the record table: what each recording is, and where each fact came from."
    if stage.kind == "tiles":
        together = f"{names} share one read" if len(stage.steps) > 1 else f"{names} runs"
        tiles = count(stage.tiles_per_block, "tile")
        return f"{together}, {tiles} to a block; what passes between them stays in memory."
    if stage.kind == "records":
        rows = (
            f", bundled until a block holds {stage.samples_per_block:,} samples"
            if stage.samples_per_block
            else ""
        )
        verb = "need" if len(stage.steps) > 1 else "needs"
        return f"{names} {verb} whole recordings{rows}."
    if stage.kind == "collective":
        return f"{names} has each recording computed by several ranks that talk to each other."
    if stage.kind == "reduce":
        return f"{names}: each block sums up its recordings."
    if stage.kind == "merge":
        return f"{names}: the blocks' sums become one result, always in the same order."
    return f"{names}: small pieces become whole shards, so that few files are left."


def _schedules(source: Source) -> list[Part]:
    """Jobs on a cluster, where the run was compiled for one."""
    parts: list[Part] = []
    folder = source.folder.schedules
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else ():
        try:
            schedule = json.loads(path.read_text())
            jobs = [
                (
                    Cell(str(job["name"]), note="; ".join(str(r) for r in job.get("reasons", ()))),
                    str(job["partition"]),
                    f"{job['elements']:,} × {job['workers']:,}",
                    f"{job['cpus']:,}",
                    format_bytes(job["memory"]),
                    f"{job['seconds'] / 60:.0f} min",
                )
                for job in schedule["jobs"]
            ]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        head = ("Job", "Partition", "Allocations × workers", "CPUs", "Memory", "Limit")
        parts.append(
            Table(
                head, tuple(jobs), numbers=(2, 3, 4, 5), caption=f"Jobs on {schedule.get('site', path.stem)}"
            )
        )
        parts += [Note(str(reason)) for reason in schedule.get("reasons", ())]
    return parts


def rows_of(step: Step) -> str:
    """The length of a result, in words."""
    if step.plan.pattern == "reduce":
        return "one, over all"
    return count(int(step.data.sizes[step.plan.axis]), step.plan.axis)


def outputs(source: Source) -> Section:
    """Where the results lie and what they hold."""
    rows: list[tuple[Cell | str, ...]] = []
    for step in source.steps:
        fields = ", ".join(
            f.name + (f" ({units(f.units)})" if units(f.units) else "") for f in step.plan.fields
        )
        rows.append((f"results/{step.name}.zarr", rows_of(step), fields))
    parts: list[Part] = [Table(("Store", "Rows", "Holds"), tuple(rows))] if rows else []
    parts.append(Note("Each opens with xarray.open_zarr, and with any other reader of Zarr version 3."))
    return Section("results", "Where the results are", tuple(parts), detail=True)
