"""Files of a run folder that lie in no store of results."""

from __future__ import annotations

from hpcflow.plan.model import Cut

OWN = 7
"""Workflow, cut, request, what earlier runs have, lock, status and report."""


def folder_files(cut: Cut) -> int:
    """Files beside the stores: the folder's own, the table of records as planned, receipts of one worker.

    What jobs add (scripts, logs, claims, receipts of each worker) is the schedule's to count.
    """
    tables = sum(1 + d.table_files + (d.kind == "files") for d in cut.datasets)  # and what the scan remembers
    return OWN + tables + len(cut.stages)
