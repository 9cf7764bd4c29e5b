"""A plan in one screen: what is decided and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from hpcflow.cli.show import count, table
from hpcflow.plan.compile import summary
from hpcflow.plan.time import stage_seconds, total_seconds
from hpcflow.units import format_bytes, format_duration

if TYPE_CHECKING:
    from hpcflow.api import Asked


def explain(asked: Asked, site: str | None, account: str | None) -> Iterator[str]:
    """Lines for people."""
    cut = asked.cut
    totals = summary(cut)
    yield f"{cut.name}: run id {cut.id[:8]}"
    for dataset in cut.datasets:
        yield (
            f"  {dataset.name}: {count(dataset.live, 'record')}, {dataset.samples:,} samples of "
            f"{', '.join(v.name for v in dataset.variables)}"
            + (
                f"; {dataset.records - dataset.live} not computed on"
                if dataset.records != dataset.live
                else ""
            )
        )
    for path, reason in asked.aside:
        yield f"  set aside: {path}: {reason}"
    rows = []
    for stage in cut.stages:
        seconds = stage_seconds(cut, stage)
        what = ", ".join(stage.steps) or stage.dataset
        rows.append(
            (
                stage.name,
                f"{stage.blocks:,}",
                what,
                format_bytes(stage.read_bytes),
                format_bytes(stage.write_bytes),
                f"{stage.files:,}",
                format_bytes(stage.memory_bytes),
                f"{format_duration(seconds.low)} - {format_duration(seconds.high)}",
            )
        )
    yield table(
        ("stage", "blocks", "what", "reads", "writes", "files", "memory a worker", "time of one worker"),
        rows,
        right=(1, 3, 4, 5, 6),
    )
    total = total_seconds(cut)
    yield (
        f"  in all {count(totals['blocks'], 'block')}, {format_bytes(totals['write_bytes'])} in "
        f"{count(totals['files'], 'file')}, {format_duration(total.low)} - {format_duration(total.high)} "
        "of one worker (assumed rates, not yet calibrated on this machine)"
    )
    for stage in cut.stages:
        if stage.kind == "tiles" and len(stage.steps) > 1:
            yield f"  {', '.join(stage.steps)} share one read of {stage.dataset}"
    for warning in asked.warnings:
        yield f"  note: {warning}"
    if site:
        from hpcflow.executors.slurm import schedule_of

        schedule = schedule_of(cut, site, account)
        yield f"on {site}:"
        yield from (f"  {line}" for line in schedule.reasons)


def explained_json(asked: Asked, site: str | None, account: str | None) -> dict[str, Any]:
    """The same for programs."""
    cut = asked.cut
    total = total_seconds(cut)
    found: dict[str, Any] = {
        "schema": "hpcflow.plan/1",
        **summary(cut),
        "low_seconds": total.low,
        "high_seconds": total.high,
        "calibrated": False,
        "aside": [{"file": path, "reason": reason} for path, reason in asked.aside],
        "warnings": list(asked.warnings),
        "stage_list": [
            {
                "name": s.name,
                "kind": s.kind,
                "blocks": s.blocks,
                "after": list(s.after),
                "steps": list(s.steps),
                "memory_bytes": s.memory_bytes,
                "read_bytes": s.read_bytes,
                "write_bytes": s.write_bytes,
                "files": s.files,
                "low_seconds": stage_seconds(cut, s).low,
                "high_seconds": stage_seconds(cut, s).high,
            }
            for s in cut.stages
        ],
    }
    if site:
        from dataclasses import asdict

        from hpcflow.executors.slurm import schedule_of

        found["schedule"] = asdict(schedule_of(cut, site, account))
    return found
