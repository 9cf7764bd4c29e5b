"""Rows that an earlier run of the same workflow has computed already, found by key, record by record.

Equal step keys (kernels, versions, parameters, all the way up) and equal recordings (checksum, rate, facts)
mean equal bits, so the rows are copied and only what is new is computed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpcflow.data.table import read_table
from hpcflow.errors import HpcflowError
from hpcflow.plan.axes import live
from hpcflow.plan.model import Cut
from hpcflow.plan.records import RecordTable
from hpcflow.run.folder import RunFolder
from hpcflow.run.ledger import Ledger

FILE = "reuse.json"

Reuse = dict[str, dict[str, list[tuple[int, int]]]]
"""step -> earlier run (folder name) -> (record now, record then), positions among the live records."""


def find_reuse(runs: Path, cut: Cut, tables: Mapping[str, RecordTable]) -> Reuse:
    """Look for rows in complete runs of the same workflow beside this one, the newest first."""
    found: Reuse = {}
    wanted = [s for s in cut.steps if s.saved and s.pattern != "reduce"]
    signatures: dict[str, list[tuple[Any, ...]]] = {}
    for folder in _earlier(runs, cut):
        signatures = signatures or {name: _signatures(table) for name, table in tables.items()}
        earlier = Cut.from_dict(folder.cut)
        keys = {s.key: s for s in earlier.steps if s.saved}
        aside = Ledger(folder).aside()
        then: dict[str, dict[Any, int]] = {}
        for step in wanted:
            twin = keys.get(step.key)
            if twin is None or twin.name != step.name:
                continue
            if twin.dataset not in then:
                table = read_table(folder.records / f"{twin.dataset}.zarr")
                good = {
                    s: i
                    for i, s in enumerate(_signatures(table))
                    if str(table.ids[live(table)[i]]) not in aside
                }
                then[twin.dataset] = good
            have = {new for pairs in found.get(step.name, {}).values() for new, _ in pairs}
            pairs = [
                (new, then[twin.dataset][signature])
                for new, signature in enumerate(signatures[step.dataset])
                if new not in have and signature in then[twin.dataset]
            ]
            if pairs:
                found.setdefault(step.name, {})[folder.path.name] = pairs
    return found


def _earlier(runs: Path, cut: Cut) -> Iterator[RunFolder]:
    """Complete runs of the workflow, newest first."""
    found = sorted(runs.glob(f"{cut.name}-*/status.json"), key=lambda p: -p.stat().st_mtime)
    for path in found:
        try:
            folder = RunFolder.at(path.parent)
            done = json.loads(path.read_text())["state"] == "done"
            if done and folder.run_id != cut.id and _whole(folder):
                yield folder
        except (HpcflowError, OSError, ValueError, KeyError):
            continue


def _whole(folder: RunFolder) -> bool:
    """Whether every result file that a receipt names is there with its size: a missing shard reads as NaN."""
    ledger = Ledger(folder)
    sizes = {
        name: nbytes
        for stage in ledger.stages
        for receipt in ledger.receipts(stage)
        for name, nbytes, _ in receipt.get("files", ())
        if name.startswith("results/")
    }
    return all((folder.path / name).stat().st_size == nbytes for name, nbytes in sizes.items())


def _signatures(table: RecordTable) -> list[tuple[Any, ...]]:
    """What makes two records the same, for each live record."""
    index = live(table)
    columns: list[np.ndarray] = [table.ids, table.checksum, table.rate, table.size]
    for name in sorted(table.facts):
        fact = table.facts[name]
        columns += [fact.values, np.full(len(table), fact.units, object)]
    texts = [[repr(value) for value in np.asarray(column)[index].tolist()] for column in columns]
    return list(zip(*texts, strict=True))


class Reusable:
    """Answers where a record's rows lie in an earlier run."""

    def __init__(self, folder: RunFolder) -> None:
        path = folder.path / FILE
        raw: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
        self._where = {
            step: {int(new): (run, int(old)) for run, pairs in by_run.items() for new, old in pairs}
            for step, by_run in raw.items()
        }

    def find(self, step: str, record: int) -> tuple[str, int] | None:
        """(earlier run's folder name, record there), or None."""
        return self._where.get(step, {}).get(record)

    def all_of(self, steps: tuple[str, ...], record: int) -> bool:
        """Whether every one of these steps has the record's rows."""
        return bool(steps) and all(self.find(step, record) is not None for step in steps)
