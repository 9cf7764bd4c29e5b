"""Close a dataset's record table: what was planned becomes what is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpcflow.data.encode import group_metadata
from hpcflow.data.store import (
    group_attrs,
    left_out_as_stored,
    stored_as_planned,
    stored_table,
    template_files,
)
from hpcflow.data.table import table_files
from hpcflow.plan.model import StagePlan
from hpcflow.plan.records import ASIDE, LEFT_OUT, OK, PLANNED
from hpcflow.run.commit import BlockOutput, NewFile
from hpcflow.run.context import RunContext
from hpcflow.run.ledger import Ledger


def run_block(ctx: RunContext, stage: StagePlan, block: int) -> BlockOutput:
    """Write the record table with the status that ingest found."""
    table = ctx.tables[stage.dataset]
    reasons = Ledger(ctx.folder).aside(f"ingest.{stage.dataset}")
    bad = np.fromiter((name in reasons for name in table.ids), bool, len(table))
    bad &= np.isin(table.status, (OK, PLANNED))
    found = np.where(table.status == PLANNED, OK, table.status)
    known = stored_as_planned(table, stored_table(ctx.store(stage.dataset)))
    found = np.where(table.status == LEFT_OUT, left_out_as_stored(table, known), found)
    status = np.where(bad, ASIDE, found).astype(np.int8)
    reason = table.reason.copy()
    for index in np.flatnonzero(bad):
        reason[index] = reasons[table.ids[index]]
    closed = replace(table, status=status, reason=reason)
    dataset = ctx.cut.dataset(stage.dataset)
    files = dict(table_files(closed))
    arrays = {**dict(template_files(dataset, closed)), **files}
    files["zarr.json"] = group_metadata(group_attrs(dataset, closed), arrays)
    store = ctx.store(stage.dataset)
    return BlockOutput(
        files=[
            NewFile(f"dataset/{stage.dataset}/{name}", store / name, content)
            for name, content in files.items()
        ]
    )
