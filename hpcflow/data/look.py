"""Look at a dataset: what records there are, where its store is, what that store holds already."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hpcflow.data.foreign import scan_zarr
from hpcflow.data.scan import scan_dataset
from hpcflow.data.store import store_layout, stored_table
from hpcflow.errors import WorkflowError
from hpcflow.plan.layout import Layout
from hpcflow.plan.records import ASIDE, OK, PLANNED, RecordTable

if TYPE_CHECKING:
    from hpcflow.workflow.model import DatasetSpec, WorkflowSpec


@dataclass(frozen=True)
class Looked:
    """A dataset as planning sees it.

    Attributes
    ----------
    table, layout
        Records as planned, and how they are cut.
    folder, store
        What record paths start from; where the store is or will be.
    aside, warnings
        Files that cannot be used, with the reason; what looks like a slip.
    read_bytes
        Most bytes that reading one shard's part of a record takes; 0 where nothing is read from files.
    """

    table: RecordTable
    layout: Layout
    folder: Path
    store: Path
    aside: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    read_bytes: int = 0


def store_of(spec: WorkflowSpec, dataset: DatasetSpec) -> Path:
    """Where the dataset's store is: ``data/<name>.zarr`` beside the workflow unless it says otherwise."""
    return spec.folder / (dataset.store or f"data/{dataset.name}.zarr")


def look_at_files(spec: WorkflowSpec, dataset: DatasetSpec) -> Looked:
    """Scan files and lay their records out after those that the store has.

    Raises
    ------
    WorkflowError
        If no file matches, or none can be used.
    """
    store = store_of(spec, dataset)
    dataset, folder = _rooted(spec, dataset)
    previous = stored_table(store)
    known = store_layout(store)
    found = scan_dataset(
        dataset,
        folder=folder,
        cache=store.with_suffix(".scan.json"),
        previous=None if previous is None else _as_planned(previous),
        layout=None if known is None else Layout(*known),
        problem=spec.problem,
    )
    if not len(found.records) or not (found.records.status == OK).any():
        reasons = "; ".join(f"{name}: {reason}" for name, reason in found.aside[:5])
        raise WorkflowError(
            [
                spec.problem(
                    f"datasets.{dataset.name}.files",
                    "at least one file must be readable",
                    reasons or "no file matches " + ", ".join(dataset.files),
                    "what each file needs stands behind its name"
                    if reasons
                    else "check the pattern; it is relative to the workflow's folder",
                )
            ]
        )
    warnings = tuple(map(str, found.warnings))
    return Looked(found.records, found.layout, folder, store, tuple(found.aside), warnings, found.read_bytes)


def _rooted(spec: WorkflowSpec, dataset: DatasetSpec) -> tuple[DatasetSpec, Path]:
    """Absolute patterns made relative to the folder they share, so that ids do not tell where data lie."""
    if not all(os.path.isabs(pattern) for pattern in dataset.files):
        return dataset, spec.folder
    heads = [os.path.dirname(re.split(r"[*?\[]", pattern)[0]) for pattern in dataset.files]
    root = os.path.commonpath(heads)
    records = dataset.records and os.path.join(spec.folder, dataset.records)
    files = tuple(os.path.relpath(pattern, root) for pattern in dataset.files)
    return replace(dataset, files=files, records=records), Path(root)


def _as_planned(table: RecordTable) -> RecordTable:
    """As scanning sees a store: what ingest found out about a record does not change the plan."""
    again = (table.status == PLANNED) | ((table.status == ASIDE) & (table.size > 0))
    status = np.where(again, OK, table.status).astype(np.int8)
    reason = table.reason.copy()
    reason[again] = ""
    return replace(table, status=status, reason=reason)


def look_at_zarr(spec: WorkflowSpec, dataset: DatasetSpec) -> Looked:
    """Take an existing store as a dataset: one of ours, or arrays whose last dimension is time.

    Raises
    ------
    WorkflowError
        If it cannot be opened, or holds no such array.
    """
    store = spec.folder / (dataset.zarr or "")
    known = None
    if (store / "zarr.json").is_file() and "hpcflow_kind" in (store / "zarr.json").read_text():
        known = store_layout(store)
    if known is not None:
        table = stored_table(store)
        if table is not None:
            return Looked(table, Layout(*known), store, store, (), ())
    table, warnings = scan_zarr(spec, dataset, store)
    return Looked(table, Layout(), store, store, (), warnings)
