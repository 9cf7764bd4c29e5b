"""Make a run's folder from a cut: plan, record tables, templates. One process does this, before any block.

Doing it again over an existing run of the same cut changes nothing that is done.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.store import (
    left_out_as_stored,
    pending,
    shards_of,
    stored_as_planned,
    stored_table,
    template_files,
)
from hpcflow.data.table import table_files, write_table
from hpcflow.data.template import template_files as step_files
from hpcflow.plan.model import Cut, DatasetPlan
from hpcflow.plan.records import ASIDE, PLANNED, REPLACED, RecordTable
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger, append, merge, subtract
from hpcflow.run.publish import publish
from hpcflow.run.reuse import FILE, find_reuse


@dataclass(frozen=True)
class DatasetRequest:
    """This machine's side of a dataset."""

    folder: Path
    """What record paths are relative to."""
    store: Path
    reader: str
    options: Mapping[str, Any]


def run_name(cut: Cut) -> str:
    """Name of the run's folder."""
    return f"{cut.name}-{cut.id[:8]}"


def prepare_run(
    runs: Path,
    cut: Cut,
    tables: Mapping[str, RecordTable],
    requests: Mapping[str, DatasetRequest],
    workflow: bytes,
    extra: Mapping[str, Any],
) -> RunFolder:
    """Create the folder of a run, or return to it.

    Parameters
    ----------
    runs
        Folder that holds runs.
    tables
        Record tables as planned.
    requests
        Where files and stores lie here.
    workflow
        Bytes of the workflow file.
    extra
        Whatever else the request should remember (overrides, files set aside by the scan).
    """
    folder = RunFolder(runs.absolute() / run_name(cut))
    new = not folder.cut_file.is_file()
    request = {
        "schema": "hpcflow.request/1",
        "datasets": {
            name: {
                "folder": str(r.folder.absolute()),
                "store": str(r.store.absolute()),
                "reader": r.reader,
                "options": r.options,
            }
            for name, r in requests.items()
        },
        **extra,
    }
    for path in (folder.receipts, folder.packs, folder.logs, folder.results, folder.jobs, folder.schedules):
        path.mkdir(parents=True, exist_ok=True)
    publish(folder.request_file, json.dumps(request, indent=1, sort_keys=True).encode() + b"\n")
    if new:
        publish(folder.workflow_file, workflow)
        for dataset in cut.datasets:
            write_table(folder.records / f"{dataset.name}.zarr", tables[dataset.name])
        for step in cut.steps:
            if step.stored and step.pattern != "reduce":
                store = folder.step_store(step.name, step.saved)
                for name, content in step_files(step):
                    publish(store / name, content)
        reuse = find_reuse(runs, cut, tables)
        publish(folder.path / FILE, json.dumps(reuse, separators=(",", ":")).encode())
        publish(folder.cut_file, cut.to_json().encode())
    for dataset in cut.datasets:
        if dataset.kind == "files":
            _prepare_store(folder, dataset, tables[dataset.name], requests[dataset.name].store)
    return folder


def _prepare_store(folder: RunFolder, dataset: DatasetPlan, table: RecordTable, store: Path) -> None:
    """Extend the store's template, note planned records, and take over what is ingested already."""
    stored = stored_table(store)
    wanted = pending(table, stored)
    current = set(np.flatnonzero(table.status != REPLACED).tolist())
    known = {i: state for i, state in stored_as_planned(table, stored).items() if i in current}
    if stored is None or wanted.any():
        noted = _noted(table, wanted, known)
        for name, content in [*template_files(dataset, noted), *table_files(noted)]:
            path = store / name
            if not path.is_file() or path.read_bytes() != content:
                publish(path, content)
    aside = [
        {"record": str(table.ids[i]), "reason": reason}
        for i, (status, reason) in known.items()
        if status == ASIDE and table.size[i] > 0 and not wanted[i]
    ]
    _take_over(folder, dataset, shards_of(table, wanted, dataset.shard), aside)


def _noted(table: RecordTable, wanted: np.ndarray, known: Mapping[int, tuple[int, str]]) -> RecordTable:
    """The table as the store should say it until this run has ingested what it wants."""
    status, reason = left_out_as_stored(table, known), table.reason.copy()
    status[wanted] = PLANNED
    for index, (was, why) in known.items():
        if was == ASIDE and not wanted[index]:
            status[index], reason[index] = ASIDE, why
    return replace(table, status=status, reason=reason)


def _take_over(
    folder: RunFolder, dataset: DatasetPlan, todo: np.ndarray, aside: Sequence[Mapping[str, str]]
) -> None:
    """Write receipts for shards that earlier runs ingested."""
    name = f"ingest.{dataset.name}"
    ledger = Ledger(folder)
    shards = merge((int(shard), int(shard) + 1) for shard in todo)
    ranges = subtract([(0, ledger.stages[name])], [*shards, *ledger.done(name)])
    for index, (start, stop) in enumerate(ranges):
        receipt: dict[str, Any] = {
            "stage": name,
            "blocks": [start, stop],
            "seconds": 0.0,
            "samples": 0,
            "reused": 1,
        }
        if aside and index == 0:
            receipt["aside"] = aside
        append(folder.receipts / "store.jsonl", receipt)
