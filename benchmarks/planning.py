"""Planning: free of the number of blocks over regular data, linear in the number of ragged records.

In-process, after imports. What is timed is `compile_cut` and the text of `cut.json`; tables are made before.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.measure import Measure, best_seconds
from hpcflow.plan.axes import tile_length
from hpcflow.plan.compile import compile_cut
from hpcflow.plan.layout import layout_for, place
from hpcflow.plan.model import Cut
from hpcflow.plan.records import Fact, RecordTable, Variable
from hpcflow.plan.stages import TILES_PER_BLOCK
from hpcflow.plan.tiling import chain_reach
from hpcflow.workflow.model import DatasetSpec, Ref, RunSpec, StepSpec, WorkflowSpec
from hpcflow_kernels import get

RATE = 25_600.0

FEW, MANY = 10, 10_000_000
"""Blocks of the two plans over regular data."""


def workflow(with_records: bool = False, block_bytes: int | None = None) -> WorkflowSpec:
    """Band-pass and condition indicators from one read; a diagnosis per record on top where asked for."""
    steps = [
        _step("band", "bandpass", {"signal": "acceleration"}, low=2000.0, high=5000.0),
        _step("condition", "condition_indicators", {"signal": "acceleration"}, window=1.0),
    ]
    if with_records:
        ports = {"signal": "acceleration", "speed": "speed", "bearing": "bearing"}
        steps.append(_step("diagnosis", "bearing_faults", ports))
    return WorkflowSpec(
        name="planning",
        description="",
        file="planning.yaml",
        folder=Path("."),
        source=b"",
        sha256="0" * 64,
        overrides=(),
        parameters={},
        datasets=(DatasetSpec("machine", ("*",), "matlab"),),
        steps=tuple(steps),
        save=tuple(Ref(step.name) for step in steps),
        run=RunSpec(block_bytes=block_bytes),
    )


def _step(name: str, kernel: str, ports: dict[str, str], **given: float) -> StepSpec:
    params = {p.name: given.get(p.name, p.default) for p in get(kernel).params}
    return StepSpec(
        name, kernel, {port: Ref("machine", field, True) for port, field in ports.items()}, params
    )


def records(size: np.ndarray, rate: np.ndarray) -> RecordTable:
    """A record table with these lengths and rates, as a scan of as many files would give."""

    def texts(template: str) -> np.ndarray:
        return np.array([template.format(i) for i in range(len(size))], object)

    known = np.full(len(size), 1, np.int8)
    return RecordTable(
        ids=texts("recordings/{:07d}.mat#DE"),
        start=place(size.tolist(), 0, layout_for(int(size.sum()))),
        size=size,
        rate=rate,
        status=np.zeros(len(size), np.int8),
        reason=texts(""),
        checksum=texts("{:064x}"),
        path=texts("recordings/{:07d}.mat"),
        channel=texts("DE"),
        variables=(Variable("acceleration", "m s-2", "float32"),),
        facts={
            "speed": Fact("speed", np.full(len(size), 29.5), "s-1", known),
            "bearing": Fact("bearing", texts("SKF 6205-2RS"), "text", known),
        },
    )


def tile_samples() -> int:
    """Tile of the workflow's fused chain at this rate."""
    steps = compile_cut(workflow(), {"machine": records(np.array([1 << 18]), np.array([RATE]))}).steps
    return tile_length(chain_reach(steps, RATE) or 0)


BLOCK_BYTES = TILES_PER_BLOCK * tile_samples() * 4
"""A block as planning makes it where there is much to do."""


def regular(blocks: int) -> RecordTable:
    """One record that is cut into so many blocks."""
    return records(np.array([blocks * BLOCK_BYTES // 4]), np.array([RATE]))


def ragged(count: int) -> RecordTable:
    """Records of 1 000 to 2 000 000 samples at three rates."""
    rng = np.random.default_rng(7)
    return records(rng.integers(1_000, 2_000_000, count), rng.choice([12_000.0, RATE, 48_000.0], count))


def plan(table: RecordTable, with_records: bool = False) -> tuple[Cut, str]:
    """What is measured."""
    cut = compile_cut(workflow(with_records, BLOCK_BYTES), {"machine": table})
    return cut, cut.to_json()


def blocks_of(cut: Cut) -> int:
    """Blocks of the stage that computes."""
    return next(stage.blocks for stage in cut.stages if stage.kind == "tiles")


def memory_bytes(table: RecordTable) -> int:
    """Largest memory that planning takes on top of the table."""
    tracemalloc.start()
    plan(table)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measures(small: bool, timers: bool) -> Iterator[Measure]:
    """Plan both ways; `small` takes a thousandth of the ragged records (the blocks cost nothing)."""
    few, many = regular(FEW), regular(MANY)
    plans = {name: plan(table) for name, table in (("few", few), ("many", many))}
    assert (blocks_of(plans["few"][0]), blocks_of(plans["many"][0])) == (FEW, MANY)
    yield Measure("planning.regular.blocks", MANY, "blocks", timed=False)
    text = len(plans["many"][1]) / len(plans["few"][1])
    yield Measure("planning.regular.text_ratio", text, f"bytes of cut.json, {MANY:,} / {FEW} blocks", False)
    memory = memory_bytes(many) / memory_bytes(few)
    yield Measure("planning.regular.memory_ratio", memory, f"peak bytes, {MANY:,} / {FEW} blocks", False)
    count = 1_000 if small else 1_000_000
    table = ragged(count)
    cut, _ = plan(table, with_records=True)
    assert sum(d.live for d in cut.datasets) == count
    yield Measure("planning.ragged.records", count, "records", timed=False)
    if not timers:
        return
    slow, fast = best_seconds(lambda: plan(many), 25), best_seconds(lambda: plan(few), 25)
    yield Measure("planning.regular.seconds", slow, f"s, {MANY:,} blocks")
    yield Measure("planning.regular.time_ratio", slow / fast, f"time, {MANY:,} / {FEW} blocks")
    yield Measure(
        "planning.ragged.seconds", best_seconds(lambda: plan(table, True), 2), f"s, {count:,} records"
    )
